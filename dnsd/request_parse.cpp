// Request parsing without allocation: what decides an answer, and nothing else.

#include "dnsd/cookies.h"
#include "dnsd/query.h"
#include "zones/edns.h"

namespace dnsd {
namespace {

using zones::Opcode;
using zones::Type;

constexpr std::uint8_t POINTER = 0xC0;            // RFC 1035 §4.1.4
constexpr std::size_t RECORD_FIXED_OCTETS = 10;   // TYPE, CLASS, TTL, RDLENGTH
constexpr std::size_t QUESTION_FIXED_OCTETS = 4;  // QTYPE, QCLASS
constexpr std::size_t OPTION_HEADER_OCTETS = 4;   // RFC 6891 §6.1.2
constexpr std::size_t MALFORMED = 0;              // never an offset after a name or record

using Octets = std::span<const std::uint8_t>;

std::uint16_t u16(Octets octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

/// The offset after an uncompressed name. Nothing stands before the question's name that a pointer
/// could lead to.
std::size_t after_plain_name(Octets octets, std::size_t at) {
  const std::size_t start = at;
  while (at < octets.size()) {
    const std::uint8_t label = octets[at];
    ++at;
    if (label == 0) return at - start <= zones::MAX_NAME_OCTETS ? at : MALFORMED;
    if (label > zones::MAX_LABEL_OCTETS) return MALFORMED;
    at += label;
  }
  return MALFORMED;
}

/// The offset after a name that may end in a pointer; where that leads is not followed.
std::size_t after_name(Octets octets, std::size_t at) {
  const std::size_t start = at;
  while (at < octets.size()) {
    const std::uint8_t label = octets[at];
    if (label >= POINTER) return at + 2 <= octets.size() ? at + 2 : MALFORMED;
    ++at;
    if (label == 0) return at - start <= zones::MAX_NAME_OCTETS ? at : MALFORMED;
    if (label > zones::MAX_LABEL_OCTETS) return MALFORMED;
    at += label;
  }
  return MALFORMED;
}

bool read_option(zones::OptionCode code, Octets data, Request& request) {
  const auto note = [&request](RequestOption option) {
    request.options |= static_cast<std::uint8_t>(option);
  };
  switch (code) {
    case zones::OptionCode::COOKIE:
      if (!request.cookie.empty()) return true;
      if (!Cookies::is_well_formed(data)) return false;
      request.cookie = data;
      note(RequestOption::COOKIE);
      return true;
    case zones::OptionCode::NSID:
      note(RequestOption::NSID);  // what it holds is ignored (RFC 5001 §2.2)
      return true;
    case zones::OptionCode::TCP_KEEPALIVE:
      note(data.empty() ? RequestOption::KEEPALIVE : RequestOption::KEEPALIVE_TIME_OUT);
      return true;
    case zones::OptionCode::REACHABILITY:  // of another form it is somebody else's, not wrong
      if (!request.asks(RequestOption::REACHABILITY)) request.reachability = data;
      note(RequestOption::REACHABILITY);
      return true;
    default:
      return true;
  }
}

/// False unless the lengths of the options fill OPT's RDATA exactly, and a cookie's is right (RFC
/// 7873 §5.2.2); of several cookies the first counts (§5.2).
bool read_options(Octets rdata, Request& request) {
  std::size_t at = 0;
  while (at < rdata.size()) {
    if (rdata.size() - at < OPTION_HEADER_OCTETS) return false;
    const std::size_t size = u16(rdata, at + 2);
    const std::size_t data_at = at + OPTION_HEADER_OCTETS;
    if (rdata.size() - data_at < size) return false;
    const auto code = static_cast<zones::OptionCode>(u16(rdata, at));
    if (!read_option(code, rdata.subspan(data_at, size), request)) return false;
    at = data_at + size;
  }
  return true;
}

/// One record after the question, its fixed part checked to be there.
struct SkippedRecord {
  std::size_t start;  // of its owner name
  std::size_t fixed;  // of TYPE
  std::size_t end;
  Type type;
  Octets rdata;
};

bool skip_record(Octets octets, std::size_t at, SkippedRecord& record) {
  const std::size_t fixed = after_name(octets, at);
  if (fixed == MALFORMED || octets.size() - fixed < RECORD_FIXED_OCTETS) return false;
  const std::size_t rdata_at = fixed + RECORD_FIXED_OCTETS;
  const std::size_t rdlength = u16(octets, fixed + 8);
  if (octets.size() - rdata_at < rdlength) return false;
  record = {at, fixed, rdata_at + rdlength, static_cast<Type>(u16(octets, fixed)),
            octets.subspan(rdata_at, rdlength)};
  return true;
}

bool read_opt(Octets octets, const SkippedRecord& record, Request& request) {
  if (record.fixed - record.start != 1)
    return false;                      // the owner must be the root (RFC 6891 §6.1.2)
  if (request.has_edns) return false;  // one OPT at most (RFC 6891 §6.1.1)
  const std::uint8_t version = octets[record.fixed + 5];
  // What other versions put into RDATA is not known here.
  if (version == 0 && !read_options(record.rdata, request)) return false;
  request.has_edns = true;
  request.edns_version = version;
  request.edns_do = (octets[record.fixed + 6] & 0x80) != 0;
  const std::uint16_t udp_octets = u16(octets, record.fixed + 2);
  // Smaller values count as 512 (RFC 6891 §6.2.3).
  request.udp_octets = udp_octets < zones::MIN_UDP_OCTETS
                           ? static_cast<std::uint16_t>(zones::MIN_UDP_OCTETS)
                           : udp_octets;
  return true;
}

bool is_signature(const SkippedRecord& record) {
  if (record.type == Type::TSIG) return true;
  // A SIG that covers type 0 is a transaction signature (RFC 2931 §3).
  return record.type == Type::SIG && record.rdata.size() >= 2 && u16(record.rdata, 0) == 0;
}

/// Everything after the question, which ends at `at`.
bool parse_records(Octets octets, std::size_t at, Request& request) {
  const std::size_t before_additional = std::size_t{u16(octets, 6)} + u16(octets, 8);
  const std::size_t record_count = before_additional + u16(octets, 10);
  for (std::size_t i = 0; i < record_count; ++i) {
    SkippedRecord record;
    if (!skip_record(octets, at, record)) return false;
    at = record.end;
    const bool additional = i >= before_additional;
    if (record.type == Type::OPT) {
      if (!additional || !read_opt(octets, record, request)) return false;
    } else if (is_signature(record)) {
      // The last of all, hence only one (RFC 8945 §5.2, RFC 2931 §3.2).
      if (!additional || i + 1 != record_count) return false;
      request.signature_offset = record.start;
      request.signature_type = record.type;
    }
  }
  return at == octets.size();
}

/// Everything after the header. False for FORMERR; `request` then has what was read before.
bool parse_sections(Octets octets, Request& request) {
  const std::uint16_t questions = u16(octets, 4);
  if (questions == 0) {
    const bool whole = parse_records(octets, zones::HEADER_OCTETS, request);
    // A client may ask for a cookie alone (RFC 7873 §5.4).
    return whole && request.opcode == Opcode::QUERY && !request.cookie.empty();
  }
  // One question, also in NOTIFY and UPDATE (RFC 9619 §4, RFC 2136 §2.3).
  if (questions != 1) return false;
  const std::size_t after_qname = after_plain_name(octets, zones::HEADER_OCTETS);
  if (after_qname == MALFORMED || octets.size() - after_qname < QUESTION_FIXED_OCTETS) return false;
  request.qname =
      zones::NameView(octets.data() + zones::HEADER_OCTETS, after_qname - zones::HEADER_OCTETS);
  request.qtype = static_cast<Type>(u16(octets, after_qname));
  request.qclass = static_cast<zones::Class>(u16(octets, after_qname + 2));
  request.question_end = after_qname + QUESTION_FIXED_OCTETS;
  return parse_records(octets, request.question_end, request);
}

}  // namespace

zones::NameView peek_question_name(Octets octets) {
  const std::size_t begin = zones::HEADER_OCTETS;
  const std::size_t end = after_plain_name(octets, begin);
  if (end == MALFORMED) return {};
  return {octets.data() + begin, end - begin};
}

Parse parse_request(std::span<const std::uint8_t> octets, Request& request) {
  request = Request{};
  if (octets.size() < zones::HEADER_OCTETS) return Parse::DROP;
  request.id = u16(octets, 0);
  request.flags = u16(octets, 2);
  if ((request.flags & zones::flag::QR) != 0)
    return Parse::DROP;  // two servers would answer each other for ever
  request.opcode = static_cast<Opcode>(request.flags >> 11 & 0xF);
  request.whole = parse_sections(octets, request);
  if (request.whole) return Parse::OK;
  switch (request.opcode) {
    case Opcode::QUERY:
    case Opcode::NOTIFY:
    case Opcode::UPDATE:
      return Parse::FORMERR;
    case Opcode::IQUERY:
    case Opcode::STATUS:
      break;
  }
  // The form of other opcodes is not ours to judge: they get NOTIMP.
  return Parse::OK;
}

}  // namespace dnsd
