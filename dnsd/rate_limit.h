// Response rate limiting: a server that answers whoever asks over UDP must not be an amplifier of
// attacks on those whose addresses are forged (as BIND's, Knot's and NSD's RRL).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dnsd/query.h"
#include "dnsd/source_budget.h"
#include "keys/grant.h"
#include "zones/name.h"

namespace dnsd {

/// Each field of [rate-limit]. A rate of 0 is no limit.
struct RateLimits {
  std::uint32_t responses_per_second = 0;
  std::uint32_t nxdomains_per_second = 0;
  std::uint32_t errors_per_second = 0;
  std::uint32_t slip = 2;  // of the answers over the limit every how many is sent with TC; 0: none
  std::uint8_t ipv4_prefix = 24;
  std::uint8_t ipv6_prefix = 56;
  std::size_t table_size = 262'144;  // budgets, of 8 octets each; rounded up to a power of two
  std::vector<keys::AddressRule> exempt{};  // prefixes

  bool is_on() const {
    return responses_per_second != 0 || nxdomains_per_second != 0 || errors_per_second != 0;
  }
  bool operator==(const RateLimits&) const = default;
};

/// Says of each answer over UDP whether it is sent. Any thread, no lock, no allocation; the memory
/// is taken by the constructor and stays as it is.
///
/// Answers are counted by client prefix, kind and name, and the table is shared by all threads,
/// since the kernel spreads the forged ports of one victim over all of them; an answer over the
/// limit writes nothing there, so a flood does not make the threads fight for a cache line. Two
/// keyed hashes lead to two budgets, and an answer is over the limit when both are used up: nobody
/// can choose with whom budgets are shared, and who shares one with a flood still has the other.
class ResponseLimiter {
 public:
  using Address = Budget::Address;
  using Time = Budget::Time;
  enum class Kind : std::uint8_t {
    ANSWER,    // records, NODATA, a referral; by the name that exists
    WILDCARD,  // the same out of a wildcard or below it; by the closest encloser
    NXDOMAIN,  // by zone
    ERROR,     // by client prefix alone
  };
  enum class Verdict : std::uint8_t { SEND, TRUNCATE, DROP };

  explicit ResponseLimiter(const RateLimits& limits);

  const RateLimits& limits() const { return limits_; }
  /// How to count an answer with this RCODE.
  static Kind kind_of(zones::Rcode rcode, const Imputation& imputation);
  /// Counts one answer.
  /// @param name  what it counts under, whatever its case; not looked at for ERROR
  /// @param now  of the steady clock; some milliseconds do not matter
  Verdict judge(const Address& source, Kind kind, zones::NameView name, Time now);
  /// The steady clock as of the last tick of the kernel: a tenth of the cost.
  static Time coarse_now();
  /// For the log: "answers to 192.0.2.0/24 are limited: more than 50 a second about www.example."
  std::string reason(const Address& source, Kind kind, zones::NameView name) const;

 private:
  bool is_exempt(const Address& source) const;
  const Address& mask_of(const Address& source) const;
  std::uint32_t rate_of(Kind kind) const;

  const RateLimits limits_;
  const Address ipv4_mask_;
  const Address ipv6_mask_;
  std::array<std::uint8_t, 16> hash_key_{};
  std::uint32_t index_mask_;
  std::unique_ptr<Bucket[]> buckets_;  // twice index_mask_ + 1
};

}  // namespace dnsd
