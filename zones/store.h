// Store: where zones live when the power is off. One process writes a store; one thread uses this
// interface.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "zones/change_set.h"
#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/update_lease.h"

namespace zones {

/// Log sequence number: batches are numbered 1, 2, 3, … without gaps.
using Lsn = std::uint64_t;

enum class SignedBy : std::uint8_t { TSIG = 1, SIG0 };

/// How long one RR lives from now on (RFC 9664). The journal has one for each change of a lease,
/// also for its end with the record, so that a replay needs no other rule.
struct LeaseChange {
  Name owner;
  Type type{};
  Rdata rdata;
  std::chrono::sys_seconds expires{};  // 1970-01-01: it has no lease any more
};

/// What the journal keeps of one UPDATE message, whatever became of it; with a root `key` and
/// `source` zero it is an act of the server's own (leases that ended).
struct JournalMessage {
  Name key;  // who signed
  SignedBy signed_by = SignedBy::TSIG;
  std::array<std::uint8_t, 32> digest{};  // of the signed message: known again when it is repeated
  std::array<std::uint8_t, 16> source{};  // IPv6, or IPv4 mapped into it
  std::uint16_t source_port = 0;
  std::chrono::sys_seconds signed_at{};
  Rcode rcode{};
  std::optional<UpdateLease> granted;  // what the answer said
  Name zone;                           // apex; the root when nothing was touched
  std::vector<Name> touched;           // owners whose records it changed; when it was refused, some
                                       // that it wanted to change
  std::vector<LeaseChange> leases;     // of records in `zone`, changed by it or not
};

/// One group commit: at most one change set a zone, each with its own step of the serial.
struct JournalBatch {
  Lsn lsn = 0;
  std::chrono::sys_seconds time{};
  std::vector<ChangeSet> changes;
  std::vector<JournalMessage> messages;
};

/// The lease of a record in a name's row of the checkpoint.
struct RecordLease {
  std::uint32_t record = 0;  // its place among all records of the name as they are packed
  std::chrono::sys_seconds expires{};

  bool operator==(const RecordLease&) const = default;
};

/// Calls visit(type, rdata, lease) for each record that has one, in order.
template <class Visit>
void for_each_leased(RRsetsView rrsets, std::span<const RecordLease> leases, const Visit& visit) {
  auto lease = leases.begin();
  std::uint32_t place = 0;
  for (const RRsetView rrset : rrsets) {
    for (const RdataView rdata : rrset) {
      if (lease == leases.end()) return;
      if (lease->record == place++) visit(rrset.type(), rdata, *lease++);
    }
  }
}

/// One name of a zone as it is to stand in the checkpoint; empty RRsets remove it.
struct RowChange {
  Name apex;
  Name owner;
  std::vector<std::uint8_t> rrsets;   // packed
  std::vector<RecordLease> leases{};  // ascending by record; those without are permanent
  /// The time of the batch that changed its records last; 1970-01-01: they are as they were.
  std::chrono::sys_seconds changed{};
};

/// Receives a store's contents: for each zone zone(), then its names in canonical order, each
/// followed by its leases if it has any; after all zones the journal's batches above the checkpoint
/// in the order of their numbers.
class StateSink {
 public:
  virtual ~StateSink() = default;
  virtual void zone(NameView apex) = 0;
  virtual void node(NameView owner, RRsetsView rrsets) = 0;
  virtual void leases(NameView owner, RRsetsView rrsets, std::span<const RecordLease> leases) {
    static_cast<void>(owner), static_cast<void>(rrsets), static_cast<void>(leases);
  }
  virtual void batch(const JournalBatch& batch) = 0;
};

/// A row of the journal without its content.
struct JournalRow {
  Lsn lsn = 0;
  std::chrono::sys_seconds time{};
  std::uint64_t octets = 0;
};

class JournalSink {
 public:
  virtual ~JournalSink() = default;
  /// False ends the reading.
  virtual bool batch(const JournalBatch& batch) = 0;
};

/// Writes the names of a zone that is being created; given to the source of create_zone().
class ZoneWriter {
 public:
  virtual ~ZoneWriter() = default;
  /// Any order is right; canonical order is fast. A name may come once only.
  virtual void node(NameView owner, RRsetsView rrsets) = 0;
};

/// A zone to be created.
struct NewZone {
  Name apex;
  std::uint64_t names = 0;  // about as many will come: it may be known how to write many
  std::function<void(ZoneWriter&)> source;
};

/// Every method throws this when the store cannot do what it promises; what() tells an operator
/// what to do. After a throw nothing of the call has happened, and a later call may succeed (a disk
/// that is full now).
class StoreError : public std::runtime_error {
 public:
  enum class Kind {
    UNWRITABLE,  // full, read-only, I/O error: may pass
    CORRUPT,     // refuse to start
    LOCKED,      // another process has it open
    CONFLICT,    // somebody else wrote: the expected LSN or the zone is not what it was
  };
  StoreError(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class Store {
 public:
  virtual ~Store() = default;

  /// Streams zones, names and the journal above the checkpoint. @return the newest batch's number,
  /// 0 for none
  virtual Lsn load(StateSink& sink) = 0;
  /// Makes a batch durable in one transaction: on return it survives a power cut. `batch.lsn` must
  /// be the newest number plus one (CONFLICT otherwise).
  virtual void append(const JournalBatch& batch) = 0;
  /// Writes rows of the checkpoint and the number up to which it is complete, in one transaction.
  /// `applied` may stand still, never go back. Rows may be newer than `applied`: replay is
  /// idempotent.
  virtual void checkpoint(std::span<const RowChange> rows, Lsn applied) = 0;
  virtual Lsn applied_lsn() const = 0;
  virtual Lsn last_lsn() const = 0;
  /// Batches from `from` on, the oldest kept one when that is gone. @return the number of the first
  /// one given
  virtual Lsn journal(Lsn from, JournalSink& sink) = 0;
  /// The newest batch that was made before this time; 0 when none is kept. Takes as long as there
  /// are later ones.
  virtual Lsn newest_batch_before(std::chrono::sys_seconds time) = 0;
  /// The rows of the journal from the oldest on, until `each` returns false.
  virtual void journal_rows(const std::function<bool(const JournalRow&)>& each) = 0;
  /// What the journal's batches take.
  virtual std::uint64_t journal_octets() = 0;
  /// Removes batches below `before`, at most up to applied_lsn().
  virtual void prune(Lsn before) = 0;

  /// Creates zones and fills them, all in one transaction; CONFLICT when one exists. A source that
  /// throws leaves nothing.
  virtual void create_zones(std::span<const NewZone> zones) = 0;
  void create_zone(NameView apex, const std::function<void(ZoneWriter&)>& source,
                   std::uint64_t names = 0) {
    const NewZone zone{Name(apex), names, source};
    create_zones({&zone, 1});
  }
  virtual void remove_zone(NameView apex) = 0;
  virtual std::vector<Name> zones() const = 0;
};

}  // namespace zones
