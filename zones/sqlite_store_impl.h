// The inside of SqliteStore, for its own files only.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zones/sqlite_store.h"
#include "zones/store_marker.h"
#include "zones/store_rows.h"

namespace zones {

inline std::string_view as_text(std::span<const std::uint8_t> octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// Leaves a statement ready for its next use, also after a failure.
class StatementUse {
 public:
  explicit StatementUse(SQLite::Statement& statement) : statement_(statement) {}
  ~StatementUse() { statement_.tryReset(); }
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;

  StatementUse& number(int index, std::uint64_t value) {
    statement_.bind(index, static_cast<std::int64_t>(value));
    return *this;
  }
  // The octets must stay until the statement has run.
  StatementUse& octets(int index, const void* data, std::size_t size) {
    statement_.bindNoCopy(index, size == 0 ? "" : data, static_cast<int>(size));
    return *this;
  }
  StatementUse& octets(int index, std::string_view octets) {
    return this->octets(index, octets.data(), octets.size());
  }
  StatementUse& null(int index) {
    statement_.bind(index);
    return *this;
  }
  void run() { statement_.exec(); }
  bool row() { return statement_.executeStep(); }
  std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(statement_.getColumn(column).getInt64());
  }
  std::span<const std::uint8_t> octets(int column) const {
    const SQLite::Column value = statement_.getColumn(column);
    // The pointer first: asking for it may convert a damaged value, and its size with it.
    const auto* data = static_cast<const std::uint8_t*>(value.getBlob());
    return {data, data == nullptr ? 0 : static_cast<std::size_t>(value.getBytes())};
  }
  std::string string(int column) const {
    const std::span<const std::uint8_t> value = octets(column);
    return {value.begin(), value.end()};
  }

 private:
  SQLite::Statement& statement_;
};

// Of a file that nobody else may write, as long as it lives. It must outlive what else has the file
// open in this process: closing a file takes away its POSIX locks, which are SQLite's.
class FileLock {
 public:
  FileLock() = default;
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  /// False when another one holds it.
  bool take(const std::filesystem::path& path);

 private:
  int file_ = -1;
};

class SqliteStore::Impl {
  friend class Writer;
  class Writer;
  // As long as it lives, a rollback journal in place of the write-ahead log, if that is wanted and
  // can be.
  class BulkWrite {
   public:
    BulkWrite(Impl& store, bool wanted);
    ~BulkWrite();
    BulkWrite(const BulkWrite&) = delete;
    BulkWrite& operator=(const BulkWrite&) = delete;

   private:
    Impl& store_;
    bool is_on_ = false;
  };
  using Zones = std::map<std::string, ZoneRow, std::less<>>;  // by name_key()

  std::string file() const { return path_.string(); }
  [[noreturn]] void damaged(const std::string& what) const;

  /// Runs `action`; SQLite's exceptions become ours.
  template <class Action>
  auto guarded(const char* doing, Action&& action) {
    try {
      return action();
    } catch (const SQLite::Exception& error) {
      throw translate(error, doing);
    }
  }

  /// What an operator is told when SQLite gives up.
  StoreError translate(const SQLite::Exception& error, const char* doing) const;

  /// Runs `action`, one transaction; on a failure nothing of it is left.
  template <class Action>
  void write(Action&& action) {
    try {
      action();
    } catch (const SQLite::Exception&) {
      roll_back();
      undo();
      throw;
    } catch (...) {
      roll_back();
      throw;
    }
  }
  template <class Action>
  void transaction(Action&& action) {
    write([&] {
      database_->exec("BEGIN IMMEDIATE");
      action();
      database_->exec("COMMIT");
    });
  }

 public:
  Impl(const std::filesystem::path& path, const SqliteOptions& options)
      : path_(path),
        marker_(path.string(), options.vfs),
        max_wal_octets_(options.max_wal_octets),
        bulk_names_(options.bulk_names) {
    guarded("open it", [&] { options.read_only ? open_to_read(options) : open(options); });
  }

  Lsn load(StateSink& sink);
  void append(const JournalBatch& batch);
  void checkpoint(std::span<const RowChange> rows, Lsn applied);
  Lsn applied() const { return store_.applied; }
  Lsn last() const { return last_; }
  Lsn journal(Lsn from, JournalSink& sink);
  Lsn newest_batch_before(std::chrono::sys_seconds time);
  void journal_rows(const std::function<bool(const JournalRow&)>& each);
  std::uint64_t journal_octets();

  void prune(Lsn before);
  void create_zones(std::span<const NewZone> zones);
  void remove_zone(NameView apex);
  std::vector<Name> zones() const {
    std::vector<Name> names;
    names.reserve(zones_.size());
    for (const auto& [key, row] : zones_) names.emplace_back(row.apex_view());
    return names;
  }
  void check();
  const std::filesystem::path& path() const { return path_; }

 private:
  void roll_back();
  void undo();
  void fill_zones(std::span<const NewZone> zones, std::vector<ZoneRow>& rows);
  bool use_journal(const std::string& mode) noexcept;
  void shrink_wal();
  SQLite::Statement& insert_names();
  void limit_wal();
  void copy_wal(int mode) {
    sqlite3_wal_checkpoint_v2(database_->getHandle(), nullptr, mode, nullptr, nullptr);
  }

  void open(const SqliteOptions& options);
  void open_to_read(const SqliteOptions& options);
  void set_up(const SqliteOptions& options);
  [[noreturn]] void refuse_new_start() const;
  void prepare();
  void identify(bool is_new);
  void read_zones();
  void read_last_lsn();
  void load_names(StateSink& sink);
  Lsn load_journal(StateSink& sink);
  JournalBatch decode_row(const StatementUse& row) const;
  void save_store_row(const StoreRow& row);
  void save_zone_row(const ZoneRow& row);
  void put_name(ZoneRow& zone, std::string_view key, const RowChange& row);
  void insert_name(ZoneRow& zone, std::string_view key, NameView owner, RRsetsView rrsets,
                   std::span<const RecordLease> leases, std::chrono::sys_seconds changed);
  std::uint32_t encode_name(const ZoneRow& zone, std::string_view key, NameView owner,
                            RRsetsView rrsets, std::span<const RecordLease> leases);
  void bind_name(StatementUse& use, const ZoneRow& zone, std::string_view key,
                 std::uint32_t checksum, std::chrono::sys_seconds changed);
  std::unique_ptr<SQLite::Statement> statement(const char* sql) {
    return std::make_unique<SQLite::Statement>(*database_, sql);
  }

  std::filesystem::path path_;
  StoreMarker marker_;
  std::size_t max_wal_octets_;
  std::uint64_t bulk_names_;
  int wal_frames_ = 0;
  FileLock lock_;
  std::unique_ptr<SQLite::Database> database_;
  std::unique_ptr<SQLite::Statement> append_, prune_, find_name_, insert_name_, update_name_,
      delete_name_, save_zone_, save_store_, newest_, batches_, insert_names_;
  StoreRow store_;
  Lsn last_ = 0;
  std::optional<std::uint64_t> journal_octets_;  // counted when it is asked for first
  Zones zones_;
  std::vector<std::uint8_t> buffer_;
  std::vector<std::uint8_t> lease_buffer_;
};

}  // namespace zones
