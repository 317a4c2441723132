// History: what became of a name, told from the journal.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "zones/store.h"

namespace zones {

struct HistoryQuery {
  Name name;
  bool below = false;  // names below it as well
  std::chrono::sys_seconds since{};
  Lsn from = 0;                              // batches from this one on …
  Lsn to = std::numeric_limits<Lsn>::max();  // … and below this one
};

/// One message's part in it.
struct HistoryEntry {
  Lsn lsn = 0;
  std::chrono::sys_seconds time{};  // of the commit
  /// Of the whole message; `touched` are the names asked for alone. Empty when the journal does not
  /// tell which of a commit's messages it was.
  std::optional<JournalMessage> message;
  std::uint32_t from_serial = 0;  // of the zone …
  std::uint32_t to_serial = 0;    // … the same when nothing was changed
  std::vector<Record> removed;
  std::vector<Record> added;
  /// Other messages of the commit that touched the same names. Then `removed` and `added` are what
  /// all of them came to, and what each did is not known.
  std::size_t others = 0;
};

/// Gives the entries in the order of the journal, until `each` returns false: messages that changed
/// such names or their leases, and refused ones that wanted to (of which the journal keeps the
/// first names).
void read_history(Store& store, const HistoryQuery& query,
                  const std::function<bool(const HistoryEntry&)>& each);

}  // namespace zones
