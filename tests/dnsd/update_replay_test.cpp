// The same signed message twice is carried out once (RFC 8945 §10: replays inside the fudge).
#include <gtest/gtest.h>

#include <atomic>

#include "dnsd/update_world.h"
#include "zones/sqlite_store.h"

namespace dnsd {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using testing::FaultyStore;
using testing::Gate;
using testing::job;
using testing::MemoryDisk;
using testing::MemoryStore;
using testing::NOW;
using testing::World;
using zones::Rcode;

class UpdateReplayTest : public ::testing::Test {
 protected:
  UpdateReplayTest() {
    MemoryStore store(disk_);
    testing::create_zone(store, testing::name("example.org."), testing::records(testing::APEX));
  }
  World world(WriterLimits limits = {}) {
    return World(std::make_unique<FaultyStore>(std::make_unique<MemoryStore>(disk_),
                                               [this](FaultyStore::Call call) {
                                                 if (call != FaultyStore::Call::APPEND) return;
                                                 gate_.pass();
                                                 if (fails_) {
                                                   throw zones::StoreError(
                                                       zones::StoreError::Kind::UNWRITABLE, "full");
                                                 }
                                               }),
                 limits, std::size_t{1} << 30, [this] { return NOW + seconds(passed_.load()); });
  }
  // The same octets, with another answer to be made.
  static UpdateJob again(const UpdateJob& job) {
    UpdateJob copy;
    copy.message = job.message;
    copy.key = job.key;
    copy.signed_by = job.signed_by;
    copy.digest = job.digest;
    copy.signed_at = job.signed_at;
    return copy;
  }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  Gate gate_;
  std::atomic<bool> fails_{false};
  std::atomic<int> passed_{0};
};

TEST_F(UpdateReplayTest, ChangesNothingWhateverHappenedSince) {
  World world = this->world();
  const UpdateJob add = job("a 60 A 192.0.2.1");
  EXPECT_EQ(world.send(again(add)), Rcode::NOERROR);
  EXPECT_EQ(world.send("a 0 ANY ANY"), Rcode::NOERROR);
  const std::string before = world.published();
  EXPECT_EQ(world.send(again(add)), Rcode::NOERROR);
  EXPECT_EQ(world.published(), before);
  EXPECT_EQ(world.serial(), 12U);
  world.writer().stop();
  EXPECT_EQ(disk_->last, 2U);  // nor is there anything to write
  EXPECT_EQ(world.writer().status().repeated, 1U);
  EXPECT_EQ(world.writer().status().changed, 2U);
}

TEST_F(UpdateReplayTest, RefusalsAreRememberedToo) {
  World world = this->world();
  struct Row {
    const char* what;
    UpdateJob job;
    Rcode want;
  };
  Row rows[] = {
      {"prerequisite", job("b 60 A 192.0.2.1", "a 0 ANY ANY"), Rcode::NXDOMAIN},
      {"RRset prerequisite", job("b 60 A 192.0.2.1", "a 0 ANY A"), Rcode::NXRRSET},
      {"no grant", job("b 60 A 192.0.2.1", "", "example.org.", "stranger."), Rcode::REFUSED},
      {"changed nothing", job("a 0 ANY ANY"), Rcode::NOERROR},
  };
  for (Row& row : rows) EXPECT_EQ(world.send(again(row.job)), row.want) << row.what;
  EXPECT_EQ(world.send("a 60 A 192.0.2.1"), Rcode::NOERROR);  // now all of them would do something
  const std::string before = world.published();
  for (Row& row : rows) EXPECT_EQ(world.send(again(row.job)), row.want) << row.what;
  EXPECT_EQ(world.published(), before);
}

TEST_F(UpdateReplayTest, AfterARestart) {
  const UpdateJob add = job("a 60 A 192.0.2.1");
  const UpdateJob refused = job("b 60 A 192.0.2.1", "b 0 ANY ANY");
  {
    World world = this->world();
    EXPECT_EQ(world.send(again(add)), Rcode::NOERROR);
    EXPECT_EQ(world.send(again(refused)), Rcode::NXDOMAIN);
    EXPECT_EQ(world.send("a 0 ANY ANY\nb 60 A 192.0.2.9"), Rcode::NOERROR);
  }
  World world = this->world();
  const std::string before = world.published();
  EXPECT_EQ(world.send(again(add)), Rcode::NOERROR);
  EXPECT_EQ(world.send(again(refused)), Rcode::NXDOMAIN);
  EXPECT_EQ(world.published(), before);
}

TEST_F(UpdateReplayTest, TheGrantedLeaseIsAnsweredAgain) {
  UpdateJob one = job("a 60 A 192.0.2.1");
  zones::JournalBatch batch;
  batch.lsn = 1;
  batch.time = NOW;
  zones::JournalMessage& message = batch.messages.emplace_back();
  message.key = one.key;
  message.digest = one.digest;
  message.signed_at = NOW;
  message.granted = zones::UpdateLease{.lease = 1800, .key_lease = 7200};
  MemoryStore(disk_).append(batch);

  struct Seen final : Responder {
    explicit Seen(std::promise<UpdateReply>& to) : promise(to) {}
    void reply(const UpdateReply& reply) override { promise.set_value(reply); }
    std::promise<UpdateReply>& promise;
  };
  World world = this->world();
  std::promise<UpdateReply> promise;
  one.responder = std::make_unique<Seen>(promise);
  ASSERT_TRUE(world.writer().submit(one));
  const UpdateReply reply = promise.get_future().get();
  EXPECT_EQ(reply.rcode, Rcode::NOERROR);
  EXPECT_EQ(reply.granted, (zones::UpdateLease{.lease = 1800, .key_lease = 7200}));
}

TEST_F(UpdateReplayTest, CopiesInTheSameBatchShareTheOutcome) {
  World world = this->world();
  // Only the first of it finds the name free; a copy that was judged would get YXDOMAIN.
  const UpdateJob claim = job("a 60 A 192.0.2.1", "a 0 NONE ANY");
  const UpdateJob late = job("b 60 A 192.0.2.1", "a 0 NONE ANY");
  gate_.close();
  auto first = world.submit(job("first 60 TXT x"));
  gate_.wait_until_reached();
  std::vector<std::future<Rcode>> answers;
  for (int copy = 0; copy < 3; ++copy) {
    answers.push_back(world.submit(again(claim)));
    answers.push_back(world.submit(again(late)));
  }
  gate_.open();
  for (std::size_t index = 0; index < answers.size(); ++index) {
    EXPECT_EQ(answers[index].get(), index % 2 == 0 ? Rcode::NOERROR : Rcode::YXDOMAIN);
  }
  world.writer().stop();
  EXPECT_EQ(disk_->journal.at(2).messages.size(), 2U);
  EXPECT_EQ(world.writer().status().repeated, 4U);
}

TEST_F(UpdateReplayTest, ServfailIsNotRemembered) {
  World world = this->world();
  const UpdateJob add = job("a 60 A 192.0.2.1");
  fails_ = true;
  gate_.close();
  auto first = world.submit(again(add));
  gate_.wait_until_reached();
  auto copy = world.submit(again(add));
  auto second_copy = world.submit(again(add));
  gate_.open();
  EXPECT_EQ(first.get(), Rcode::SERVFAIL);
  EXPECT_EQ(copy.get(), Rcode::SERVFAIL);
  EXPECT_EQ(second_copy.get(), Rcode::SERVFAIL);
  fails_ = false;
  EXPECT_EQ(world.send(again(add)), Rcode::NOERROR);
  EXPECT_NE(world.published().find("a.example.org. 60 IN A"), std::string::npos);
  EXPECT_EQ(world.serial(), 11U);
}

TEST_F(UpdateReplayTest, RefusalsWhileTheStoreFailsAreRememberedInMemory) {
  World world = this->world();
  const UpdateJob refused = job("b 60 A 192.0.2.1", "b 0 ANY ANY");
  fails_ = true;
  EXPECT_EQ(world.send(again(refused)), Rcode::NXDOMAIN);
  fails_ = false;
  EXPECT_EQ(world.send("b 60 A 192.0.2.9"), Rcode::NOERROR);
  EXPECT_EQ(world.send(again(refused)), Rcode::NXDOMAIN);
}

TEST_F(UpdateReplayTest, FullWindowRefusesWhatItCannotVouchFor) {
  WriterLimits limits;
  limits.replay_window = 4;
  World world = this->world(limits);
  const UpdateJob old = job("old 60 A 192.0.2.1");
  EXPECT_EQ(world.send(again(old)), Rcode::NOERROR);
  EXPECT_EQ(world.send("old 0 ANY ANY"), Rcode::NOERROR);
  for (int number = 0; number < 4; ++number) {
    UpdateJob later = job("n" + std::to_string(number) + " 60 A 192.0.2.1");
    later.signed_at = NOW + seconds(10);
    EXPECT_EQ(world.send(std::move(later)), Rcode::NOERROR);
  }
  EXPECT_EQ(world.send(again(old)), Rcode::NOTAUTH);  // BADTIME
  UpdateJob by_public_key = job("new 60 A 192.0.2.1");
  by_public_key.signed_by = zones::SignedBy::SIG0;
  EXPECT_EQ(world.send(std::move(by_public_key)), Rcode::REFUSED);
  EXPECT_EQ(world.published().find("old."), std::string::npos);
  EXPECT_EQ(world.published().find("new."), std::string::npos);
}

TEST_F(UpdateReplayTest, LongerThanTheWindowIsNotKept) {
  World world = this->world();
  const UpdateJob one = job("a 60 A 192.0.2.1");
  EXPECT_EQ(world.send(again(one)), Rcode::NOERROR);
  passed_ = 601;
  EXPECT_EQ(world.send("b 60 A 192.0.2.1"), Rcode::NOTAUTH);  // signed at NOW, and that is over
  UpdateJob fresh = job("b 60 A 192.0.2.1");
  fresh.signed_at = NOW + seconds(601);
  EXPECT_EQ(world.send(std::move(fresh)), Rcode::NOERROR);
}

}  // namespace
}  // namespace dnsd
