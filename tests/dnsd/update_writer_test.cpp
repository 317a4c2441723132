#include "dnsd/update_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "dnsd/update_world.h"

namespace dnsd {
namespace {

using testing::FaultyStore;
using testing::Gate;
using testing::job;
using testing::MemoryDisk;
using testing::MemoryStore;
using testing::World;
using zones::Rcode;
using zones::StoreError;

class UpdateWriterTest : public ::testing::Test {
 protected:
  UpdateWriterTest() {
    MemoryStore store(disk_);
    testing::create_zone(store, testing::name("example.org."), testing::records(testing::APEX));
    testing::create_zone(
        store, testing::name("example.com."),
        testing::records("example.com. 60 SOA ns host 70 1 1 1 1\nexample.com. 60 NS ns\n"));
  }

  std::unique_ptr<zones::Store> store() {
    return std::make_unique<FaultyStore>(std::make_unique<MemoryStore>(disk_),
                                         [this](FaultyStore::Call call) {
                                           if (call == FaultyStore::Call::APPEND) gate_.pass();
                                           if (fails_ && (!fails_only_ || *fails_only_ == call)) {
                                             throw StoreError(StoreError::Kind::UNWRITABLE, "full");
                                           }
                                         });
  }
  World world(WriterLimits limits = {}) { return World(store(), limits); }

  // Sends messages that become one batch, and returns the answers.
  template <class... Jobs>
  std::vector<Rcode> send_together(World& world, Jobs... jobs) {
    gate_.close();
    std::future<Rcode> first = world.submit(job("", "first 0 ANY ANY"));
    gate_.wait_until_reached();
    std::vector<std::future<Rcode>> answers;
    (answers.push_back(world.submit(std::move(jobs))), ...);
    gate_.open();
    EXPECT_EQ(first.get(), Rcode::NXDOMAIN);
    std::vector<Rcode> rcodes;
    for (auto& answer : answers) rcodes.push_back(answer.get());
    return rcodes;
  }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  Gate gate_;
  std::atomic<bool> fails_{false};
  std::optional<FaultyStore::Call> fails_only_;
};

TEST_F(UpdateWriterTest, NoerrorMeansOnDiskAndVisible) {
  World world = this->world();
  struct Checking final : Responder {
    MemoryDisk& disk;
    StatePublisher& publisher;
    std::promise<std::pair<bool, bool>> seen;
    Checking(MemoryDisk& on, StatePublisher& from) : disk(on), publisher(from) {}
    void reply(const UpdateReply& reply) override {
      EXPECT_EQ(reply.rcode, Rcode::NOERROR);
      StateReader reader(publisher);
      const auto zone = reader.current().catalogue.zone(testing::name("@").view());
      seen.set_value({disk.last == 1 && disk.journal.at(1).changes.size() == 1,
                      !zone->rrsets(testing::name("a").view()).empty()});
    }
  };
  UpdateJob one = job("a 60 A 192.0.2.1");
  auto responder = std::make_unique<Checking>(*disk_, world.publisher());
  auto seen = responder->seen.get_future();
  one.responder = std::move(responder);
  ASSERT_TRUE(world.writer().submit(one));
  EXPECT_EQ(seen.get(), std::pair(true, true));
}

TEST_F(UpdateWriterTest, TellsOfEachBatchOnceItIsOnDiskAndBeforeItIsAnswered) {
  std::mutex mutex;
  std::vector<zones::Lsn> told;
  const auto seen = [&] {
    const std::lock_guard lock(mutex);
    return told;
  };
  World world(
      store(), {}, std::size_t{1} << 30, [] { return testing::NOW; },
      [&](zones::Lsn lsn) {
        EXPECT_EQ(disk_->last, lsn);
        const std::lock_guard lock(mutex);
        told.push_back(lsn);
      });
  using Lsns = std::vector<zones::Lsn>;
  EXPECT_EQ(seen(), (Lsns{0}));
  EXPECT_EQ(world.send("a 60 A 192.0.2.1"), Rcode::NOERROR);
  EXPECT_EQ(seen(), (Lsns{0, 1}));
  EXPECT_EQ(world.send("", "x 0 ANY ANY"), Rcode::NXDOMAIN);  // a row of the journal as well
  EXPECT_EQ(seen(), (Lsns{0, 1, 2}));
  fails_ = true;
  EXPECT_EQ(world.send("b 60 A 192.0.2.1"), Rcode::SERVFAIL);
  EXPECT_EQ(seen(), (Lsns{0, 1, 2}));
  fails_ = false;
  EXPECT_EQ(world.send("b 60 A 192.0.2.1"), Rcode::NOERROR);
  EXPECT_EQ(seen(), (Lsns{0, 1, 2, 3}));
}

TEST_F(UpdateWriterTest, RcodesOfEachStep) {
  WriterLimits limits;
  limits.message.records_per_message = 3;
  World world = this->world(limits);
  struct Row {
    const char* clause;
    UpdateJob job;
    Rcode want;
  };
  Row rows[] = {
      {"§3.1.1 no such zone", job("", "", "example.net."), Rcode::NOTAUTH},
      {"§3.1.1 before the grant", job("", "", "example.net.", "stranger."), Rcode::NOTAUTH},
      {"§3.3 no grant", job("a 60 A 192.0.2.1", "", "example.org.", "stranger."), Rcode::REFUSED},
      {"§3.3 no such key", job("a 60 A 192.0.2.1", "", "example.org.", "gone."), Rcode::REFUSED},
      {"§3.3 before prerequisites", job("", "x 0 ANY ANY", "example.org.", "stranger."),
       Rcode::REFUSED},
      {"§3.2 prerequisite", job("a 60 A 192.0.2.1", "x 0 ANY ANY"), Rcode::NXDOMAIN},
      {"§3.2 before the prescan", job("a 1 ANY ANY", "x 0 ANY ANY"), Rcode::NXDOMAIN},
      {"§3.4.1 prescan", job("a 60 A 192.0.2.1\na 1 ANY ANY"), Rcode::FORMERR},
      {"§3.4.1 outside", job("example.com. 60 A 192.0.2.1"), Rcode::NOTZONE},
      {"as many records as allowed", job("x 0 ANY A\nx 0 ANY TXT", "x 0 NONE ANY"), Rcode::NOERROR},
      {"one record more", job("x 0 ANY A\nx 0 ANY TXT\nx 0 ANY TXT", "x 0 NONE ANY"),
       Rcode::REFUSED},
  };
  for (Row& row : rows) {
    SCOPED_TRACE(row.clause);
    EXPECT_EQ(world.send(std::move(row.job)), row.want);
  }
  EXPECT_EQ(world.serial(), 10U);
  EXPECT_EQ(world.version(), 1U);
}

TEST_F(UpdateWriterTest, Rfc2136SerialOnceABatchAndOnlyForChanges) {
  World world = this->world();
  EXPECT_EQ(world.send("a 60 A 192.0.2.1"), Rcode::NOERROR);
  EXPECT_EQ(world.serial(), 11U);
  EXPECT_EQ(world.send("a 60 A 192.0.2.1\nb 0 ANY ANY"), Rcode::NOERROR);
  EXPECT_EQ(world.serial(), 11U);
  EXPECT_EQ(world.version(), 2U);  // nothing new to see

  send_together(world, job("b 60 A 192.0.2.2"), job("c 60 A 192.0.2.3"), job("c 60 A 192.0.2.3"));
  EXPECT_EQ(world.serial(), 12U);

  EXPECT_EQ(world.send("@ 60 SOA ns host 100 1 1 1 1\nd 60 TXT x"), Rcode::NOERROR);
  EXPECT_EQ(world.serial(), 100U);
  // Who sets the serial after a step of the batch, and who comes after it.
  send_together(world, job("e 60 TXT x"), job("@ 60 SOA ns host 200 1 1 1 1"), job("f 60 TXT x"));
  EXPECT_EQ(world.serial(), 200U);
  // The step is visible to what follows: a serial that was greater when it was sent is not any
  // more.
  send_together(world, job("g 60 TXT x"), job("@ 60 SOA ns host 201 9 9 9 9"));
  EXPECT_EQ(world.serial(), 201U);
  StateReader reader(world.publisher());
  const auto zone = reader.current().catalogue.zone(testing::name("@").view());
  EXPECT_EQ(zones::read_soa(zone->soa().first()).refresh, 1U);
  EXPECT_EQ(world.serial("example.com."), 70U);
}

TEST_F(UpdateWriterTest, Rfc2136LaterMessagesSeeEarlierOnes) {
  World world = this->world();
  const std::vector<Rcode> rcodes = send_together(
      world, job("a 60 A 192.0.2.1", "a 0 NONE ANY"), job("a 60 A 192.0.2.2", "a 0 NONE ANY"),
      job("a 0 ANY A", "a 0 A 192.0.2.1"), job("b 60 A 192.0.2.1", "a 0 NONE A"),
      job("", "@ 0 SOA ns host 11 7200 900 1209600 300"));
  EXPECT_EQ(rcodes, (std::vector{Rcode::NOERROR, Rcode::YXDOMAIN, Rcode::NOERROR, Rcode::NOERROR,
                                 Rcode::NOERROR}));
  EXPECT_NE(world.published().find("b.example.org. 60 IN A 192.0.2.1"), std::string::npos);
  EXPECT_EQ(world.published().find("a.example.org."), std::string::npos);
}

TEST_F(UpdateWriterTest, OneRowOfTheJournalABatch) {
  World world = this->world();
  UpdateJob first = job("a 60 A 192.0.2.1");
  first.digest[0] = 7;
  first.source[15] = 9;
  first.source_port = 1234;
  first.signed_at = std::chrono::sys_seconds(std::chrono::seconds(1'699'999'999));
  send_together(world, std::move(first), job("b 60 A 192.0.2.2", "x 0 ANY ANY"),
                job("c 60 A 192.0.2.3", "", "example.org.", "stranger."),
                job("x.example.com. 60 A 192.0.2.4", "", "example.com."), job("a 60 A 192.0.2.9"));
  world.writer().stop();
  ASSERT_EQ(disk_->last, 2U);  // the first is the one that held the gate
  const zones::JournalBatch& batch = disk_->journal.at(2);
  EXPECT_EQ(batch.time.time_since_epoch().count(), 1'700'000'000);

  ASSERT_EQ(batch.messages.size(), 5U);
  EXPECT_EQ(batch.messages[0].key, testing::name("key."));
  EXPECT_EQ(batch.messages[0].digest[0], 7);
  EXPECT_EQ(batch.messages[0].source[15], 9);
  EXPECT_EQ(batch.messages[0].source_port, 1234);
  EXPECT_EQ(batch.messages[0].signed_at.time_since_epoch().count(), 1'699'999'999);
  const Rcode rcodes[] = {Rcode::NOERROR, Rcode::NXDOMAIN, Rcode::REFUSED, Rcode::NOERROR,
                          Rcode::NOERROR};
  for (std::size_t index = 0; index < 5; ++index) {
    EXPECT_EQ(batch.messages[index].rcode, rcodes[index]);
  }

  ASSERT_EQ(batch.changes.size(), 2U);
  for (const zones::ChangeSet& changes : batch.changes) {
    const bool is_org = changes.apex == testing::name("example.org.");
    EXPECT_EQ(changes.from_serial, is_org ? 10U : 70U);
    EXPECT_EQ(changes.to_serial, is_org ? 11U : 71U);
    EXPECT_EQ(changes.removed.size(), 1U);              // the SOA
    EXPECT_EQ(changes.added.size(), is_org ? 3U : 2U);  // SOA and the two A, together
  }
}

TEST_F(UpdateWriterTest, MessagesThatChangeNothingAreJournalledAsWell) {
  World world = this->world();
  EXPECT_EQ(world.send("", "x 0 ANY ANY"), Rcode::NXDOMAIN);
  EXPECT_EQ(world.send("x 0 ANY ANY"), Rcode::NOERROR);
  world.writer().stop();
  ASSERT_EQ(disk_->journal.size(), 2U);
  for (const auto& [lsn, batch] : disk_->journal) {
    EXPECT_TRUE(batch.changes.empty());
    EXPECT_EQ(batch.messages.size(), 1U);
  }
  EXPECT_EQ(disk_->applied, 2U);
}

TEST_F(UpdateWriterTest, TheJournalTellsWhatRefusedMessagesWanted) {
  World world = this->world();
  EXPECT_EQ(world.send("b 60 A 192.0.2.1\nc 0 ANY A\nB 60 TXT x", "x 0 ANY ANY"), Rcode::NXDOMAIN);
  std::string many;
  for (int number = 0; number < 100; ++number) {
    many += "n" + std::to_string(number) + " 60 A 192.0.2.1\n";
  }
  EXPECT_EQ(world.send(job(many, "", "example.com.", "stranger.")), Rcode::REFUSED);
  EXPECT_EQ(world.send("a 0 ANY ANY"), Rcode::NOERROR);  // changes nothing
  world.writer().stop();
  const zones::JournalMessage& refused = disk_->journal.at(1).messages.at(0);
  EXPECT_EQ(refused.zone, testing::name("example.org."));
  EXPECT_EQ(refused.touched, (std::vector{testing::name("b"), testing::name("c")}));
  EXPECT_EQ(disk_->journal.at(2).messages.at(0).zone, testing::name("example.com."));
  EXPECT_EQ(disk_->journal.at(2).messages.at(0).touched.size(), 16U);  // bounded
  EXPECT_TRUE(disk_->journal.at(3).messages.at(0).touched.empty());
}

TEST_F(UpdateWriterTest, StoreThatCannotBeWrittenUndoesTheBatch) {
  World world = this->world();
  EXPECT_EQ(world.send("a 60 A 192.0.2.1"), Rcode::NOERROR);
  const std::string before = world.published();
  fails_ = true;
  EXPECT_EQ(world.send("b 60 A 192.0.2.2"), Rcode::SERVFAIL);
  EXPECT_FALSE(world.writer().status().store_writable);
  EXPECT_EQ(world.send("b 60 A 192.0.2.2", "x 0 ANY ANY"), Rcode::NXDOMAIN);
  EXPECT_EQ(world.send("a 60 A 192.0.2.1"), Rcode::NOERROR);  // is so already
  EXPECT_EQ(world.published(), before);
  EXPECT_EQ(disk_->last, 1U);

  fails_ = false;
  EXPECT_EQ(world.send("b 60 A 192.0.2.2"), Rcode::NOERROR);
  EXPECT_TRUE(world.writer().status().store_writable);
  EXPECT_EQ(world.serial(), 12U);
  const std::string after = world.published();
  world.writer().stop();
  MemoryStore again(disk_);
  EXPECT_EQ(testing::reloaded(again), after);
}

TEST_F(UpdateWriterTest, NoAnswerRestsOnWhatWasUndone) {
  World world = this->world();
  gate_.close();
  std::future<Rcode> first = world.submit(job("first 60 TXT x"));
  gate_.wait_until_reached();
  std::vector<std::future<Rcode>> answers;
  answers.push_back(world.submit(job("a 60 A 192.0.2.1")));
  answers.push_back(world.submit(job("", "a 0 ANY ANY")));   // held in the batch
  answers.push_back(world.submit(job("", "a 0 NONE ANY")));  // did not hold in the batch
  answers.push_back(world.submit(job("a 60 A 192.0.2.1")));  // changed nothing in the batch
  answers.push_back(world.submit(job("first 60 TXT x")));    // of the batch before
  fails_ = true;
  gate_.open();
  EXPECT_EQ(first.get(), Rcode::SERVFAIL);
  const Rcode wants[] = {Rcode::SERVFAIL, Rcode::NXDOMAIN, Rcode::NOERROR, Rcode::SERVFAIL,
                         Rcode::SERVFAIL};
  for (std::size_t index = 0; index < answers.size(); ++index) {
    SCOPED_TRACE(index);
    EXPECT_EQ(answers[index].get(), wants[index]);
  }
  EXPECT_EQ(world.serial(), 10U);
}

TEST_F(UpdateWriterTest, MessageThatNeedsTooMuchMemoryFailsAlone) {
  // Room for the zones and a little more.
  World world(store(), {}, std::size_t{1} << 16);
  std::string large;
  for (int number = 0; number < 1'000; ++number) {
    large += "n" + std::to_string(number) + " 60 TXT " + std::string(200, 'x') + "\n";
  }
  EXPECT_EQ(send_together(world, job("a 60 A 192.0.2.1"), job(large), job("b 60 A 192.0.2.2"),
                          job("", "a 0 NONE ANY")),
            (std::vector{Rcode::NOERROR, Rcode::SERVFAIL, Rcode::NOERROR, Rcode::YXDOMAIN}));
  EXPECT_EQ(world.serial(), 11U);
  EXPECT_EQ(world.published().find("n0."), std::string::npos);
  world.writer().stop();
  ASSERT_EQ(disk_->last, 2U);
  EXPECT_EQ(disk_->journal.at(2).messages.size(), 3U);  // SERVFAIL is not remembered
}

TEST_F(UpdateWriterTest, FullQueueIsToldAtOnce) {
  WriterLimits limits;
  limits.queue = 3;
  World world = this->world(limits);
  gate_.close();
  std::vector<std::future<Rcode>> answers;
  answers.push_back(world.submit(job("a 60 A 192.0.2.1")));
  gate_.wait_until_reached();
  answers.push_back(world.submit(job("b 60 A 192.0.2.1")));
  answers.push_back(world.submit(job("c 60 A 192.0.2.1")));
  UpdateJob one_more = job("d 60 A 192.0.2.1");
  EXPECT_FALSE(world.writer().submit(one_more));
  EXPECT_EQ(one_more.message.authority.size(), 1U);  // still the caller's
  gate_.open();
  for (auto& answer : answers) EXPECT_EQ(answer.get(), Rcode::NOERROR);
}

TEST_F(UpdateWriterTest, BatchesAreBounded) {
  WriterLimits limits;
  limits.batch = 2;
  World world = this->world(limits);
  send_together(world, job("a 60 A 192.0.2.1"), job("b 60 A 192.0.2.1"), job("c 60 A 192.0.2.1"));
  EXPECT_EQ(world.serial(), 12U);
  EXPECT_EQ(world.writer().status().batches, 3U);
}

TEST_F(UpdateWriterTest, StopAnswersAllThatWaitAndTakesNoMore) {
  World world = this->world();
  gate_.close();
  std::vector<std::future<Rcode>> answers;
  answers.push_back(world.submit(job("a 60 A 192.0.2.1")));
  gate_.wait_until_reached();
  answers.push_back(world.submit(job("b 60 A 192.0.2.1")));
  std::thread stopper([&] { world.writer().stop(); });
  UpdateJob late = job("c 60 A 192.0.2.1");
  late.responder = std::make_unique<testing::PromisedAnswer>();
  while (true) {  // until the writer knows that it is to stop
    UpdateJob probe = job("");
    probe.responder = std::make_unique<testing::PromisedAnswer>();
    if (!world.writer().submit(probe)) break;
    std::this_thread::yield();
  }
  EXPECT_FALSE(world.writer().submit(late));
  gate_.open();
  stopper.join();
  for (auto& answer : answers) EXPECT_EQ(answer.get(), Rcode::NOERROR);
  world.writer().set_policy(testing::policy());  // returns
  EXPECT_EQ(disk_->applied, disk_->last);
  const std::string published = world.published();
  MemoryStore again(disk_);
  EXPECT_EQ(testing::reloaded(again), published);
}

TEST_F(UpdateWriterTest, PolicyIsPublishedWithTheZonesAsTheyAre) {
  World world = this->world();
  EXPECT_EQ(world.send("a 60 A 192.0.2.1"), Rcode::NOERROR);
  const std::uint64_t version = world.version();
  const auto denying = testing::policy(true, false);
  world.writer().set_policy(denying);
  {
    StateReader reader(world.publisher());
    EXPECT_EQ(reader.current().policy, denying);
    EXPECT_EQ(reader.current().version, version);
  }
  EXPECT_EQ(world.send("b 60 A 192.0.2.2"), Rcode::REFUSED);
  world.writer().set_policy(testing::policy(false, true));
  EXPECT_EQ(world.send("b 60 A 192.0.2.2"), Rcode::REFUSED);
  world.writer().set_policy(testing::policy());
  EXPECT_EQ(world.send("b 60 A 192.0.2.2"), Rcode::NOERROR);
  EXPECT_EQ(world.version(), version + 1);
}

TEST_F(UpdateWriterTest, AnswerThatThrowsHurtsNobodyElse) {
  struct Throwing final : Responder {
    void reply(const UpdateReply&) override { throw std::runtime_error("the peer is gone"); }
  };
  World world = this->world();
  UpdateJob one = job("a 60 A 192.0.2.1");
  one.responder = std::make_unique<Throwing>();
  ASSERT_TRUE(world.writer().submit(one));
  EXPECT_EQ(world.send("b 60 A 192.0.2.2", "a 0 ANY ANY"), Rcode::NOERROR);
}

TEST_F(UpdateWriterTest, CheckpointThatFailsStopsUpdatesOnlyWhenFarBehind) {
  fails_only_ = FaultyStore::Call::CHECKPOINT;
  fails_ = true;
  WriterLimits limits;
  limits.checkpoint_lag = 5;
  limits.checkpoint_slice = 2;
  World world = this->world(limits);
  // Each message is a batch; the first makes two names dirty, itself and the apex.
  for (const char* owner : {"a", "b", "c", "d"}) {
    EXPECT_EQ(world.send(std::string(owner) + " 60 A 192.0.2.1"), Rcode::NOERROR);
  }
  EXPECT_EQ(world.writer().status().checkpoint_lag, 5U);
  EXPECT_EQ(world.send("e 60 A 192.0.2.1"), Rcode::SERVFAIL);
  EXPECT_EQ(world.send("e 60 A 192.0.2.1", "a 0 NONE ANY"), Rcode::YXDOMAIN);
  EXPECT_EQ(disk_->applied, 0U);

  fails_ = false;
  EXPECT_EQ(world.send("e 60 A 192.0.2.1"), Rcode::NOERROR);
  const std::string published = world.published();
  world.writer().stop();
  EXPECT_EQ(disk_->applied, disk_->last);
  MemoryStore again(disk_);
  EXPECT_EQ(testing::reloaded(again), published);
}

TEST_F(UpdateWriterTest, LagOfTheCheckpointIsBounded) {
  WriterLimits limits;
  limits.checkpoint_lag = 10;
  limits.checkpoint_slice = 3;
  World world = this->world(limits);
  for (int number = 0; number < 100; ++number) {
    EXPECT_EQ(world.send("n" + std::to_string(number) + " 60 A 192.0.2.1"), Rcode::NOERROR);
    EXPECT_LE(world.writer().status().checkpoint_lag, 12U);  // and what one batch adds
  }
  world.writer().stop();
  EXPECT_EQ(disk_->applied, disk_->last);
  EXPECT_EQ(world.writer().status().checkpoint_lag, 0U);
}

TEST_F(UpdateWriterTest, JournalIsBoundedWithoutAPause) {
  constexpr std::size_t KEPT = 10;
  WriterLimits limits;
  limits.checkpoint_lag = 4;  // so that the checkpoint follows
  limits.journal_octets = KEPT * MemoryStore::BATCH_OCTETS;
  World world = this->world(limits);
  for (int number = 0; number < 1'000; ++number) {
    EXPECT_EQ(world.send("a 0 ANY A\na 60 A 192.0.2." + std::to_string(number % 200)),
              Rcode::NOERROR);
  }
  world.writer().stop();
  EXPECT_EQ(disk_->last, 1'000U);
  EXPECT_LT(disk_->journal.size(), 250U);
  EXPECT_GE(disk_->journal.size(), KEPT);
  EXPECT_GT(disk_->journal.begin()->first, 750U);
}

TEST_F(UpdateWriterTest, RefusesAStoreOfAnotherMoment) {
  auto store = std::make_unique<MemoryStore>(disk_);
  auto builder = std::make_unique<zones::CatalogueBuilder>();
  zones::Loaded loaded = zones::load(*store, *builder);
  const zones::Catalogue catalogue = builder->freeze();
  StatePublisher publisher(State{builder->version(), catalogue, testing::policy()});
  zones::JournalBatch batch;
  batch.lsn = 1;
  store->append(batch);
  EXPECT_THROW(UpdateWriter(std::move(store), std::move(builder), publisher, loaded, {},
                            [] { return std::chrono::sys_seconds(); }),
               std::logic_error);
}

// Each message writes the same text to two names; a reader must never see them differ (RFC 2136
// §3.7).
TEST_F(UpdateWriterTest, ReadersSeeMessagesWhole) {
  constexpr int MESSAGES = 300;
  World world = this->world();
  std::atomic<bool> done{false};
  std::atomic<bool> failed{false};
  std::thread reading([&] {
    StateReader reader(world.publisher());
    std::uint32_t last_serial = 0;
    while (!done) {
      const auto zone = *reader.current().catalogue.zone(testing::name("@").view());
      const zones::RRsetView left =
          zone.rrsets(testing::name("left").view()).find(zones::Type::TXT);
      const zones::RRsetView right =
          zone.rrsets(testing::name("x.right").view()).find(zones::Type::TXT);
      if (static_cast<bool>(left) != static_cast<bool>(right)) failed = true;
      if (left && right && !std::ranges::equal(left.rdatas(), right.rdatas())) failed = true;
      if (zone.serial() < last_serial) failed = true;
      last_serial = zone.serial();
    }
  });
  const auto send = [&](const std::string& who) {
    for (int number = 0; number < MESSAGES; ++number) {
      const std::string text = " 60 TXT " + who + std::to_string(number) + "\n";
      if (world.send("left 0 ANY TXT\nx.right 0 ANY TXT\nleft" + text + "x.right" + text) !=
          Rcode::NOERROR) {
        failed = true;
      }
    }
  };
  std::thread first(send, "a");
  std::thread second(send, "b");
  for (int round = 0; round < 20; ++round) world.writer().set_policy(testing::policy());
  first.join();
  second.join();
  done = true;
  reading.join();
  EXPECT_FALSE(failed);
  const WriterStatus status = world.writer().status();
  EXPECT_EQ(status.messages, 2U * MESSAGES);
  EXPECT_EQ(world.serial(), 10U + status.batches);
}

}  // namespace
}  // namespace dnsd
