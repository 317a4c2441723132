// A whole comparison of an upstream's zone with ours, while it is transferred.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_set>

#include "dnsd/upstream_changes.h"
#include "zones/snapshot.h"

namespace dnsd {

/// Collects which RRsets an upstream has otherwise. Each record is compared with the zone
/// as it is at that time, so that no version of it is held for as long as a transfer takes: what
/// changes meanwhile is in the journal behind the number at which the comparison began.
///
/// Memory: 8 octets and a table's overhead for each record that both have, and at most
/// `max_differences` RRsets.
class UpstreamComparison {
 public:
  UpstreamComparison(const zones::Name& apex, const UpstreamFilter& filter,
                     std::size_t max_differences);

  /// A record that the upstream has.
  void theirs(const zones::ZoneSnapshot& ours, const zones::Record& record);
  /// After the last of those: what of ours was not among them.
  void rest(const zones::ZoneSnapshot& ours);
  /// False when there are more differences than were collected: compare again after these.
  bool is_complete() const { return complete_; }
  UpstreamChanges& changes() { return changes_; }

 private:
  std::uint64_t hash(zones::NameView owner, zones::Type type, zones::RdataView rdata) const;

  zones::Name apex_;
  const UpstreamFilter* filter_;
  std::size_t max_differences_;
  UpstreamChanges changes_;
  bool complete_ = true;
  std::array<std::uint8_t, 16> hash_key_{};
  std::unordered_set<std::uint64_t> seen_;  // of ours, in their spelling here
};

}  // namespace dnsd
