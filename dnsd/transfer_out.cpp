#include "dnsd/transfer_out.h"

#include <algorithm>
#include <vector>

#include "zones/edns.h"
#include "zones/snapshot.h"

namespace dnsd {
namespace {

constexpr bool KEEP_CASE = true;  // RFC 5936 §3.4

/// Header with the counts at zero; the question follows when there is one.
void write_head(zones::WireWriter& writer, std::uint16_t id, std::uint16_t flags,
                std::span<const std::uint8_t> question) {
  writer.u16(id);
  writer.u16(
      static_cast<std::uint16_t>(zones::flag::QR | zones::flag::AA | (flags & zones::flag::RD)));
  writer.u16(question.empty() ? 0 : 1);
  writer.u16(0);
  writer.u16(0);
  writer.u16(0);
  if (question.empty()) return;
  constexpr std::size_t TYPE_AND_CLASS = 4;
  // Remembered, so that owners point to it. The name is written as it came (RFC 4343 §4).
  writer.compressed_name({question.data(), question.size() - TYPE_AND_CLASS}, KEEP_CASE);
  writer.octets(question.last(TYPE_AND_CLASS));
}

void write_record(zones::WireWriter& writer, zones::NameView owner, zones::RRsetView rrset,
                  zones::RdataView rdata) {
  writer.compressed_name(owner, KEEP_CASE);
  writer.u16(static_cast<std::uint16_t>(rrset.type()));
  writer.u16(static_cast<std::uint16_t>(zones::Class::IN));
  writer.u32(rrset.ttl());
  // Names in RDATA are not compressed: it saves little here, and each keeps its case.
  writer.u16(static_cast<std::uint16_t>(rdata.size()));
  writer.octets(rdata);
}

/// @param edns_do  comes back as it came (RFC 3225 §3)
/// @param options  as they shall stand in RDATA
void write_opt(zones::WireWriter& writer, std::uint16_t udp_octets, bool edns_do,
               std::span<const std::uint8_t> options) {
  writer.u8(0);  // the root
  writer.u16(static_cast<std::uint16_t>(zones::Type::OPT));
  writer.u16(udp_octets);
  writer.u32(edns_do ? zones::EDNS_DO : 0);  // RCODE and version are 0
  writer.u16(static_cast<std::uint16_t>(options.size()));
  writer.octets(options);
}

constexpr std::size_t ANCOUNT_AT = 6;
constexpr std::size_t ARCOUNT_AT = 10;
constexpr std::size_t OPT_OCTETS = 11;

std::span<const std::uint8_t> question_of(std::span<const std::uint8_t> octets,
                                          const Request& request) {
  return octets.first(request.question_end).subspan(zones::HEADER_OCTETS);
}

}  // namespace

std::optional<TransferSlots::Slot> TransferSlots::take() {
  std::size_t used = used_.load(std::memory_order_relaxed);
  while (used < limit_) {
    if (used_.compare_exchange_weak(used, used + 1, std::memory_order_relaxed)) return Slot(this);
  }
  return std::nullopt;
}

std::size_t answer_soa(std::span<const std::uint8_t> octets, const Request& request,
                       zones::NameView apex, zones::RRsetView soa, const AnswerLimits& limits,
                       std::span<std::uint8_t> out) {
  std::size_t size = out.size();
  if (limits.transport == Transport::UDP) {
    size = std::min<std::size_t>({size, request.udp_octets, limits.own_udp_octets});
  }
  zones::WireWriter writer(out.first(size));
  writer.reserve(limits.reserve + (request.has_edns ? OPT_OCTETS + limits.options.size() : 0));
  write_head(writer, request.id, request.flags, question_of(octets, request));
  write_record(writer, apex, soa, soa.first());
  writer.reserve(limits.reserve);
  if (request.has_edns) {
    write_opt(writer, limits.own_udp_octets, request.edns_do, limits.options);
  }
  if (writer.overflowed()) return 0;
  writer.patch_u16(ANCOUNT_AT, 1);
  writer.patch_u16(ARCOUNT_AT, request.has_edns ? 1 : 0);
  return writer.size();
}

struct TransferOut::Impl {
  enum class Phase : std::uint8_t { SOA_FIRST, BODY, SOA_LAST, DONE };

  Impl(std::span<const std::uint8_t> octets, const Request& request, StatePin pinned,
       zones::NameView apex, TransferSlots::Slot taken, std::optional<keys::TsigExchange> exchange,
       Clock signed_by, std::span<const std::uint8_t> opt_options)
      : id(request.id),
        flags(request.flags),
        has_edns(request.has_edns),
        edns_do(request.edns_do),
        question(question_of(octets, request).begin(), question_of(octets, request).end()),
        pin(std::move(pinned)),
        udp_octets(pin.state().policy->udp_octets),
        zone(pin.state().catalogue.zone(apex).value()),
        slot(std::move(taken)),
        tsig(std::move(exchange)),
        clock(std::move(signed_by)),
        options(opt_options.begin(), opt_options.end()) {}

  const std::uint16_t id;
  const std::uint16_t flags;
  const bool has_edns;
  const bool edns_do;
  const std::vector<std::uint8_t> question;
  const StatePin pin;
  const std::uint16_t udp_octets;
  const zones::ZoneSnapshot zone;
  const TransferSlots::Slot slot;
  std::optional<keys::TsigExchange> tsig;
  const Clock clock;
  const std::vector<std::uint8_t> options;

  Phase phase = Phase::SOA_FIRST;
  std::optional<zones::Name> done;  // the last name of which all records were sent
  std::size_t sent_of_next = 0;     // records of the name after it that were sent
  std::uint64_t messages = 0;
  std::uint64_t records = 0;

  /// Puts one record unless it does not fit; then the writer is as before.
  bool put(zones::WireWriter& writer, zones::NameView owner, zones::RRsetView rrset,
           zones::RdataView rdata) {
    const std::size_t before = writer.size();
    write_record(writer, owner, rrset, rdata);
    if (!writer.overflowed()) return true;
    writer.rewind(before);
    return false;
  }

  bool put_soa(zones::WireWriter& writer) {
    const zones::RRsetView soa = zone.soa();
    return put(writer, zone.apex(), soa, soa.first());
  }

  /// Puts what fits of the names after `done`. @return the number of records
  std::size_t put_body(zones::WireWriter& writer) {
    std::size_t count = 0;
    bool full = false;
    zone.for_each_after(done, [&](zones::NameView owner, zones::RRsetsView rrsets) {
      std::size_t index = 0;
      for (const zones::RRsetView rrset : rrsets) {
        // The SOA of the apex stands at both ends only (RFC 5936 §2.2).
        if (rrset.type() == zones::Type::SOA && owner == zone.apex()) continue;
        for (const zones::RdataView rdata : rrset) {
          if (index++ < sent_of_next) continue;
          if (!put(writer, owner, rrset, rdata)) {
            full = true;
            return false;
          }
          ++sent_of_next;
          // ANCOUNT has 16 bits.
          if (++count == 0xfff0) {
            full = true;
            return false;
          }
        }
      }
      done = zones::Name(owner);
      sent_of_next = 0;
      return true;
    });
    if (!full) phase = Phase::SOA_LAST;
    return count;
  }

  std::size_t put_records(zones::WireWriter& writer) {
    std::size_t count = 0;
    if (phase == Phase::SOA_FIRST) {
      if (!put_soa(writer)) return 0;
      ++count;
      phase = Phase::BODY;
    }
    if (phase == Phase::BODY) count += put_body(writer);
    if (phase == Phase::SOA_LAST && put_soa(writer)) {
      ++count;
      phase = Phase::DONE;
    }
    return count;
  }
};

TransferOut::TransferOut(std::span<const std::uint8_t> octets, const Request& request, StatePin pin,
                         zones::NameView apex, TransferSlots::Slot slot,
                         std::optional<keys::TsigExchange> tsig, Clock clock,
                         std::span<const std::uint8_t> options)
    : impl_(std::make_unique<Impl>(octets, request, std::move(pin), apex, std::move(slot),
                                   std::move(tsig), std::move(clock), options)) {}

TransferOut::~TransferOut() = default;

TransferOut::Step TransferOut::next(std::span<std::uint8_t> out) {
  Impl& impl = *impl_;
  if (impl.pin.expired()) return {.status = Status::EXPIRED};
  const std::size_t signature = impl.tsig ? impl.tsig->max_signature_octets() : 0;
  const bool first = impl.messages == 0;
  const bool with_opt = first && impl.has_edns;  // RFC 5936 §2.2.5: in the first message
  const std::size_t tail = signature + (with_opt ? OPT_OCTETS + impl.options.size() : 0);

  // A record that does not fit an ordinary message gets one of full size.
  for (const std::size_t limit : {MESSAGE_OCTETS, zones::MAX_MESSAGE_OCTETS}) {
    zones::WireWriter writer(out.first(std::min(limit, out.size())));
    writer.reserve(tail);
    write_head(
        writer, impl.id, impl.flags,
        first ? std::span<const std::uint8_t>(impl.question) : std::span<const std::uint8_t>());
    const std::size_t count = impl.put_records(writer);
    if (count == 0) continue;
    writer.reserve(signature);
    if (with_opt) write_opt(writer, impl.udp_octets, impl.edns_do, impl.options);
    writer.patch_u16(ANCOUNT_AT, static_cast<std::uint16_t>(count));
    writer.patch_u16(ARCOUNT_AT, with_opt ? 1 : 0);
    std::size_t size = writer.size();
    if (impl.tsig) size = impl.tsig->sign(out, size, impl.clock());
    if (size == 0) return {.status = Status::FAILED};
    ++impl.messages;
    impl.records += count;
    return {.status = impl.phase == Impl::Phase::DONE ? Status::LAST : Status::MORE,
            .octets = size};
  }
  return {.status = Status::FAILED};
}

zones::NameView TransferOut::apex() const { return impl_->zone.apex(); }
std::uint64_t TransferOut::messages() const { return impl_->messages; }
std::uint64_t TransferOut::records() const { return impl_->records; }
std::uint32_t TransferOut::serial() const { return impl_->zone.serial(); }

}  // namespace dnsd
