#include "zones/sqlite_journal.h"

#include <algorithm>
#include <string>

#include "zones/journal_codec.h"
#include "zones/sqlite_store_impl.h"

namespace zones {
namespace {

using Kind = StoreError::Kind;

// For one who copies the write-ahead log just now.
constexpr int BUSY_MILLISECONDS = 5'000;

}  // namespace

struct SqliteJournal::Impl {
  explicit Impl(const std::filesystem::path& path_in)
      : path(path_in),
        database(path.string(), SQLite::OPEN_READONLY | SQLITE_OPEN_NOMUTEX, BUSY_MILLISECONDS),
        newest(database,
               "SELECT max((SELECT coalesce(max(lsn), 0) FROM journal), applied_lsn) "
               "FROM store"),
        batches(database, "SELECT lsn, batch FROM journal WHERE lsn >= ? ORDER BY lsn") {}

  JournalBatch decode(const StatementUse& row) const {
    const Lsn lsn = row.number(0);
    auto batch = decode_batch(row.octets(1));
    if (!batch || batch->lsn != lsn) {
      throw StoreError(Kind::CORRUPT, path.string() + ": batch " + std::to_string(lsn) +
                                          " of the journal is " +
                                          (batch ? "another one" : to_text(batch.error())));
    }
    return std::move(*batch);
  }

  const std::filesystem::path path;
  SQLite::Database database;
  SQLite::Statement newest;
  SQLite::Statement batches;
};

namespace {

template <class Action>
auto guarded(const std::filesystem::path& path, Action&& action) {
  try {
    return action();
  } catch (const SQLite::Exception& error) {
    throw StoreError(Kind::UNWRITABLE,
                     path.string() + ": cannot read the journal: " + error.what());
  }
}

}  // namespace

SqliteJournal::SqliteJournal(const std::filesystem::path& path)
    : impl_(guarded(path, [&] { return std::make_unique<Impl>(path); })) {}

SqliteJournal::~SqliteJournal() = default;

Lsn SqliteJournal::last() {
  return guarded(impl_->path, [&] {
    StatementUse query(impl_->newest);
    return query.row() ? query.number(0) : 0;
  });
}

Lsn SqliteJournal::read(Lsn from, JournalSink& sink) {
  return guarded(impl_->path, [&] {
    StatementUse query(impl_->batches);
    query.number(1, from);
    Lsn first = 0;
    Lsn expected = 0;
    while (query.row()) {
      const JournalBatch batch = impl_->decode(query);
      if (first == 0) first = expected = batch.lsn;
      if (batch.lsn != expected++) {
        throw StoreError(Kind::CORRUPT, impl_->path.string() + ": batch " +
                                            std::to_string(expected - 1) +
                                            " of the journal is missing");
      }
      if (!sink.batch(batch)) break;
    }
    return first;
  });
}

}  // namespace zones
