#include "zones/loader.h"

#include <gtest/gtest.h>

#include <map>

#include "zones/text.h"
#include "zones/zone_testing.h"

namespace zones {
namespace {

using testing::MemoryDisk;
using testing::MemoryStore;
using testing::name;
using testing::records;

// The last word on each record.
class LeaseCollector final : public LeaseSink {
 public:
  void lease(NameView, NameView owner, Type type, RdataView rdata,
             std::chrono::sys_seconds expires) override {
    std::string record = owner.to_text() + " " + to_text(type) + " " + rdata_to_text(type, rdata);
    leases_[record] = expires.time_since_epoch().count();
  }
  std::string text() const {
    std::string text;
    for (const auto& [record, expires] : leases_) {
      if (expires != 0) text += record + " " + std::to_string(expires) + "\n";
    }
    return text;
  }

 private:
  std::map<std::string, std::int64_t> leases_;
};

class LoaderTest : public ::testing::Test {
 protected:
  LoaderTest() { testing::create_zone(store_, apex_, records(testing::APEX)); }

  void append(const std::string& removed, const std::string& added, Name apex = name("@")) {
    JournalBatch batch;
    batch.lsn = store_.last_lsn() + 1;
    batch.changes.push_back({.apex = apex, .removed = records(removed), .added = records(added)});
    store_.append(batch);
  }
  // A row as it is by now, while the journal is not applied: a checkpoint that was cut short.
  void set_row(const std::string& owner, const std::string& content) {
    CatalogueBuilder builder;
    testing::fill(builder, apex_, records(content));
    const auto packed = builder.working().zone(apex_.view())->rrsets(name(owner).view()).packed();
    store_.checkpoint(std::vector<RowChange>{{apex_, name(owner), {packed.begin(), packed.end()}}},
                      store_.applied_lsn());
  }
  std::string load_all() {
    CatalogueBuilder builder;
    loaded_ = load(store_, builder);
    return testing::dump(*builder.freeze().zone(apex_.view()));
  }
  static std::string zone(const std::string& text) {
    return testing::dump(testing::TestZone(text).snapshot());
  }

  const Name apex_ = name("@");
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  MemoryStore store_{disk_};
  Loaded loaded_;
};

TEST_F(LoaderTest, CheckpointAlone) {
  EXPECT_EQ(load_all(), zone(""));
  EXPECT_EQ(loaded_.last_lsn, 0U);
  EXPECT_EQ(loaded_.names, 1U);
  EXPECT_TRUE(loaded_.dirty.empty());
}

TEST_F(LoaderTest, BatchesAreReplayedInOrder) {
  append("", "a 60 A 192.0.2.1\nb 60 TXT x");
  append("a 60 A 192.0.2.1", "a 60 A 192.0.2.2");
  append("b 60 TXT x", "c 60 TXT x");
  EXPECT_EQ(load_all(), zone("a 60 A 192.0.2.2\nc 60 TXT x"));
  EXPECT_EQ(loaded_.last_lsn, 3U);
  EXPECT_EQ(loaded_.batches, 3U);
  ASSERT_EQ(loaded_.dirty.size(), 3U);
  EXPECT_EQ(loaded_.dirty[0].lsn, 1U);
  EXPECT_EQ(loaded_.dirty[1].lsn, 1U);
  EXPECT_EQ(loaded_.dirty[2].lsn, 3U);
  EXPECT_EQ(loaded_.dirty[2].owner, name("c"));
}

TEST_F(LoaderTest, OnlyWhatIsAboveTheCheckpoint) {
  append("", "a 60 A 192.0.2.1");
  append("", "b 60 A 192.0.2.1");
  store_.checkpoint({}, 1);
  EXPECT_EQ(load_all(), zone("b 60 A 192.0.2.1"));
}

TEST_F(LoaderTest, ReplayIsIdempotent) {
  const char* const final_records = "a 30 A 192.0.2.1\na 30 A 192.0.2.3\nb 60 CNAME d";
  append("", "a 60 A 192.0.2.1\na 60 A 192.0.2.2\nb 60 TXT x\ngone 60 TXT x");
  append("a 60 A 192.0.2.2\nb 60 TXT x", "b 60 CNAME c");
  append("a 60 A 192.0.2.1\nb 60 CNAME c\ngone 60 TXT x",
         "a 30 A 192.0.2.1\na 30 A 192.0.2.3\nb 60 CNAME d");
  EXPECT_EQ(load_all(), zone(final_records));
  // Whichever rows are newer than the applied batch, in every combination.
  for (int rows = 1; rows < 8; ++rows) {
    SCOPED_TRACE(rows);
    disk_->zones.at(apex_).erase(name("a"));
    disk_->zones.at(apex_).erase(name("b"));
    if ((rows & 1) != 0) set_row("a", final_records);
    if ((rows & 2) != 0) set_row("b", final_records);
    if ((rows & 4) != 0) set_row("gone", "gone 60 TXT x");
    EXPECT_EQ(load_all(), zone(final_records));
  }
}

// Leases come with their rows, and the journal above them has the last word, whichever rows are
// newer than it.
TEST_F(LoaderTest, Rfc9664Leases) {
  const auto at = [](int second) { return std::chrono::sys_seconds(std::chrono::seconds(second)); };
  const auto lease = [&](const char* text, std::chrono::sys_seconds expires) {
    const Record record = records(text).front();
    return LeaseChange{record.owner, record.type, record.rdata, expires};
  };
  const auto append_leases = [&](const std::string& removed, const std::string& added,
                                 std::vector<LeaseChange> leases, Name zone) {
    append(removed, added);
    JournalMessage& message = disk_->journal.at(disk_->last).messages.emplace_back();
    message.zone = zone;
    message.leases = std::move(leases);
  };
  append_leases("", "a 60 A 192.0.2.1\na 60 A 192.0.2.2\nb 60 TXT x",
                {lease("a 60 A 192.0.2.1", at(100)), lease("a 60 A 192.0.2.2", at(100)),
                 lease("b 60 TXT x", at(100))},
                apex_);
  append_leases("", "", {lease("a 60 A 192.0.2.2", at(200))}, apex_);  // a refresh
  append_leases("b 60 TXT x", "", {lease("b 60 TXT x", {})}, apex_);
  append_leases("", "c 60 A 192.0.2.3", {lease("c 60 A 192.0.2.3", at(300))}, apex_);
  append_leases("", "", {lease("c 60 A 192.0.2.3", {})}, apex_);  // permanent from now on
  append_leases("", "", {lease("a 60 A 192.0.2.1", at(900))}, name("example.net."));  // not here

  const std::string want =
      "a.example.org. A 192.0.2.1 100\n"
      "a.example.org. A 192.0.2.2 200\n";
  const auto set_leased_row = [&](const std::string& owner, const std::string& content,
                                  std::vector<RecordLease> leases) {
    set_row(owner, content);
    disk_->leases[{apex_, name(owner)}] = std::move(leases);
  };
  const std::string final_a = "a 60 A 192.0.2.1\na 60 A 192.0.2.2";
  for (int rows = 0; rows < 8; ++rows) {
    SCOPED_TRACE(rows);
    disk_->zones.at(apex_).erase(name("a"));
    disk_->zones.at(apex_).erase(name("b"));
    disk_->zones.at(apex_).erase(name("c"));
    if ((rows & 1) != 0) set_leased_row("a", final_a, {{0, at(100)}, {1, at(200)}});
    if ((rows & 2) != 0) set_leased_row("b", "b 60 TXT x", {{0, at(100)}});
    if ((rows & 4) != 0) set_leased_row("c", "c 60 A 192.0.2.3", {{0, at(300)}});
    CatalogueBuilder builder;
    LeaseCollector leases;
    const Loaded loaded = load(store_, builder, &leases);
    EXPECT_EQ(leases.text(), want);
    std::vector<std::string> dirty;
    for (const DirtyName& dirty_name : loaded.dirty) {
      dirty.push_back(std::to_string(dirty_name.lsn) + " " + dirty_name.owner.to_text());
    }
    std::ranges::sort(dirty);
    EXPECT_EQ(dirty, (std::vector<std::string>{"1 a.example.org.", "1 b.example.org.",
                                               "4 c.example.org."}));
  }
}

TEST_F(LoaderTest, SerialsFollow) {
  append("@ 3600 SOA ns host 10 7200 900 1209600 300",
         "@ 3600 SOA ns host 11 7200 900 1209600 300");
  append("@ 3600 SOA ns host 11 7200 900 1209600 300",
         "@ 3600 SOA ns host 12 7200 900 1209600 300");
  for (const char* row : {"10", "11", "12"}) {
    SCOPED_TRACE(row);
    set_row("@",
            std::string("@ 3600 SOA ns host ") + row + " 7200 900 1209600 300\n@ 3600 NS ns\n");
    CatalogueBuilder builder;
    load(store_, builder);
    const ZoneSnapshot zone = *builder.freeze().zone(apex_.view());
    EXPECT_EQ(zone.serial(), 12U);
    EXPECT_EQ(zone.apex_rrsets().record_count(), 2U);
  }
}

TEST_F(LoaderTest, RrsetThatOutgrowsTheLimitBetweenBatches) {
  // Two sets of records, each near the limit of 65,535 octets; the row is newer than the first
  // batch.
  std::string first;
  std::string second;
  for (int number = 1000; number < 1160; ++number) {
    first += "a 60 TXT " + std::to_string(number) + std::string(240, 'x') + "\n";
    second += "a 60 TXT " + std::to_string(number) + std::string(240, 'y') + "\n";
  }
  append("", first);
  append(first, second);
  set_row("a", second);
  EXPECT_EQ(load_all(), zone(second));
}

TEST_F(LoaderTest, BatchesOfZonesThatAreGoneArePassedOver) {
  append("", "x.example.net. 60 TXT x", name("example.net."));
  append("", "a 60 A 192.0.2.1");
  EXPECT_EQ(load_all(), zone("a 60 A 192.0.2.1"));
  EXPECT_EQ(loaded_.dirty.size(), 1U);
}

TEST_F(LoaderTest, SameNameInTwoZones) {
  const Name sub = name("sub");
  testing::create_zone(store_, sub, records("sub 60 SOA ns host 1 1 1 1 1\nsub 60 NS ns\n"));
  append("", "sub 60 NS ns.example.com.");
  append("", "sub 60 TXT child", sub);
  CatalogueBuilder builder;
  const Loaded loaded = load(store_, builder);
  const Catalogue catalogue = builder.freeze();
  EXPECT_EQ(catalogue.zone(apex_.view())->rrsets(sub.view()).record_count(), 1U);
  EXPECT_EQ(catalogue.zone(sub.view())->apex_rrsets().record_count(), 3U);
  EXPECT_EQ(loaded.dirty.size(), 2U);
}

TEST_F(LoaderTest, WhatCannotBeIsRefused) {
  const auto kind = [&] {
    CatalogueBuilder builder;
    try {
      load(store_, builder);
    } catch (const StoreError& error) {
      return std::string(error.kind() == StoreError::Kind::CORRUPT ? "CORRUPT" : "another");
    }
    return std::string("loaded");
  };
  const MemoryDisk good = *disk_;
  append("@ 3600 SOA ns host 10 7200 900 1209600 300", "");
  EXPECT_EQ(kind(), "CORRUPT");
  *disk_ = good;
  append("", "example.com. 60 A 192.0.2.1");
  EXPECT_EQ(kind(), "CORRUPT");
  *disk_ = good;
  disk_->zones.at(apex_)[name("example.com.")] = disk_->zones.at(apex_).at(apex_);
  EXPECT_EQ(kind(), "CORRUPT");
  *disk_ = good;
  disk_->zones.at(apex_).clear();
  EXPECT_EQ(kind(), "CORRUPT");
  *disk_ = good;
  EXPECT_EQ(kind(), "loaded");
}

TEST_F(LoaderTest, OfANameThatIsBehindItTellsTheLastChangeOfItsRecords) {
  const auto at = [](int seconds) {
    return std::chrono::sys_seconds(std::chrono::seconds(seconds));
  };
  const auto add = [&](int seconds, const std::string& added, const char* refreshed) {
    JournalBatch batch;
    batch.lsn = store_.last_lsn() + 1;
    batch.time = at(seconds);
    if (!added.empty())
      batch.changes.push_back({.apex = apex_, .removed = {}, .added = records(added)});
    JournalMessage& message = batch.messages.emplace_back();
    message.zone = apex_;
    message.leases.push_back({name(refreshed), Type::A, {192, 0, 2, 1}, at(1'000)});
    store_.append(batch);
  };
  add(10, "a 60 A 192.0.2.1", "a");
  add(20, "a 60 A 192.0.2.2", "a");
  add(30, "", "a");
  add(40, "", "b");
  load_all();
  ASSERT_EQ(loaded_.dirty.size(), 2U);
  EXPECT_EQ(loaded_.dirty[0].owner, name("a"));
  EXPECT_EQ(loaded_.dirty[0].changed, at(20));
  EXPECT_EQ(loaded_.dirty[1].owner, name("b"));
  EXPECT_EQ(loaded_.dirty[1].changed, at(0));
}

}  // namespace
}  // namespace zones
