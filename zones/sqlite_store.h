// The store that is built in: SQLite in WAL mode, one file, one process.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "zones/store.h"

namespace zones {

struct SqliteOptions {
  // What survives a power cut; anything but FULL is for tests and measurements (a commit may be
  // lost).
  enum class Synchronous { OFF = 0, NORMAL = 1, FULL = 2 };
  Synchronous synchronous = Synchronous::FULL;
  /// Looks into a store that may be in use, sees one moment of it, and changes nothing: whatever
  /// would change it throws UNWRITABLE. As long as the object lives, the write-ahead log cannot
  /// shrink, so it should not live long.
  bool read_only = false;
  std::string vfs;                      // a registered SQLite VFS; empty: the system's files
  std::size_t cache_octets = 32 << 20;  // SQLite's page cache
  std::uint64_t bulk_names = 100'000;   // so many names in new zones do not go through the WAL
  std::size_t max_wal_octets =
      64 << 20;  // copied into the database file when the WAL has grown beyond
};

/// Keeps zones in an SQLite database that belongs to this process as long as the object lives,
/// unless it is opened to be read only. SQLite's exceptions stop here. Used by one thread at a
/// time.
///
/// Beside the database lies a marker, "<file>.marker", from the first zone on: a database that is
/// missing, empty or another one than the marker tells is refused, since a silent new start would
/// take every serial back. Whoever wants the new start removes the marker.
class SqliteStore final : public Store {
 public:
  /// Opens the database, creates it (mode 0600) when there is none, and migrates an older schema.
  /// To be read only, it must be there and of the newest schema.
  /// Throws StoreError: LOCKED when another process has it open, CORRUPT when it is not to be
  /// trusted, UNWRITABLE when it cannot be opened for writing.
  explicit SqliteStore(const std::filesystem::path& path, const SqliteOptions& options = {});
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  Lsn load(StateSink& sink) override;
  void append(const JournalBatch& batch) override;
  void checkpoint(std::span<const RowChange> rows, Lsn applied) override;
  Lsn applied_lsn() const override;
  Lsn last_lsn() const override;
  Lsn journal(Lsn from, JournalSink& sink) override;
  Lsn newest_batch_before(std::chrono::sys_seconds time) override;
  void journal_rows(const std::function<bool(const JournalRow&)>& each) override;
  std::uint64_t journal_octets() override;
  void prune(Lsn before) override;
  void create_zones(std::span<const NewZone> zones) override;
  void remove_zone(NameView apex) override;
  std::vector<Name> zones() const override;

  /// SQLite's integrity check and every checksum; slow on big stores. Throws StoreError CORRUPT.
  void check();
  const std::filesystem::path& path() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zones
