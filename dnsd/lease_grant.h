// What an UPDATE asks for its records' lives, and what it gets (RFC 9664). Pure.
#pragma once

#include <chrono>
#include <optional>

#include "zones/message.h"
#include "zones/result.h"
#include "zones/rfc.h"
#include "zones/update_lease.h"

namespace dnsd {

/// Bounds of what is granted; the defaults are those of RFC 9664 §8.
struct LeaseLimits {
  std::chrono::seconds min{30};
  std::chrono::seconds max{std::chrono::hours(24)};
  std::chrono::seconds max_key{std::chrono::hours(24 * 7)};  // of KEY records

  bool operator==(const LeaseLimits&) const = default;
};

struct LeaseGrant {
  std::optional<std::chrono::seconds> records;  // empty: what the message adds is permanent
  std::optional<std::chrono::seconds> keys;     // the same of KEY records
  /// For the answer: with as many octets as the request's (RFC 9664 §4.3), empty without one.
  std::optional<zones::UpdateLease> answer;
};

/// The message's Update Lease option, empty when it has none; FORMERR when that has neither 4 nor 8
/// octets, or comes twice.
zones::Result<std::optional<zones::UpdateLease>, zones::Rcode> requested_lease(
    const zones::Message& message);

/// @param max_lease  of the key's grant, 0 for none. It wins over the lower bound, and holds for
/// messages without the option as well: what these add lives as long as the grant lets it.
LeaseGrant grant_lease(const std::optional<zones::UpdateLease>& request, const LeaseLimits& limits,
                       std::chrono::seconds max_lease);

}  // namespace dnsd
