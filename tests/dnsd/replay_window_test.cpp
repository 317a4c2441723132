#include "dnsd/replay_window.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "dnsd/update_testing.h"

namespace dnsd {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using zones::Rcode;

constexpr seconds FUDGE{300};
constexpr sys_seconds NOW{seconds(1'700'000'000)};

ReplayWindow::Digest digest(std::uint64_t number) {
  ReplayWindow::Digest digest{};
  std::mt19937_64 random(number);
  for (std::uint8_t& octet : digest) octet = static_cast<std::uint8_t>(random());
  return digest;
}

ReplayWindow::Answer answer(Rcode rcode) { return {.rcode = rcode, .granted = {}}; }

TEST(ReplayWindow, GivesTheFirstAnswerAgain) {
  ReplayWindow window(10, FUDGE);
  EXPECT_FALSE(window.find(digest(1)));
  const ReplayWindow::Answer answers[] = {
      {.rcode = Rcode::NOERROR, .granted = {}},
      {.rcode = Rcode::NXRRSET, .granted = {}},
      {.rcode = Rcode::NOERROR, .granted = zones::UpdateLease{.lease = 3600, .key_lease = {}}},
      {.rcode = Rcode::NOERROR, .granted = zones::UpdateLease{.lease = 60, .key_lease = 0}},
      {.rcode = Rcode::BADVERS, .granted = zones::UpdateLease{.lease = 0xffffffff, .key_lease = 7}},
  };
  std::uint64_t number = 0;
  for (const auto& one : answers) window.remember(digest(++number), NOW, one);
  window.remember(digest(1), NOW, answer(Rcode::REFUSED));  // the first one counts
  number = 0;
  for (const auto& one : answers) EXPECT_EQ(window.find(digest(++number)), one);
  EXPECT_EQ(window.size(), 5U);
  EXPECT_FALSE(window.find(digest(6)));
}

TEST(ReplayWindow, ForgetsTwiceTheFudgeAfterTheSignature) {
  ReplayWindow window(10, FUDGE);
  window.remember(digest(1), NOW, answer(Rcode::NOERROR));
  window.remember(digest(2), NOW + FUDGE, answer(Rcode::NOERROR));
  window.expire(NOW + 2 * FUDGE);
  EXPECT_TRUE(window.find(digest(1)));
  window.expire(NOW + 2 * FUDGE + seconds(1));
  EXPECT_FALSE(window.find(digest(1)));
  EXPECT_TRUE(window.find(digest(2)));
  EXPECT_EQ(window.vouched_from(), NOW + seconds(1));
  window.expire(NOW + 3 * FUDGE + seconds(1));
  EXPECT_EQ(window.size(), 0U);
}

TEST(ReplayWindow, ClockThatWasAheadDoesNoHarm) {
  ReplayWindow window(10, FUDGE);
  window.remember(digest(1), NOW, answer(Rcode::NOERROR));
  window.expire(NOW + seconds(100'000));
  window.expire(NOW + seconds(10));
  EXPECT_LE(window.vouched_from(), NOW + seconds(1));  // not all that would have been expired
}

TEST(ReplayWindow, WhenFullWhatWasSignedFirstLeaves) {
  ReplayWindow window(4, FUDGE);
  // The order in which they come does not matter: a client whose clock is ahead must not push out
  // others'.
  window.remember(digest(1), NOW + seconds(200), answer(Rcode::NOERROR));
  window.remember(digest(2), NOW, answer(Rcode::NOERROR));
  window.remember(digest(3), NOW, answer(Rcode::NOERROR));
  window.remember(digest(4), NOW + seconds(5), answer(Rcode::NOERROR));
  EXPECT_EQ(window.vouched_from(), sys_seconds::min());
  window.remember(digest(5), NOW + seconds(6), answer(Rcode::NOERROR));
  EXPECT_EQ(window.vouched_from(), NOW + seconds(1));
  for (const int gone : {2, 3}) EXPECT_FALSE(window.find(digest(gone)));
  for (const int kept : {1, 4, 5}) EXPECT_TRUE(window.find(digest(kept)));

  window.remember(digest(6), NOW + seconds(7), answer(Rcode::NOERROR));
  // One that is older than all others is itself what leaves.
  window.remember(digest(7), NOW + seconds(2), answer(Rcode::NOERROR));
  EXPECT_EQ(window.vouched_from(), NOW + seconds(3));
  EXPECT_FALSE(window.find(digest(7)));
  EXPECT_EQ(window.size(), 4U);
  // Of the same second as the oldest: both leave, for the bound is a second.
  window.remember(digest(8), NOW + seconds(5), answer(Rcode::NOERROR));
  EXPECT_EQ(window.vouched_from(), NOW + seconds(6));
  EXPECT_FALSE(window.find(digest(4)));
}

TEST(ReplayWindow, WhatIsOlderThanItVouchesForIsNotRemembered) {
  ReplayWindow window(4, FUDGE);
  window.vouch_only_from(NOW);
  window.remember(digest(1), NOW - seconds(1), answer(Rcode::NOERROR));
  EXPECT_FALSE(window.find(digest(1)));
  window.remember(digest(1), NOW, answer(Rcode::NOERROR));
  EXPECT_TRUE(window.find(digest(1)));
}

// Against a map, in a window that is full most of the time.
TEST(ReplayWindow, EqualsASimpleModel) {
  std::mt19937 random(1);
  ReplayWindow window(500, FUDGE);
  std::map<std::uint64_t, std::pair<sys_seconds, Rcode>> model;
  sys_seconds bound = sys_seconds::min();
  const auto drop_before = [&](sys_seconds from) {
    for (auto at = model.begin(); at != model.end();) {
      at = at->second.first < from ? model.erase(at) : std::next(at);
    }
    bound = std::max(bound, from);
  };
  for (std::uint64_t step = 1; step < 20'000; ++step) {
    const sys_seconds now = NOW + seconds(step / 5);
    const sys_seconds signed_at = now + seconds(static_cast<int>(random() % 600) - 300);
    const auto rcode = static_cast<Rcode>(random() % 11);
    if (signed_at >= bound) {
      if (model.size() == 500) {
        sys_seconds oldest = signed_at;
        for (const auto& [number, entry] : model) oldest = std::min(oldest, entry.first);
        drop_before(oldest + seconds(1));
      }
      if (signed_at >= bound) model[step] = {signed_at, rcode};
    }
    window.remember(digest(step), signed_at, answer(rcode));
    ASSERT_EQ(window.size(), model.size());
    ASSERT_EQ(window.vouched_from(), bound);
    const std::uint64_t asked = 1 + random() % step;
    const auto known = model.find(asked);
    const auto found = window.find(digest(asked));
    ASSERT_EQ(found.has_value(), known != model.end());
    if (found) {
      ASSERT_EQ(found->rcode, known->second.second);
    }
  }
}

class ReadReplayWindow : public ::testing::Test {
 protected:
  void append(sys_seconds time, std::uint64_t number, sys_seconds signed_at,
              Rcode rcode = Rcode::NOERROR) {
    zones::JournalBatch batch;
    batch.lsn = store_.last_lsn() + 1;
    batch.time = time;
    zones::JournalMessage& message = batch.messages.emplace_back();
    message.key = testing::name("key.");
    message.digest = digest(number);
    message.signed_at = signed_at;
    message.rcode = rcode;
    message.granted = zones::UpdateLease{.lease = 30, .key_lease = {}};
    store_.append(batch);
    disk_->applied = batch.lsn;
  }
  ReplayWindow read(std::size_t capacity = 100) {
    ReplayWindow window(capacity, FUDGE);
    read_replay_window(store_, NOW, window);
    return window;
  }

  std::shared_ptr<testing::MemoryDisk> disk_ = std::make_shared<testing::MemoryDisk>();
  testing::MemoryStore store_{disk_};
};

TEST_F(ReadReplayWindow, FromAnEmptyJournal) {
  const ReplayWindow window = read();
  EXPECT_EQ(window.size(), 0U);
  EXPECT_EQ(window.vouched_from(), sys_seconds::min());
}

TEST_F(ReadReplayWindow, HoldsWhatIsYoungEnough) {
  append(NOW - seconds(5000), 1, NOW - seconds(5000));
  append(NOW - seconds(700), 2, NOW - seconds(400));
  append(NOW - seconds(500), 3, NOW - seconds(500));
  append(NOW - seconds(1), 4, NOW - seconds(2), Rcode::NXRRSET);
  const ReplayWindow window = read();
  EXPECT_FALSE(window.find(digest(1)));
  EXPECT_TRUE(window.find(digest(3)));
  EXPECT_EQ(window.find(digest(4)),
            (ReplayWindow::Answer{.rcode = Rcode::NXRRSET,
                                  .granted = zones::UpdateLease{.lease = 30, .key_lease = {}}}));
  EXPECT_EQ(window.vouched_from(), sys_seconds::min());
}

TEST_F(ReadReplayWindow, JournalCutWithinTheWindowMovesTheBoundUp) {
  append(NOW - seconds(500), 1, NOW - seconds(200));  // the client's clock is ahead
  append(NOW - seconds(450), 2, NOW - seconds(450));
  append(NOW - seconds(1), 3, NOW - seconds(1));
  store_.prune(2);
  const ReplayWindow window = read();
  // What the batch that is gone may have held: signed up to the fudge after it was made.
  EXPECT_EQ(window.vouched_from(), NOW - seconds(450) + FUDGE + seconds(1));
  EXPECT_GT(window.vouched_from(), NOW - seconds(200));
  EXPECT_TRUE(window.find(digest(3)));
}

TEST_F(ReadReplayWindow, JournalCutBeforeTheWindowIsWhole) {
  append(NOW - seconds(5000), 1, NOW - seconds(5000));
  append(NOW - seconds(601), 2, NOW - seconds(601));
  append(NOW - seconds(1), 3, NOW - seconds(1));
  store_.prune(2);
  const ReplayWindow window = read();
  EXPECT_EQ(window.vouched_from(), sys_seconds::min());
  EXPECT_TRUE(window.find(digest(3)));
}

TEST_F(ReadReplayWindow, MoreThanItHolds) {
  for (int number = 1; number <= 10; ++number) {
    append(NOW - seconds(20 - number), static_cast<std::uint64_t>(number),
           NOW - seconds(20 - number));
  }
  const ReplayWindow window = read(3);
  EXPECT_EQ(window.size(), 3U);
  EXPECT_EQ(window.vouched_from(), NOW - seconds(12));
}

}  // namespace
}  // namespace dnsd
