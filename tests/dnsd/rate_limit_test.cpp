// Response rate limiting: what counts together, what is sent beyond the limit, who is exempt.
#include "dnsd/rate_limit.h"

#include <gtest/gtest.h>

#include <thread>

#include "dispatch_world.h"
#include "dnsd/allocation_count.h"
#include "dnsd/cookies.h"
#include "dnsd/log.h"

namespace dnsd {
namespace {

using namespace std::chrono_literals;
using test::make_key;
using test::name;
using test::Octets;
using test::query;
using test::rcode_of;
using test::record;
using test::Signed;
using test::update;
using zones::Rcode;
using zones::Type;
using Kind = ResponseLimiter::Kind;
using Verdict = ResponseLimiter::Verdict;

constexpr ResponseLimiter::Time START{1h};

ResponseLimiter::Address address(const char* text) { return keys::address_from_text(text).value(); }

RateLimits all_at(std::uint32_t rate, std::uint32_t slip = 0) {
  return {.responses_per_second = rate,
          .nxdomains_per_second = rate,
          .errors_per_second = rate,
          .slip = slip,
          .exempt = {}};
}

TEST(ResponseLimiter, WhatCountsTogether) {
  struct Answer {
    const char* source;
    Kind kind;
    const char* name;
  };
  struct Row {
    const char* what;
    Answer first;
    Answer second;
    bool together;
  };
  const Answer www{"192.0.2.1", Kind::ANSWER, "www.example.org."};
  const Row rows[] = {
      {"the same", www, www, true},
      {"the case of the name", www, {"192.0.2.1", Kind::ANSWER, "WWW.Example.ORG."}, true},
      {"another name", www, {"192.0.2.1", Kind::ANSWER, "ns.example.org."}, false},
      {"another kind", www, {"192.0.2.1", Kind::WILDCARD, "www.example.org."}, false},
      {"an IPv4 /24", www, {"192.0.2.254", Kind::ANSWER, "www.example.org."}, true},
      {"another /24", www, {"192.0.3.1", Kind::ANSWER, "www.example.org."}, false},
      {"an IPv6 /56",
       {"2001:db8::1", Kind::NXDOMAIN, "org."},
       {"2001:db8:0:ff::2", Kind::NXDOMAIN, "org."},
       true},
      {"another /56",
       {"2001:db8::1", Kind::NXDOMAIN, "org."},
       {"2001:db8:0:100::1", Kind::NXDOMAIN, "org."},
       false},
      {"errors about any name",
       {"192.0.2.1", Kind::ERROR, "."},
       {"192.0.2.1", Kind::ERROR, "org."},
       true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    // Two that do not count together share both budgets once in 2^34 runs.
    ResponseLimiter limiter(all_at(1));
    const auto judge = [&](const Answer& answer) {
      return limiter.judge(address(answer.source), answer.kind, name(answer.name), START);
    };
    EXPECT_EQ(judge(row.first), Verdict::SEND);
    EXPECT_EQ(judge(row.second), row.together ? Verdict::DROP : Verdict::SEND);
  }
}

TEST(ResponseLimiter, EachKindHasItsRate) {
  const RateLimits limits{.responses_per_second = 30,
                          .nxdomains_per_second = 20,
                          .errors_per_second = 10,
                          .slip = 0,
                          .exempt = {}};
  struct Row {
    Kind kind;
    int want;
  };
  for (const Row& row : {Row{Kind::ANSWER, 30}, Row{Kind::WILDCARD, 30}, Row{Kind::NXDOMAIN, 20},
                         Row{Kind::ERROR, 10}}) {
    ResponseLimiter limiter(limits);
    const auto sent_at = [&](ResponseLimiter::Time now) {
      int sent = 0;
      for (int i = 0; i < 1000; ++i) {
        sent += limiter.judge(address("192.0.2.1"), row.kind, name("a."), now) == Verdict::SEND;
      }
      return sent;
    };
    EXPECT_EQ(sent_at(START), row.want);
    EXPECT_EQ(sent_at(START + 500ms), row.want / 2);  // it fills evenly
    EXPECT_EQ(sent_at(START + 1h), row.want);         // and holds a second's worth
  }
}

TEST(ResponseLimiter, ARateOfZeroIsNone) {
  ResponseLimiter limiter({.errors_per_second = 1, .slip = 0, .exempt = {}});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(limiter.judge(address("192.0.2.1"), Kind::ANSWER, name("a."), START), Verdict::SEND);
    EXPECT_EQ(limiter.judge(address("192.0.2.1"), Kind::ERROR, {}, START),
              i == 0 ? Verdict::SEND : Verdict::DROP);
  }
}

TEST(ResponseLimiter, Slip) {
  struct Row {
    std::uint32_t slip;
    int least;
    int most;
  };
  // At random, so that no sender keeps in step with it; ten standard deviations.
  for (const Row& row :
       {Row{0, 0, 0}, Row{1, 10'000, 10'000}, Row{2, 4'500, 5'500}, Row{10, 700, 1'300}}) {
    ResponseLimiter limiter(all_at(1, row.slip));
    limiter.judge(address("192.0.2.1"), Kind::ANSWER, name("a."), START);
    int truncated = 0;
    for (int i = 0; i < 10'000; ++i) {
      const Verdict verdict = limiter.judge(address("192.0.2.1"), Kind::ANSWER, name("a."), START);
      EXPECT_NE(verdict, Verdict::SEND);
      truncated += verdict == Verdict::TRUNCATE;
    }
    EXPECT_GE(truncated, row.least) << row.slip;
    EXPECT_LE(truncated, row.most) << row.slip;
  }
}

TEST(ResponseLimiter, ExemptPrefixes) {
  RateLimits limits = all_at(1);
  for (const char* text : {"192.0.2.0/25", "2001:db8::/32"}) {
    limits.exempt.push_back(keys::AddressRule::from_text(text).value());
  }
  struct Row {
    const char* source;
    bool exempt;
  };
  for (const Row& row : {Row{"192.0.2.127", true}, Row{"192.0.2.128", false},
                         Row{"2001:db8:1::1", true}, Row{"2001:db9::1", false}}) {
    ResponseLimiter limiter(limits);
    const auto judge = [&] {
      return limiter.judge(address(row.source), Kind::ANSWER, name("a."), START);
    };
    judge();
    EXPECT_EQ(judge(), row.exempt ? Verdict::SEND : Verdict::DROP) << row.source;
  }
}

// A flood from many forged sources must not use up the budgets of others.
TEST(ResponseLimiter, AFloodFromEverywhereLeavesOthersTheirAnswers) {
  ResponseLimiter limiter(all_at(10));
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    ResponseLimiter::Address source = address("10.0.0.0");
    source[13] = static_cast<std::uint8_t>(i >> 8);
    source[14] = static_cast<std::uint8_t>(i);
    limiter.judge(source, Kind::ANSWER, name("a."), START);
  }
  int sent = 0;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    ResponseLimiter::Address source = address("192.0.0.0");
    source[13] = static_cast<std::uint8_t>(i >> 8);
    source[14] = static_cast<std::uint8_t>(i);
    sent += limiter.judge(source, Kind::ANSWER, name("a."), START) == Verdict::SEND;
  }
  EXPECT_GE(sent, 995);  // by chance one has both of its budgets in common with the flood
}

TEST(ResponseLimiter, NoVerdictAllocates) {
  ResponseLimiter limiter(all_at(5, 2));
  const zones::Name asked = name("www.example.org.");
  const ResponseLimiter::Address source = address("2001:db8::1");
  bool seen[3] = {};
  const std::size_t before = test::allocations();
  for (int i = 0; i < 100; ++i) {
    seen[static_cast<int>(
        limiter.judge(source, Kind::ANSWER, asked, ResponseLimiter::coarse_now()))] = true;
  }
  EXPECT_EQ(test::allocations() - before, 0U);
  EXPECT_TRUE(seen[0] && seen[1] && seen[2]);
}

TEST(ResponseLimiter, ThreadsShareOneLimit) {
  constexpr std::uint32_t RATE = 1'000;
  ResponseLimiter limiter(all_at(RATE));
  std::atomic<std::uint32_t> sent{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 2'000; ++n) {
        sent += limiter.judge(address("192.0.2.1"), Kind::ERROR, {}, START) == Verdict::SEND;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Of the two budgets of a client one may be left when the other one is used up.
  EXPECT_GE(sent.load(), RATE);
  EXPECT_LE(sent.load(), RATE + 8);
}

TEST(ResponseLimiter, TheReasonNamesThePrefix) {
  const ResponseLimiter limiter(all_at(50));
  struct Row {
    const char* source;
    Kind kind;
    const char* want;
  };
  const Row rows[] = {
      {"192.0.2.9", Kind::ANSWER,
       "answers to 192.0.2.0/24 are limited: more than 50 a second about a."},
      {"2001:db8:0:1::1", Kind::NXDOMAIN,
       "answers to 2001:db8::/56 are limited: more than 50 NXDOMAIN a second in a."},
      {"192.0.2.9", Kind::WILDCARD,
       "answers to 192.0.2.0/24 are limited: more than 50 a second from wildcards at a."},
      {"192.0.2.9", Kind::ERROR,
       "answers to 192.0.2.0/24 are limited: more than 50 errors a second"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(limiter.reason(address(row.source), row.kind, name("a.")), row.want);
  }
}

constexpr std::string_view ZONE = R"(
@ 60 SOA ns h 5 60 60 60 60
@ 60 NS ns
ns 60 A 192.0.2.1
www 60 A 192.0.2.2
*.w 60 TXT "any"
*.c 60 CNAME www
d 60 DNAME elsewhere.example.com.
sub 60 NS ns.sub
ns.sub 60 A 192.0.2.53
deep.ent 60 A 192.0.2.3
)";

struct LimitedWorld : test::World {
  explicit LimitedWorld(const RateLimits& limits) : World({}, 10, ZONE) {
    auto policy = std::make_shared<Policy>(*test::make_test_policy());
    policy->cookies = std::make_shared<const Cookies>(std::vector{Cookies::random_secret()});
    policy->rate_limit = std::make_shared<ResponseLimiter>(limits);
    writer->set_policy(policy);
  }
};

/// Both answers, of a server that sends one of a kind a second: asked again when that second may
/// have passed.
std::pair<Octets, Octets> answers(const Octets& first, const Octets& second, std::uint32_t slip,
                                  Transport transport = Transport::UDP) {
  for (;;) {
    LimitedWorld world(all_at(1, slip));
    const auto begin = std::chrono::steady_clock::now();
    std::pair<Octets, Octets> both;
    both.first = world.ask(first, transport);
    both.second = world.ask(second, transport);
    if (std::chrono::steady_clock::now() - begin < 900ms) return both;
  }
}

Octets ask_for(const char* owner, Type type) { return zones::to_wire(query(owner, type)); }

TEST(RateLimitDispatch, WhatCountsTogether) {
  zones::Message odd = query("www.example.org.", Type::A);
  odd.header.opcode = zones::Opcode::STATUS;
  const Octets unsigned_update =
      zones::to_wire(update("example.org.", {record("new.example.org.", Type::A, "192.0.2.9")}));
  Octets malformed = ask_for("www.example.org.", Type::A);
  malformed.push_back(0);
  Octets bad_mac = Signed(query("www.example.org.", Type::A), make_key("editor.")).octets;
  bad_mac[bad_mac.size() - 10] ^= 1;
  struct Row {
    const char* what;
    Octets first;
    Octets second;
    bool together;
  };
  const Row rows[] = {
      {"one name", ask_for("www.example.org.", Type::A), ask_for("WWW.example.org.", Type::A),
       true},
      {"two names", ask_for("www.example.org.", Type::A), ask_for("ns.example.org.", Type::A),
       false},
      {"records and NODATA of a name", ask_for("www.example.org.", Type::A),
       ask_for("www.example.org.", Type::TXT), true},
      {"NXDOMAIN in a zone", ask_for("x1.example.org.", Type::A),
       ask_for("x2.www.example.org.", Type::A), true},
      {"NXDOMAIN in two zones", ask_for("x.example.org.", Type::A),
       ask_for("x.example.net.", Type::A), false},
      {"NXDOMAIN and what exists", ask_for("x.example.org.", Type::A),
       ask_for("example.org.", Type::SOA), false},
      {"of one wildcard", ask_for("x1.w.example.org.", Type::TXT),
       ask_for("x2.w.example.org.", Type::TXT), true},
      {"a wildcard's NODATA", ask_for("x1.w.example.org.", Type::A),
       ask_for("x2.w.example.org.", Type::AAAA), true},
      {"of two wildcards", ask_for("x1.w.example.org.", Type::TXT),
       ask_for("x1.c.example.org.", Type::TXT), false},
      {"by a wildcard's CNAME", ask_for("x1.c.example.org.", Type::A),
       ask_for("x2.c.example.org.", Type::A), true},
      {"below one DNAME", ask_for("x1.d.example.org.", Type::A),
       ask_for("x2.d.example.org.", Type::A), true},
      {"below one cut", ask_for("x1.sub.example.org.", Type::A),
       ask_for("x2.sub.example.org.", Type::A), true},
      {"an empty non-terminal", ask_for("ent.example.org.", Type::A),
       ask_for("ent.example.org.", Type::A), true},
      {"REFUSED of any name", ask_for("a.example.com.", Type::A),
       ask_for("b.example.com.", Type::A), true},
      {"errors of all kinds", ask_for("a.example.com.", Type::A), zones::to_wire(odd), true},
      {"FORMERR", malformed, ask_for("a.example.com.", Type::A), true},
      {"updates that are not signed", unsigned_update, unsigned_update, true},
      {"signatures that are wrong", bad_mac, bad_mac, true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const auto [first, second] = answers(row.first, row.second, 0);
    EXPECT_FALSE(first.empty());
    EXPECT_EQ(second.empty(), row.together);
  }
}

TEST(RateLimitDispatch, WhoIsProvenIsNotLimited) {
  const Octets plain = ask_for("x.example.org.", Type::A);
  const Octets with_tsig = Signed(query("x.example.org.", Type::A), make_key("editor.")).octets;
  const auto [first, second] = answers(plain, plain, 0, Transport::TCP);
  EXPECT_EQ(first, second);
  const auto [signed_first, signed_second] = answers(with_tsig, with_tsig, 0);
  EXPECT_EQ(rcode_of(signed_second), Rcode::NXDOMAIN);

  LimitedWorld world(all_at(1, 1));
  const auto ask_with = [&](const Octets& cookie) {
    return world.ask(zones::to_wire(
        test::with_option(query("x.example.org.", Type::A), zones::OptionCode::COOKIE, cookie)));
  };
  const Octets client{1, 2, 3, 4, 5, 6, 7, 8};
  Octets limited;
  do {  // until the second's one answer is gone
    limited = ask_with(client);
  } while (rcode_of(limited) != Rcode::BADCOOKIE);
  const zones::Message message = test::parse(limited);
  const zones::EdnsOption* cookie = message.edns->find(zones::OptionCode::COOKIE);
  ASSERT_TRUE(cookie);  // with which it may come again (RFC 7873 §5.2.3)
  for (int i = 0; i < 20; ++i) EXPECT_EQ(rcode_of(ask_with(cookie->data)), Rcode::NXDOMAIN);
  Octets forged = cookie->data;
  forged.back() ^= 1;
  do {
    limited = ask_with(forged);
  } while (rcode_of(limited) != Rcode::BADCOOKIE);
}

// It is no larger than what was asked: nothing to amplify.
TEST(RateLimitDispatch, WhatSlipsThroughIsTruncated) {
  for (const char* asked : {"www.example.org.", "x.example.org.", "x.example.com."}) {
    const Octets request = ask_for(asked, Type::A);
    const auto [first, second] = answers(request, request, 1);
    const zones::Message message = test::parse(second);
    EXPECT_TRUE(message.header.tc);
    EXPECT_EQ(rcode_of(second), rcode_of(first));
    EXPECT_TRUE(message.answer.empty() && message.authority.empty());
    EXPECT_LE(second.size(), request.size());
  }
}

TEST(RateLimitDispatch, AQueryAllocatesNothing) {
  const auto level = spdlog::get_level();
  spdlog::set_level(spdlog::level::off);
  LimitedWorld world(all_at(2, 2));
  const Octets request = ask_for("www.example.org.", Type::A);
  Octets out(4096);
  const Peer peer;
  const State& state = world.reader.current();
  const std::function<SendLater()> send_later;
  std::size_t silent = 0;
  const std::size_t before = test::allocations();
  for (int i = 0; i < 100; ++i) {
    silent += world.dispatcher.handle(state, request, peer, out, send_later) == 0;
  }
  EXPECT_EQ(test::allocations() - before, 0U);
  EXPECT_GT(silent, 0U);
  spdlog::set_level(level);
}

}  // namespace
}  // namespace dnsd
