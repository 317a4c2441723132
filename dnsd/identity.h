// Identity: what the server tells of itself, by NSID (RFC 5001) and in class CHAOS (RFC 4892).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dnsd/query.h"

namespace dnsd {

/// All of it is empty unless the operator says something: then nothing is told.
struct Identity {
  /// So that it fits an answer of 512 octets beside the longest question and a cookie.
  static constexpr std::size_t MAX_NSID_OCTETS = 128;
  static constexpr std::size_t MAX_TEXT_OCTETS = 255;  // RFC 1035 §3.3, one character-string

  std::vector<std::uint8_t> nsid;
  std::vector<std::uint8_t> version;  // RDATA of TXT, of version.bind and version.server
  std::vector<std::uint8_t> name;     // the same of hostname.bind and id.server
};

/// The RDATA of a TXT record with this one character-string, at most MAX_TEXT_OCTETS.
std::vector<std::uint8_t> txt_rdata(std::string_view text);

/// Writes the answer to a QUERY of class CHAOS into `out`: one TXT record, or REFUSED for all that
/// is not told. No allocation.
/// @return its size
std::size_t answer_chaos(const Identity& identity, std::span<const std::uint8_t> octets,
                         const Request& request, const AnswerLimits& limits,
                         std::span<std::uint8_t> out);

}  // namespace dnsd
