#include "zones/sqlite_rows.h"

#include <string>

#include "zones/name_key.h"
#include "zones/sqlite_store_impl.h"
#include "zones/store_rows.h"

namespace zones {
namespace {

using Kind = StoreError::Kind;

// For one who copies the write-ahead log just now.
constexpr int BUSY_MILLISECONDS = 1'000;
constexpr std::int64_t END_OF_TIME = 253'402'300'800;  // 10000-01-01: what a page can show

template <class Action>
auto guarded(const std::filesystem::path& path, Action&& action) {
  try {
    return action();
  } catch (const SQLite::Exception& error) {
    throw StoreError(Kind::UNWRITABLE, path.string() + ": cannot read a name: " + error.what());
  }
}

}  // namespace

struct SqliteRows::Impl {
  explicit Impl(const std::filesystem::path& path_in)
      : path(path_in),
        database(path.string(), SQLite::OPEN_READONLY | SQLITE_OPEN_NOMUTEX, BUSY_MILLISECONDS) {
    // A few pages on the way to a row; what is kept of them, the next commit makes old.
    database.exec("PRAGMA cache_size = -128");
    query = std::make_unique<SQLite::Statement>(
        database,
        "SELECT zone, key, checksum, value, leases, since FROM name "
        "WHERE zone = (SELECT id FROM zone WHERE zone.key = ?1) AND key = ?2");
  }

  const std::filesystem::path path;
  SQLite::Database database;
  std::unique_ptr<SQLite::Statement> query;
};

SqliteRows::SqliteRows(const std::filesystem::path& path)
    : impl_(guarded(path, [&] { return std::make_unique<Impl>(path); })) {}

SqliteRows::~SqliteRows() = default;

std::optional<StoredName> SqliteRows::find(NameView apex, NameView owner) {
  return guarded(impl_->path, [&]() -> std::optional<StoredName> {
    const std::string zone_key = name_key(apex);
    const std::string key = name_key(owner, apex);
    StatementUse query(*impl_->query);
    query.octets(1, zone_key).octets(2, key);
    if (!query.row()) return std::nullopt;
    const auto zone = static_cast<std::int64_t>(query.number(0));
    const std::span<const std::uint8_t> value = query.octets(3);
    const std::span<const std::uint8_t> lease_octets = query.octets(4);
    NameRow row;
    StoredName found;
    const bool good =
        query.number(2) == name_row_checksum(zone, as_text(query.octets(1)), value, lease_octets) &&
        decode_name_row(value, apex, row) &&
        decode_leases(lease_octets, row.rrsets.record_count(), found.leases);
    if (!good) {
      throw StoreError(Kind::CORRUPT, impl_->path.string() + ": the row of " + owner.to_text() +
                                          " is not what was written");
    }
    found.rrsets.assign(row.rrsets.packed().begin(), row.rrsets.packed().end());
    const auto since = static_cast<std::int64_t>(query.number(5));
    if (since > 0 && since < END_OF_TIME) {
      found.since = std::chrono::sys_seconds(std::chrono::seconds(since));
    }
    return found;
  });
}

}  // namespace zones
