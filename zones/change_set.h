// ChangeSet: records removed and added between two serials of one zone (RFC 1995 §4). It is what an
// update makes, the journal keeps, the checkpoint applies and IXFR sends.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "zones/message.h"
#include "zones/name.h"
#include "zones/rrset.h"

namespace zones {

/// Replaying is idempotent: a removed record that is not there and an added one that is there
/// change nothing, and within one set removals come first. A change of TTL is the removal and the
/// addition of every record of the RRset. The SOA is among the records, so a set tells its serials
/// by itself.
struct ChangeSet {
  Name apex;
  std::uint32_t from_serial = 0;
  std::uint32_t to_serial = 0;
  std::vector<Record> removed;  // class IN
  std::vector<Record> added;    // class IN

  bool empty() const { return removed.empty() && added.empty(); }
};

/// One record of an RRset at `owner`.
Record to_record(NameView owner, RRsetView rrset, RdataView rdata);

/// The two steps of a replay, on the RRsets of one name: a record that is not there is removed
/// already, one that is there in another spelling takes the newer one, and the RRset gets the TTL
/// of the record added last.
void remove_record(std::vector<RRset>& rrsets, const Record& record);
void add_record(std::vector<RRset>& rrsets, const Record& record);

/// Replays a change set name by name, in canonical order: `get` gives what a name has, `put` takes
/// what it is to have (nothing removes it). An RRset gets the TTL of the record added last.
///
/// @return false when an RRset would grow above 65,535 octets; names before it have been put then
bool apply_change_set(const ChangeSet& change, const std::function<RRsetsView(NameView owner)>& get,
                      const std::function<void(NameView owner, RRsetsView rrsets)>& put);

}  // namespace zones
