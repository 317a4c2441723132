#include "dnsd/checkpoint.h"

#include <gtest/gtest.h>

#include "dnsd/update_testing.h"

namespace dnsd {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using zones::Lsn;

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() { testing::create_zone(store_, apex_, testing::records(testing::APEX)); }

  void append(Checkpoint& checkpoint, std::initializer_list<const char*> owners,
              sys_seconds time = {}) {
    const Lsn lsn = store_.last_lsn() + 1;
    for (const char* owner : owners) {
      checkpoint.add(lsn, apex_.view(), testing::name(owner).view());
    }
    zones::JournalBatch batch;
    batch.lsn = lsn;
    batch.time = time;
    store_.append(batch);
  }
  std::string rows() const {
    std::string text;
    for (const auto& [owner, packed] : disk_->zones.at(apex_)) text += owner.to_text() + " ";
    return text;
  }

  const zones::Name apex_ = testing::name("@");
  std::shared_ptr<testing::MemoryDisk> disk_ = std::make_shared<testing::MemoryDisk>();
  testing::MemoryStore store_{disk_};
  testing::TestZone zone_{"a 60 A 192.0.2.1\nb 60 A 192.0.2.2\nc 60 A 192.0.2.3"};
  zones::Catalogue newest_ = zone_.builder().freeze();
};

TEST_F(CheckpointTest, AppliedMovesAtTheEndOfAPass) {
  Checkpoint checkpoint(store_, {});
  EXPECT_TRUE(checkpoint.is_complete());
  append(checkpoint, {"c", "b"});
  append(checkpoint, {"d", "e"});  // gone by now
  EXPECT_EQ(checkpoint.lag(), 4U);
  checkpoint.write_slice(newest_, 1);  // b
  EXPECT_EQ(rows(), "example.org. b.example.org. ");
  append(checkpoint, {"a"});  // behind the pass
  append(checkpoint, {"E"});  // ahead of it, and waiting already
  checkpoint.write_slice(newest_, 2);
  EXPECT_EQ(rows(), "example.org. b.example.org. c.example.org. ");
  EXPECT_EQ(store_.applied_lsn(), 0U);
  checkpoint.write_slice(newest_, 10);  // to the end, not around it
  EXPECT_EQ(store_.applied_lsn(), 2U);
  EXPECT_EQ(checkpoint.lag(), 1U);
  checkpoint.write_slice(newest_, 10);
  EXPECT_EQ(rows(), "example.org. a.example.org. b.example.org. c.example.org. ");
  EXPECT_EQ(store_.applied_lsn(), 4U);
  EXPECT_TRUE(checkpoint.is_complete());
}

TEST_F(CheckpointTest, ReplayLengthCountsEachChangeUntilItIsApplied) {
  Checkpoint checkpoint(store_, {});
  append(checkpoint, {"a", "b"});
  append(checkpoint, {"a", "b"});
  EXPECT_EQ(checkpoint.lag(), 2U);
  EXPECT_EQ(checkpoint.replay_length(), 4U);
  checkpoint.write_slice(newest_, 1);
  append(checkpoint, {"a"});
  EXPECT_EQ(checkpoint.replay_length(), 5U);
  checkpoint.write_slice(newest_, 1);
  EXPECT_EQ(checkpoint.replay_length(), 1U);
  checkpoint.write_slice(newest_, 1);
  EXPECT_EQ(checkpoint.replay_length(), 0U);
}

TEST_F(CheckpointTest, RowsOfNamesThatAreGoneAreRemoved) {
  Checkpoint checkpoint(store_, {});
  append(checkpoint, {"a"});
  checkpoint.write_slice(newest_, 10);
  EXPECT_EQ(rows(), "example.org. a.example.org. ");
  append(checkpoint, {"a"});
  zones::CatalogueBuilder builder;
  testing::fill(builder, apex_, testing::records(testing::APEX));
  checkpoint.write_slice(builder.freeze(), 10);
  EXPECT_EQ(rows(), "example.org. ");
}

TEST_F(CheckpointTest, NameThatChangesAgainWaitsOnce) {
  Checkpoint checkpoint(store_, {});
  append(checkpoint, {"a", "b"});
  append(checkpoint, {"A", "c"});  // the case of a name does not matter
  EXPECT_EQ(checkpoint.lag(), 3U);
  checkpoint.write_slice(newest_, 2);
  append(checkpoint, {"a"});  // after it was written it has to be written again
  EXPECT_EQ(checkpoint.lag(), 2U);
  checkpoint.write_slice(newest_, 1);
  EXPECT_EQ(store_.applied_lsn(), 2U);
  checkpoint.write_slice(newest_, 1);
  EXPECT_TRUE(checkpoint.is_complete());
}

TEST_F(CheckpointTest, NameThatComesDuringAPassHasTheNext) {
  Checkpoint checkpoint(store_, {});
  append(checkpoint, {"a", "b"});
  checkpoint.write_slice(newest_, 1);
  append(checkpoint, {"c"});
  checkpoint.write_slice(newest_, 10);
  EXPECT_EQ(rows(), "example.org. a.example.org. b.example.org. ");
  EXPECT_EQ(store_.applied_lsn(), 1U);
  checkpoint.write_slice(newest_, 10);
  EXPECT_TRUE(checkpoint.is_complete());
}

TEST(WaitingNames, EachOnceAndNeighboursSideBySide) {
  constexpr int COUNT = 2'000;
  const zones::Name apex = testing::name("@");
  const auto nth = [](int number) {
    return testing::name(("h" + std::to_string(10'000 + number)).c_str());
  };
  WaitingNames names;
  for (int i = 0; i < COUNT; ++i) {
    EXPECT_TRUE(names.add(apex.view(), nth(i * 997 % COUNT).view()));  // in no order
    EXPECT_FALSE(names.add(apex.view(), nth(i * 997 % COUNT).view()));
  }
  names.remove_last();
  EXPECT_TRUE(names.add(apex.view(), nth((COUNT - 1) * 997 % COUNT).view()));
  names.sort();
  ASSERT_EQ(names.size(), static_cast<std::size_t>(COUNT));
  for (int i = 0; i < COUNT; ++i) {
    const auto place = static_cast<std::size_t>(i);
    EXPECT_EQ(names.owner(place), nth(i).view());
    EXPECT_EQ(names.apex(place), apex.view());
    EXPECT_EQ(names.find(apex.view(), nth(i).view()), place);
  }
}

TEST_F(CheckpointTest, SameNameInTwoZonesWaitsTwice) {
  Checkpoint checkpoint(store_, {});
  const zones::Name sub = testing::name("sub");
  checkpoint.add(1, apex_.view(), sub.view());
  checkpoint.add(1, sub.view(), sub.view());
  EXPECT_EQ(checkpoint.lag(), 2U);
  checkpoint.forget(1);
  EXPECT_EQ(checkpoint.lag(), 0U);
}

TEST_F(CheckpointTest, BatchThatWasNotAppendedIsForgotten) {
  Checkpoint checkpoint(store_, {});
  append(checkpoint, {"a", "c"});
  checkpoint.add(2, apex_.view(), testing::name("a").view());
  checkpoint.add(2, apex_.view(), testing::name("b").view());
  checkpoint.forget(2);
  EXPECT_EQ(checkpoint.lag(), 2U);
  checkpoint.write_slice(newest_, 1);
  checkpoint.add(2, apex_.view(), testing::name("b").view());  // in the middle of a pass
  checkpoint.forget(2);
  EXPECT_EQ(checkpoint.lag(), 1U);
  append(checkpoint, {"b"});
  for (int slices = 0; slices < 2; ++slices) checkpoint.write_slice(newest_, 10);
  EXPECT_TRUE(checkpoint.is_complete());
  EXPECT_EQ(rows(), "example.org. a.example.org. b.example.org. c.example.org. ");
}

TEST_F(CheckpointTest, BatchesWithoutChangesCountAsApplied) {
  Checkpoint checkpoint(store_, {});
  append(checkpoint, {});
  EXPECT_FALSE(checkpoint.is_complete());
  checkpoint.write_slice(newest_, 10);
  EXPECT_TRUE(checkpoint.is_complete());
}

TEST_F(CheckpointTest, SliceThatFailsIsWrittenLater) {
  bool fails = true;
  testing::FaultyStore store(std::make_unique<testing::MemoryStore>(disk_), [&](auto) {
    if (fails) throw zones::StoreError(zones::StoreError::Kind::UNWRITABLE, "full");
  });
  Checkpoint checkpoint(store, {});
  append(checkpoint, {"a"});
  EXPECT_THROW(checkpoint.write_slice(newest_, 10), zones::StoreError);
  EXPECT_EQ(checkpoint.lag(), 1U);
  fails = false;
  checkpoint.write_slice(newest_, 10);
  EXPECT_EQ(rows(), "example.org. a.example.org. ");
  EXPECT_TRUE(checkpoint.is_complete());
}

TEST_F(CheckpointTest, GoesOnFromWhatWasLoaded) {
  zones::JournalBatch batch;
  batch.lsn = 1;
  store_.append(batch);
  Checkpoint checkpoint(store_, {.last_lsn = 1, .dirty = {{1, apex_, testing::name("c")}}});
  EXPECT_EQ(checkpoint.lag(), 1U);
  checkpoint.write_slice(newest_, 10);
  EXPECT_EQ(rows(), "example.org. c.example.org. ");
  EXPECT_TRUE(checkpoint.is_complete());
}

TEST_F(CheckpointTest, RowsTellTheLastChangeOfRecordsThatIsOnDisk) {
  const auto at = [](int second) { return sys_seconds(seconds(second)); };
  const auto of = [&](const char* owner) { return disk_->changed[{apex_, testing::name(owner)}]; };
  Checkpoint checkpoint(store_, {});
  const auto add = [&](std::initializer_list<const char*> owners, sys_seconds changed) {
    for (const char* owner : owners) {
      checkpoint.add(store_.last_lsn() + 1, apex_, testing::name(owner), changed);
    }
  };
  const auto on_disk = [&] { append(checkpoint, {}); };
  add({"a", "b", "c"}, at(1));
  on_disk();
  add({"b"}, at(2));
  add({"b", "c"}, {});  // leases only
  on_disk();
  checkpoint.write_slice(newest_, 1);  // a
  add({"a", "c"}, at(3));              // a: behind the pass, c: ahead of it
  add({"a", "c"}, {});
  on_disk();
  add({"a", "c", "d"}, at(9));
  add({"c"}, at(10));
  checkpoint.forget(store_.last_lsn() + 1);
  checkpoint.write_slice(newest_, 10);
  EXPECT_EQ(of("a"), at(1));
  EXPECT_EQ(of("b"), at(2));
  EXPECT_EQ(of("c"), at(3));
  checkpoint.write_slice(newest_, 10);
  EXPECT_EQ(of("a"), at(3));
  EXPECT_TRUE(checkpoint.is_complete());
  add({"a"}, {});
  on_disk();
  checkpoint.write_slice(newest_, 10);
  EXPECT_EQ(of("a"), at(3)) << "a refresh says nothing of it";

  Checkpoint restarted(
      store_, {.last_lsn = store_.last_lsn(),
               .dirty = {{1, apex_, testing::name("b"), at(4)}, {1, apex_, testing::name("c")}}});
  restarted.write_slice(newest_, 10);
  EXPECT_EQ(of("b"), at(4));
  EXPECT_EQ(of("c"), at(3));
}

TEST_F(CheckpointTest, PruneKeepsWhatIsNewAndWhatIsNeeded) {
  constexpr std::uint64_t BATCH = testing::MemoryStore::BATCH_OCTETS;
  constexpr std::uint64_t NO_BOUND = 1'000'000;
  const sys_seconds start{seconds(1'000'000)};
  const sys_seconds end = start + seconds(100);
  struct Row {
    const char* what;
    Lsn applied;
    JournalBounds keep;
    Lsn want;  // the oldest batch that is left of 10
  };
  const Row rows[] = {
      {"all are new and few", 10, {10, start, end, NO_BOUND}, 1},
      {"more than are kept", 10, {4, start, end, NO_BOUND}, 7},
      {"older than is kept", 10, {10, start + seconds(5), end, NO_BOUND}, 5},
      {"both, the tighter counts", 10, {4, start + seconds(5), end, NO_BOUND}, 7},
      {"none but the newest is kept", 10, {0, start, end, NO_BOUND}, 10},
      {"the checkpoint needs them", 3, {0, start, end, NO_BOUND}, 4},
      {"the checkpoint needs all", 0, {0, start, end, NO_BOUND}, 1},
      {"the replay window needs them, and one before it",
       10,
       {0, end, start + seconds(6), NO_BOUND},
       5},
      {"larger than is kept", 10, {10, start, end, 7 * BATCH}, 4},
      {"as large as is kept", 10, {10, start, end, 10 * BATCH}, 1},
      {"size counts within the replay window too", 10, {10, start, start, 2 * BATCH}, 9},
      {"but not above the checkpoint", 5, {10, start, start, 2 * BATCH}, 6},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    *disk_ = {};
    Checkpoint checkpoint(store_, {});
    for (int second = 1; second <= 10; ++second) append(checkpoint, {}, start + seconds(second));
    disk_->applied = row.applied;
    EXPECT_FALSE(checkpoint.prune(row.keep));
    EXPECT_EQ(disk_->journal.begin()->first, row.want);
  }
}

TEST_F(CheckpointTest, PrunesSomeAtATime) {
  const JournalBounds none{.batches = 0, .since = {}, .replay_since = sys_seconds::max()};
  Checkpoint checkpoint(store_, {});
  for (int batch = 0; batch < 1'500; ++batch) append(checkpoint, {});
  checkpoint.write_slice(newest_, 1);
  EXPECT_TRUE(checkpoint.prune(none));
  EXPECT_EQ(disk_->journal.size(), 500U);
  EXPECT_FALSE(checkpoint.prune(none));
  EXPECT_EQ(disk_->journal.size(), 1U);
}

}  // namespace
}  // namespace dnsd
