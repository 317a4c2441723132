// The options of one answer's OPT: what the request asked for, as it will stand there (RFC 6891
// §6.1.2).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dnsd/cookies.h"
#include "dnsd/identity.h"
#include "dnsd/query.h"
#include "zones/edns.h"
#include "zones/reachability.h"

namespace dnsd {

struct Peer;
struct Policy;
class ReachabilityTable;

/// COOKIE, NSID, TCP keepalive and REACHABILITY. Lives on the stack of whoever answers; no
/// allocation, and nothing is written for a request without such an option.
class AnswerOptions {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;

  AnswerOptions() {}  // octets_ stays as it is: most answers have none
  /// Puts what `request` asks for and `policy` gives.
  /// @param clock  UTC, asked for a cookie only
  void answer(const Policy& policy, const Request& request, const Peer& peer, const Clock& clock);

  std::span<const std::uint8_t> octets() const { return {octets_.data(), size_}; }
  /// The same as a list, for answers that are written later.
  std::vector<zones::EdnsOption> list() const;

  /// The request has a cookie, and it is not ignored.
  bool has_cookie() const { return has_cookie_; }
  /// … and its server cookie is ours: the sender's address is not forged.
  bool cookie_valid() const { return cookie_valid_; }

 private:
  static constexpr std::size_t HEADER_OCTETS = 4;  // code and length
  static constexpr std::size_t MAX_OCTETS = 4 * HEADER_OCTETS + Cookies::OCTETS +
                                            Identity::MAX_NSID_OCTETS + 2 +
                                            zones::MAX_REACHABILITY_ANSWER_OCTETS;

  void answer_reachability(const ReachabilityTable& table, std::span<const std::uint8_t> asked);
  void put(zones::OptionCode code, std::span<const std::uint8_t> data);

  std::size_t size_ = 0;
  bool has_cookie_ = false;
  bool cookie_valid_ = false;
  std::array<std::uint8_t, MAX_OCTETS> octets_;
};

/// Over TCP, or with a cookie of ours, the sender's address is not forged.
bool is_source_proven(const Peer& peer, const AnswerOptions& options);

}  // namespace dnsd
