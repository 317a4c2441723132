// Update Lease: the EDNS option by which an UPDATE asks how long its records live, and is told
// (RFC 9664 §4).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zones {

/// Seconds, as asked for in a request or as granted in its answer.
struct UpdateLease {
  std::uint32_t lease = 0;  // of all records but KEY; of all records when there is no `key_lease`
  std::optional<std::uint32_t> key_lease;  // of KEY records

  bool operator==(const UpdateLease&) const = default;
};

/// From the option's data: 4 octets or 8 (RFC 9664 §4.2); empty for any other size.
std::optional<UpdateLease> read_update_lease(std::span<const std::uint8_t> data);
/// The option's data: 8 octets when there is a `key_lease`, 4 otherwise.
std::vector<std::uint8_t> update_lease_data(const UpdateLease& lease);

}  // namespace zones
