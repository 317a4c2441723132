// SqliteStore: everything that reads the database, and trusts none of it.
#include <algorithm>

#include "zones/journal_codec.h"
#include "zones/name_key.h"
#include "zones/sqlite_store_impl.h"

namespace zones {

Lsn SqliteStore::Impl::load(StateSink& sink) {
  guarded("read it", [&] { load_names(sink); });
  return guarded("read it", [&] { return load_journal(sink); });
}

void SqliteStore::Impl::load_names(StateSink& sink) {
  std::vector<const ZoneRow*> by_id;
  for (const auto& [key, zone] : zones_) by_id.push_back(&zone);
  std::ranges::sort(by_id, {}, &ZoneRow::id);
  const auto select =
      statement("SELECT zone, key, checksum, value, leases FROM name ORDER BY zone, key");
  StatementUse query(*select);
  bool more = query.row();
  std::string last_key;
  std::string own_key;
  NameRow row;
  std::vector<RecordLease> leases;
  for (const ZoneRow* zone : by_id) {
    sink.zone(zone->apex_view());
    std::uint64_t names = 0;
    std::uint64_t digest = 0;
    for (; more && static_cast<std::int64_t>(query.number(0)) == zone->id; more = query.row()) {
      const std::string_view key = as_text(query.octets(1));
      const std::uint64_t checksum = query.number(2);
      const std::span<const std::uint8_t> value = query.octets(3);
      const std::span<const std::uint8_t> lease_octets = query.octets(4);
      bool good = checksum == name_row_checksum(zone->id, key, value, lease_octets) &&
                  decode_name_row(value, zone->apex_view(), row) && (names == 0 || key > last_key);
      if (good && !lease_octets.empty()) {
        good = decode_leases(lease_octets, row.rrsets.record_count(), leases);
      }
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
      if (!lease_octets.empty()) sink.leases(row.owner, row.rrsets, leases);
    }
    if (names != zone->names || digest != zone->digest) {
      damaged("the zone " + zone->apex_view().to_text() + " has " + std::to_string(names) +
              " names instead of " + std::to_string(zone->names) +
              ", or other ones than were written");
    }
  }
  if (more) damaged("it has names that belong to no zone");
}

JournalBatch SqliteStore::Impl::decode_row(const StatementUse& row) const {
  const Lsn lsn = row.number(0);
  Result<JournalBatch, JournalError> batch = decode_batch(row.octets(2));
  if (!batch)
    damaged("batch " + std::to_string(lsn) + " of the journal: " + to_text(batch.error()));
  if (batch->lsn != lsn)
    damaged("batch " + std::to_string(lsn) + " of the journal has another number inside");
  return std::move(*batch);
}

Lsn SqliteStore::Impl::load_journal(StateSink& sink) {
  StatementUse query(*batches_);
  query.number(1, store_.applied + 1);
  Lsn expected = store_.applied + 1;
  for (; query.row(); ++expected) {
    JournalBatch batch = decode_row(query);
    if (batch.lsn != expected)
      damaged("batch " + std::to_string(expected) + " of the journal is missing");
    // Of zones that are gone, or were made anew since.
    const auto is_of_the_past = [&](NameView apex) {
      const auto zone = zones_.find(name_key(apex));
      return zone == zones_.end() || batch.lsn <= zone->second.since;
    };
    std::erase_if(batch.changes,
                  [&](const ChangeSet& change) { return is_of_the_past(change.apex); });
    for (JournalMessage& message : batch.messages) {
      if (!message.leases.empty() && is_of_the_past(message.zone)) message.leases.clear();
    }
    sink.batch(batch);
  }
  if (expected != last_ + 1)
    damaged("batch " + std::to_string(expected) + " of the journal is missing");
  return last_;
}

Lsn SqliteStore::Impl::journal(Lsn from, JournalSink& sink) {
  return guarded("read the journal", [&] {
    StatementUse query(*batches_);
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

// Backwards, so that a long journal is not read for its end; the column comes before the batch's
// octets, which stay unread.
Lsn SqliteStore::Impl::newest_batch_before(std::chrono::sys_seconds time) {
  return guarded("read the journal", [&]() -> Lsn {
    const auto select = statement("SELECT lsn, time FROM journal ORDER BY lsn DESC");
    StatementUse query(*select);
    while (query.row()) {
      if (static_cast<std::int64_t>(query.number(1)) < time.time_since_epoch().count()) {
        return query.number(0);
      }
    }
    return 0;
  });
}

void SqliteStore::Impl::journal_rows(const std::function<bool(const JournalRow&)>& each) {
  guarded("read the journal", [&] {
    const auto select = statement("SELECT lsn, time, length(batch) FROM journal ORDER BY lsn");
    StatementUse query(*select);
    while (query.row()) {
      const std::chrono::seconds time(static_cast<std::int64_t>(query.number(1)));
      if (!each({query.number(0), std::chrono::sys_seconds(time), query.number(2)})) break;
    }
  });
}

std::uint64_t SqliteStore::Impl::journal_octets() {
  if (!journal_octets_) {
    std::uint64_t octets = 0;
    journal_rows([&](const JournalRow& row) {
      octets += row.octets;
      return true;
    });
    journal_octets_ = octets;
  }
  return *journal_octets_;
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

}  // namespace zones
