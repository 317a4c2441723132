// The pool that checks signatures: bounded queues, budgets, and a stop that answers everybody.
#include "dnsd/auth_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "dnsd/source_budget.h"
#include "keys/sig0.h"
#include "zones/message.h"

namespace dnsd {
namespace {

using namespace std::chrono_literals;
using Admission = AuthPool::Admission;

constexpr std::array<std::uint8_t, 16> SOURCE{0, 0, 0,    0,    0,   0, 0, 0,
                                              0, 0, 0xff, 0xff, 192, 0, 2, 1};

constexpr std::chrono::sys_seconds NOW{std::chrono::seconds{1'800'000'000}};

zones::Name name(const char* text) { return zones::Name::from_text(text).value(); }

std::vector<std::uint8_t> update_message() {
  zones::Message message;
  message.header.opcode = zones::Opcode::UPDATE;
  message.question.push_back({name("example.org."), zones::Type::SOA, zones::Class::IN});
  return zones::to_wire(message);
}

TEST(Budget, HoldsASecondsWorthAndFillsAgain) {
  Budget budget(10);
  const Budget::Time start{std::chrono::hours(1)};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.take(start)) << i;
  EXPECT_TRUE(budget.is_empty(start));
  EXPECT_FALSE(budget.take(start));
  EXPECT_FALSE(budget.take(start + 99ms));
  EXPECT_TRUE(budget.take(start + 100ms));
  EXPECT_FALSE(budget.take(start + 100ms));
  EXPECT_FALSE(budget.is_empty(start + 10s));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.take(start + 10s)) << i;
  EXPECT_FALSE(budget.take(start + 10s));
}

TEST(Budget, DebtIsBounded) {
  Budget budget(10);
  const Budget::Time start{std::chrono::hours(1)};
  budget.charge(1'000'000, start);
  EXPECT_FALSE(budget.take(start + 9s));
  EXPECT_TRUE(budget.take(start + 9100ms));
}

TEST(Budget, ARateOfOne) {
  Budget budget(1);
  const Budget::Time start{std::chrono::hours(1)};
  EXPECT_TRUE(budget.take(start));
  EXPECT_FALSE(budget.take(start + 500ms));
  EXPECT_TRUE(budget.take(start + 1s));
}

TEST(SourceBudget, AnIpv4AddressOrAnIpv6Prefix) {
  SourceBudget budgets(1);
  const auto with_last = [](std::array<std::uint8_t, 16> address, std::uint8_t last) {
    address[15] = last;
    return address;
  };
  constexpr std::array<std::uint8_t, 16> V6{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1};
  EXPECT_EQ(&budgets.of(V6), &budgets.of(with_last(V6, 9)));
  // Two may meet in one budget, all of them do not.
  std::size_t others = 0;
  for (std::uint8_t i = 2; i < 12; ++i)
    others += &budgets.of(SOURCE) != &budgets.of(with_last(SOURCE, i));
  EXPECT_GE(others, 8U);
}

/// Counts what becomes of its jobs; may hold the pool's thread.
struct Results {
  std::atomic<int> accepted{0};
  std::atomic<int> refused{0};
  std::atomic<int> failed{0};
  std::mutex hold;
  int all() const { return accepted + refused + failed; }
};

class CountingWaiter : public AuthWaiter {
 public:
  explicit CountingWaiter(Results& results) : results_(results) {}
  void accepted(Sig0Identity) override { count(results_.accepted); }
  void refused(keys::Sig0Error) override { count(results_.refused); }
  void failed(const char*) override { count(results_.failed); }

 private:
  void count(std::atomic<int>& counter) {
    const std::lock_guard lock(results_.hold);
    ++counter;
  }
  Results& results_;
};

struct Signing {
  keys::PrivateKey key = keys::PrivateKey::generate(name("h1.example.org."));

  AuthJob job(Results& results, bool proven, bool good = true) const {
    AuthJob made;
    made.octets = update_message();
    made.signature_offset = made.octets.size();
    keys::sign_sig0(made.octets, key, NOW);
    if (!good) made.octets.back() ^= 1;
    made.candidates = {key.public_key().rdata()};
    made.source = SOURCE;
    made.source_proven = proven;
    made.waiter = std::make_unique<CountingWaiter>(results);
    return made;
  }
};

TEST(AuthPool, QueuesAreBoundedAndAStopAnswersAll) {
  Results results;
  const Signing signing;
  AuthPool pool({.threads = 1, .queue = 8}, [] { return NOW; });
  int taken[2] = {0, 0};
  {
    const std::lock_guard lock(results.hold);  // the thread stands at its first result
    while (taken[0] < 3) {  // two wait behind it
      AuthJob job = signing.job(results, false);
      if (pool.submit(job)) {
        ++taken[0];
      } else {
        std::this_thread::yield();
      }
    }
    for (const bool proven : {false, true}) {
      for (int i = 0; i < 20; ++i) {
        AuthJob job = signing.job(results, proven);
        if (pool.submit(job)) {
          ++taken[proven];
        } else {
          EXPECT_TRUE(job.waiter) << "still the caller's";
        }
      }
    }
    EXPECT_GE(taken[0], 2);
    EXPECT_LE(taken[0], 3);
    EXPECT_GE(taken[1], 8);
    EXPECT_LE(taken[1], 9);
    EXPECT_EQ(pool.admit(SOURCE, false), Admission::BUSY);
    EXPECT_EQ(pool.admit(SOURCE, true), Admission::BUSY);
  }
  pool.stop();
  EXPECT_EQ(results.accepted, taken[0] + taken[1]);
  AuthJob late = signing.job(results, true);
  EXPECT_FALSE(pool.submit(late));
}

TEST(AuthPool, ManySendersManyThreads) {
  Results results;
  const Signing signing;
  std::atomic<int> taken{0};
  std::atomic<int> good{0};
  {
    AuthPool pool({.threads = 3, .queue = 16, .rate = 1'000'000}, [] { return NOW; });
    std::vector<std::thread> senders;
    for (int s = 0; s < 4; ++s) {
      senders.emplace_back([&, s] {
        for (int i = 0; i < 200; ++i) {
          const bool is_good = (i + s) % 3 != 0;
          if (pool.admit(SOURCE, i % 2 == 0) != Admission::ADMITTED) continue;
          AuthJob job = signing.job(results, i % 2 == 0, is_good);
          if (!pool.submit(job)) continue;
          ++taken;
          if (is_good) ++good;
        }
      });
    }
    for (std::thread& sender : senders) sender.join();
  }
  EXPECT_GT(taken, 0);
  EXPECT_EQ(results.all(), taken);
  EXPECT_EQ(results.accepted, good);
  EXPECT_EQ(results.failed, 0);
}

// What is posted goes first, is done by a thread of the pool, and a pool that stops says so.
TEST(AuthPool, PostedWork) {
  AuthPool pool({.threads = 2}, [] { return NOW; });
  std::atomic<int> done{0};
  std::vector<std::thread> posters;
  for (int i = 0; i < 4; ++i) {
    posters.emplace_back([&] {
      for (int n = 0; n < 100; ++n) EXPECT_TRUE(pool.post([&] { ++done; }));
    });
  }
  for (std::thread& poster : posters) poster.join();
  pool.stop();
  EXPECT_EQ(done, 400);
  EXPECT_FALSE(pool.post([&] { ++done; }));
  EXPECT_EQ(done, 400);
}

TEST(AuthPool, OctetsThatAreNoKeyAreNotTried) {
  Results results;
  const Signing signing;
  AuthPool pool({}, [] { return NOW; });
  AuthJob job = signing.job(results, true);
  job.candidates = {zones::Rdata{2, 0, 3, 15, 1, 2, 3}};
  ASSERT_TRUE(pool.submit(job));
  pool.stop();
  EXPECT_EQ(results.refused, 1);
}

}  // namespace
}  // namespace dnsd
