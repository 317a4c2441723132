#include "zones/sqlite_store.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>

#include "zones/journal_codec.h"
#include "zones/name_key.h"
#include "zones/sqlite_schema.h"
#include "zones/store_marker.h"
#include "zones/store_rows.h"

namespace zones {
namespace {

using Kind = StoreError::Kind;

constexpr const char* RESTORE =
    "; nothing was changed. Keep a copy of the file, then restore a backup ('sqlite3 FILE "
    ".recover' shows what can "
    "still be read)";

// What an operator is told when SQLite gives up.
StoreError translate(const SQLite::Exception& error, const std::string& file, const char* doing) {
  const std::string reason = file + ": cannot " + doing + ": " + error.what();
  switch (error.getErrorCode() & 0xff) {
    case SQLITE_FULL:
      return {Kind::UNWRITABLE, reason + "; make room on the disk, nothing was changed"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return {
          Kind::UNWRITABLE,
          reason +
              "; the file and its folder must exist and be writable for the user that runs this"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Kind::LOCKED,
              file + " is in use by another process, perhaps a running dnsd; stop that one first"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT:
      return {Kind::CORRUPT, file + " is damaged or no database: " + error.what() + RESTORE};
    case SQLITE_CONSTRAINT:
      return {Kind::CONFLICT, reason};
    default:  // SQLITE_IOERR, SQLITE_NOMEM, …
      return {Kind::UNWRITABLE,
              reason + "; see the system's log for the disk, nothing was changed"};
  }
}

// Leaves a statement ready for its next use, also after a failure.
class Use {
 public:
  explicit Use(SQLite::Statement& statement) : statement_(statement) {}
  ~Use() { statement_.tryReset(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  Use& number(int index, std::uint64_t value) {
    statement_.bind(index, static_cast<std::int64_t>(value));
    return *this;
  }
  // The octets must stay until the statement has run.
  Use& octets(int index, const void* data, std::size_t size) {
    statement_.bindNoCopy(index, size == 0 ? "" : data, static_cast<int>(size));
    return *this;
  }
  Use& octets(int index, std::string_view octets) {
    return this->octets(index, octets.data(), octets.size());
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

std::string_view as_text(std::span<const std::uint8_t> octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// SQLite would create the file with the umask's mode.
void create_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return;  // there already, or SQLite will say what is wrong
  ::fsync(file);
  ::close(file);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

}  // namespace

class SqliteStore::Impl {
  friend class Writer;
  class Writer;
  using Zones = std::map<std::string, ZoneRow, std::less<>>;  // by name_key()

  std::string file() const { return path_.string(); }
  [[noreturn]] void damaged(const std::string& what) const {
    throw StoreError(Kind::CORRUPT, file() + " is damaged: " + what + RESTORE);
  }

  /// Runs `action`; SQLite's exceptions become ours.
  template <class Action>
  auto guarded(const char* doing, Action&& action) {
    try {
      return action();
    } catch (const SQLite::Exception& error) {
      throw translate(error, file(), doing);
    }
  }

  template <class Action>
  void write(Action&& action);
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
      : path_(path), marker_(path.string(), options.vfs), max_wal_octets_(options.max_wal_octets) {
    guarded("open it", [&] { open(options); });
  }

  Lsn load(StateSink& sink) {
    guarded("read it", [&] { load_names(sink); });
    return guarded("read it", [&] { return load_journal(sink); });
  }

  void append(const JournalBatch& batch) {
    if (batch.lsn != last_ + 1) {
      throw StoreError(Kind::CONFLICT, file() + ": the newest batch is number " +
                                           std::to_string(last_) + ", so " +
                                           std::to_string(batch.lsn) + " cannot follow");
    }
    guarded("write a batch", [&] {
      buffer_.clear();
      encode_batch(batch, buffer_);
      write([&] {
        Use(*append_)
            .number(1, batch.lsn)
            .number(2, static_cast<std::uint64_t>(batch.time.time_since_epoch().count()))
            .octets(3, buffer_.data(), buffer_.size())
            .run();
      });
      last_ = batch.lsn;
      limit_wal();
    });
  }

  void checkpoint(std::span<const RowChange> rows, Lsn applied);
  Lsn applied() const { return store_.applied; }
  Lsn last() const { return last_; }
  Lsn journal(Lsn from, JournalSink& sink);

  void prune(Lsn before) {
    guarded("prune the journal", [&] {
      write([&] { Use(*prune_).number(1, std::min(before, store_.applied + 1)).run(); });
      limit_wal();
    });
  }

  void create_zone(NameView apex, const std::function<void(ZoneWriter&)>& source);
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
  void limit_wal();
  void copy_wal(int mode) {
    sqlite3_wal_checkpoint_v2(database_->getHandle(), nullptr, mode, nullptr, nullptr);
  }

  void open(const SqliteOptions& options);
  [[noreturn]] void refuse_new_start() const;
  void prepare();
  void identify(bool is_new);
  void read_zones();
  void read_last_lsn();
  void load_names(StateSink& sink);
  Lsn load_journal(StateSink& sink);
  JournalBatch decode_row(const Use& row) const;
  void save_store_row(const StoreRow& row);
  void save_zone_row(const ZoneRow& row);
  void put_name(ZoneRow& zone, std::string_view key, NameView owner, RRsetsView rrsets);
  void insert_name(ZoneRow& zone, std::string_view key, NameView owner, RRsetsView rrsets);
  std::unique_ptr<SQLite::Statement> statement(const char* sql) {
    return std::make_unique<SQLite::Statement>(*database_, sql);
  }

  std::filesystem::path path_;
  StoreMarker marker_;
  std::size_t max_wal_octets_;
  int wal_frames_ = 0;
  std::unique_ptr<SQLite::Database> database_;
  std::unique_ptr<SQLite::Statement> append_, prune_, find_name_, insert_name_, update_name_,
      delete_name_, save_zone_, save_store_, newest_, batches_;
  StoreRow store_;
  Lsn last_ = 0;
  Zones zones_;
  std::vector<std::uint8_t> buffer_;
};

// ---- opening

void SqliteStore::Impl::open(const SqliteOptions& options) {
  std::error_code ignored;
  const bool has_marker = marker_.exists();
  if (options.vfs.empty()) {
    // SQLite takes a file shorter than a page for a new one.
    constexpr std::uintmax_t SHORTEST_OCTETS = 512;
    const bool exists = std::filesystem::exists(path_, ignored);
    const std::uintmax_t size = exists ? std::filesystem::file_size(path_, ignored) : 0;
    if (has_marker && size < SHORTEST_OCTETS) refuse_new_start();
    if (size > 0 && size < SHORTEST_OCTETS) {
      throw StoreError(Kind::CORRUPT,
                       file() + " is no SQLite database; name another path, or restore a backup");
    }
    create_file(path_);
  }
  database_ = std::make_unique<SQLite::Database>(
      file(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 0, options.vfs);
  // Exclusive before the first access: no other process gets in, and the index of the WAL needs no
  // shared memory.
  database_->exec("PRAGMA locking_mode = EXCLUSIVE");
  database_->exec("PRAGMA cell_size_check = ON");
  database_->exec("PRAGMA trusted_schema = OFF");
  database_->exec("PRAGMA temp_store = MEMORY");
  database_->exec("PRAGMA secure_delete = FAST");
  database_->exec("PRAGMA cache_size = -" + std::to_string(options.cache_octets / 1024));
  database_->exec("PRAGMA synchronous = " + std::to_string(static_cast<int>(options.synchronous)));
  database_->exec(
      "PRAGMA wal_autocheckpoint = 0");  // limit_wal() does it, where a failure cannot be misread
  // exec() runs it to its end: the row with the answer comes before the switch is committed, and
  // that may fail.
  database_->exec("PRAGMA journal_mode = WAL");
  if (database_->execAndGet("PRAGMA journal_mode").getString() != "wal") {
    throw StoreError(Kind::UNWRITABLE,
                     file() + ": cannot switch to a write-ahead log; is it writable?");
  }
  sqlite3_wal_hook(
      database_->getHandle(),
      [](void* self, sqlite3*, const char*, int frames) {
        static_cast<Impl*>(self)->wal_frames_ = frames;
        return SQLITE_OK;
      },
      this);
  database_->exec("BEGIN IMMEDIATE; COMMIT");  // takes the lock
  const bool is_new = database_->execAndGet("PRAGMA user_version").getInt() == 0;
  if (is_new && has_marker) refuse_new_start();
  migrate(*database_);
  prepare();
  identify(is_new);
  read_zones();
  read_last_lsn();
  if (!zones_.empty() && !has_marker) {
    StoreIdentity identity{};
    std::ranges::copy(store_.identity, identity.begin());
    marker_.write(identity);  // as good as it goes: the zones are there
  }
}

void SqliteStore::Impl::refuse_new_start() const {
  throw StoreError(
      Kind::CORRUPT,
      file() + " is missing or empty, but " + marker_.path() +
          " tells that it has held zones. Restore a backup: a new start would take the "
          "serials back. If a new start is what you want, remove " +
          marker_.path());
}

void SqliteStore::Impl::prepare() {
  append_ = statement("INSERT INTO journal (lsn, time, batch) VALUES (?, ?, ?)");
  prune_ = statement("DELETE FROM journal WHERE lsn < ?");
  find_name_ = statement("SELECT checksum FROM name WHERE zone = ? AND key = ?");
  insert_name_ = statement("INSERT INTO name (zone, key, checksum, value) VALUES (?, ?, ?, ?)");
  update_name_ =
      statement("UPDATE name SET checksum = ?3, value = ?4 WHERE zone = ?1 AND key = ?2");
  delete_name_ = statement("DELETE FROM name WHERE zone = ? AND key = ?");
  save_zone_ = statement("UPDATE zone SET names = ?2, digest = ?3, checksum = ?4 WHERE id = ?1");
  save_store_ = statement("UPDATE store SET applied_lsn = ?, attempts = ?, checksum = ?");
  newest_ = statement("SELECT max(lsn) FROM journal");
  batches_ = statement("SELECT lsn, time, batch FROM journal WHERE lsn >= ? ORDER BY lsn");
}

void SqliteStore::Impl::identify(bool is_new) {
  const auto select = statement("SELECT identity, applied_lsn, attempts, checksum FROM store");
  Use query(*select);
  if (!query.row()) {
    // Without a row it was created, and the power went before this.
    if (!is_new && database_->execAndGet("SELECT count(*) FROM zone").getInt() > 0)
      damaged("it has no identity");
    StoreRow row;
    row.identity.resize(StoreIdentity{}.size());
    sqlite3_randomness(static_cast<int>(row.identity.size()), row.identity.data());
    const auto insert = statement(
        "INSERT INTO store (id, identity, applied_lsn, attempts, checksum) VALUES (1, ?, 0, 0, ?)");
    write([&] { Use(*insert).octets(1, row.identity).number(2, row.checksum()).run(); });
    store_ = row;
    return;
  }
  store_ = {query.string(0), query.number(1), query.number(2)};
  if (store_.identity.size() != StoreIdentity{}.size() || query.number(3) != store_.checksum()) {
    damaged("the row that tells how far its tables are is not what was written");
  }
  const std::optional<StoreIdentity> marked = marker_.read();
  if (marked && !std::equal(marked->begin(), marked->end(), store_.identity.begin(),
                            [](auto a, char b) { return a == static_cast<std::uint8_t>(b); })) {
    throw StoreError(Kind::CORRUPT, file() + " is another store than the one that " +
                                        marker_.path() +
                                        " tells of. Restore a backup of that one, or remove " +
                                        marker_.path() + " if this one is to be used");
  }
}

void SqliteStore::Impl::read_zones() {
  const auto select = statement("SELECT id, key, apex, since, names, digest, checksum FROM zone");
  Use query(*select);
  while (query.row()) {
    ZoneRow row{static_cast<std::int64_t>(query.number(0)), query.string(2), query.number(3),
                query.number(4), query.number(5)};
    const auto apex = Name::from_wire(row.apex_view().wire());
    if (row.checksum() != query.number(6) || !apex || apex->size() != row.apex.size() ||
        name_key(*apex) != query.string(1)) {
      damaged("the row of zone number " + std::to_string(row.id) + " is not what was written");
    }
    zones_.emplace(query.string(1), std::move(row));
  }
}

void SqliteStore::Impl::read_last_lsn() {
  Use query(*newest_);
  query.row();
  last_ = query.number(0);  // 0 for an empty journal
  if (last_ != 0 && last_ < store_.applied) damaged("the journal's newest batches are missing");
  last_ = std::max(last_, store_.applied);
}

// ---- writing

/// Runs `action`, one transaction; on a failure nothing of it is left.
template <class Action>
void SqliteStore::Impl::write(Action&& action) {
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

void SqliteStore::Impl::roll_back() {
  if (sqlite3_get_autocommit(database_->getHandle()) == 0) database_->tryExec("ROLLBACK");
}

void SqliteStore::Impl::undo() {
  // A commit whose sync failed is undone here, yet may be whole in the file: a restart would find
  // it in the write-ahead log. Another commit in its place takes that away. While the disk takes
  // none, the state after a restart is undecided between without and with the failed transaction,
  // whole; the next commit decides it.
  try {
    StoreRow row = store_;
    ++row.attempts;
    save_store_row(row);
    store_ = row;
  } catch (const SQLite::Exception&) {
    roll_back();
  }
}

void SqliteStore::Impl::limit_wal() {
  constexpr std::size_t PAGE_OCTETS = 4096;
  if (static_cast<std::size_t>(wal_frames_) * PAGE_OCTETS < max_wal_octets_) return;
  copy_wal(SQLITE_CHECKPOINT_PASSIVE);  // all of it, there being no readers; a failure shows in the
                                        // next commit
}

void SqliteStore::Impl::save_store_row(const StoreRow& row) {
  Use(*save_store_).number(1, row.applied).number(2, row.attempts).number(3, row.checksum()).run();
}

void SqliteStore::Impl::save_zone_row(const ZoneRow& row) {
  Use(*save_zone_)
      .number(1, static_cast<std::uint64_t>(row.id))
      .number(2, row.names)
      .number(3, row.digest)
      .number(4, row.checksum())
      .run();
}

void SqliteStore::Impl::insert_name(ZoneRow& zone, std::string_view key, NameView owner,
                                    RRsetsView rrsets) {
  buffer_.clear();
  encode_name_row(owner, zone.apex_view(), rrsets, buffer_);
  const std::uint32_t checksum = name_row_checksum(zone.id, key, buffer_);
  Use(*insert_name_)
      .number(1, static_cast<std::uint64_t>(zone.id))
      .octets(2, key)
      .number(3, checksum)
      .octets(4, buffer_.data(), buffer_.size())
      .run();
  ++zone.names;
  zone.digest += checksum;
}

void SqliteStore::Impl::put_name(ZoneRow& zone, std::string_view key, NameView owner,
                                 RRsetsView rrsets) {
  std::optional<std::uint64_t> before;
  {
    Use query(*find_name_);
    query.number(1, static_cast<std::uint64_t>(zone.id)).octets(2, key);
    if (query.row()) before = query.number(0);
  }
  if (!before) {
    if (!rrsets.empty()) insert_name(zone, key, owner, rrsets);
    return;
  }
  zone.digest -= *before;
  if (rrsets.empty()) {
    Use(*delete_name_).number(1, static_cast<std::uint64_t>(zone.id)).octets(2, key).run();
    --zone.names;
    return;
  }
  buffer_.clear();
  encode_name_row(owner, zone.apex_view(), rrsets, buffer_);
  const std::uint32_t checksum = name_row_checksum(zone.id, key, buffer_);
  Use(*update_name_)
      .number(1, static_cast<std::uint64_t>(zone.id))
      .octets(2, key)
      .number(3, checksum)
      .octets(4, buffer_.data(), buffer_.size())
      .run();
  zone.digest += checksum;
}

void SqliteStore::Impl::checkpoint(std::span<const RowChange> rows, Lsn applied) {
  if (applied < store_.applied || applied > last_) {
    throw StoreError(Kind::CONFLICT, file() + ": the checkpoint stands at batch " +
                                         std::to_string(store_.applied) + " of " +
                                         std::to_string(last_) + " and cannot go to " +
                                         std::to_string(applied));
  }
  if (rows.empty() && applied == store_.applied) return;
  struct Item {
    ZoneRow* zone;
    std::string key;
    const RowChange* row;
  };
  std::vector<Item> items;
  items.reserve(rows.size());
  for (const RowChange& row : rows) {
    const auto zone = zones_.find(name_key(row.apex));
    if (zone == zones_.end()) {
      throw StoreError(Kind::CONFLICT, file() + ": there is no zone " + row.apex.to_text());
    }
    if (!row.owner.is_at_or_below(row.apex) || !is_valid_packed(row.rrsets)) {
      throw std::invalid_argument("a row for " + row.owner.to_text() +
                                  " that does not belong into a zone");
    }
    items.push_back({&zone->second, name_key(row.owner, row.apex), &row});
  }
  // In the order of the table, so that neighbours share pages; the later of two changes of a name
  // counts.
  std::ranges::stable_sort(items, [](const Item& a, const Item& b) {
    return std::tie(a.zone->id, a.key) < std::tie(b.zone->id, b.key);
  });
  std::vector<std::pair<ZoneRow*, ZoneRow>> touched;
  StoreRow store = store_;
  store.applied = applied;
  guarded("write the checkpoint", [&] {
    transaction([&] {
      for (std::size_t i = 0; i < items.size(); ++i) {
        const Item& item = items[i];
        if (i + 1 < items.size() && items[i + 1].zone == item.zone && items[i + 1].key == item.key)
          continue;
        if (touched.empty() || touched.back().first != item.zone)
          touched.emplace_back(item.zone, *item.zone);
        put_name(touched.back().second, item.key, item.row->owner, RRsetsView(item.row->rrsets));
      }
      for (const auto& [old, row] : touched) save_zone_row(row);
      save_store_row(store);
    });
    for (auto& [old, row] : touched) *old = std::move(row);
    store_ = store;
    limit_wal();
  });
}

// ---- zones

class SqliteStore::Impl::Writer final : public ZoneWriter {
 public:
  Writer(Impl& store, ZoneRow& zone) : store_(store), zone_(zone) {}
  void node(NameView owner, RRsetsView rrsets) override {
    if (!owner.is_at_or_below(zone_.apex_view()) || rrsets.empty() ||
        !is_valid_packed(rrsets.packed())) {
      throw std::invalid_argument("records of " + owner.to_text() +
                                  " that do not belong into a zone");
    }
    key_.clear();
    append_name_key(owner, zone_.apex_view(), key_);
    try {
      store_.insert_name(zone_, key_, owner, rrsets);
    } catch (const SQLite::Exception& error) {
      if ((error.getErrorCode() & 0xff) != SQLITE_CONSTRAINT) throw;
      throw StoreError(Kind::CONFLICT, "the name " + owner.to_text() + " came twice");
    }
  }

 private:
  Impl& store_;
  ZoneRow& zone_;
  std::string key_;
};

void SqliteStore::Impl::create_zone(NameView apex, const std::function<void(ZoneWriter&)>& source) {
  const std::string key = name_key(apex);
  if (zones_.contains(key)) {
    throw StoreError(Kind::CONFLICT, file() + ": the zone " + apex.to_text() + " exists already");
  }
  ZoneRow zone;
  zone.apex.assign(apex.wire().begin(), apex.wire().end());
  zone.since = last_;
  guarded("create the zone", [&] {
    const auto insert = statement(
        "INSERT INTO zone (key, apex, since, names, digest, checksum) VALUES (?, ?, ?, 0, 0, 0) "
        "RETURNING id");
    transaction([&] {
      {
        Use query(*insert);
        query.octets(1, key).octets(2, zone.apex).number(3, zone.since).row();
        zone.id = static_cast<std::int64_t>(query.number(0));
      }
      Writer writer(*this, zone);
      source(writer);
      save_zone_row(zone);
      StoreIdentity identity{};
      std::ranges::copy(store_.identity, identity.begin());
      if (!marker_.exists() && !marker_.write(identity)) {
        throw StoreError(Kind::UNWRITABLE,
                         "cannot write " + marker_.path() + "; nothing was changed");
      }
    });
    zones_.emplace(key, std::move(zone));
    // A big zone leaves a big log: give its room back.
    if (static_cast<std::size_t>(wal_frames_) * 4096 >= max_wal_octets_)
      copy_wal(SQLITE_CHECKPOINT_TRUNCATE);
  });
}

void SqliteStore::Impl::remove_zone(NameView apex) {
  const auto zone = zones_.find(name_key(apex));
  if (zone == zones_.end()) {
    throw StoreError(Kind::CONFLICT, file() + ": there is no zone " + apex.to_text());
  }
  guarded("remove the zone", [&] {
    const auto names = statement("DELETE FROM name WHERE zone = ?");
    const auto row = statement("DELETE FROM zone WHERE id = ?");
    transaction([&] {
      Use(*names).number(1, static_cast<std::uint64_t>(zone->second.id)).run();
      Use(*row).number(1, static_cast<std::uint64_t>(zone->second.id)).run();
    });
    zones_.erase(zone);
    if (static_cast<std::size_t>(wal_frames_) * 4096 >= max_wal_octets_)
      copy_wal(SQLITE_CHECKPOINT_TRUNCATE);
  });
}

// ---- reading

void SqliteStore::Impl::load_names(StateSink& sink) {
  std::vector<const ZoneRow*> by_id;
  for (const auto& [key, zone] : zones_) by_id.push_back(&zone);
  std::ranges::sort(by_id, {}, &ZoneRow::id);
  const auto select = statement("SELECT zone, key, checksum, value FROM name ORDER BY zone, key");
  Use query(*select);
  bool more = query.row();
  std::string last_key;
  std::string own_key;
  NameRow row;
  for (const ZoneRow* zone : by_id) {
    sink.zone(zone->apex_view());
    std::uint64_t names = 0;
    std::uint64_t digest = 0;
    for (; more && static_cast<std::int64_t>(query.number(0)) == zone->id; more = query.row()) {
      const std::string_view key = as_text(query.octets(1));
      const std::uint64_t checksum = query.number(2);
      const std::span<const std::uint8_t> value = query.octets(3);
      bool good = checksum == name_row_checksum(zone->id, key, value) &&
                  decode_name_row(value, zone->apex_view(), row) && (names == 0 || key > last_key);
      if (good) {
        own_key.clear();
        append_name_key(row.owner, zone->apex_view(), own_key);
        good = key == own_key;
      }
      if (!good)
        damaged("a row of the zone " + zone->apex_view().to_text() + " is not what was written");
      last_key.assign(key);
      ++names;
      digest += checksum;
      sink.node(row.owner, row.rrsets);
    }
    if (names != zone->names || digest != zone->digest) {
      damaged("the zone " + zone->apex_view().to_text() + " has " + std::to_string(names) +
              " names instead of " + std::to_string(zone->names) +
              ", or other ones than were written");
    }
  }
  if (more) damaged("it has names that belong to no zone");
}

JournalBatch SqliteStore::Impl::decode_row(const Use& row) const {
  const Lsn lsn = row.number(0);
  Result<JournalBatch, JournalError> batch = decode_batch(row.octets(2));
  if (!batch)
    damaged("batch " + std::to_string(lsn) + " of the journal: " + to_text(batch.error()));
  if (batch->lsn != lsn)
    damaged("batch " + std::to_string(lsn) + " of the journal has another number inside");
  return std::move(*batch);
}

Lsn SqliteStore::Impl::load_journal(StateSink& sink) {
  Use query(*batches_);
  query.number(1, store_.applied + 1);
  Lsn expected = store_.applied + 1;
  for (; query.row(); ++expected) {
    JournalBatch batch = decode_row(query);
    if (batch.lsn != expected)
      damaged("batch " + std::to_string(expected) + " of the journal is missing");
    std::erase_if(batch.changes, [&](const ChangeSet& change) {
      const auto zone = zones_.find(name_key(change.apex));
      return zone == zones_.end() || batch.lsn <= zone->second.since;
    });
    sink.batch(batch);
  }
  if (expected != last_ + 1)
    damaged("batch " + std::to_string(expected) + " of the journal is missing");
  return last_;
}

Lsn SqliteStore::Impl::journal(Lsn from, JournalSink& sink) {
  return guarded("read the journal", [&] {
    Use query(*batches_);
    query.number(1, from);
    Lsn first = 0;
    Lsn expected = 0;
    while (query.row()) {
      JournalBatch batch = decode_row(query);
      if (first == 0) first = expected = batch.lsn;
      if (batch.lsn != expected++) {
        damaged("batch " + std::to_string(expected - 1) + " of the journal is missing");
      }
      if (!sink.batch(batch)) break;
    }
    return first;
  });
}

void SqliteStore::Impl::check() {
  struct Nothing final : StateSink {
    void zone(NameView) override {}
    void node(NameView, RRsetsView) override {}
    void batch(const JournalBatch&) override {}
  };
  struct All final : JournalSink {
    bool batch(const JournalBatch&) override { return true; }
  };
  guarded("check it", [&] {
    const std::string result = database_->execAndGet("PRAGMA integrity_check(1)").getString();
    if (result != "ok") damaged(result);
  });
  Nothing nothing;
  load(nothing);
  All all;
  journal(0, all);
}

SqliteStore::SqliteStore(const std::filesystem::path& path, const SqliteOptions& options)
    : impl_(std::make_unique<Impl>(path, options)) {}
SqliteStore::~SqliteStore() = default;
Lsn SqliteStore::load(StateSink& sink) { return impl_->load(sink); }
void SqliteStore::append(const JournalBatch& batch) { impl_->append(batch); }
void SqliteStore::checkpoint(std::span<const RowChange> rows, Lsn applied) {
  impl_->checkpoint(rows, applied);
}
Lsn SqliteStore::applied_lsn() const { return impl_->applied(); }
Lsn SqliteStore::last_lsn() const { return impl_->last(); }
Lsn SqliteStore::journal(Lsn from, JournalSink& sink) { return impl_->journal(from, sink); }
void SqliteStore::prune(Lsn before) { impl_->prune(before); }
void SqliteStore::create_zone(NameView apex, const std::function<void(ZoneWriter&)>& source) {
  impl_->create_zone(apex, source);
}
void SqliteStore::remove_zone(NameView apex) { impl_->remove_zone(apex); }
std::vector<Name> SqliteStore::zones() const { return impl_->zones(); }
void SqliteStore::check() { impl_->check(); }
const std::filesystem::path& SqliteStore::path() const { return impl_->path(); }

}  // namespace zones
