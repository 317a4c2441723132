// DNS cookies on the wire: who is given one, what a valid one is good for (RFC 7873 §5.2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dispatch_world.h"
#include "dnsd/allocation_count.h"
#include "dnsd/cookies.h"
#include "dnsd/signers.h"
#include "keys/sig0.h"

namespace dnsd {
namespace {

using test::add_new;
using test::make_key;
using test::name;
using test::NOW;
using test::Octets;
using test::query;
using test::rcode_of;
using test::Signed;
using zones::Rcode;
using zones::Type;

const Octets CLIENT{1, 2, 3, 4, 5, 6, 7, 8};

struct CookieWorld : test::World {
  explicit CookieWorld(const AuthLimits& limits = {}, std::shared_ptr<Policy> policy = nullptr,
                       const std::string& more = "")
      : World({}, 10, std::string(test::ZONE) + more, std::chrono::seconds(60), limits) {
    if (!policy) policy = std::make_shared<Policy>(*test::make_test_policy());
    policy->cookies = std::make_shared<const Cookies>(std::vector{Cookies::random_secret()});
    writer->set_policy(policy);
  }
};

zones::Message with_cookie(zones::Message message, const Octets& cookie) {
  return test::with_option(std::move(message), zones::OptionCode::COOKIE, cookie);
}

/// The COOKIE option of an answer; empty: none.
Octets cookie_of(const Octets& answer) {
  return test::option_of(answer, zones::OptionCode::COOKIE).value_or(Octets{});
}

TEST(CookieDispatch, Rfc7873Section52EveryAnswerToACookieHasOne) {
  CookieWorld world;
  zones::Message bad_version = query("www.example.org.", Type::A);
  bad_version.edns.emplace();
  struct Row {
    const char* what;
    zones::Message message;
    const char* key;  // of the TSIG, null: none
    Rcode want;
  };
  const Row rows[] = {
      {"an answer", query("www.example.org.", Type::A), nullptr, Rcode::NOERROR},
      {"NXDOMAIN", query("no.example.org.", Type::A), nullptr, Rcode::NXDOMAIN},
      {"REFUSED", query("elsewhere.", Type::A), nullptr, Rcode::REFUSED},
      {"an answer that is signed", query("www.example.org.", Type::A), "nobody.", Rcode::NOERROR},
      {"an update", add_new(), "editor.", Rcode::NOERROR},
      {"an update that is not signed", add_new(), nullptr, Rcode::REFUSED},
      {"an update without a grant", add_new(), "nobody.", Rcode::REFUSED},
  };
  for (const Row& row : rows) {
    for (const Transport transport : {Transport::UDP, Transport::TCP}) {
      SCOPED_TRACE(row.what);
      Octets known;
      const auto ask = [&](const Octets& cookie) {
        const zones::Message message = with_cookie(row.message, cookie);
        if (row.key == nullptr) return world.ask(zones::to_wire(message), transport);
        Signed request(message, make_key(row.key));
        const Octets answer = world.ask(request.octets, transport);
        EXPECT_EQ(request.verdict(answer), test::Verdict::VALID);
        return answer;
      };
      const Octets first = ask(CLIENT);
      EXPECT_EQ(rcode_of(first), row.want);
      const Octets cookie = cookie_of(first);
      ASSERT_EQ(cookie.size(), Cookies::OCTETS);
      EXPECT_TRUE(std::equal(CLIENT.begin(), CLIENT.end(), cookie.begin()));
      // A good one comes back as it is, and one that is not ours is no error (§5.2.4).
      EXPECT_EQ(cookie_of(ask(cookie)), cookie);
      Octets forged = cookie;
      forged.back() ^= 1;
      const Octets answer = ask(forged);
      EXPECT_EQ(rcode_of(answer), row.want);
      EXPECT_EQ(cookie_of(answer), cookie);
    }
  }
}

TEST(CookieDispatch, Rfc7873Section521NoneWithoutOne) {
  CookieWorld world;
  zones::Message message = query("www.example.org.", Type::A);
  message.edns.emplace();
  EXPECT_TRUE(cookie_of(world.ask(zones::to_wire(message))).empty());
  Octets malformed = zones::to_wire(with_cookie(query("www.example.org.", Type::A), Octets(7)));
  EXPECT_EQ(rcode_of(world.ask(malformed)), Rcode::FORMERR);
  test::World ignorant;
  EXPECT_TRUE(cookie_of(ignorant.ask(zones::to_wire(
                            with_cookie(query("www.example.org.", Type::A), CLIENT))))
                  .empty());
}

TEST(CookieDispatch, ItCountsAgainstTheSizeOfTheAnswer) {
  std::string many;
  for (int i = 0; i < 40; ++i) many += "big 60 A 192.0.2." + std::to_string(i) + "\n";
  CookieWorld world({}, nullptr, many);
  for (int records = 1; records < 3; ++records) {
    zones::Message message = query("big.example.org.", Type::A);
    const Octets answer = world.ask(zones::to_wire(with_cookie(message, CLIENT)));
    EXPECT_LE(answer.size(), 1232U);
    EXPECT_EQ(cookie_of(answer).size(), Cookies::OCTETS);
    message.edns.emplace();
    message.edns->udp_octets = 512;
    const Octets small = world.ask(zones::to_wire(with_cookie(message, CLIENT)));
    EXPECT_LE(small.size(), 512U);
    EXPECT_TRUE(test::parse(small).header.tc);
    EXPECT_EQ(cookie_of(small).size(), Cookies::OCTETS);
  }
}

TEST(CookieDispatch, AQueryWithACookieAllocatesNothing) {
  CookieWorld world;
  const Octets request = zones::to_wire(with_cookie(query("www.example.org.", Type::A), CLIENT));
  Octets out(4096);
  const State& state = world.reader.current();
  const std::function<SendLater()> send_later;
  const std::size_t before = test::allocations();
  const std::size_t size = world.dispatcher.handle(state, request, Peer{}, out, send_later);
  const std::size_t allocated = test::allocations() - before;
  EXPECT_GT(size, 0U);
  EXPECT_EQ(allocated, 0U);
  world.reader.idle();
}

// RFC 7873 §5.2.3: under pressure a client that speaks cookies is given one instead of an answer.
TEST(CookieDispatch, ACookieProvesTheSourceOfAnUpdateBySig0) {
  const keys::PrivateKey key = keys::PrivateKey::generate(name("h1.example.org."));
  auto policy = std::make_shared<Policy>(*test::make_test_policy());
  policy->grants[name("example.org.")].add({.key = name("h1.example.org."), .update = true});
  CookieWorld world(
      {.rate = 1000, .udp_rate = 1}, policy,
      "h1 60 KEY " + zones::rdata_to_text(Type::KEY, key.public_key().rdata()) + "\n");
  const auto ask = [&](const zones::Message& message) {
    Octets octets = zones::to_wire(message);
    keys::sign_sig0(octets, key, NOW);
    return world.ask(octets);
  };
  EXPECT_EQ(rcode_of(ask(add_new())), Rcode::NOERROR);
  // The budget of those who prove nothing is used up.
  const Octets truncated = ask(add_new());
  EXPECT_EQ(rcode_of(truncated), Rcode::SERVFAIL);
  EXPECT_TRUE(test::parse(truncated).header.tc);
  const Octets refused = ask(with_cookie(add_new(), CLIENT));
  EXPECT_EQ(rcode_of(refused), Rcode::BADCOOKIE);
  EXPECT_FALSE(test::parse(refused).header.tc);
  const Octets cookie = cookie_of(refused);
  ASSERT_EQ(cookie.size(), Cookies::OCTETS);
  for (int i = 0; i < 20; ++i) {
    const Octets answer = ask(with_cookie(add_new(), cookie));
    EXPECT_EQ(rcode_of(answer), Rcode::NOERROR);
    EXPECT_EQ(cookie_of(answer), cookie);
  }
  Octets forged = cookie;
  forged.back() ^= 1;
  EXPECT_EQ(rcode_of(ask(with_cookie(add_new(), forged))), Rcode::BADCOOKIE);
}

}  // namespace
}  // namespace dnsd
