#include "zones/sqlite_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "zones/name_key.h"
#include "zones/sqlite_schema.h"
#include "zones/sqlite_store_impl.h"

namespace zones {
namespace {

using Kind = StoreError::Kind;

constexpr const char* RESTORE =
    "; nothing was changed. Keep a copy of the file, then restore a backup ('sqlite3 FILE "
    ".recover' shows what can "
    "still be read)";

constexpr const char* IN_USE =
    " is in use by another process, perhaps a running dnsd; stop that one first";
// For one who only reads, or starts to, holds what a writer needs for a moment at most.
constexpr int BUSY_MILLISECONDS = 5'000;

// SQLite's own locks would cost a twentieth of a start.
constexpr int ONE_THREAD = SQLITE_OPEN_NOMUTEX;

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

FileLock::~FileLock() {
  if (file_ >= 0) ::close(file_);
}

bool FileLock::take(const std::filesystem::path& path) {
  file_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  // What cannot be opened or locked, SQLite will complain of.
  return file_ < 0 || ::flock(file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

void SqliteStore::Impl::damaged(const std::string& what) const {
  throw StoreError(Kind::CORRUPT, file() + " is damaged: " + what + RESTORE);
}

StoreError SqliteStore::Impl::translate(const SQLite::Exception& error, const char* doing) const {
  const std::string reason = file() + ": cannot " + doing + ": " + error.what();
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
      return {Kind::LOCKED, file() + IN_USE};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT:
      return {Kind::CORRUPT, file() + " is damaged or no database: " + error.what() + RESTORE};
    case SQLITE_CONSTRAINT:
      return {Kind::CONFLICT, reason};
    default:  // SQLITE_IOERR, SQLITE_NOMEM, …
      return {Kind::UNWRITABLE,
              reason + "; see the system's log for the disk, nothing was changed"};
  }
}

void SqliteStore::Impl::set_up(const SqliteOptions& options) {
  database_->exec("PRAGMA cell_size_check = ON");
  database_->exec("PRAGMA trusted_schema = OFF");
  database_->exec("PRAGMA temp_store = MEMORY");
  database_->exec("PRAGMA cache_size = -" + std::to_string(options.cache_octets / 1024));
}

void SqliteStore::Impl::open_to_read(const SqliteOptions& options) {
  database_ = std::make_unique<SQLite::Database>(file(), SQLite::OPEN_READONLY | ONE_THREAD,
                                                 BUSY_MILLISECONDS, options.vfs);
  set_up(options);
  database_->exec("BEGIN");  // all of one moment, which the first row that is read settles
  const int version = database_->execAndGet("PRAGMA user_version").getInt();
  if (version >= 0 && version < schema_migrations().back().version) {
    throw StoreError(Kind::UNWRITABLE,
                     file() + " was written by an older version; start this version's dnsd once");
  }
  migrate(*database_);  // only looks
  prepare();
  identify(false);
  read_zones();
  read_last_lsn();
}

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
    // SQLite's own lock would keep out those who only read as well.
    if (!lock_.take(path_)) throw StoreError(Kind::LOCKED, file() + IN_USE);
  }
  database_ = std::make_unique<SQLite::Database>(
      file(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | ONE_THREAD, BUSY_MILLISECONDS,
      options.vfs);
  set_up(options);
  database_->exec("PRAGMA secure_delete = FAST");
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
  insert_name_ = statement(
      "INSERT INTO name (zone, key, checksum, value, leases, since) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  update_name_ = statement(
      "UPDATE name SET checksum = ?3, value = ?4, leases = ?5, since = coalesce(?6, since) "
      "WHERE zone = ?1 AND key = ?2");
  delete_name_ = statement("DELETE FROM name WHERE zone = ? AND key = ?");
  save_zone_ = statement("UPDATE zone SET names = ?2, digest = ?3, checksum = ?4 WHERE id = ?1");
  save_store_ = statement("UPDATE store SET applied_lsn = ?, attempts = ?, checksum = ?");
  newest_ = statement("SELECT max(lsn) FROM journal");
  batches_ = statement("SELECT lsn, time, batch FROM journal WHERE lsn >= ? ORDER BY lsn");
}

void SqliteStore::Impl::identify(bool is_new) {
  const auto select = statement("SELECT identity, applied_lsn, attempts, checksum FROM store");
  StatementUse query(*select);
  if (!query.row()) {
    // Without a row it was created, and the power went before this.
    if (!is_new && database_->execAndGet("SELECT count(*) FROM zone").getInt() > 0)
      damaged("it has no identity");
    if (sqlite3_db_readonly(database_->getHandle(), "main") == 1) {
      throw StoreError(Kind::CORRUPT, file() + " holds nothing yet");
    }
    StoreRow row;
    row.identity.resize(StoreIdentity{}.size());
    sqlite3_randomness(static_cast<int>(row.identity.size()), row.identity.data());
    const auto insert = statement(
        "INSERT INTO store (id, identity, applied_lsn, attempts, checksum) VALUES (1, ?, 0, 0, ?)");
    write([&] { StatementUse(*insert).octets(1, row.identity).number(2, row.checksum()).run(); });
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
  StatementUse query(*select);
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
  StatementUse query(*newest_);
  query.row();
  last_ = query.number(0);  // 0 for an empty journal
  if (last_ != 0 && last_ < store_.applied) damaged("the journal's newest batches are missing");
  last_ = std::max(last_, store_.applied);
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
Lsn SqliteStore::newest_batch_before(std::chrono::sys_seconds time) {
  return impl_->newest_batch_before(time);
}
void SqliteStore::journal_rows(const std::function<bool(const JournalRow&)>& each) {
  impl_->journal_rows(each);
}
std::uint64_t SqliteStore::journal_octets() { return impl_->journal_octets(); }
void SqliteStore::prune(Lsn before) { impl_->prune(before); }
void SqliteStore::create_zones(std::span<const NewZone> zones) { impl_->create_zones(zones); }
void SqliteStore::remove_zone(NameView apex) { impl_->remove_zone(apex); }
std::vector<Name> SqliteStore::zones() const { return impl_->zones(); }
void SqliteStore::check() { impl_->check(); }
const std::filesystem::path& SqliteStore::path() const { return impl_->path(); }

}  // namespace zones
