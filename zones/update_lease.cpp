#include "zones/update_lease.h"

#include <array>

#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace zones {

std::optional<UpdateLease> read_update_lease(std::span<const std::uint8_t> data) {
  if (data.size() != 4 && data.size() != 8) return std::nullopt;
  WireReader reader(data);
  UpdateLease lease;
  lease.lease = reader.u32();
  if (data.size() == 8) lease.key_lease = reader.u32();
  return lease;
}

std::vector<std::uint8_t> update_lease_data(const UpdateLease& lease) {
  std::array<std::uint8_t, 8> octets{};
  WireWriter writer(octets);
  writer.u32(lease.lease);
  if (lease.key_lease) writer.u32(*lease.key_lease);
  return {octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(writer.size())};
}

}  // namespace zones
