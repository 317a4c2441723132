#include "dnsd/state.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace dnsd {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

State make_state(std::uint64_t version, std::shared_ptr<const Policy> policy) {
  return State{.version = version, .catalogue = {}, .policy = std::move(policy)};
}
State make_state(std::uint64_t version) {
  return make_state(version, std::make_shared<const Policy>());
}

TEST(StatePublisher, ReadersSeeTheNewestState) {
  StatePublisher publisher(make_state(0));
  StateReader reader(publisher);
  EXPECT_EQ(reader.current().version, 0U);
  publisher.publish(make_state(1));
  EXPECT_EQ(reader.current().version, 1U);
  EXPECT_EQ(publisher.newest().version, 1U);
}

TEST(StatePublisher, FreesWhatNobodyHolds) {
  auto policy = std::make_shared<const Policy>();
  const std::weak_ptr<const Policy> seen = policy;
  StatePublisher publisher(make_state(0, std::move(policy)));
  {
    StateReader reader(publisher);
    ASSERT_EQ(reader.current().policy.get(), seen.lock().get());
    publisher.publish(make_state(1));
    EXPECT_FALSE(seen.expired());
    EXPECT_EQ(publisher.oldest_in_use(), 0U);
    EXPECT_EQ(publisher.collect(), 1U);

    EXPECT_EQ(reader.current().version, 1U);
    EXPECT_EQ(publisher.oldest_in_use(), 1U);
    EXPECT_EQ(publisher.collect(), 0U);
    EXPECT_TRUE(seen.expired());
  }
  EXPECT_EQ(publisher.oldest_in_use(), 1U);
}

TEST(StatePublisher, IdleAndGoneReadersHoldNothing) {
  StatePublisher publisher(make_state(0));
  StateReader idle(publisher);
  idle.current();
  idle.idle();
  { StateReader(publisher).current(); }
  publisher.publish(make_state(1));
  EXPECT_EQ(publisher.oldest_in_use(), 1U);
  EXPECT_EQ(idle.current().version, 1U);
}

TEST(StatePublisher, SlowestReaderDecides) {
  StatePublisher publisher(make_state(0));
  StateReader slow(publisher);
  StateReader quick(publisher);
  const State& held = slow.current();
  for (std::uint64_t version = 1; version <= 5; ++version) {
    publisher.publish(make_state(version));
    EXPECT_EQ(quick.current().version, version);
    EXPECT_EQ(publisher.oldest_in_use(), 0U);
  }
  EXPECT_EQ(held.version, 0U);
  slow.idle();
  EXPECT_EQ(publisher.oldest_in_use(), 5U);
  EXPECT_EQ(publisher.collect(), 0U);
}

TEST(StatePublisher, NewPolicyOfTheSameVersionIsSeen) {
  StatePublisher publisher(make_state(7));
  StateReader reader(publisher);
  const Policy* const before = reader.current().policy.get();
  publisher.publish(make_state(7));
  EXPECT_NE(reader.current().policy.get(), before);
  EXPECT_EQ(publisher.oldest_in_use(), 7U);
}

TEST(StateReader, NumberIsLimitedAndSlotsComeBack) {
  StatePublisher publisher(make_state(0));
  for (int round = 0; round < 2; ++round) {
    std::vector<std::unique_ptr<StateReader>> readers;
    for (std::size_t count = 0; count < StatePublisher::MAX_READERS; ++count) {
      readers.push_back(std::make_unique<StateReader>(publisher));
    }
    EXPECT_THROW(StateReader{publisher}, std::runtime_error);
  }
}

TEST(StatePin, OutlivesTheBatchAndTheReader) {
  StatePublisher publisher(make_state(0));
  std::optional<StatePin> pin;
  {
    StateReader reader(publisher);
    reader.current();
    publisher.publish(make_state(1));
    pin = reader.pin();  // of what current() gave, not of what came after
    ASSERT_TRUE(pin);
    EXPECT_EQ(pin->state().version, 0U);
    EXPECT_EQ(reader.current().version, 1U);
  }
  publisher.publish(make_state(2));
  EXPECT_EQ(publisher.oldest_in_use(), 0U);
  EXPECT_EQ(pin->state().version, 0U);
  StatePin moved = std::move(*pin);
  pin.reset();
  EXPECT_EQ(publisher.oldest_in_use(), 0U);
  EXPECT_EQ(publisher.pin_count(), 1U);
  moved.release();
  EXPECT_EQ(publisher.pin_count(), 0U);
  EXPECT_EQ(publisher.oldest_in_use(), 2U);
}

TEST(StatePin, OfAnIdleReaderIsTheNewest) {
  StatePublisher publisher(make_state(3));
  StateReader reader(publisher);
  std::optional<StatePin> pin = reader.pin();
  ASSERT_TRUE(pin);
  EXPECT_EQ(pin->state().version, 3U);
  publisher.publish(make_state(4));
  EXPECT_EQ(publisher.oldest_in_use(), 3U);
  pin.reset();
  EXPECT_EQ(publisher.oldest_in_use(), 4U);  // the reader went back to idle
}

TEST(StatePin, ExpiresWithAgeOnceItHoldsAnOldState) {
  StatePublisher publisher(make_state(0), seconds(60));
  StateReader reader(publisher);
  std::optional<StatePin> pin = reader.pin();
  ASSERT_TRUE(pin);
  const auto now = steady_clock::now();
  EXPECT_FALSE(pin->expired(now + seconds(3600)));  // the newest state costs nothing
  publisher.publish(make_state(1));
  EXPECT_FALSE(pin->expired(now + seconds(59)));
  EXPECT_TRUE(pin->expired(now + seconds(61)));
  EXPECT_EQ(pin->state().version, 0U);  // still there: freed only when its holder lets go
  EXPECT_EQ(publisher.oldest_in_use(), 0U);
}

TEST(StatePin, NumberIsLimited) {
  StatePublisher publisher(make_state(0));
  StateReader reader(publisher);
  reader.current();
  std::vector<StatePin> pins;
  for (std::size_t count = 0; count < StatePublisher::MAX_PINS; ++count) {
    std::optional<StatePin> pin = reader.pin();
    ASSERT_TRUE(pin);
    pins.push_back(std::move(*pin));
  }
  EXPECT_FALSE(reader.pin());
  pins.pop_back();
  EXPECT_TRUE(reader.pin());
}

// Readers check that a state they hold stays whole while the writer publishes as fast as it can. A
// state that is freed too early is overwritten first (~Guarded), and the sanitizers see it as well.
TEST(StatePublisher, ThreadsNeverSeeAFreedState) {
  constexpr std::uint64_t VERSIONS = 20'000;
  constexpr std::uint16_t ALIVE = 4096;
  const auto guarded = [] {
    return std::shared_ptr<const Policy>(
        new Policy{.keyring = {}, .grants = {}, .udp_octets = ALIVE}, [](const Policy* policy) {
          const_cast<Policy*>(policy)->udp_octets = 0;
          delete policy;
        });
  };
  StatePublisher publisher(make_state(0, guarded()));
  std::atomic<int> waiting{3};
  std::atomic<bool> failed{false};
  const auto ready = [&] {
    --waiting;
    while (waiting != 0) std::this_thread::yield();
  };
  const auto read = [&](unsigned seed) {
    StateReader reader(publisher);
    std::uint64_t last = 0;
    std::optional<StatePin> pin;
    ready();
    for (unsigned round = seed; last < VERSIONS; ++round) {
      const State& state = reader.current();
      if (state.version < last || state.policy->udp_octets != ALIVE) failed = true;
      last = state.version;
      if (round % 7 == 0) reader.idle();
      if (round % 11 == 0) pin = reader.pin();
      if (pin && (pin->state().version > VERSIONS || pin->state().policy->udp_octets != ALIVE)) {
        failed = true;
      }
      if (round % 13 == 0) pin.reset();
    }
  };
  std::thread first(read, 0U);
  std::thread second(read, 5U);
  ready();
  for (std::uint64_t version = 1; version <= VERSIONS; ++version) {
    publisher.publish(make_state(version, guarded()));
    if (publisher.oldest_in_use() > version) failed = true;
    if (version % 64 == 0) std::this_thread::yield();
  }
  first.join();
  second.join();
  EXPECT_FALSE(failed);
  EXPECT_EQ(publisher.collect(), 0U);
  EXPECT_EQ(publisher.oldest_in_use(), VERSIONS);
}

}  // namespace
}  // namespace dnsd
