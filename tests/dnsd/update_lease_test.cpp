// Leases on their way through the writer (RFC 9664): granted, kept, refreshed, ended.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "dnsd/update_world.h"

namespace dnsd {
namespace {

using std::chrono::seconds;
using testing::FaultyStore;
using testing::Gate;
using testing::MemoryDisk;
using testing::MemoryStore;
using testing::World;
using zones::Rcode;
using zones::UpdateLease;
using Option = std::optional<UpdateLease>;

constexpr std::chrono::sys_seconds START{seconds{1'800'000'000}};

class WholeAnswer final : public Responder {
 public:
  std::future<UpdateReply> future() { return promise_.get_future(); }
  void reply(const UpdateReply& reply) override { promise_.set_value(reply); }

 private:
  std::promise<UpdateReply> promise_;
};

class UpdateLeaseTest : public ::testing::Test {
 protected:
  UpdateLeaseTest() {
    MemoryStore store(disk_);
    testing::create_zone(store, testing::name("example.org."), testing::records(testing::APEX));
  }
  std::unique_ptr<zones::Store> store() {
    return std::make_unique<FaultyStore>(
        std::make_unique<MemoryStore>(disk_), [this](FaultyStore::Call call) {
          if (call == FaultyStore::Call::APPEND) gate_.pass();
          if (fails_) throw zones::StoreError(zones::StoreError::Kind::UNWRITABLE, "full");
        });
  }
  /// As after a restart.
  void start(WriterLimits limits = {}) {
    world_.reset();
    world_ = std::make_unique<World>(store(), limits, std::size_t{1} << 30,
                                     [this] { return START + seconds(passed_.load()); });
  }
  void kill() {  // nothing more reaches the disk
    fails_ = true;
    world_.reset();
    fails_ = false;
  }

  UpdateJob job(const std::string& updates, Option lease = {}) const {
    UpdateJob job = testing::job(updates);
    job.signed_at = START + seconds(passed_.load());
    if (lease) {
      job.message.edns.emplace().options.push_back(
          {zones::OptionCode::UPDATE_LEASE, zones::update_lease_data(*lease)});
    }
    return job;
  }
  std::future<UpdateReply> submit(UpdateJob job) {
    auto responder = std::make_unique<WholeAnswer>();
    std::future<UpdateReply> answer = responder->future();
    job.responder = std::move(responder);
    EXPECT_TRUE(world_->writer().submit(job));
    return answer;
  }
  UpdateReply ask(const std::string& updates, Option lease = {}) {
    return submit(job(updates, lease)).get();
  }
  Rcode send(const std::string& updates, Option lease = {}) { return ask(updates, lease).rcode; }
  static Option lease(std::uint32_t seconds_asked, std::optional<std::uint32_t> key = {}) {
    return UpdateLease{.lease = seconds_asked, .key_lease = key};
  }

  /// Lets time pass, and the writer look at it.
  void pass(int passing) {
    passed_ += passing;
    for (int look = 0; look < 2; ++look) {
      // It looks at leases after each round of updates: when the second one is answered, it has.
      EXPECT_EQ(submit(job("", {})).get().rcode, Rcode::NOERROR);
    }
  }
  std::string zone() {
    StateReader reader(world_->publisher());
    return testing::dump(*reader.current().catalogue.zone(testing::name("@").view()));
  }
  static std::string zone(const std::string& text) {
    return testing::dump(testing::TestZone(text).snapshot());
  }
  const zones::JournalBatch& newest_batch() const { return disk_->journal.rbegin()->second; }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::atomic<bool> fails_{false};
  std::atomic<std::int64_t> passed_{0};
  Gate gate_;
  std::unique_ptr<World> world_;
};

struct Step {
  const char* updates;
  Option lease{};
  int passing = 0;  // seconds, afterwards
};

TEST_F(UpdateLeaseTest, Rfc9664WhichRecordsStay) {
  constexpr const char* KEY = "k 60 KEY 512 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=";
  const std::string key_and_address = std::string(KEY) + "\nk 60 A 192.0.2.1";
  struct Row {
    const char* clause;
    std::vector<Step> steps;
    const char* want;
  };
  const Row rows[] = {
      {"§7 within the lease", {{"a 60 A 192.0.2.1", lease(60), 59}}, "a 60 A 192.0.2.1"},
      {"§7 it has elapsed", {{"a 60 A 192.0.2.1", lease(60), 60}}, ""},
      {"§4.3 shorter than was asked for: the granted one counts",
       {{"a 60 A 192.0.2.1", lease(1'000'000), 86'400}},
       ""},
      {"§4.3 longer than was asked for: the granted one counts",
       {{"a 60 A 192.0.2.1", lease(1), 29}},
       "a 60 A 192.0.2.1"},
      {"no option: permanent", {{"a 60 A 192.0.2.1", {}, 1'000'000}}, "a 60 A 192.0.2.1"},
      {"§4 all RRs of the update section, each for itself",
       {{"a 60 A 192.0.2.1", lease(60)},
        {"a 60 A 192.0.2.2\na 60 TXT x", lease(90)},
        {"a 60 A 192.0.2.3", {}, 60}},
       "a 60 A 192.0.2.2\na 60 A 192.0.2.3\na 60 TXT x"},
      {"§4 KEY-LEASE is of KEY RRs only", {{key_and_address.c_str(), lease(60, 90), 60}}, KEY},
      {"§4 … and ends as well", {{key_and_address.c_str(), lease(60, 90), 90}}, ""},
      {"§4 … also before the lease",
       {{key_and_address.c_str(), lease(90, 60), 60}},
       "k 60 A 192.0.2.1"},
      {"§4.3 4 octets: the key and the other RRs expire at the same time",
       {{key_and_address.c_str(), lease(60), 60}},
       ""},
      {"§5 a refresh begins anew",
       {{"a 60 A 192.0.2.1", lease(60), 50}, {"a 60 A 192.0.2.1", lease(60), 59}},
       "a 60 A 192.0.2.1"},
      {"§5 a refresh may shorten",
       {{"a 60 A 192.0.2.1", lease(600)}, {"a 60 A 192.0.2.1", lease(30), 30}},
       ""},
      {"§5 names in RDATA have no case",
       {{"s 60 SRV 0 0 8001 a", lease(60), 50}, {"s 60 SRV 0 0 8001 A", lease(60), 59}},
       "s 60 SRV 0 0 8001 a"},
      {"§5.3 a refresh with another TTL",
       {{"a 60 A 192.0.2.1\na 60 A 192.0.2.2", lease(60)}, {"a 30 A 192.0.2.1", lease(90), 60}},
       "a 30 A 192.0.2.1"},
      {"§5.1 after the end a refresh registers",
       {{"a 60 A 192.0.2.1", lease(60), 60}, {"a 60 A 192.0.2.1", lease(60), 59}},
       "a 60 A 192.0.2.1"},
      {"a permanent record that is added with a lease gets one",
       {{"a 60 A 192.0.2.1", {}}, {"a 60 A 192.0.2.1", lease(60), 60}},
       ""},
      {"a leased record that is added without one is permanent",
       {{"a 60 A 192.0.2.1", lease(60)}, {"a 60 A 192.0.2.1", {}, 60}},
       "a 60 A 192.0.2.1"},
      {"§4 removed RRs are removed: what is added later is another one",
       {{"a 60 A 192.0.2.1", lease(60)}, {"a 0 ANY A", {}}, {"a 60 A 192.0.2.1", {}, 60}},
       "a 60 A 192.0.2.1"},
      {"replaced in one message",
       {{"a 60 A 192.0.2.1", lease(60), 30}, {"a 0 ANY A\na 60 A 192.0.2.1", lease(60), 59}},
       "a 60 A 192.0.2.1"},
      {"replaced in one message, and permanent",
       {{"a 60 A 192.0.2.1", lease(60)}, {"a 0 ANY A\na 60 A 192.0.2.1", {}, 60}},
       "a 60 A 192.0.2.1"},
      {"deleted after it was added, in one message",
       {{"a 60 A 192.0.2.1\na 0 NONE A 192.0.2.1", lease(60)}, {"a 60 A 192.0.2.1", {}, 60}},
       "a 60 A 192.0.2.1"},
      {"what the rules ignore gets no lease",
       {{"c 60 CNAME a", {}}, {"c 60 A 192.0.2.1", lease(60), 60}},
       "c 60 CNAME a"},
      {"a CNAME", {{"c 60 CNAME a", lease(60), 60}, {"c 60 TXT x", {}}}, "c 60 TXT x"},
      {"the other end of an SRV goes, the SRV stays",
       {{"a 60 A 192.0.2.1", lease(60)}, {"s 60 SRV 0 0 80 a", lease(90), 60}},
       "s 60 SRV 0 0 80 a"},
      {"an empty non-terminal comes about",
       {{"x.y 60 A 192.0.2.1\ny 60 TXT x", lease(60)}, {"x.y 60 A 192.0.2.1", lease(90), 60}},
       "x.y 60 A 192.0.2.1"},
      {"the apex keeps its NS and SOA",
       {{"@ 3600 NS ns\n@ 60 NS ns2\n@ 60 TXT x", lease(60), 60}},
       "@ 60 NS ns\n@ 60 NS ns2"},
      {"a delegation", {{"sub 60 NS ns.sub\nns.sub 60 A 192.0.2.1", lease(60), 60}}, ""},
  };
  for (const bool restarts : {false, true}) {
    for (const Row& row : rows) {
      SCOPED_TRACE(std::string(row.clause) + (restarts ? ", with restarts" : ""));
      disk_ = std::make_shared<MemoryDisk>();
      MemoryStore store(disk_);
      testing::create_zone(store, testing::name("example.org."), testing::records(testing::APEX));
      start();
      for (const Step& step : row.steps) {
        EXPECT_EQ(send(step.updates, step.lease), Rcode::NOERROR);
        if (restarts) {
          if (passed_ % 2 == 0) kill();  // else a clean stop: the checkpoint tells
          passed_ += step.passing;
          start();
        } else if (step.passing != 0) {
          pass(step.passing);
        }
      }
      const std::string apex = "@ 60 NS ns\n@ 60 NS ns2";
      if (row.want == apex) {
        EXPECT_EQ(zone().find("TXT"), std::string::npos);
        EXPECT_NE(zone().find("ns2"), std::string::npos);
      } else {
        EXPECT_EQ(zone(), zone(row.want));
      }
      ++passed_;
    }
  }
}

TEST_F(UpdateLeaseTest, Rfc9664Section43Answers) {
  start();
  EXPECT_EQ(ask("a 60 A 192.0.2.1").granted, std::nullopt) << "nobody asked";
  EXPECT_EQ(ask("a 60 A 192.0.2.1", lease(60)).granted, lease(60));
  EXPECT_EQ(ask("a 60 A 192.0.2.1", lease(60, 90)).granted, lease(60, 90));
  EXPECT_EQ(ask("a 60 A 192.0.2.1", lease(5, 0xffffffff)).granted, lease(30, 604'800));
  EXPECT_EQ(ask("a 0 ANY A", lease(60)).granted, lease(60)) << "any successful update";
  const UpdateReply refused = ask("a.example.net. 60 A 192.0.2.1", lease(60));
  EXPECT_EQ(refused.rcode, Rcode::NOTZONE);
  EXPECT_EQ(refused.granted, std::nullopt);
  UpdateJob malformed = job("a 60 A 192.0.2.1");
  malformed.message.edns.emplace().options.push_back({zones::OptionCode::UPDATE_LEASE, {0, 0, 1}});
  EXPECT_EQ(submit(std::move(malformed)).get().rcode, Rcode::FORMERR);
}

TEST_F(UpdateLeaseTest, AGrantsLimitHolds) {
  start();
  auto limited = std::make_shared<Policy>(*testing::policy());
  limited->grants.clear();
  limited->grants[testing::name("example.org.")].add(
      {.key = testing::name("key."), .update = true, .max_lease = seconds(100)});
  world_->writer().set_policy(limited);
  EXPECT_EQ(ask("a 60 A 192.0.2.1", lease(3'600)).granted, lease(100));
  EXPECT_EQ(ask("b 60 A 192.0.2.1").granted, std::nullopt);
  EXPECT_EQ(send("c 60 A 192.0.2.1", lease(200)), Rcode::NOERROR);
  pass(99);
  EXPECT_EQ(zone(), zone("a 60 A 192.0.2.1\nb 60 A 192.0.2.1\nc 60 A 192.0.2.1"));
  pass(1);
  EXPECT_EQ(zone(), zone(""));
}

// §5.3: no change, no serial; yet it is on disk before it is answered.
TEST_F(UpdateLeaseTest, Rfc9664Section53RefreshLeavesTheSerial) {
  start();
  EXPECT_EQ(send("a 60 A 192.0.2.1", lease(60)), Rcode::NOERROR);
  const std::uint32_t serial = world_->serial();
  const std::uint64_t version = world_->version();
  passed_ += 30;
  EXPECT_EQ(ask("a 60 A 192.0.2.1", lease(60)).granted, lease(60));
  EXPECT_EQ(world_->serial(), serial);
  EXPECT_EQ(world_->version(), version);
  kill();
  EXPECT_TRUE(newest_batch().changes.empty());
  ASSERT_EQ(newest_batch().messages.size(), 1U);
  EXPECT_EQ(newest_batch().messages[0].granted, lease(60));
  ASSERT_EQ(newest_batch().messages[0].leases.size(), 1U);
  EXPECT_EQ(newest_batch().messages[0].leases[0].expires, START + seconds(90));
  passed_ = 89;
  start();
  EXPECT_EQ(zone(), zone("a 60 A 192.0.2.1"));
  // A refresh that the disk does not take is not granted.
  fails_ = true;
  const UpdateReply reply = ask("a 60 A 192.0.2.1", lease(60));
  EXPECT_EQ(reply.rcode, Rcode::SERVFAIL);
  EXPECT_EQ(reply.granted, std::nullopt);
  fails_ = false;
  pass(1);
  EXPECT_EQ(zone(), zone(""));
}

TEST_F(UpdateLeaseTest, AnEndIsAnOrdinaryChange) {
  start();
  EXPECT_EQ(send("a 60 A 192.0.2.1\nb 60 A 192.0.2.1", lease(60)), Rcode::NOERROR);
  EXPECT_EQ(world_->serial(), 11U);
  passed_ += 60;
  kill();
  start();  // they end before anybody can ask
  EXPECT_EQ(zone(), zone(""));
  EXPECT_EQ(world_->serial(), 12U);
  EXPECT_EQ(world_->writer().status().expired, 2U);
  kill();
  const zones::JournalBatch& batch = newest_batch();
  ASSERT_EQ(batch.changes.size(), 1U);
  EXPECT_EQ(batch.changes[0].from_serial, 11U);
  EXPECT_EQ(batch.changes[0].to_serial, 12U);
  EXPECT_EQ(batch.changes[0].removed.size(), 3U);  // with the SOA
  ASSERT_EQ(batch.messages.size(), 1U);
  EXPECT_TRUE(batch.messages[0].key.is_root());
  EXPECT_EQ(batch.messages[0].zone, testing::name("example.org."));
  EXPECT_EQ(batch.messages[0].touched.size(), 2U);
  start();
  EXPECT_EQ(zone(), zone(""));
  EXPECT_EQ(world_->serial(), 12U);
}

// One after the other in one commit, of which the journal has the sum of the changes only.
TEST_F(UpdateLeaseTest, MessagesOfOneBatch) {
  const std::string add = "a 60 A 192.0.2.1";
  const struct {
    const char* what;
    std::vector<Step> steps;
    const char* after_60s;
  } rows[] = {
      {"deleted and permanent again", {{"a 0 ANY A"}, {add.c_str()}}, "a 60 A 192.0.2.1"},
      {"deleted and leased again", {{"a 0 ANY A"}, {add.c_str(), lease(60)}}, ""},
      {"leased, deleted, permanent",
       {{add.c_str(), lease(60)}, {"a 0 ANY A"}, {add.c_str()}},
       "a 60 A 192.0.2.1"},
      {"leased twice", {{add.c_str(), lease(60)}, {add.c_str(), lease(90)}}, "a 60 A 192.0.2.1"},
      {"permanent, then leased", {{add.c_str()}, {add.c_str(), lease(60)}}, ""},
  };
  for (const bool was_leased : {false, true}) {
    for (const bool restarts : {false, true}) {
      for (const auto& row : rows) {
        SCOPED_TRACE(row.what);
        start();
        EXPECT_EQ(send(add, was_leased ? lease(3'600) : Option()), Rcode::NOERROR);
        gate_.close();
        auto first = submit(job("first 60 TXT x"));
        gate_.wait_until_reached();
        std::vector<std::future<UpdateReply>> answers;
        for (const Step& step : row.steps) answers.push_back(submit(job(step.updates, step.lease)));
        gate_.open();
        EXPECT_EQ(first.get().rcode, Rcode::NOERROR);
        for (auto& answer : answers) EXPECT_EQ(answer.get().rcode, Rcode::NOERROR);
        if (restarts) {
          kill();
          passed_ += 60;
          start();
        } else {
          pass(60);
        }
        EXPECT_EQ(zone(), zone(std::string("first 60 TXT x\n") + row.after_60s));
        EXPECT_EQ(send("first 0 ANY ANY\na 0 ANY ANY"), Rcode::NOERROR);
      }
    }
  }
}

TEST_F(UpdateLeaseTest, AClockThatIsBehindEndsNothing) {
  start();
  EXPECT_EQ(send("a 60 A 192.0.2.1", lease(60)), Rcode::NOERROR);
  passed_ = 100'000;
  EXPECT_EQ(send("b 60 A 192.0.2.1", lease(60)), Rcode::NOERROR);
  EXPECT_EQ(send("c 60 TXT x"), Rcode::NOERROR);
  EXPECT_EQ(zone(), zone("b 60 A 192.0.2.1\nc 60 TXT x"));
  kill();
  passed_ = 99'000;  // behind what the journal has seen
  start();
  EXPECT_EQ(send("d 60 A 192.0.2.1", lease(60)), Rcode::NOERROR);
  pass(70);
  EXPECT_EQ(zone(), zone("b 60 A 192.0.2.1\nc 60 TXT x\nd 60 A 192.0.2.1"));
  passed_ = 100'060;
  pass(0);
  EXPECT_EQ(zone(), zone("c 60 TXT x"));
  kill();
  passed_ = -START.time_since_epoch().count();  // 1970
  start();
  pass(0);
  EXPECT_EQ(zone(), zone("c 60 TXT x"));
}

// RFC 9664 §7: it MUST NOT be answered, whatever the disk does.
TEST_F(UpdateLeaseTest, AStoreThatCannotBeWritten) {
  start();
  EXPECT_EQ(send("a 60 A 192.0.2.1\na 60 A 192.0.2.2\nb 60 A 192.0.2.1", lease(60)),
            Rcode::NOERROR);
  EXPECT_EQ(send("a 60 A 192.0.2.2\nc 60 TXT x"), Rcode::NOERROR);
  EXPECT_EQ(world_->serial(), 12U);
  fails_ = true;
  passed_ = 60;
  EXPECT_EQ(send("d 60 TXT x"), Rcode::SERVFAIL);
  EXPECT_EQ(send("d 60 TXT x"), Rcode::SERVFAIL);
  EXPECT_EQ(zone(), zone("a 60 A 192.0.2.2\nc 60 TXT x"));
  EXPECT_EQ(world_->serial(), 12U) << "secondaries would not know what it stands for";
  EXPECT_EQ(send("a 60 A 192.0.2.1", lease(60)), Rcode::SERVFAIL);
  kill();
  fails_ = true;
  start();  // nor does a restart show them
  EXPECT_EQ(zone(), zone("a 60 A 192.0.2.2\nc 60 TXT x"));
  EXPECT_EQ(world_->serial(), 12U);
  fails_ = false;
  EXPECT_EQ(send("b 60 A 192.0.2.1\nd 60 TXT x", lease(60)), Rcode::NOERROR);
  const std::string want = zone("a 60 A 192.0.2.2\nb 60 A 192.0.2.1\nc 60 TXT x\nd 60 TXT x");
  EXPECT_EQ(zone(), want);
  EXPECT_EQ(world_->serial(), 14U) << "the end of the leases, and the update";
  kill();
  // The journal has both steps, each with what it changed.
  const zones::JournalBatch& end = std::prev(disk_->journal.end(), 2)->second;
  ASSERT_EQ(end.changes.size(), 1U);
  EXPECT_EQ(end.changes[0].removed.size(), 3U);
  EXPECT_EQ(end.changes[0].to_serial, 13U);
  start();
  EXPECT_EQ(zone(), want);
  world_.reset();  // a clean stop
  start();
  EXPECT_EQ(zone(), want);
}

// What a restart makes of leases is what they were, at any time: two futures of one past.
TEST_F(UpdateLeaseTest, RestartsChangeNothing) {
  std::mt19937 random(7);
  const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  WriterLimits limits;
  limits.checkpoint_lag = 4;  // so that slices of the checkpoint come between
  limits.checkpoint_slice = 2;
  limits.expiry_slice = 2;
  start(limits);
  for (int life = 0; life < 25; ++life) {
    SCOPED_TRACE(life);
    for (unsigned count = pick(20); count > 0; --count) {
      std::string updates;
      for (unsigned lines = 1 + pick(3); lines > 0; --lines) {
        const std::string owner = "h" + std::to_string(pick(6));
        const std::string data = " A 192.0.2." + std::to_string(pick(3)) + "\n";
        switch (pick(5)) {
          case 0:
            updates += owner + " 0 ANY A\n";
            break;
          case 1:
            updates += owner + " 0 NONE" + data;
            break;
          default:
            updates += owner + (pick(4) == 0 ? " 30" : " 60") + data;
        }
      }
      EXPECT_EQ(send(updates, pick(3) == 0 ? Option() : lease(30 + pick(300))), Rcode::NOERROR);
      if (pick(4) == 0) pass(static_cast<int>(pick(60)));
    }
    if (life % 3 == 2) {
      world_->writer().stop();  // a clean stop
    }
    // As if killed here; the other one goes on over its own disk.
    std::unique_lock writing(*disk_->writing);
    auto other_disk = std::make_shared<MemoryDisk>(*disk_);
    writing.unlock();
    other_disk->writing = std::make_shared<std::mutex>();
    World other(std::make_unique<MemoryStore>(other_disk), limits, std::size_t{1} << 30,
                [this] { return START + seconds(passed_.load()); });
    if (life % 3 == 2) {
      start(limits);
    } else {
      EXPECT_EQ(other.published(), world_->published());
    }
    const int passing = static_cast<int>(pick(200));
    passed_ += passing;
    for (int look = 0; look < 20; ++look) {  // slices are of two names
      UpdateJob looking = testing::job("");
      looking.signed_at = START + seconds(passed_.load());
      EXPECT_EQ(other.send(std::move(looking)), Rcode::NOERROR);
      pass(0);
    }
    StateReader reader(other.publisher());
    EXPECT_EQ(testing::dump(*reader.current().catalogue.zone(testing::name("@").view())), zone());
  }
}

TEST_F(UpdateLeaseTest, ManyEndAtOnceBehindUpdates) {
  constexpr int NAMES = 10'000;
  start();
  std::string updates;
  for (int number = 0; number < NAMES; ++number) {
    updates += "h" + std::to_string(number) + " 60 A 192.0.2.1\n";
    if (number % 1'000 == 999) {
      ASSERT_EQ(send(updates, lease(60)), Rcode::NOERROR);
      updates.clear();
    }
  }
  passed_ = 60;
  std::chrono::steady_clock::duration longest{};
  int answered = 0;
  while (world_->writer().status().expired < NAMES) {
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(send("n" + std::to_string(answered) + " 60 A 192.0.2.1"), Rcode::NOERROR);
    longest = std::max(longest, std::chrono::steady_clock::now() - begin);
    ASSERT_LT(++answered, 100'000);
  }
  EXPECT_GE(answered, 2) << "they come in slices";
  EXPECT_LT(longest, std::chrono::seconds(2));
  StateReader reader(world_->publisher());
  const auto left = reader.current().catalogue.zone(testing::name("@").view());
  EXPECT_EQ(left->name_count(), 1U + static_cast<std::uint64_t>(answered));
}

// Nobody needs to send anything for it.
TEST_F(UpdateLeaseTest, TheWriterLooksAtTheClockByItself) {
  start();
  EXPECT_EQ(send("a 60 A 192.0.2.1", lease(60)), Rcode::NOERROR);
  passed_ = 60;
  for (int tries = 0; zone() != zone(""); ++tries) {
    ASSERT_LT(tries, 1'000);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(world_->serial(), 12U);
}

}  // namespace
}  // namespace dnsd
