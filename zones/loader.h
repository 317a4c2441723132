// Loader: from a store to the working version of the zones: the checkpoint's rows, then the journal
// above them.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/snapshot.h"
#include "zones/store.h"

namespace zones {

/// A name whose row in the checkpoint, records or leases, is older than the journal.
struct DirtyName {
  Lsn lsn = 0;  // of the first batch that the row lacks
  Name apex;
  Name owner;
  std::chrono::sys_seconds
      changed{};  // of the last batch that changed its records; else as RowChange has it
};

/// What the writer goes on from.
struct Loaded {
  Lsn last_lsn = 0;
  std::vector<DirtyName> dirty;  // ascending by LSN, each name once
  std::uint64_t names = 0;       // that the checkpoint held
  std::uint64_t batches = 0;     // replayed
};

/// Receives the leases of a store while it is loaded.
class LeaseSink {
 public:
  virtual ~LeaseSink() = default;
  /// The leases of a name's row. Rows come before any lease(), each name once, and `leases` are in
  /// the order of the records. As it is, it calls lease() for each.
  virtual void row(NameView apex, NameView owner, RRsetsView rrsets,
                   std::span<const RecordLease> leases);
  /// Until when a record lives. A later call for the same one replaces it; 1970-01-01 ends the
  /// lease.
  virtual void lease(NameView apex, NameView owner, Type type, RdataView rdata,
                     std::chrono::sys_seconds expires) = 0;
};

/// Fills an empty builder; freeze() is left to the caller. Batches are replayed record by record:
/// taken out, then put in with the TTL of what is put in, so that a row which is newer than the
/// batch comes out right as well. Batches of zones that the store no longer has are passed over.
///
/// Throws StoreError as Store::load() does, and CORRUPT for a zone without an SOA and for names
/// that do not belong to their zone.
Loaded load(Store& store, CatalogueBuilder& builder, LeaseSink* leases = nullptr);

}  // namespace zones
