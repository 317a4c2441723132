#include "dnsd/dispatch_log.h"

#include <boost/asio/ip/address.hpp>

#include "dnsd/config.h"

namespace dnsd {
namespace {

/// RFC 8945 §4.2: the key's name owns the TSIG, its RDATA begins with the algorithm's. Empty when
/// unreadable.
std::optional<std::pair<zones::Name, zones::Name>> key_and_algorithm(
    std::span<const std::uint8_t> octets, std::size_t tsig_offset) {
  constexpr std::size_t TYPE_TO_RDLENGTH = 10;
  zones::WireReader reader(octets, tsig_offset);
  const zones::Name key = reader.name();
  reader.skip(TYPE_TO_RDLENGTH);
  const zones::Name algorithm = reader.name();
  if (reader.failed()) return std::nullopt;
  return std::pair(key, algorithm);
}

bool is_md5(zones::NameView algorithm) {
  static const zones::Name MD5 = *zones::Name::from_text("hmac-md5.sig-alg.reg.int.");
  return algorithm == MD5;
}

std::string reason(const State& state, std::span<const std::uint8_t> octets,
                   std::size_t tsig_offset, keys::TsigError error) {
  const auto names = key_and_algorithm(octets, tsig_offset);
  if (!names) return "its TSIG is malformed";
  const auto& [key, algorithm] = *names;
  const std::string who = "key " + key.to_text();
  switch (error) {
    case keys::TsigError::FORMERR:
      return "its TSIG is malformed, " + who;
    case keys::TsigError::BADSIG:
      return "BADSIG: the signature is not by " + who +
             " as configured here; is the secret the same?";
    case keys::TsigError::BADTIME:
      return "BADTIME: signed too long ago or in the future by " + who + "; do both clocks agree?";
    case keys::TsigError::BADTRUNC:
      return "BADTRUNC: the MAC was cut too short, " + who;
    case keys::TsigError::BADKEY:
      break;
  }
  if (is_md5(algorithm)) {
    return "BADKEY: HMAC-MD5 is never accepted (RFC 8945 §6), " + who +
           "; let the client name hmac-sha256, it takes MD5 where it is told nothing";
  }
  if (!keys::algorithm_from_name(algorithm)) {
    return "BADKEY: algorithm " + algorithm.to_text() + " is not offered, " + who;
  }
  if (const auto known = state.policy->keyring.find(key)) {
    return "BADKEY: " + who + " is for " + keys::to_text(known->algorithm) + ", not " +
           algorithm.to_text();
  }
  return "BADKEY: no " + who + " is configured here";
}

const char* kind_of(zones::Opcode opcode) {
  switch (opcode) {
    case zones::Opcode::QUERY:
      return "query";
    case zones::Opcode::UPDATE:
      return "update";
    case zones::Opcode::NOTIFY:
      return "NOTIFY";
    case zones::Opcode::IQUERY:
    case zones::Opcode::STATUS:
      break;
  }
  return "message";
}

}  // namespace

std::string to_text(const Peer& peer) {
  const boost::asio::ip::address_v6 address(peer.address);
  return to_text(Endpoint(unmapped(address), peer.port));
}

template <class MakeLine>
void DispatchLog::write(Kind kind, const MakeLine& make_line) {
  warn(limiters_[kind], make_line);
}

void DispatchLog::bad_signature(const State& state, std::span<const std::uint8_t> octets,
                                const Request& request, std::size_t tsig_offset, const Peer& peer,
                                keys::TsigError error) {
  write(BAD_SIGNATURE, [&] {
    std::string line = std::string(kind_of(request.opcode)) + " from " + to_text(peer);
    if (request.question_end != 0) line += " for " + request.qname.to_text();
    return line + " refused: " + reason(state, octets, tsig_offset, error);
  });
}

void DispatchLog::malformed_update(const Peer& peer, const char* what) {
  write(MALFORMED_UPDATE,
        [&] { return "update from " + to_text(peer) + " refused: malformed: " + what; });
}

void DispatchLog::unsigned_update(const Peer& peer, zones::NameView zone) {
  write(UNSIGNED_UPDATE, [&] {
    return "update of " + zone.to_text() + " from " + to_text(peer) + " refused: not signed";
  });
}

void DispatchLog::sig0_refused(const Peer& peer, zones::NameView zone, zones::NameView signer,
                               const char* why) {
  write(SIG0_REFUSED, [&] {
    const std::string who = signer.is_root() ? "" : " as " + signer.to_text();
    return "update of " + zone.to_text() + " from " + to_text(peer) + ", signed by SIG(0)" + who +
           ", refused: " + why;
  });
}

void DispatchLog::sig0_busy(const Peer& peer, bool source_proven, AuthPool::Admission why) {
  write(SIG0_BUSY, [&] {
    std::string line =
        "update from " + to_text(peer) + " by SIG(0) " +
        (source_proven ? "answered SERVFAIL" : "sent to TCP, or to come with a cookie") + ": ";
    if (why == AuthPool::Admission::BUSY)
      return line + "too many signatures wait ('queue' in [sig0])";
    return line + (source_proven
                       ? "too many signatures from its source ('rate' in [sig0])"
                       : "too many signatures from unproven sources ('udp-rate' in [sig0])");
  });
}

void DispatchLog::update_not_served(const Peer& peer, zones::NameView zone, zones::NameView key) {
  write(UPDATE_NOT_SERVED, [&] {
    return "update of " + zone.to_text() + " from " + to_text(peer) + " by key " + key.to_text() +
           " refused: no such zone is served here";
  });
}

void DispatchLog::update_not_granted(const Peer& peer, zones::NameView zone, zones::NameView key) {
  write(UPDATE_NOT_GRANTED, [&] {
    return "update of " + zone.to_text() + " from " + to_text(peer) +
           " refused: no grant lets key " + key.to_text() + " update this zone";
  });
}

void DispatchLog::queue_full() {
  write(QUEUE_FULL, [&] {
    return std::string(
        "update answered SERVFAIL: too many updates wait ('queue' in [update]), or the server "
        "stops");
  });
}

void DispatchLog::transfer_refused(const Peer& peer, zones::NameView zone,
                                   const zones::NameView* key) {
  write(TRANSFER_REFUSED, [&] {
    const std::string line =
        "transfer of " + zone.to_text() + " to " + to_text(peer) + " refused: ";
    return line +
           (key ? "no grant lets key " + key->to_text() + " transfer this zone" : "not signed");
  });
}

void DispatchLog::too_many_transfers(const Peer& peer, zones::NameView zone) {
  write(TOO_MANY_TRANSFERS, [&] {
    return "transfer of " + zone.to_text() + " to " + to_text(peer) +
           " answered SERVFAIL: too many at once ('max-transfers' in [tcp])";
  });
}

void DispatchLog::failed(const Peer& peer, const char* what) {
  write(FAILED, [&] { return "message from " + to_text(peer) + " answered SERVFAIL: " + what; });
}

void DispatchLog::rate_limited(const ResponseLimiter& limiter, const Peer& peer,
                               ResponseLimiter::Kind kind, zones::NameView name) {
  warn(rate_limit_lines_,
       [&] { return limiter.reason(peer.address, kind, name) + " ([rate-limit])"; });
}

}  // namespace dnsd
