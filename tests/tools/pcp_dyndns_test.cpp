// What a provider that speaks dyndns2 is told, and what its words lead to.
#include <gtest/gtest.h>

#include "tools/pcp-ddns/dyndns_publisher.h"
#include "tools/pcp-ddns/https_exchange.h"
#include "zones/text.h"

namespace pcp_ddns {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using zones::Name;

const Time START = Time() + hours(1000);

Name name(const std::string& text) { return Name::from_text(text).value(); }

ServiceConfig service(const char* host, const char* type = "_http._tcp") {
  ServiceConfig config;
  config.host = name(host);
  config.type = type;
  config.owner = name(std::string(type) + "." + host);
  return config;
}

struct Account {
  explicit Account(bool ports = false, const std::vector<OwnRecord>& ours = {})
      : publisher(
            {.path = "/nic/update", .ports = ports, .refresh = hours(672)}, [] { return 0.5; },
            ours) {}

  void want(const std::vector<std::pair<const ServiceConfig*, const char*>>& endpoints, Duration at,
            std::uint16_t port = 8001) {
    std::vector<ServiceEndpoint> all;
    for (const auto& [one, address] : endpoints) {
      all.push_back({one,
                     {keys::address_from_text(address).value(), port++},
                     START + at + hours(1),
                     hours(1)});
    }
    publisher.want(wanted_records(all, provider), {}, START + at);
  }
  /// The request that is due then; empty when none is.
  std::string request(Duration at) {
    return publisher.begin(START + at) ? publisher.target() : std::string();
  }
  std::string answer(unsigned status, const char* body, Duration at,
                     std::optional<seconds> retry_after = {}) {
    return publisher.answered(status, body, retry_after, START + at).text;
  }
  /// From the start; negative when nothing is to be done.
  seconds next() const {
    if (publisher.next() == Time::max()) return seconds(-1);
    return std::chrono::duration_cast<seconds>(publisher.next() - START);
  }

  ProviderConfig provider;
  DyndnsPublisher publisher;
};

const ServiceConfig WEB = service("h1.example.org.");
const ServiceConfig SSH = service("h1.example.org.", "_ssh._tcp");
const ServiceConfig OTHER = service("h2.example.org.");
constexpr const char* H1 = "/nic/update?hostname=h1.example.org&myip=";
constexpr const char* H2 = "/nic/update?hostname=h2.example.org&myip=";

TEST(Dyndns, OnlyWhatHasChangedIsTold) {
  Account account;
  account.want({{&WEB, "198.51.100.1"}, {&SSH, "198.51.100.1"}}, {});
  EXPECT_EQ(account.request({}), std::string(H1) + "198.51.100.1");
  EXPECT_EQ(account.request({}), "") << "one is under way";
  EXPECT_EQ(account.answer(200, "good 198.51.100.1\n", {}),
            "h1.example.org. 198.51.100.1 is published");
  EXPECT_TRUE(account.publisher.progress({WEB.owner, zones::Type::SRV}).published);
  EXPECT_EQ(account.next(), hours(672)) << "most forget a name after a month";
  account.want({{&WEB, "198.51.100.1"}, {&SSH, "198.51.100.1"}}, minutes(1), 9001);
  EXPECT_EQ(account.request(minutes(1)), "") << "ports are none of dyndns2's";
  account.want({{&WEB, "203.0.113.7"}}, minutes(2));
  EXPECT_EQ(account.request(minutes(2)), std::string(H1) + "203.0.113.7");
  account.answer(200, "nochg 203.0.113.7", minutes(2));
  account.want({{&WEB, "203.0.113.8"}}, seconds(125));
  EXPECT_EQ(account.next(), seconds(150)) << "providers block who asks often";
  EXPECT_EQ(account.request(seconds(150)), std::string(H1) + "203.0.113.8");
  account.answer(200, "good 203.0.113.8", seconds(150));
  account.want({}, minutes(3));
  EXPECT_EQ(account.next(), seconds(-1)) << "there is no word to take it away";
  EXPECT_TRUE(account.publisher.is_clean());
}

TEST(Dyndns, AfterARestartTheSameIsNotToldAgain) {
  Account before;
  before.want({{&WEB, "198.51.100.1"}}, {});
  before.request({});
  before.answer(200, "good", {});
  Account after(false, before.publisher.ours());
  after.want({{&WEB, "198.51.100.1"}}, minutes(1));
  EXPECT_EQ(after.request(minutes(1)), "");
  after.want({{&WEB, "198.51.100.2"}}, minutes(1));
  EXPECT_EQ(after.request(minutes(1)), std::string(H1) + "198.51.100.2");
  // Without an answer it may be there or not.
  Account killed(false, after.publisher.ours());
  killed.want({{&WEB, "198.51.100.1"}}, minutes(2));
  EXPECT_EQ(killed.request(minutes(2)), std::string(H1) + "198.51.100.1");
}

TEST(Dyndns, PortsWhereTheyAreKnown) {
  Account account(true);
  account.want({{&WEB, "198.51.100.1"}, {&SSH, "198.51.100.1"}}, {});
  EXPECT_EQ(account.request({}),
            std::string(H1) + "198.51.100.1&service=_http._tcp,_ssh._tcp&port=8001,8002");
  account.answer(200, "good 198.51.100.1", {});
  account.want({{&WEB, "198.51.100.1"}, {&SSH, "198.51.100.1"}}, seconds(1), 9001);
  EXPECT_EQ(account.request(seconds(1)),
            std::string(H1) + "198.51.100.1&service=_http._tcp,_ssh._tcp&port=9001,9002");
  account.answer(200, "good 198.51.100.1", seconds(1));
  // One of them goes: the host and the other one stay all the while.
  account.want({{&WEB, "198.51.100.1"}}, seconds(2), 9001);
  const std::string without =
      std::string(H1) + "198.51.100.1&service=_http._tcp,_ssh._tcp&port=9001,0";
  EXPECT_EQ(account.request(seconds(2)), without);
  account.publisher.failed("no connection", START + seconds(2));
  EXPECT_EQ(account.request(seconds(12)), without) << "it may be there or not";
  account.answer(200, "good", seconds(12));
  EXPECT_EQ(account.next(), seconds(12) + hours(672));
  // A family of addresses goes: nothing but offline takes it away.
  account.want({{&WEB, "2001:db8::1"}}, seconds(12), 9001);
  EXPECT_EQ(account.request(seconds(12)),
            "/nic/update?hostname=h1.example.org&offline=YES&service=_http._tcp&port=9001");
  account.answer(200, "good", seconds(12));
  account.want({{&WEB, "198.51.100.1"}}, seconds(12), 9001);
  EXPECT_EQ(account.request(seconds(12)),
            std::string(H1) + "198.51.100.1&service=_http._tcp&port=9001");
  account.answer(200, "good", seconds(12));
  EXPECT_FALSE(account.publisher.is_clean());
  account.want({}, seconds(13));
  EXPECT_EQ(account.request(seconds(13)),
            "/nic/update?hostname=h1.example.org&offline=YES&service=_http._tcp&port=9001");
  EXPECT_EQ(account.answer(200, "good", seconds(13)), "h1.example.org. is withdrawn");
  EXPECT_TRUE(account.publisher.is_clean());
  EXPECT_TRUE(account.publisher.ours().empty());
}

TEST(Dyndns, TheWords) {
  const seconds NEVER(-1);
  struct Row {
    unsigned status;
    const char* body;
    const char* error;
    seconds retry;        // of the same host
    bool asks_for_other;  // a second host is asked for meanwhile
  };
  const Row rows[] = {
      {200, "good 198.51.100.1\n", "", hours(672), true},
      {200, "nochg", "", hours(672), true},
      {200, "badauth\n", "badauth: login", NEVER, false},
      {401, "<html>who are you?", "badauth: login", NEVER, false},
      {200, "badagent", "badagent: ", NEVER, false},
      {200, "abuse", "abuse: blocked", NEVER, false},
      {200, "!donator", "!donator: ", NEVER, false},
      {200, "!active", "!active: ", NEVER, false},
      {200, "notfqdn", "notfqdn: ", NEVER, true},
      {200, "nohost", "nohost: ", NEVER, true},
      {200, "!yours", "!yours: ", NEVER, true},
      {200, "numhost", "numhost: ", NEVER, true},
      {200, "dnserr", "dnserr: ", minutes(30), true},
      {200, "911", "911: ", minutes(30), false},
      {503, "911", "911: ", minutes(30), false},
      {500, "", "911: ", minutes(30), false},
      {200, "w60s", "w60s: ", seconds(60), false},
      {200, "w5m", "w5m: ", minutes(5), false},
      {200, "w1h", "w1h: ", hours(1), false},
      {200, "w99999999h", "w99999999h: ", hours(24), false},
      {404, "good", "HTTP status 404", minutes(30), true},
      {302, "", "HTTP status 302", minutes(30), true},
      {200, "", "\"\" is no word", minutes(30), true},
      {200, "goodness", "\"goodness\" is no word", minutes(30), true},
      {200, "\x1b[2J", "\"?[2J\" is no word", minutes(30), true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::to_string(row.status) + " " + row.body);
    Account account;
    account.want({{&WEB, "198.51.100.1"}}, {});
    ASSERT_EQ(account.request({}), std::string(H1) + "198.51.100.1");
    account.answer(row.status, row.body, {});
    const Progress progress = account.publisher.progress({WEB.owner, zones::Type::SRV});
    EXPECT_TRUE(progress.error.starts_with(row.error)) << progress.error;
    EXPECT_EQ(progress.published, *row.error == '\0');
    EXPECT_EQ(account.next(), row.retry);
    account.want({{&WEB, "198.51.100.1"}, {&OTHER, "198.51.100.1"}}, seconds(1));
    EXPECT_EQ(account.request(seconds(1)),
              row.asks_for_other ? std::string(H2) + "198.51.100.1" : "");
  }
}

TEST(Dyndns, RetryAfterIsHonouredWithinBounds) {
  struct Row {
    unsigned status;
    const char* body;
    seconds retry_after;
    seconds retry;  // with an eighth: chance is 0.5
    bool asks_for_other;
  };
  const Row rows[] = {
      {503, "911", seconds(60), seconds(67), false},
      {503, "<html>restarting", seconds(60), seconds(67), false},
      {429, "", seconds(120), seconds(135), false},
      {503, "", seconds(0), seconds(5), false},
      {503, "", hours(9999), hours(24), false},
      {200, "dnserr", seconds(60), minutes(30), true},
      {401, "badauth", seconds(60), seconds(-1), false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::to_string(row.status) + " " + std::to_string(row.retry_after.count()));
    Account account;
    account.want({{&WEB, "198.51.100.1"}}, {});
    account.request({});
    account.answer(row.status, row.body, {}, row.retry_after);
    EXPECT_EQ(account.next(), row.retry);
    account.want({{&WEB, "198.51.100.1"}, {&OTHER, "198.51.100.1"}}, seconds(1));
    EXPECT_EQ(account.request(seconds(1)).empty(), !row.asks_for_other);
  }
}

TEST(Dyndns, RetryAfterIsSecondsOrADate) {
  const std::chrono::sys_seconds now{seconds(1445412420)};  // Wed, 21 Oct 2015 07:27:00 GMT
  const std::pair<const char*, std::optional<seconds>> rows[] = {
      {"120", seconds(120)},
      {"0", seconds(0)},
      {"4294967295", hours(24 * 365)},
      {"99999999999", std::nullopt},
      {"Wed, 21 Oct 2015 07:28:00 GMT", seconds(60)},
      {"Wed, 21 Oct 2015 07:00:00 GMT", seconds(0)},
      {"Wed, 21 Oct 9999 07:28:00 GMT", hours(24 * 365)},
      {"Wed, 21 Oct 2015 07:28:00 GMT+1", std::nullopt},
      {"soon", std::nullopt},
      {"-1", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& [value, want] : rows) EXPECT_EQ(read_retry_after(value, now), want) << value;
}

TEST(Dyndns, ARateOfDnsdIsNoBlock) {
  Account account(true);
  account.want({{&WEB, "198.51.100.1"}}, {});
  account.request({});
  account.answer(200, "abuse", {});
  EXPECT_EQ(account.next(), minutes(30));
}

TEST(Dyndns, NoAnswerIsTriedAgainLaterAndLater) {
  Account account;
  account.want({{&WEB, "198.51.100.1"}}, {});
  seconds at(0);
  for (const int wait : {10, 20, 40, 80, 160, 320, 600, 600}) {
    ASSERT_NE(account.request(at), "");
    account.publisher.failed("no connection", START + at);
    EXPECT_EQ(account.next(), at + seconds(wait));
    at += seconds(wait);
  }
  account.want({{&WEB, "198.51.100.2"}}, at - seconds(500));
  EXPECT_EQ(account.next(), at - seconds(499)) << "what is new is not kept waiting";
}

}  // namespace
}  // namespace pcp_ddns
