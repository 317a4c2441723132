// Names of the checkpoint, read beside its writer: since when they are as they are, and their
// leases.
#include "zones/sqlite_rows.h"

#include <SQLiteCpp/Database.h>
#include <gtest/gtest.h>

#include <fstream>

#include "zones/sqlite_store.h"
#include "zones/store_model.h"

namespace zones::test {
namespace {

using Time = std::chrono::sys_seconds;

Time at(int seconds) { return Time(std::chrono::seconds(1'800'000'000 + seconds)); }

class SqliteRowsTest : public testing::Test {
 protected:
  SqliteRowsTest() {
    store_.create_zone(apex_, [&](ZoneWriter& writer) {
      writer.node(apex_, RRsetsView(packed(1)));
      writer.node(imported_, RRsetsView(packed(1)));
    });
  }
  // An A record.
  static std::vector<std::uint8_t> packed(std::uint8_t last) {
    std::vector<std::uint8_t> octets;
    EXPECT_TRUE(pack(RRset{Type::A, 60, {{192, 0, 2, last}}}, octets));
    return octets;
  }
  void put(const Name& owner, std::uint8_t last, std::vector<RecordLease> leases, Time changed) {
    const RowChange row{apex_, owner, last == 0 ? std::vector<std::uint8_t>() : packed(last),
                        std::move(leases), changed};
    store_.checkpoint({&row, 1}, store_.applied_lsn());
  }

  TemporaryFolder folder_;
  const Name apex_ = name("example.org.");
  const Name imported_ = name("imported.example.org.");
  const Name host_ = name("host.example.org.");
  SqliteStore store_{folder_ / "dnsd.sqlite"};
  SqliteRows rows_{folder_ / "dnsd.sqlite"};
};

TEST_F(SqliteRowsTest, SinceIsTheLastChangeOfRecordsNotOfLeases) {
  EXPECT_FALSE(rows_.find(apex_, host_));
  put(host_, 1, {{0, at(100)}}, at(1));
  auto found = rows_.find(apex_, host_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->since, at(1));
  EXPECT_EQ(found->rrsets, packed(1));
  EXPECT_EQ(found->leases, (std::vector<RecordLease>{{0, at(100)}}));

  put(host_, 1, {{0, at(200)}}, {});
  found = rows_.find(apex_, host_);
  EXPECT_EQ(found->since, at(1)) << "a lease that is refreshed";
  EXPECT_EQ(found->leases, (std::vector<RecordLease>{{0, at(200)}}));

  put(host_, 2, {{0, at(200)}}, at(2));
  EXPECT_EQ(rows_.find(apex_, name("HOST.example.org."))->since, at(2));
  put(host_, 0, {}, at(3));
  EXPECT_FALSE(rows_.find(apex_, host_));
  put(host_, 2, {}, at(4));
  EXPECT_EQ(rows_.find(apex_, host_)->since, at(4)) << "gone, and there again";
  EXPECT_TRUE(rows_.find(apex_, host_)->leases.empty());
}

TEST_F(SqliteRowsTest, OfAnImportedNameItIsNotKnown) {
  EXPECT_EQ(rows_.find(apex_, imported_)->since, std::nullopt);
  put(imported_, 1, {{0, at(100)}}, {});
  EXPECT_EQ(rows_.find(apex_, imported_)->since, std::nullopt);
  put(imported_, 2, {}, at(5));
  EXPECT_EQ(rows_.find(apex_, imported_)->since, at(5));
}

TEST_F(SqliteRowsTest, OtherZonesNamesAreNotFound) {
  EXPECT_FALSE(rows_.find(name("org."), imported_));
  EXPECT_FALSE(rows_.find(name("imported.example.org."), imported_));
}

TEST_F(SqliteRowsTest, ARowThatIsNotWhatWasWritten) {
  SQLite::Database raw((folder_ / "dnsd.sqlite").string(), SQLite::OPEN_READWRITE);
  raw.exec("UPDATE name SET since = -5");
  EXPECT_EQ(rows_.find(apex_, imported_)->since, std::nullopt);
  raw.exec("UPDATE name SET since = 9000000000000000000");
  EXPECT_EQ(rows_.find(apex_, imported_)->since, std::nullopt);
  raw.exec("UPDATE name SET leases = x'00'");
  EXPECT_THROW(rows_.find(apex_, imported_), StoreError);
  EXPECT_THROW(SqliteRows(folder_ / "none"), StoreError);
}

// The write-ahead log goes back to its beginning although the connection stays open.
TEST_F(SqliteRowsTest, HoldsNothingBack) {
  put(host_, 1, {}, at(1));
  ASSERT_TRUE(rows_.find(apex_, host_));
  SQLite::Database raw((folder_ / "dnsd.sqlite").string(), SQLite::OPEN_READWRITE);
  EXPECT_EQ(raw.execAndGet("PRAGMA wal_checkpoint(TRUNCATE)").getInt(), 0) << "busy";
  EXPECT_EQ(std::filesystem::file_size(folder_ / "dnsd.sqlite-wal"), 0U);
  put(host_, 2, {}, at(2));
  EXPECT_EQ(rows_.find(apex_, host_)->since, at(2));
}

TEST(SqliteRows, AnOlderStoreIsUpgradedAndKnowsNoTimes) {
  TemporaryFolder folder;
  const auto file = folder / "dnsd.sqlite";
  {
    std::ifstream in(std::string(TEST_DATA) + "/store-version-1.sql");
    const std::string sql{std::istreambuf_iterator<char>(in), {}};
    SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
  }
  SqliteStore store(file);
  SqliteRows rows(file);
  const Name apex = store.zones().at(0);
  const auto found = rows.find(apex, apex);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->since, std::nullopt);
  const RowChange row{apex, apex, found->rrsets, {}, at(1)};
  store.checkpoint({&row, 1}, store.applied_lsn());
  EXPECT_EQ(rows.find(apex, apex)->since, at(1));
}

}  // namespace
}  // namespace zones::test
