// The journal of an SqliteStore, read beside the process's own writer: for those who follow it.
#pragma once

#include <filesystem>
#include <memory>

#include "zones/store.h"

namespace zones {

/// A connection of its own, which reads only: each call sees what is durable at its time, and holds
/// nothing of the store back after it. Throws StoreError. Used by one thread.
class SqliteJournal {
 public:
  /// The store must exist, and this process have it open.
  explicit SqliteJournal(const std::filesystem::path& path);
  ~SqliteJournal();
  SqliteJournal(const SqliteJournal&) = delete;
  SqliteJournal& operator=(const SqliteJournal&) = delete;

  /// The newest batch's number; 0 for none.
  Lsn last();
  /// Batches from `from` on, as Store::journal() gives them.
  /// @return the number of the first one given, 0 for none
  Lsn read(Lsn from, JournalSink& sink);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zones
