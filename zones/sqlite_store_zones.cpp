// SqliteStore: zones that come and go.
#include <algorithm>
#include <array>
#include <set>

#include "zones/name_key.h"
#include "zones/sqlite_store_impl.h"

namespace zones {
namespace {

using Kind = StoreError::Kind;

constexpr std::size_t ROWS_AT_ONCE = 64;

}  // namespace

// Names that come in canonical order are written many in one statement: SQLite looks for the place
// of the first one, and goes on from there.
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
    if (zone_.names > 0 && key_ <= last_key_) {
      insert_late(owner, rrsets);
      return;
    }
    last_key_ = key_;
    Row& row = rows_[waiting_++];
    const std::size_t key_at = octets_.size();
    octets_.insert(octets_.end(), key_.begin(), key_.end());
    const std::size_t value_at = octets_.size();
    encode_name_row(owner, zone_.apex_view(), rrsets, octets_);
    const std::span<const std::uint8_t> value = std::span(octets_).subspan(value_at);
    row = {name_row_checksum(zone_.id, key_, value, {}), key_at, value_at, octets_.size()};
    ++zone_.names;
    zone_.digest += row.checksum;
    if (waiting_ == ROWS_AT_ONCE) flush();
  }

  /// Writes what waits.
  void flush() {
    if (waiting_ == ROWS_AT_ONCE) {
      StatementUse insert(store_.insert_names());
      for (std::size_t i = 0; i < ROWS_AT_ONCE; ++i) bind(insert, i, rows_[i]);
      insert.run();
    } else {
      for (std::size_t i = 0; i < waiting_; ++i) {
        StatementUse insert(*store_.insert_name_);
        bind(insert, 0, rows_[i]);
        insert.null(5).null(6).run();
      }
    }
    waiting_ = 0;
    octets_.clear();
  }

 private:
  // Ends of its octets, one after the other.
  struct Row {
    std::uint32_t checksum = 0;
    std::size_t key_at = 0;
    std::size_t value_at = 0;
    std::size_t end = 0;
  };

  void bind(StatementUse& use, std::size_t place, const Row& row) const {
    const int first = static_cast<int>(4 * place) + 1;
    use.number(first, static_cast<std::uint64_t>(zone_.id))
        .octets(first + 1, octets_.data() + row.key_at, row.value_at - row.key_at)
        .number(first + 2, row.checksum)
        .octets(first + 3, octets_.data() + row.value_at, row.end - row.value_at);
  }

  void insert_late(NameView owner, RRsetsView rrsets) {
    flush();
    try {
      store_.insert_name(zone_, key_, owner, rrsets, {}, {});
    } catch (const SQLite::Exception& error) {
      if ((error.getErrorCode() & 0xff) != SQLITE_CONSTRAINT) throw;
      throw StoreError(Kind::CONFLICT, "the name " + owner.to_text() + " came twice");
    }
  }

  Impl& store_;
  ZoneRow& zone_;
  std::string key_;
  std::string last_key_;
  std::array<Row, ROWS_AT_ONCE> rows_{};
  std::size_t waiting_ = 0;
  std::vector<std::uint8_t> octets_;
};

SQLite::Statement& SqliteStore::Impl::insert_names() {
  if (!insert_names_) {
    std::string sql = "INSERT OR FAIL INTO name (zone, key, checksum, value) VALUES (?, ?, ?, ?)";
    for (std::size_t i = 1; i < ROWS_AT_ONCE; ++i) sql += ", (?, ?, ?, ?)";
    insert_names_ = statement(sql.c_str());
  }
  return *insert_names_;
}

// A rollback journal takes the pages that change; new ones go straight to their place, once.
SqliteStore::Impl::BulkWrite::BulkWrite(Impl& store, bool wanted) : store_(store) {
  // Not while somebody reads; the write-ahead log does as well.
  if (wanted) is_on_ = store_.use_journal("DELETE");
}

SqliteStore::Impl::BulkWrite::~BulkWrite() {
  // Where this fails, commits are durable all the same, and the next open() tries again.
  if (is_on_) store_.use_journal("WAL");
}

bool SqliteStore::Impl::use_journal(const std::string& mode) noexcept {
  wal_frames_ = 0;
  try {
    return database_->tryExec("PRAGMA journal_mode = " + mode) == SQLITE_OK;
  } catch (const std::exception&) {
    return false;
  }
}

void SqliteStore::Impl::fill_zones(std::span<const NewZone> zones, std::vector<ZoneRow>& rows) {
  const auto insert = statement(
      "INSERT INTO zone (key, apex, since, names, digest, checksum) VALUES (?, ?, ?, 0, 0, 0) "
      "RETURNING id");
  for (const NewZone& zone : zones) {
    ZoneRow& row = rows.emplace_back();
    row.apex.assign(zone.apex.wire().begin(), zone.apex.wire().end());
    row.since = last_;
    {
      StatementUse query(*insert);
      const std::string key = name_key(zone.apex);
      query.octets(1, key).octets(2, row.apex).number(3, row.since).row();
      row.id = static_cast<std::int64_t>(query.number(0));
    }
    Writer writer(*this, row);
    zone.source(writer);
    writer.flush();
    save_zone_row(row);
  }
  StoreIdentity identity{};
  std::ranges::copy(store_.identity, identity.begin());
  if (!marker_.exists() && !marker_.write(identity)) {
    throw StoreError(Kind::UNWRITABLE, "cannot write " + marker_.path() + "; nothing was changed");
  }
}

void SqliteStore::Impl::create_zones(std::span<const NewZone> zones) {
  std::set<std::string> keys;
  std::uint64_t names = 0;
  for (const NewZone& zone : zones) {
    const std::string key = name_key(zone.apex);
    if (zones_.contains(key) || !keys.insert(key).second) {
      throw StoreError(Kind::CONFLICT,
                       file() + ": the zone " + zone.apex.to_text() + " exists already");
    }
    names += zone.names;
  }
  if (zones.empty()) return;
  std::vector<ZoneRow> rows;
  rows.reserve(zones.size());
  guarded("create the zone", [&] {
    {
      const BulkWrite bulk(*this, names >= bulk_names_);
      transaction([&] { fill_zones(zones, rows); });
    }
    for (ZoneRow& row : rows) zones_.emplace(name_key(row.apex_view()), std::move(row));
    shrink_wal();
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
      StatementUse(*names).number(1, static_cast<std::uint64_t>(zone->second.id)).run();
      StatementUse(*row).number(1, static_cast<std::uint64_t>(zone->second.id)).run();
    });
    zones_.erase(zone);
    shrink_wal();
  });
}

// A big zone leaves a big log: give its room back.
void SqliteStore::Impl::shrink_wal() {
  if (static_cast<std::size_t>(wal_frames_) * 4096 >= max_wal_octets_)
    copy_wal(SQLITE_CHECKPOINT_TRUNCATE);
}

}  // namespace zones
