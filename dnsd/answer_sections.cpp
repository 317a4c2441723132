#include "dnsd/answer_sections.h"

#include <algorithm>
#include <cstring>

#include "zones/edns.h"

namespace dnsd {
namespace {

namespace flag = zones::flag;
using zones::NameView;
using zones::RRsetView;
using zones::Type;

constexpr std::size_t OPT_OCTETS = 11;            // RFC 6891 §6.1.2, without options
constexpr std::size_t EXTENDED_ERROR_OCTETS = 6;  // RFC 8914 §2, without its text
constexpr std::size_t FIXED_OCTETS = 8;           // TYPE, CLASS and TTL
constexpr std::size_t POINTER_LIMIT = 0x4000;     // RFC 1035 §4.1.4
constexpr std::uint16_t POINTER = 0xC000;
constexpr std::uint16_t OPCODE = 0x7800;

void store16(std::uint8_t* at, std::size_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

std::size_t load16(const std::uint8_t* at) { return static_cast<std::size_t>(at[0] << 8 | at[1]); }

void store32(std::uint8_t* at, std::uint32_t value) {
  store16(at, value >> 16);
  store16(at + 2, value & 0xFFFF);
}

std::size_t owner_octets(const Owner& owner) {
  if (owner.name.is_root()) return 1;
  return owner.at != 0 ? 2 : owner.name.size();
}

std::size_t message_limit(const Request& request, const AnswerLimits& limits, std::size_t room) {
  std::size_t limit = zones::MAX_MESSAGE_OCTETS;
  if (limits.transport == Transport::UDP) {
    limit = std::max<std::size_t>(zones::MIN_UDP_OCTETS,
                                  std::min(request.udp_octets, limits.own_udp_octets));
  }
  return std::min(limit, room);
}

}  // namespace

AnswerSections::AnswerSections(std::span<const std::uint8_t> octets, const Request& request,
                               const AnswerLimits& limits, std::span<std::uint8_t> out)
    : request_(request),
      out_(out.data()),
      own_udp_octets_(limits.own_udp_octets),
      options_(limits.options) {
  const std::size_t head = request.question_end != 0 ? request.question_end : zones::HEADER_OCTETS;
  const std::size_t opt = request.has_edns ? OPT_OCTETS + options_.size() : 0;
  has_room_ = head + opt <= out.size();
  at_ = end_ = out_;
  if (!has_room_) return;
  std::memcpy(out_ + zones::HEADER_OCTETS, octets.data() + zones::HEADER_OCTETS,
              head - zones::HEADER_OCTETS);
  at_ = out_ + head;
  const std::size_t limit = message_limit(request, limits, out.size());
  const std::size_t kept = opt + limits.reserve;
  end_ = out_ + std::max(head, limit > kept ? limit - kept : 0);
  question_place_ = {.at = zones::HEADER_OCTETS,
                     .literal = static_cast<std::uint16_t>(request.qname.size() - 1),
                     .rest_at = 0};
}

Owner AnswerSections::suffix(NameView name, NamePlace place, std::size_t stripped) {
  Owner owner{NameView(name.data() + stripped, name.size() - stripped)};
  if (place.at == 0) return owner;
  std::size_t at = 0;
  if (stripped < place.literal) {
    at = place.at + stripped;
  } else if (place.rest_at != 0) {
    at = place.rest_at + (stripped - place.literal);
  }
  if (at < POINTER_LIMIT) owner.at = static_cast<std::uint16_t>(at);
  return owner;
}

bool AnswerSections::put(Section section, const Owner& owner, RRsetView rrset, std::uint32_t ttl) {
  bool done = false;
  switch (rrset.type()) {
    // The types of RFC 1035 whose names every resolver decompresses (RFC 3597 §4).
    case Type::NS:
    case Type::CNAME:
    case Type::PTR:
      done = put_with_names(owner, rrset, ttl, 0, 1);
      break;
    case Type::SOA:
      done = put_with_names(owner, rrset, ttl, 0, 2);
      break;
    case Type::MX:
      done = put_with_names(owner, rrset, ttl, 2, 1);
      break;
    default:
      done = put_opaque(owner, rrset, ttl);
      break;
  }
  if (done) count(section) = static_cast<std::uint16_t>(count(section) + rrset.count());
  return done;
}

bool AnswerSections::put_opaque(const Owner& owner, RRsetView rrset, std::uint32_t ttl) {
  const std::span<const std::uint8_t> rdatas = rrset.rdatas();
  const std::size_t head = owner_octets(owner) + FIXED_OCTETS;
  if (rdatas.size() + rrset.count() * head > room()) return false;
  const std::uint8_t* from = rdatas.data();
  const std::uint8_t* const end = from + rdatas.size();
  while (from != end) {
    put_fixed(owner, rrset.type(), ttl);
    const std::size_t size = 2 + load16(from);
    std::memcpy(at_, from, size);
    at_ += size;
    from += size;
  }
  return true;
}

bool AnswerSections::put_with_names(const Owner& owner, RRsetView rrset, std::uint32_t ttl,
                                    std::size_t names_at, std::size_t name_count) {
  std::uint8_t* const start = at_;
  for (const zones::RdataView rdata : rrset) {
    bool fits = put_fixed(owner, rrset.type(), ttl) && room() >= 2 + names_at;
    std::uint8_t* const rdlength = at_;
    if (fits) {
      at_ += 2;
      std::memcpy(at_, rdata.data(), names_at);
      at_ += names_at;
    }
    const std::uint8_t* from = rdata.data() + names_at;
    const std::uint8_t* const end = rdata.data() + rdata.size();
    for (std::size_t i = 0; fits && i < name_count; ++i) {
      const std::uint8_t* after = from;
      while (*after != 0) after += 1 + *after;
      ++after;
      fits = put_name(NameView(from, static_cast<std::size_t>(after - from)));
      from = after;
    }
    const auto rest = static_cast<std::size_t>(end - from);
    if (!fits || room() < rest) {
      at_ = start;
      return false;
    }
    std::memcpy(at_, from, rest);
    at_ += rest;
    store16(rdlength, static_cast<std::size_t>(at_ - rdlength) - 2);
  }
  return true;
}

bool AnswerSections::put_cname(const Owner& owner, NameView target, std::uint32_t ttl) {
  std::uint8_t* const start = at_;
  if (put_fixed(owner, Type::CNAME, ttl) && room() >= 2) {
    std::uint8_t* const rdlength = at_;
    at_ += 2;
    if (put_name(target)) {
      store16(rdlength, static_cast<std::size_t>(at_ - rdlength) - 2);
      ++count(Section::ANSWER);
      return true;
    }
  }
  at_ = start;
  return false;
}

bool AnswerSections::put_chaos_txt(std::span<const std::uint8_t> rdata) {
  const Owner owner = suffix(request_.qname, question_place_, 0);
  if (room() < owner_octets(owner) + FIXED_OCTETS + 2 + rdata.size()) return false;
  put_fixed(owner, Type::TXT, 0, zones::Class::CH);
  store16(at_, rdata.size());
  at_ = std::copy(rdata.begin(), rdata.end(), at_ + 2);
  ++count(Section::ANSWER);
  return true;
}

/// Owner, TYPE, CLASS and TTL.
bool AnswerSections::put_fixed(const Owner& owner, Type type, std::uint32_t ttl,
                               zones::Class rrclass) {
  if (room() < owner_octets(owner) + FIXED_OCTETS) return false;
  put_owner(owner);
  store16(at_, static_cast<std::uint16_t>(type));
  store16(at_ + 2, static_cast<std::uint16_t>(rrclass));
  store32(at_ + 4, ttl);
  at_ += FIXED_OCTETS;
  return true;
}

void AnswerSections::put_owner(const Owner& owner) {
  if (owner.at != 0 && !owner.name.is_root()) {
    store16(at_, POINTER | owner.at);
    at_ += 2;
    return;
  }
  std::memcpy(at_, owner.name.data(), owner.name.size());
  at_ += owner.name.size();
}

/// Where a suffix of the question's name stands that is `name` to the last octet, since a pointer
/// shows the question's spelling (RFC 4343 §4.1). 0: nowhere.
std::size_t AnswerSections::question_suffix_at(NameView name) const {
  const NameView qname = request_.qname;
  if (name.size() > qname.size()) return 0;
  const std::size_t at = qname.size() - name.size();
  const std::uint8_t* const question = qname.data() + at;
  if (question[0] != name.data()[0] || question[1] != name.data()[1]) return 0;
  if (std::memcmp(question, name.data(), name.size()) != 0) return 0;
  // Those octets may lie inside a label that looks like labels; a pointer leads to the start of
  // one.
  std::size_t label = 0;
  while (label < at) label += 1U + qname.data()[label];
  return label == at ? zones::HEADER_OCTETS + at : 0;
}

/// A name in RDATA, its longest suffix that is one of the question's replaced by a pointer.
bool AnswerSections::put_name(NameView name) {
  std::size_t literal = 0;
  std::size_t rest_at = 0;
  while (name.data()[literal] != 0) {
    rest_at = question_suffix_at(NameView(name.data() + literal, name.size() - literal));
    if (rest_at != 0) break;
    literal += 1U + name.data()[literal];
  }
  const std::size_t size = literal + (rest_at != 0 ? 2 : 1);
  if (room() < size) return false;
  // A name that is wholly a pointer stands where that leads.
  last_name_ = {.at = static_cast<std::uint16_t>(literal != 0 ? this->size() : rest_at),
                .literal = static_cast<std::uint16_t>(literal),
                .rest_at = static_cast<std::uint16_t>(rest_at)};
  std::memcpy(at_, name.data(), literal);
  at_ += literal;
  if (rest_at != 0) {
    store16(at_, POINTER | rest_at);
    at_ += 2;
  } else {
    *at_++ = 0;
  }
  return true;
}

AnswerSections::Written AnswerSections::written(std::size_t record) const {
  const std::uint8_t* at = out_ + record;
  while (*at != 0 && *at < 0xC0) at += 1 + *at;
  at += *at == 0 ? 1 : 2;
  const std::size_t rdlength = load16(at + FIXED_OCTETS);
  const auto rdata_at = static_cast<std::size_t>(at - out_) + FIXED_OCTETS + 2;
  return {rdata_at, rdata_at + rdlength};
}

Owner AnswerSections::owner_at(NameView name, std::size_t at) const {
  if (at == 0) return Owner{name};
  // A pointer to a pointer is not wrong, but the second one says it directly.
  if (out_[at] >= 0xC0) at = load16(out_ + at) & 0x3FFF;
  Owner owner{name};
  if (at < POINTER_LIMIT) owner.at = static_cast<std::uint16_t>(at);
  return owner;
}

void AnswerSections::clear() {
  at_ = out_ + (request_.question_end != 0 ? request_.question_end : zones::HEADER_OCTETS);
  std::fill(std::begin(counts_), std::end(counts_), std::uint16_t{0});
}

std::size_t AnswerSections::finish(zones::Rcode rcode, bool authoritative, bool truncated,
                                   const zones::ExtendedErrorView* reason) {
  if (reason != nullptr && request_.has_edns &&
      room() < EXTENDED_ERROR_OCTETS + reason->text.size()) {
    reason = nullptr;
    truncated = true;
  }
  const auto code = static_cast<std::uint16_t>(rcode);
  // RD and CD are copied (RFC 1035 §4.1.1, RFC 4035 §3.1.6), but are reserved in an UPDATE (RFC
  // 2136 §2.2). RA and AD stay clear: nothing is recursed for or validated here.
  std::uint16_t kept = OPCODE;
  if (request_.opcode != zones::Opcode::UPDATE) kept |= flag::RD | flag::CD;
  std::uint16_t flags =
      static_cast<std::uint16_t>(flag::QR | (request_.flags & kept) | (code & 0xF));
  if (authoritative) flags |= flag::AA;
  if (truncated) flags |= flag::TC;
  store16(out_, request_.id);
  store16(out_ + 2, flags);
  store16(out_ + 4, request_.question_end != 0 ? 1 : 0);
  store16(out_ + 6, counts_[0]);
  store16(out_ + 8, counts_[1]);
  store16(out_ + 10, counts_[2] + (request_.has_edns ? 1U : 0U));
  if (request_.has_edns) put_opt(rcode, reason);
  return size();
}

/// RFC 6891 §6.1.3, with DO copied (RFC 3225 §3). All other flags are clear (§6.1.4).
void AnswerSections::put_opt(zones::Rcode rcode, const zones::ExtendedErrorView* reason) {
  const auto code = static_cast<std::uint16_t>(rcode);
  at_[0] = 0;
  store16(at_ + 1, static_cast<std::uint16_t>(Type::OPT));
  store16(at_ + 3, own_udp_octets_);
  at_[5] = static_cast<std::uint8_t>(code >> 4);
  at_[6] = 0;
  store16(at_ + 7, request_.edns_do ? 0x8000 : 0);
  std::uint8_t* const rdlength = at_ + 9;
  at_ += OPT_OCTETS;
  std::copy(options_.begin(), options_.end(), at_);
  at_ += options_.size();
  if (reason != nullptr) {
    store16(at_, static_cast<std::uint16_t>(zones::OptionCode::EXTENDED_ERROR));
    store16(at_ + 2, 2 + reason->text.size());
    store16(at_ + 4, reason->info_code);
    std::copy(reason->text.begin(), reason->text.end(), at_ + EXTENDED_ERROR_OCTETS);
    at_ += EXTENDED_ERROR_OCTETS + reason->text.size();
  }
  store16(rdlength, static_cast<std::size_t>(at_ - rdlength) - 2);
}

}  // namespace dnsd
