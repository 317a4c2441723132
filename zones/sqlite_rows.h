// Names of an SqliteStore's checkpoint, read beside the process's own writer: for pages that show
// them.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/store.h"

namespace zones {

/// A name as the checkpoint has it, which may be behind what is published.
struct StoredName {
  std::vector<std::uint8_t> rrsets;   // packed
  std::vector<RecordLease> leases{};  // ascending by record; those without are permanent
  /// The time of the batch that changed its records last; empty when that is not known.
  std::optional<std::chrono::sys_seconds> since{};
};

/// A connection of its own, which reads only: each call sees what is durable at its time, and holds
/// nothing of the store back after it. Throws StoreError. Used by one thread.
class SqliteRows {
 public:
  /// The store must exist, and this process have it open.
  explicit SqliteRows(const std::filesystem::path& path);
  ~SqliteRows();
  SqliteRows(const SqliteRows&) = delete;
  SqliteRows& operator=(const SqliteRows&) = delete;

  /// By the table's key; empty when there is no such row.
  std::optional<StoredName> find(NameView apex, NameView owner);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zones
