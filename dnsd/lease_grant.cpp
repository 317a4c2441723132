#include "dnsd/lease_grant.h"

#include <algorithm>

namespace dnsd {

namespace {

using std::chrono::seconds;

std::uint32_t count(seconds time) { return static_cast<std::uint32_t>(time.count()); }

}  // namespace

zones::Result<std::optional<zones::UpdateLease>, zones::Rcode> requested_lease(
    const zones::Message& message) {
  std::optional<zones::UpdateLease> request;
  if (!message.edns) return request;
  for (const zones::EdnsOption& option : message.edns->options) {
    if (option.code != zones::OptionCode::UPDATE_LEASE) continue;
    if (request) return tl::unexpected(zones::Rcode::FORMERR);
    request = zones::read_update_lease(option.data);
    if (!request) return tl::unexpected(zones::Rcode::FORMERR);
  }
  return request;
}

LeaseGrant grant_lease(const std::optional<zones::UpdateLease>& request, const LeaseLimits& limits,
                       seconds max_lease) {
  const auto bound = [&](std::optional<std::uint32_t> wish, seconds max) {
    if (max_lease.count() > 0) max = std::min(max, max_lease);
    const seconds least = std::min(limits.min, max);
    return wish ? std::clamp(seconds(*wish), least, max) : max;
  };
  LeaseGrant grant;
  if (!request) {
    if (max_lease.count() > 0) {
      grant.records = bound({}, limits.max);
      grant.keys = bound({}, limits.max_key);
    }
    return grant;
  }
  grant.records = bound(request->lease, limits.max);
  grant.answer = zones::UpdateLease{.lease = count(*grant.records), .key_lease = {}};
  if (request->key_lease) {
    grant.keys = bound(request->key_lease, limits.max_key);
    grant.answer->key_lease = count(*grant.keys);
  } else {
    grant.keys = grant.records;  // RFC 9664 §4.3: they end together
  }
  return grant;
}

}  // namespace dnsd
