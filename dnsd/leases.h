// Leases at work: what each update makes of them, and what ends when they are over (RFC 9664).
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "dnsd/lease_grant.h"
#include "dnsd/lease_table.h"
#include "dnsd/update_batch.h"
#include "dnsd/update_outcome.h"
#include "zones/snapshot.h"
#include "zones/store.h"

namespace dnsd {

/// The writer's leases. Changes are in effect at once, and taken back by rollback() until commit(),
/// as the builder's are until it freezes. Used by the writer's thread.
class Leases {
 public:
  using Time = std::chrono::sys_seconds;

  /// @param table  what load() filled; nullptr for none
  /// @param store  whose journal tells the time that has been reached
  Leases(std::unique_ptr<LeaseTable> table, LeaseLimits limits, zones::Store& store);

  const LeaseTable& table() const { return *table_; }

  /// What a message that was judged makes of leases, into `outcome`: each record that it adds, or
  /// that is there already as it adds it, lives as long as is granted, or for good; leases of
  /// records that it removes end. `zones` are without the message's changes.
  void accept(const UpdateJob& job, const Judgement& judgement, const zones::Catalogue& zones,
              const Policy* policy, Time now, Outcome& outcome);
  /// Calls `visit` with zone and owner of each name whose leases these messages change.
  static void for_each_name(const zones::JournalBatch& batch, const auto& visit) {
    for (const zones::JournalMessage& message : batch.messages) {
      for (const zones::LeaseChange& change : message.leases) {
        visit(message.zone.view(), change.owner.view());
      }
    }
  }
  /// A batch is on disk.
  void commit(Time batch_time);
  void rollback() noexcept { table_->rollback(); }

  /// When there is something to do for expire(); empty for never.
  std::optional<Time> next() const { return owed_.empty() ? table_->next() : Time{}; }
  /// A clock that is behind what the journal has seen, or older than leases are, ends nothing.
  bool is_plausible(Time now) const { return now >= reached_; }
  /// Ends leases that are over, of at most `names` names: takes their records out of the working
  /// version by way of `batch`, with a step of the serial, and makes what the journal is to have of
  /// it, without a number. No messages: nothing was over.
  zones::JournalBatch expire(UpdateBatch& batch, const zones::CatalogueBuilder& builder, Time now,
                             std::size_t names);
  /// That batch is on disk.
  void commit_expired(Time batch_time) {
    owed_.clear();
    commit(batch_time);
  }

  /// For when the store does not take that batch: takes the records out of the working version
  /// without a step of the serial, and remembers them for the next expire(). @return false when
  /// there was nothing to take out
  bool hide(zones::CatalogueBuilder& builder, Time now);
  /// True while the published state lacks records that the journal has. Nothing else may be written
  /// until expire() has been.
  bool owes() const { return !owed_.empty(); }

 private:
  struct Ended {
    ZoneUpdate update;
    zones::JournalMessage message;
  };
  using Zones = std::map<zones::Name, Ended>;

  void put(const zones::Name& apex, const zones::Record& record, Time expires, Outcome& outcome);
  /// The records of a name whose leases are over, and the name without them.
  std::vector<zones::Record> over(const zones::ZoneSnapshot& zone, zones::NameView owner, Time now,
                                  NameChange& rest) const;

  std::unique_ptr<LeaseTable> table_;
  const LeaseLimits limits_;
  Time reached_;  // the clock is not believed when it is behind this
  std::map<zones::Name, std::vector<zones::Record>> owed_;  // hidden, by zone
};

}  // namespace dnsd
