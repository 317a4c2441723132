// SqliteStore: everything that changes the database.
#include <algorithm>
#include <optional>
#include <tuple>

#include "zones/journal_codec.h"
#include "zones/name_key.h"
#include "zones/sqlite_store_impl.h"

namespace zones {
namespace {

using Kind = StoreError::Kind;

}  // namespace

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
  // All of it, unless somebody reads an older state. What is left, the next commits take.
  copy_wal(SQLITE_CHECKPOINT_PASSIVE);
}

void SqliteStore::Impl::save_store_row(const StoreRow& row) {
  StatementUse(*save_store_)
      .number(1, row.applied)
      .number(2, row.attempts)
      .number(3, row.checksum())
      .run();
}

void SqliteStore::Impl::save_zone_row(const ZoneRow& row) {
  StatementUse(*save_zone_)
      .number(1, static_cast<std::uint64_t>(row.id))
      .number(2, row.names)
      .number(3, row.digest)
      .number(4, row.checksum())
      .run();
}

// Into the buffers. @return the row's checksum
std::uint32_t SqliteStore::Impl::encode_name(const ZoneRow& zone, std::string_view key,
                                             NameView owner, RRsetsView rrsets,
                                             std::span<const RecordLease> leases) {
  buffer_.clear();
  encode_name_row(owner, zone.apex_view(), rrsets, buffer_);
  lease_buffer_.clear();
  encode_leases(leases, lease_buffer_);
  return name_row_checksum(zone.id, key, buffer_, lease_buffer_);
}

void SqliteStore::Impl::bind_name(StatementUse& use, const ZoneRow& zone, std::string_view key,
                                  std::uint32_t checksum, std::chrono::sys_seconds changed) {
  use.number(1, static_cast<std::uint64_t>(zone.id))
      .octets(2, key)
      .number(3, checksum)
      .octets(4, buffer_.data(), buffer_.size());
  if (lease_buffer_.empty()) {
    use.null(5);
  } else {
    use.octets(5, lease_buffer_.data(), lease_buffer_.size());
  }
  if (changed == std::chrono::sys_seconds()) {
    use.null(6);
  } else {
    use.number(6, static_cast<std::uint64_t>(changed.time_since_epoch().count()));
  }
}

void SqliteStore::Impl::insert_name(ZoneRow& zone, std::string_view key, NameView owner,
                                    RRsetsView rrsets, std::span<const RecordLease> leases,
                                    std::chrono::sys_seconds changed) {
  const std::uint32_t checksum = encode_name(zone, key, owner, rrsets, leases);
  StatementUse insert(*insert_name_);
  bind_name(insert, zone, key, checksum, changed);
  insert.run();
  ++zone.names;
  zone.digest += checksum;
}

void SqliteStore::Impl::put_name(ZoneRow& zone, std::string_view key, const RowChange& row) {
  const RRsetsView rrsets(row.rrsets);
  std::optional<std::uint64_t> before;
  {
    StatementUse query(*find_name_);
    query.number(1, static_cast<std::uint64_t>(zone.id)).octets(2, key);
    if (query.row()) before = query.number(0);
  }
  if (!before) {
    if (!rrsets.empty()) insert_name(zone, key, row.owner, rrsets, row.leases, row.changed);
    return;
  }
  zone.digest -= *before;
  if (rrsets.empty()) {
    StatementUse(*delete_name_).number(1, static_cast<std::uint64_t>(zone.id)).octets(2, key).run();
    --zone.names;
    return;
  }
  const std::uint32_t checksum = encode_name(zone, key, row.owner, rrsets, row.leases);
  StatementUse update(*update_name_);
  bind_name(update, zone, key, checksum, row.changed);
  update.run();
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
        put_name(touched.back().second, item.key, *item.row);
      }
      for (const auto& [old, row] : touched) save_zone_row(row);
      save_store_row(store);
    });
    for (auto& [old, row] : touched) *old = std::move(row);
    store_ = store;
    limit_wal();
  });
}

void SqliteStore::Impl::append(const JournalBatch& batch) {
  if (batch.lsn != last_ + 1) {
    throw StoreError(Kind::CONFLICT, file() + ": the newest batch is number " +
                                         std::to_string(last_) + ", so " +
                                         std::to_string(batch.lsn) + " cannot follow");
  }
  guarded("write a batch", [&] {
    buffer_.clear();
    encode_batch(batch, buffer_);
    write([&] {
      StatementUse(*append_)
          .number(1, batch.lsn)
          .number(2, static_cast<std::uint64_t>(batch.time.time_since_epoch().count()))
          .octets(3, buffer_.data(), buffer_.size())
          .run();
    });
    last_ = batch.lsn;
    if (journal_octets_) *journal_octets_ += buffer_.size();
    limit_wal();
  });
}

void SqliteStore::Impl::prune(Lsn before) {
  guarded("prune the journal", [&] {
    const Lsn end = std::min(before, store_.applied + 1);
    std::uint64_t octets = 0;
    if (journal_octets_) {
      journal_rows([&](const JournalRow& row) {
        if (row.lsn < end) octets += row.octets;
        return row.lsn < end;
      });
    }
    write([&] { StatementUse(*prune_).number(1, end).run(); });
    if (journal_octets_) *journal_octets_ -= octets;
    limit_wal();
  });
}

}  // namespace zones
