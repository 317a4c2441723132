// The writer over SQLite: what a restart finds is what was published, whenever the end came.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <random>

#include "dnsd/update_world.h"
#include "zones/sqlite_store.h"

namespace dnsd {
namespace {

using testing::FaultyStore;
using testing::job;
using testing::World;
using zones::Rcode;
using zones::StoreError;

class UpdateStoreTest : public ::testing::Test {
 protected:
  UpdateStoreTest() {
    std::string path = std::filesystem::temp_directory_path() / "update_store_test.XXXXXX";
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = path;
  }
  ~UpdateStoreTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::unique_ptr<zones::SqliteStore> open(int number) {
    zones::SqliteOptions options;  // nothing here is about a power cut, so no sync is waited for
    options.synchronous = zones::SqliteOptions::Synchronous::OFF;
    return std::make_unique<zones::SqliteStore>(folder_ / (std::to_string(number) + ".sqlite"),
                                                options);
  }
  void create(int number) {
    const auto store = open(number);
    testing::create_zone(*store, testing::name("example.org."), testing::records(testing::APEX));
  }
  std::string reload(int number) {
    const auto store = open(number);
    return testing::reloaded(*store);
  }

  std::filesystem::path folder_;
};

// Few names, few values: so that updates meet.
class RandomUpdates {
 public:
  explicit RandomUpdates(unsigned seed) : random_(seed) {}

  std::string next() {
    std::string text;
    for (unsigned count = pick(4) + 1; count > 0; --count) text += line() + "\n";
    return text;
  }
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

 private:
  std::string line() {
    static const char* const owners[] = {"a", "b", "x.a", "*.w", "sub", "@"};
    static const char* const data[] = {
        "A 192.0.2.1", "A 192.0.2.2", "TXT x",     "TXT y", "SRV 0 0 8001 a", "SRV 0 0 8001 A",
        "CNAME b",     "CNAME x.a",   "NS ns.sub", "NS ns", "DNAME b",        "AAAA 2001:db8::1"};
    static const char* const types[] = {"A", "TXT", "SRV", "CNAME", "NS", "DNAME", "ANY"};
    const std::string owner = owners[pick(std::size(owners))];
    switch (pick(8)) {
      case 0:
        return owner + " 0 ANY " + types[pick(std::size(types))];
      case 1:
      case 2:
        return owner + " 0 NONE " + data[pick(std::size(data))];
      case 3:
        if (pick(4) == 0) {
          serial_ += pick(20);
          return "@ 3600 SOA ns host " + std::to_string(serial_) + " 7200 900 1209600 300";
        }
        [[fallthrough]];
      default:
        return owner + (pick(4) == 0 ? " 30 " : " 60 ") + data[pick(std::size(data))];
    }
  }

  std::mt19937 random_;
  std::uint32_t serial_ = 10;
};

TEST_F(UpdateStoreTest, ReplayEqualsWhatWasPublished) {
  for (int seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    create(seed);
    RandomUpdates updates(static_cast<unsigned>(seed));
    std::string published = reload(seed);
    for (int life = 0; life < 6; ++life) {
      SCOPED_TRACE("life " + std::to_string(life));
      std::atomic<bool> dead{false};
      WriterLimits limits;
      limits.batch = 7;
      limits.checkpoint_lag = 6;  // so that slices come between the updates
      limits.checkpoint_slice = 2;
      World world(std::make_unique<FaultyStore>(open(seed),
                                                [&](FaultyStore::Call) {
                                                  if (dead) {
                                                    throw StoreError(StoreError::Kind::UNWRITABLE,
                                                                     "the power is off");
                                                  }
                                                }),
                  limits);
      ASSERT_EQ(world.published(), published);
      for (unsigned round = updates.pick(40); round > 0; --round) {
        std::vector<std::future<Rcode>> answers;
        for (unsigned count = updates.pick(10) + 1; count > 0; --count) {
          answers.push_back(world.submit(job(updates.next())));
        }
        // In the last round the power may go between two of them.
        if (round == 1 && life % 3 == 1) dead = true;
        for (auto& answer : answers) answer.wait();
      }
      if (life % 3 != 2) dead = true;  // else a clean stop
      world.writer().stop();
      published = world.published();
    }
    EXPECT_EQ(reload(seed), published);
  }
}

TEST_F(UpdateStoreTest, FailureOfAnyCallLosesNothingAndInventsNothing) {
  bool reached = true;
  for (int nth = 1; reached; ++nth) {
    SCOPED_TRACE("failing call " + std::to_string(nth));
    ASSERT_LT(nth, 100);
    create(nth);
    reached = false;
    std::string published;
    {
      int calls = 0;  // of the writer's thread
      WriterLimits limits;
      limits.checkpoint_lag = 4;
      limits.checkpoint_slice = 2;
      World world(std::make_unique<FaultyStore>(open(nth),
                                                [&](FaultyStore::Call) {
                                                  if (++calls != nth) return;
                                                  reached = true;
                                                  throw StoreError(StoreError::Kind::UNWRITABLE,
                                                                   "no space left");
                                                }),
                  limits);
      std::string content;
      for (int number = 0; number < 10; ++number) {
        const std::string line = "h" + std::to_string(number) + " 60 A 192.0.2.1";
        const Rcode rcode = world.send(line);
        EXPECT_TRUE(rcode == Rcode::NOERROR || rcode == Rcode::SERVFAIL);
        if (rcode == Rcode::NOERROR) content += line + "\n";
      }
      world.writer().stop();
      published = world.published();
      StateReader reader(world.publisher());
      const auto zone = reader.current().catalogue.zone(testing::name("@").view());
      EXPECT_EQ(testing::dump(*zone), testing::dump(testing::TestZone(content).snapshot()));
    }
    EXPECT_EQ(reload(nth), published);
  }
}

TEST_F(UpdateStoreTest, SerialNeverGoesBackOverRestarts) {
  create(0);
  std::uint32_t serial = 10;
  for (int life = 0; life < 5; ++life) {
    std::atomic<bool> dead{false};
    World world(std::make_unique<FaultyStore>(open(0), [&](FaultyStore::Call) {
      if (dead) throw StoreError(StoreError::Kind::UNWRITABLE, "the power is off");
    }));
    EXPECT_EQ(world.serial(), serial);
    for (int number = 0; number < 3; ++number) {
      EXPECT_EQ(world.send("n" + std::to_string(life * 10 + number) + " 60 TXT x"), Rcode::NOERROR);
      EXPECT_EQ(world.serial(), ++serial);
    }
    dead = true;
    EXPECT_EQ(world.send("late 60 TXT x"), Rcode::SERVFAIL);
  }
}

}  // namespace
}  // namespace dnsd
