#include "dnsd/answer_options.h"

#include <algorithm>

#include "dnsd/dispatch.h"
#include "dnsd/rate_limit.h"
#include "dnsd/reachability.h"
#include "dnsd/state.h"

namespace dnsd {

using zones::OptionCode;

void AnswerOptions::answer(const Policy& policy, const Request& request, const Peer& peer,
                           const Clock& clock) {
  if (!request.cookie.empty() && policy.cookies) {
    const auto now = static_cast<std::uint32_t>(clock().time_since_epoch().count());
    const Cookies::Answer cookie = policy.cookies->answer(request.cookie, peer.address, now);
    has_cookie_ = true;
    cookie_valid_ = cookie.valid;
    put(OptionCode::COOKIE, cookie.octets);
  }
  if (request.asks(RequestOption::NSID) && !policy.identity.nsid.empty()) {
    put(OptionCode::NSID, policy.identity.nsid);
  }
  // Over UDP it is ignored (RFC 7828 §3.3.1).
  if (request.asks(RequestOption::KEEPALIVE) && peer.transport == Transport::TCP) {
    put(OptionCode::TCP_KEEPALIVE,
        std::array{static_cast<std::uint8_t>(peer.idle_timeout_100ms >> 8),
                   static_cast<std::uint8_t>(peer.idle_timeout_100ms)});
  }
  if (request.asks(RequestOption::REACHABILITY) && policy.reachability) {
    answer_reachability(*policy.reachability, request.reachability);
  }
}

void AnswerOptions::answer_reachability(const ReachabilityTable& table,
                                        std::span<const std::uint8_t> asked) {
  const auto endpoint = zones::read_reachability_request(asked);
  if (!endpoint) return;
  const auto [state, age] = table.find(*endpoint, ResponseLimiter::coarse_now());
  std::array<std::uint8_t, zones::MAX_REACHABILITY_ANSWER_OCTETS> data{};
  const std::size_t size =
      zones::write_reachability_answer({.endpoint = *endpoint,
                                        .state = state,
                                        .age_seconds = static_cast<std::uint32_t>(age.count())},
                                       data);
  put(OptionCode::REACHABILITY, std::span(data).first(size));
}

std::vector<zones::EdnsOption> AnswerOptions::list() const {
  zones::WireReader reader(octets());
  return zones::read_options(reader);
}

void AnswerOptions::put(OptionCode code, std::span<const std::uint8_t> data) {
  const auto number = static_cast<std::uint16_t>(code);
  std::uint8_t* const at = octets_.data() + size_;
  at[0] = static_cast<std::uint8_t>(number >> 8);
  at[1] = static_cast<std::uint8_t>(number);
  at[2] = static_cast<std::uint8_t>(data.size() >> 8);
  at[3] = static_cast<std::uint8_t>(data.size());
  std::ranges::copy(data, at + HEADER_OCTETS);
  size_ += HEADER_OCTETS + data.size();
}

bool is_source_proven(const Peer& peer, const AnswerOptions& options) {
  return peer.transport == Transport::TCP || options.cookie_valid();
}

}  // namespace dnsd
