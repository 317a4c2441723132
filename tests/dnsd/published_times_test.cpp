// Since and until when records are published: from the store's rows, beside the writer.
#include "dnsd/published_times.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "temp_dir.h"
#include "zones/sqlite_store.h"
#include "zones/zone_testing.h"

namespace dnsd::test {
namespace {

using zones::testing::name;
using zones::testing::record;

using Time = std::chrono::sys_seconds;

Time at(int seconds) { return Time(std::chrono::seconds(1'700'000'000 + seconds)); }

class PublishedTimesTest : public ::testing::Test {
 protected:
  PublishedTimesTest() {
    zones::testing::create_zone(store_, apex_, zones::testing::records(zones::testing::APEX));
  }
  void put(const char* owner, const std::string& content, std::vector<zones::RecordLease> leases,
           Time changed) {
    zones::CatalogueBuilder builder;
    zones::testing::fill(builder, apex_, zones::testing::records(content));
    const auto packed = builder.working().zone(apex_)->rrsets(name(owner)).packed();
    const zones::RowChange row{
        apex_, name(owner), {packed.begin(), packed.end()}, std::move(leases), changed};
    store_.checkpoint({&row, 1}, store_.applied_lsn());
  }
  static PublishedRecord published(const std::string& text) {
    zones::Record one = record(text);
    return {one.owner, one.type, one.rdata};
  }
  PublishedTimes::Times ask(PublishedTimes& times, std::vector<PublishedRecord> records) {
    std::promise<PublishedTimes::Times> promise;
    EXPECT_TRUE(times.ask(apex_, std::move(records),
                          [&](PublishedTimes::Times told) { promise.set_value(std::move(told)); }));
    return promise.get_future().get();
  }

  TempDir folder_;
  const zones::Name apex_ = name("@");
  const std::filesystem::path path_ = folder_.path() / "store";
  zones::SqliteStore store_{path_};
};

TEST_F(PublishedTimesTest, EachRecordHasItsOwnLease) {
  put("_http._tcp.h1",
      "_http._tcp.h1 60 TXT \"path=/\"\n_http._tcp.h1 60 SRV 0 0 8001 h1\n"
      "_http._tcp.h1 60 SRV 1 0 8002 h1",
      {{1, at(100)}, {2, at(200)}}, at(1));
  put("h1", "h1 60 A 192.0.2.1", {}, at(2));
  PublishedTimes times(path_, std::chrono::minutes(5));
  const auto told = ask(times, {published("_http._tcp.h1 60 SRV 0 0 8001 H1"),
                                published("_http._tcp.h1 60 SRV 1 0 8002 h1"),
                                published("_http._tcp.h1 60 TXT \"path=/\""),
                                published("_http._tcp.h1 60 SRV 0 0 8003 h1"),
                                published("h1 60 A 192.0.2.1"),
                                published("h2 60 A 192.0.2.1"),
                                {},
                                published("ns 3600 A 192.0.2.53")});
  ASSERT_EQ(told.size(), 8U);
  EXPECT_EQ(told[1].since, at(1));
  EXPECT_EQ(told[4].since, at(2));
  EXPECT_EQ(told[4].until, std::nullopt) << "permanent";
  for (const int missing : {3, 5, 6}) {
    EXPECT_EQ(told[missing].since, std::nullopt) << "not in the rows: " << missing;
    EXPECT_EQ(told[missing].until, std::nullopt);
  }
  std::vector<std::optional<Time>> ends;
  for (int i = 0; i < 3; ++i) ends.push_back(told[i].until);
  // Which record has which place is the packed order: types ascending.
  EXPECT_EQ(ends, (std::vector<std::optional<Time>>{at(100), at(200), std::nullopt}));
}

TEST_F(PublishedTimesTest, WhatIsWrittenMeanwhileIsSeen) {
  PublishedTimes times(path_, std::chrono::minutes(5));
  const PublishedRecord address = published("h1 60 A 192.0.2.1");
  EXPECT_EQ(ask(times, {address}).at(0).since, std::nullopt);
  put("h1", "h1 60 A 192.0.2.1", {{0, at(100)}}, at(1));
  EXPECT_EQ(ask(times, {address}).at(0).since, at(1));
  put("h1", "h1 60 A 192.0.2.1", {{0, at(200)}}, {});
  EXPECT_EQ(ask(times, {address}).at(0).since, at(1));
  EXPECT_EQ(ask(times, {address}).at(0).until, at(200));
}

TEST_F(PublishedTimesTest, AStoreThatCannotBeReadTellsNothingUntilItCan) {
  const auto elsewhere = folder_.path() / "later";
  PublishedTimes times(elsewhere);
  EXPECT_TRUE(ask(times, {published("h1 60 A 192.0.2.1")}).empty());
  zones::SqliteStore later(elsewhere);
  EXPECT_EQ(ask(times, {published("h1 60 A 192.0.2.1")}).size(), 1U);
}

TEST_F(PublishedTimesTest, TooManyQuestionsAreNotTaken) {
  PublishedTimes times(path_, std::chrono::minutes(5));
  std::promise<void> go;
  EXPECT_TRUE(times.ask(apex_, {}, [&](const auto&) { go.get_future().wait(); }));
  std::atomic<std::size_t> answered{0};
  std::size_t taken = 0;
  while (times.ask(apex_, {}, [&](const auto&) { ++answered; })) ++taken;
  EXPECT_GE(taken, PublishedTimes::QUEUE - 1);
  EXPECT_LE(taken, PublishedTimes::QUEUE + 1);
  std::thread stopping([&] { times.stop(); });
  go.set_value();
  stopping.join();
  EXPECT_EQ(answered, taken);
  EXPECT_FALSE(times.ask(apex_, {}, [](const auto&) {}));
}

}  // namespace
}  // namespace dnsd::test
