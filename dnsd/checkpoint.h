// Checkpoint: the store's rows follow the journal, in slices, and the journal is cut behind them.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "dnsd/lease_table.h"
#include "dnsd/waiting_names.h"
#include "zones/loader.h"
#include "zones/name.h"
#include "zones/snapshot.h"
#include "zones/store.h"

namespace dnsd {

/// How much of the journal is kept.
struct JournalBounds {
  std::uint64_t batches = 0;
  std::chrono::sys_seconds since{};         // older ones go …
  std::chrono::sys_seconds replay_since{};  // … but none of these, nor the one before them,
  std::uint64_t octets = 0;                 // unless it grows beyond this
};

/// Which names' rows are behind, and how they catch up: in passes over those that wait when the
/// pass begins, in the order of the table, so that names that share a page of it are written
/// together. At the end of a pass all batches are in the rows that were there at its beginning;
/// what changes meanwhile has the next pass, unless this one will come by. Used by the writer's
/// thread.
class Checkpoint {
 public:
  /// @param leases  of the records; nullptr for none. It must outlive this
  Checkpoint(zones::Store& store, const zones::Loaded& loaded, const LeaseTable* leases = nullptr);
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  /// Before batch `lsn` is appended: it changes this name.
  /// @param changed  the batch's time when it changes records; 1970-01-01 when only leases
  void add(zones::Lsn lsn, zones::NameView apex, zones::NameView owner,
           std::chrono::sys_seconds changed = {});
  /// Takes back what was added for `lsn`, which was not appended.
  void forget(zones::Lsn lsn) noexcept;

  /// Names whose rows are behind.
  std::size_t lag() const { return waiting_.size() + pass_.size() - next_; }
  /// Names that a restart would have to replay, each as often as a batch changed it.
  std::uint64_t replay_length() const { return before_pass_ + since_pass_; }
  /// Nothing is behind, and the store knows.
  bool is_complete() const;
  /// Writes the rows of the next `names` names as they stand in `newest`, the version of the newest
  /// batch. Throws StoreError; nothing is lost then.
  void write_slice(const zones::Catalogue& newest, std::size_t names);

  /// Removes batches that the checkpoint does not need and that are beyond what is to be kept, some
  /// at a time. @return false when there are no more of them
  bool prune(const JournalBounds& keep);

 private:
  // A time that add() has replaced.
  struct Replaced {
    WaitingNames* names;
    std::size_t place;
    std::chrono::sys_seconds changed;
  };
  void note_change(WaitingNames& names, std::size_t place, std::chrono::sys_seconds changed);

  zones::Store& store_;
  const LeaseTable* const leases_;
  WaitingNames pass_;        // names of this pass, in the table's order …
  std::size_t next_ = 0;     // … of which those from here on are to be written
  WaitingNames waiting_;     // for the next pass
  zones::Lsn pass_lsn_ = 0;  // newest batch when the pass began
  std::uint64_t before_pass_ = 0;
  std::uint64_t since_pass_ = 0;
  zones::Lsn added_lsn_ = 0;        // the batch that add() was called for last …
  std::size_t added_ = 0;           // … and the names it brought, for forget() …
  std::vector<Replaced> replaced_;  // … and the times it moved
};

}  // namespace dnsd
