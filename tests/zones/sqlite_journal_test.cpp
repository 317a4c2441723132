// A store's journal, read beside its writer.
#include "zones/sqlite_journal.h"

#include <gtest/gtest.h>

#include <optional>

#include "zones/sqlite_store.h"
#include "zones/store_model.h"

namespace zones::test {
namespace {

struct Collect final : JournalSink {
  bool batch(const JournalBatch& one) override {
    lsns.push_back(one.lsn);
    return lsns.size() < limit;
  }
  std::vector<Lsn> lsns;
  std::size_t limit = 100;
};

std::vector<Lsn> read(SqliteJournal& journal, Lsn from, std::size_t limit = 100) {
  Collect sink;
  sink.limit = limit;
  const Lsn first = journal.read(from, sink);
  EXPECT_EQ(first, sink.lsns.empty() ? 0 : sink.lsns.front());
  return sink.lsns;
}

void append(SqliteStore& store) {
  JournalBatch batch;
  batch.lsn = store.last_lsn() + 1;
  batch.time = std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000));
  store.append(batch);
}

using Lsns = std::vector<Lsn>;

TEST(SqliteJournal, SeesEachBatchThatIsWrittenMeanwhile) {
  TemporaryFolder folder;
  SqliteStore store(folder / "dnsd.sqlite");
  SqliteJournal journal(folder / "dnsd.sqlite");
  EXPECT_EQ(journal.last(), 0U);
  EXPECT_EQ(read(journal, 1), Lsns{});
  for (Lsn lsn = 1; lsn <= 5; ++lsn) {
    append(store);
    EXPECT_EQ(journal.last(), lsn);
    EXPECT_EQ(read(journal, lsn), Lsns{lsn});
  }
  EXPECT_EQ(read(journal, 2), (Lsns{2, 3, 4, 5}));
  EXPECT_EQ(read(journal, 1, 2), (Lsns{1, 2}));
  EXPECT_EQ(read(journal, 6), Lsns{});

  store.checkpoint({}, 5);
  store.prune(4);
  EXPECT_EQ(read(journal, 1), (Lsns{4, 5}));
  store.prune(6);
  EXPECT_EQ(read(journal, 1), Lsns{});
  EXPECT_EQ(journal.last(), 5U);
}

TEST(SqliteJournal, DoesNotTakeTheStoresLock) {
  TemporaryFolder folder;
  SqliteStore store(folder / "dnsd.sqlite");
  append(store);
  {
    SqliteJournal journal(folder / "dnsd.sqlite");
    EXPECT_EQ(read(journal, 1), Lsns{1});
  }
  append(store);  // closing the other connection took nothing away from this one
  EXPECT_THROW(SqliteStore(folder / "dnsd.sqlite"), StoreError);
  EXPECT_EQ(store.last_lsn(), 2U);
}

TEST(SqliteJournal, SaysWhenThereIsNone) {
  TemporaryFolder folder;
  EXPECT_THROW(SqliteJournal(folder / "none.sqlite"), StoreError);
}

}  // namespace
}  // namespace zones::test
