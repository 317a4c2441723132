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
/// Two of those in a row can find the same, where a server changes what it is sent (one that lowers
/// TTLs): matching() tells whether it got nearer, and without TTLs that is no difference.
///
/// Memory: 8 octets and a table's overhead for each record that both have, and at most
/// `max_differences` RRsets.
class UpstreamComparison {
 public:
  enum class Ttl : std::uint8_t { COMPARED, IGNORED };
  UpstreamComparison(const zones::Name& apex, const UpstreamFilter& filter,
                     std::size_t max_differences, Ttl ttl = Ttl::COMPARED);

  /// A record that the upstream has.
  void theirs(const zones::ZoneSnapshot& ours, const zones::Record& record);
  /// After the last of those: what of ours was not among them.
  void rest(const zones::ZoneSnapshot& ours);
  /// False when there are more differences than were collected: compare again after these.
  bool is_complete() const { return complete_; }
  UpstreamChanges& changes() { return changes_; }
  /// Records that both have.
  std::size_t matching() const { return seen_.size(); }

 private:
  std::uint64_t hash(zones::NameView owner, zones::Type type, zones::RdataView rdata) const;

  zones::Name apex_;
  const UpstreamFilter* filter_;
  std::size_t max_differences_;
  Ttl ttl_;
  UpstreamChanges changes_;
  bool complete_ = true;
  std::array<std::uint8_t, 16> hash_key_{};
  std::unordered_set<std::uint64_t> seen_;  // of ours, in their spelling here
};

/// How long comparisons go on that have more differences than are kept. Pure.
class UpstreamRounds {
 public:
  static constexpr std::size_t MAX_VAIN = 3;
  enum class Next : std::uint8_t {
    SEND,       // what was found, and compare again unless that was all
    WAIT_SEND,  // the same after a pause: the last round changed little there
    GIVE_UP,
  };
  explicit UpstreamRounds(std::size_t max_differences) : nearer_(max_differences / 10) {}

  Next after(const UpstreamComparison& comparison);
  /// For the next one: not compared once a round was in vain.
  UpstreamComparison::Ttl ttl() const { return ttl_; }
  std::size_t vain() const { return vain_; }
  std::size_t count() const { return count_; }

 private:
  std::size_t nearer_;  // records more that match, for a round that was not in vain
  std::size_t matching_ = 0;
  std::size_t count_ = 0;
  std::size_t vain_ = 0;
  UpstreamComparison::Ttl ttl_ = UpstreamComparison::Ttl::COMPARED;
};

}  // namespace dnsd
