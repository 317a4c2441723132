#include "dnsd/commit_pace.h"

#include <gtest/gtest.h>

#include <vector>

namespace dnsd::test {
namespace {

using namespace std::chrono_literals;
using Time = CommitPace::Time;

std::vector<UpdateJob> jobs(std::uint32_t first, std::size_t count, std::uint32_t senders) {
  std::vector<UpdateJob> jobs(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto sender = static_cast<std::uint32_t>((first + i) % senders);
    jobs[i].source[12] = 10;
    jobs[i].source[14] = static_cast<std::uint8_t>(sender >> 8);
    jobs[i].source[15] = static_cast<std::uint8_t>(sender & 0xff);
    jobs[i].source_port = static_cast<std::uint16_t>(4000 + sender);
  }
  return jobs;
}

struct Row {
  const char* what;
  std::chrono::microseconds every;  // a batch
  std::size_t batch;                // messages in it
  std::uint32_t senders;            // that take turns
  bool gathers;                     // in the end
};

TEST(CommitPace, GathersWhatManyHostsSendOnly) {
  const Row rows[] = {
      {"1,000 hosts a second", 1ms, 1, 100'000, true},
      {"1,000 hosts a second, gathered", 20ms, 20, 100'000, true},
      {"300 hosts that come again after a second", 3ms, 1, 300, true},
      {"10 hosts a second", 100ms, 1, 100'000, false},
      {"100 hosts a second", 10ms, 1, 100'000, false},
      {"one client, each time after its answer", 400us, 1, 1, false},
      {"8 clients, each after its answer", 500us, 8, 8, false},
      {"100 clients, each after its answer", 2400us, 100, 100, false},
      {"one client that sends 100 before an answer", 2400us, 100, 1, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    CommitPace pace;
    Time now = Time(1h);
    std::uint32_t sent = 0;
    for (const Time end = now + 2s; now < end; now += row.every) {
      pace.begin(jobs(sent, row.batch, row.senders), now);
      sent += static_cast<std::uint32_t>(row.batch);
    }
    EXPECT_EQ(pace.next() > now - row.every, row.gathers);
  }
}

TEST(CommitPace, IsOverWhenFewComeAgain) {
  CommitPace pace;
  Time now = Time(1h);
  std::uint32_t sent = 0;
  for (int i = 0; i < 1000; ++i, now += 1ms) pace.begin(jobs(sent++, 1, 100'000), now);
  EXPECT_GT(pace.next(), now);
  now += 10s;
  EXPECT_LT(pace.next(), now) << "the first one after a pause does not wait";
  pace.begin(jobs(sent++, 1, 100'000), now);
  EXPECT_LT(pace.next(), now) << "nor does the second";
}

TEST(CommitPace, TheFirstDoesNotWait) { EXPECT_LT(CommitPace().next(), Time(1s)); }

}  // namespace
}  // namespace dnsd::test
