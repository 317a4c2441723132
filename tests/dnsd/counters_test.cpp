#include "dnsd/counters.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "dispatch_world.h"
#include "dnsd/udp_worker.h"

namespace dnsd::test {
namespace {

struct Row {
  const char* what;
  zones::Rcode rcode;
  bool question;
  bool edns;
  zones::Type answer;  // TYPE0: none
};

Octets answer_of(const Row& row) {
  zones::Message message;
  if (row.question) message = query("www.example.org.", zones::Type::A);
  message.header.qr = true;
  message.header.rcode = static_cast<std::uint8_t>(static_cast<unsigned>(row.rcode) & 0xF);
  if (row.answer != zones::Type{}) {
    message.answer.push_back(record("www.example.org.", row.answer, "192.0.2.1"));
  }
  if (row.edns) {
    message.edns.emplace();
    message.edns->extended_rcode = static_cast<std::uint8_t>(static_cast<unsigned>(row.rcode) >> 4);
  }
  return zones::to_wire(message);
}

TEST(Counters, RcodeOfAnAnswer) {
  const Row rows[] = {
      {"answer", zones::Rcode::NOERROR, true, false, zones::Type::A},
      {"answer with OPT", zones::Rcode::NOERROR, true, true, zones::Type::A},
      {"NXDOMAIN without its SOA", zones::Rcode::NXDOMAIN, true, false, {}},
      {"error with OPT", zones::Rcode::REFUSED, true, true, {}},
      {"RFC 6891 §6.1.3", zones::Rcode::BADVERS, true, true, {}},
      {"RFC 7873 §5.4, no question", zones::Rcode::BADCOOKIE, false, true, {}},
      {"header alone", zones::Rcode::FORMERR, false, false, {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(rcode_of_answer(answer_of(row)), static_cast<std::size_t>(row.rcode));
  }
}

TEST(Counters, CountsThatAreCutShortDoNotLeadBeyondTheAnswer) {
  const Octets whole = answer_of({"", zones::Rcode::BADVERS, true, true, {}});
  for (std::size_t size = zones::HEADER_OCTETS; size < whole.size(); ++size) {
    EXPECT_EQ(rcode_of_answer(Octets(whole.begin(), whole.begin() + static_cast<long>(size))) & 15,
              0U);
  }
}

TEST(Counters, ByOpcodeAndRcode) {
  AnswerCounters counters;
  Octets answer = answer_of({"", zones::Rcode::REFUSED, true, false, {}});
  counters.count(answer);
  counters.count_shared(answer);
  answer[2] |= 5 << 3;  // UPDATE
  counters.count(answer);
  answer[2] = static_cast<std::uint8_t>(0x80 | 4 << 3);  // NOTIFY
  counters.count(answer);
  EXPECT_EQ(counters.get(AnswerCounters::QUERY, 5), 2U);
  EXPECT_EQ(counters.get(AnswerCounters::UPDATE, 5), 1U);
  EXPECT_EQ(counters.get(AnswerCounters::OTHER, 5), 1U);
  EXPECT_EQ(counters.get(AnswerCounters::QUERY, 0), 0U);
}

TEST(Counters, ShorterThanAHeaderIsOther) {
  AnswerCounters counters;
  for (std::size_t size = 0; size < zones::HEADER_OCTETS; ++size) counters.count(Octets(size, 0xFF));
  EXPECT_EQ(counters.get(AnswerCounters::OTHER, 0), zones::HEADER_OCTETS);
}

TEST(Counters, ShardsOfMoreThreadsThanThereAre) {
  constexpr int THREADS = 40;
  constexpr int EACH = 1000;
  ShardedCounter counter;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < THREADS; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < EACH; ++i) counter.add();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.sum(), std::uint64_t{THREADS} * EACH);
}

}  // namespace
}  // namespace dnsd::test
