// LeaseTable: until when each leased record lives (RFC 9664 §7), in the writer's memory.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "dnsd/octet_pool.h"
#include "zones/loader.h"
#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/store.h"

namespace dnsd {

/// By zone, owner and record; a record is known by a keyed 64-bit hash of its type and RDATA, so
/// that a lease takes 16 octets and its name, once and without the apex, about 40 more than its
/// own. Changes can be taken back until commit(). Names are asked for in the order in which their
/// leases end: one entry a name in a heap, which a refresh leaves alone. Used by one thread.
class LeaseTable final : public zones::LeaseSink {
 public:
  using Time = std::chrono::sys_seconds;
  static constexpr Time PERMANENT{};

  LeaseTable();

  /// Until when the record lives; PERMANENT without a lease.
  Time find(zones::NameView apex, zones::NameView owner, zones::Type type,
            zones::RdataView rdata) const;
  /// PERMANENT ends the lease. Times are cut to what 32 bits of seconds can tell (2106).
  /// @return what it was before
  Time set(zones::NameView apex, zones::NameView owner, zones::Type type, zones::RdataView rdata,
           Time expires);
  /// Both for load(), after which commit() is due.
  void row(zones::NameView apex, zones::NameView owner, zones::RRsetsView rrsets,
           std::span<const zones::RecordLease> leases) override;
  void lease(zones::NameView apex, zones::NameView owner, zones::Type type, zones::RdataView rdata,
             Time expires) override;
  bool has_leases(zones::NameView apex, zones::NameView owner) const;
  /// Those of a name's records, for its row in the checkpoint.
  std::vector<zones::RecordLease> leases_of(zones::NameView apex, zones::NameView owner,
                                            zones::RRsetsView rrsets) const;
  /// Ends leases of a name that are over, whatever records they are of.
  void end_due(zones::NameView apex, zones::NameView owner, Time now);
  /// Forgets a zone, at once. Takes time in proportion to the table.
  void forget_zone(zones::NameView apex);

  void commit();
  /// Takes back every change since commit().
  void rollback() noexcept;

  struct DueName {
    zones::Name apex;
    zones::Name owner;
  };
  /// Names with a lease that is over at `now`, those that ended first coming first. They stay due
  /// until their leases are changed. Not between a change and its commit() or rollback()
  /// (std::logic_error), for what is taken back may end earlier.
  std::vector<DueName> due(Time now, std::size_t most);
  /// When due() may have something: not later than the end of the first lease. Empty for never.
  std::optional<Time> next() const;

  bool empty() const { return lease_count_ == 0; }
  std::size_t lease_count() const { return lease_count_; }
  std::size_t name_count() const { return name_count_; }
  /// Octets, about.
  std::size_t memory_octets() const;

 private:
  static constexpr std::uint32_t NONE = UINT32_MAX;
  static constexpr std::uint32_t NEVER = UINT32_MAX;
  struct Lease {
    std::uint64_t print;
    std::uint32_t expires;
    std::uint32_t next;  // of its name, or in the list of free ones
  };
  struct Entry {           // a name
    std::uint32_t octets;  // in the pool: number of the zone, the owner without the apex
    std::uint32_t first;   // lease
    std::uint32_t next;    // in its bucket, or in the list of free ones
    std::uint32_t armed;   // the time under which the heap has it
  };
  struct Timer {
    std::uint32_t when;
    std::uint32_t name;
    bool operator<(const Timer& other) const { return when > other.when; }  // the first on top
  };
  struct Change {
    std::uint32_t name;
    std::uint32_t expires;  // before; 0: there was none
    std::uint64_t print;
  };

  std::uint64_t print_of(zones::Type type, zones::RdataView rdata) const;
  /// A name as the table knows it.
  class Place {
   public:
    /// The owner's octets before its apex, and the root label.
    Place(std::uint32_t zone, zones::NameView apex, zones::NameView owner);
    std::uint32_t zone() const { return zone_; }
    zones::NameView labels() const { return labels_; }

   private:
    std::uint32_t zone_;
    zones::Name labels_;
  };

  std::uint32_t zone_number(zones::NameView apex) const;  // NONE when it has no leases
  std::uint32_t make_zone(zones::NameView apex);
  std::size_t bucket_of(std::uint32_t zone, zones::NameView labels) const;
  std::uint32_t zone_of(const Entry& entry) const;
  zones::NameView labels_of(const Entry& entry) const;
  std::uint32_t find_name(zones::NameView apex, zones::NameView owner) const;
  std::uint32_t make_name(zones::NameView apex, zones::NameView owner);
  std::uint32_t append_name(const Place& place);
  /// Makes the index over all names.
  void index(std::size_t buckets);
  void end_rows();
  void erase_name(std::uint32_t name) noexcept;
  std::uint32_t find_lease(const Entry& entry, std::uint64_t print) const;
  std::uint32_t put(std::uint32_t name, std::uint64_t print, std::uint32_t expires);
  void arm(std::uint32_t name, std::uint32_t when);
  std::uint32_t first_end(const Entry& entry) const;
  void forget_empty_names() noexcept;

  std::array<std::uint8_t, 16> secret_;  // of the hashes
  std::vector<zones::Name> zones_;       // by number
  std::unordered_map<zones::Name, std::uint32_t, zones::NameHash, zones::NameEqual> zone_numbers_;
  OctetPool pool_;
  std::deque<Lease> leases_;
  std::deque<Entry> names_;
  std::vector<std::uint32_t> buckets_;  // a power of two of them
  std::uint32_t free_lease_ = NONE;
  std::uint32_t free_name_ = NONE;
  std::size_t lease_count_ = 0;
  std::size_t name_count_ = 0;
  std::vector<Timer> heap_;
  std::vector<Change> changes_;  // since commit()
  bool has_rows_ = false;        // that are in neither index nor heap order
};

}  // namespace dnsd
