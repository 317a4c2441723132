#include "zones/sqlite_schema.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "zones/sqlite_store.h"
#include "zones/store_model.h"

namespace zones::test {
namespace {

using testing::HasSubstr;

constexpr Migration ONE[] = {{1, "CREATE TABLE a (b)"}};
constexpr Migration TWO[] = {
    {1, "CREATE TABLE a (b)"},
    {2, "ALTER TABLE a ADD COLUMN c; UPDATE a SET c = b + 1; CREATE TABLE d (e)"}};
constexpr Migration BROKEN[] = {{1, "CREATE TABLE a (b)"},
                                {2, "CREATE TABLE d (e); UPDATE nothing SET c = 1"}};

class Schema : public testing::Test {
 protected:
  int version() { return database_.execAndGet("PRAGMA user_version").getInt(); }
  std::string refusal(std::span<const Migration> migrations) {
    try {
      migrate(database_, migrations);
    } catch (const StoreError& error) {
      EXPECT_EQ(error.kind(), StoreError::Kind::CORRUPT);
      return error.what();
    }
    return "";
  }
  TemporaryFolder folder_;
  SQLite::Database database_{(folder_ / "schema.sqlite").string(),
                             SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
};

TEST_F(Schema, FromNothingToTheNewest) {
  EXPECT_EQ(migrate(database_, TWO), 0);
  EXPECT_EQ(version(), 2);
  EXPECT_EQ(database_.execAndGet("PRAGMA application_id").getInt(), SQLITE_APPLICATION_ID);
  EXPECT_EQ(migrate(database_, TWO), 2) << "a second time does nothing";
  database_.exec("INSERT INTO a (b, c) VALUES (1, 2)");
}

TEST_F(Schema, FromAnOlderVersionWithItsRows) {
  EXPECT_EQ(migrate(database_, ONE), 0);
  database_.exec("INSERT INTO a VALUES (41)");
  EXPECT_EQ(migrate(database_, TWO), 1);
  EXPECT_EQ(database_.execAndGet("SELECT c FROM a").getInt(), 42);
}

TEST_F(Schema, AStepThatFailsLeavesTheVersionBefore) {
  EXPECT_EQ(migrate(database_, ONE), 0);
  database_.exec("INSERT INTO a VALUES (41)");
  EXPECT_THROW(migrate(database_, BROKEN), SQLite::Exception);
  EXPECT_EQ(version(), 1);
  EXPECT_EQ(migrate(database_, ONE), 1) << "the tables are those of version 1";
  EXPECT_EQ(database_.execAndGet("SELECT b FROM a").getInt(), 41);
}

TEST_F(Schema, ANewerVersionIsRefused) {
  migrate(database_, TWO);
  EXPECT_THAT(refusal(ONE), HasSubstr("has schema version 2, and this program knows up to 1"));
  EXPECT_EQ(version(), 2);
}

TEST_F(Schema, OtherTablesAreRefused) {
  migrate(database_, TWO);
  database_.exec("ALTER TABLE d RENAME COLUMN e TO f");
  EXPECT_THAT(refusal(TWO), HasSubstr("its tables are not those of schema version 2"));
}

TEST(SchemaMigrations, VersionsAscendByOne) {
  int last = 0;
  for (const Migration& step : schema_migrations()) EXPECT_EQ(step.version, ++last);
  EXPECT_GT(last, 0);
}

// What the first version wrote: opening it must always work.
TEST(SchemaMigrations, AStoreOfVersionOneOpensWithItsContents) {
  TemporaryFolder folder;
  const auto file = folder / "dnsd.sqlite";
  {
    std::ifstream in(std::string(TEST_DATA) + "/store-version-1.sql");
    const std::string sql{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(sql.empty());
    SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
  }
  SqliteStore store(file);
  Loader loader;
  EXPECT_EQ(store.load(loader), 7U);
  EXPECT_EQ(store.applied_lsn(), 4U);
  EXPECT_EQ(loader.batches.size(), 3U);
  const Workload work;
  EXPECT_EQ(loader.contents.zones.size(), 1U);
  const RRsetView apex = loader.contents.get(work.apex, work.apex).find(Type::SOA);
  ASSERT_TRUE(apex);
  EXPECT_EQ(read_soa(apex.first()).serial, 8U);
  store.check();
}

}  // namespace
}  // namespace zones::test
