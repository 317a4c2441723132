// Since when, and until when, records are published as they are: from the rows of the store, for
// the portal's pages.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "zones/name.h"
#include "zones/rdata.h"
#include "zones/sqlite_rows.h"

namespace dnsd {

/// One that is published now.
struct PublishedRecord {
  zones::Name owner;
  zones::Type type{};
  zones::Rdata rdata;
};

/// Neither is there when the row does not have the record: it is behind what is published, for a
/// moment.
struct PublishedTime {
  /// When records of the owner changed last; empty for those that were imported.
  std::optional<std::chrono::sys_seconds> since{};
  std::optional<std::chrono::sys_seconds> until{};  // its lease; empty: permanent
};

/// Of each record, in their order; those of one owner should come one after the other. Throws
/// StoreError.
std::vector<PublishedTime> read_times(zones::SqliteRows& rows, zones::NameView apex,
                                      std::span<const PublishedRecord> records);

class PublishedTimes {
 public:
  static constexpr std::size_t QUEUE = 16;                   // questions that wait …
  static constexpr std::chrono::milliseconds PATIENCE{500};  // … and for how long
  static constexpr std::size_t MAX_RDATA_OCTETS = 512;       // of longer records nothing is told

  /// Of each record, in their order; none at all when they cannot be told.
  using Times = std::vector<PublishedTime>;

  /// @param store  of this process; it is opened for reading at the first question, and stays so
  /// @param patience  how long a question may wait
  explicit PublishedTimes(std::filesystem::path store,
                          std::chrono::milliseconds patience = PATIENCE);
  ~PublishedTimes();

  /// `done` is called once, by a thread of its own, soon. Any thread. False when too many wait;
  /// `done` is then not called.
  bool ask(const zones::Name& apex, std::vector<PublishedRecord> records,
           std::function<void(Times)> done);
  /// Answers what waits with nothing, ends the thread, closes the store.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
