// EDNS(0): the OPT pseudo-record (RFC 6891) and the options that are told apart here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace zones {

// IANA "DNS EDNS0 Option Codes".
enum class OptionCode : std::uint16_t {
  UPDATE_LEASE = 2,     // RFC 9664
  NSID = 3,             // RFC 5001
  CLIENT_SUBNET = 8,    // RFC 7871
  EXPIRE = 9,           // RFC 7314
  COOKIE = 10,          // RFC 7873
  TCP_KEEPALIVE = 11,   // RFC 7828
  PADDING = 12,         // RFC 7830
  EXTENDED_ERROR = 15,  // RFC 8914
  // Of the numbers for local use (RFC 6891 §9): reachability.h.
  REACHABILITY = 65310,
};

struct EdnsOption {
  OptionCode code{};
  std::vector<std::uint8_t> data;
};

/// An extended error (RFC 8914): what the RCODE cannot say.
struct ExtendedError {
  std::uint16_t info_code = 0;  // IANA "Extended DNS Error Codes"
  std::string text;             // for people

  EdnsOption option() const;
};
/// The same without memory of its own.
struct ExtendedErrorView {
  std::uint16_t info_code = 0;
  std::string_view text{};
};
namespace extended_error {
constexpr std::uint16_t OTHER = 0;
constexpr std::uint16_t BLOCKED = 15;
constexpr std::uint16_t PROHIBITED = 18;
constexpr std::uint16_t NOT_AUTHORITATIVE = 20;
constexpr std::uint16_t NOT_SUPPORTED = 21;
constexpr std::uint16_t INVALID_DATA = 24;
}  // namespace extended_error

struct Edns {
  std::uint16_t udp_octets = 1232;  // the sender's UDP payload size
  std::uint8_t extended_rcode = 0;  // upper eight bits of the RCODE
  std::uint8_t version = 0;
  std::uint16_t flags = 0;  // 0x8000 = DO
  std::vector<EdnsOption> options;
  const EdnsOption* find(OptionCode code) const;
};

constexpr std::uint16_t EDNS_DO = 0x8000;  // RFC 3225 §3

/// Reads options up to the end of what the reader may read.
std::vector<EdnsOption> read_options(WireReader& reader);
/// Reads OPT's class, TTL, RDLENGTH and RDATA; the cursor is after the TYPE.
Edns read_edns(WireReader& reader);
/// Writes the whole pseudo-record.
void write_edns(WireWriter& writer, const Edns& edns);

}  // namespace zones
