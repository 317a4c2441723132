// What the agent publishes, and when.
#include <gtest/gtest.h>

#include "tools/pcp-ddns/publisher.h"
#include "zones/text.h"
#include "zones/update_lease.h"

namespace pcp_ddns {
namespace {

using std::chrono::seconds;
using zones::Class;
using zones::Message;
using zones::Name;
using zones::Rcode;
using zones::Record;
using zones::Type;

const Time START = Time() + std::chrono::hours(1);

Name name(const std::string& text) { return Name::from_text(text).value(); }

External external(const char* address, std::uint16_t port) {
  return {keys::address_from_text(address).value(), port};
}

ServiceConfig service(const char* host, const char* type = "_http._tcp") {
  ServiceConfig config;
  config.host = name(host);
  config.type = type;
  config.owner = name(std::string(type) + "." + host);
  config.txt = {"path=/"};
  return config;
}

ProviderConfig provider(std::initializer_list<const char*> portal = {}) {
  ProviderConfig config;
  config.zone = name("dyn.example.");
  for (const char* address : portal) {
    config.portal.push_back(keys::address_from_text(address).value());
  }
  return config;
}

/// "add h1. 60 A 192.0.2.1", "del …", "none …" (class NONE, no RDATA), "erase …" (class ANY).
std::vector<std::string> lines(const std::vector<Record>& records) {
  std::vector<std::string> all;
  for (const Record& record : records) {
    const std::string text = record.owner.to_text() + " " + zones::to_text(record.type);
    if (record.rdata.empty()) {
      all.push_back((record.rrclass == Class::NONE ? "none " : "erase ") + text);
      continue;
    }
    all.push_back(
        (record.rrclass == Class::IN ? "add " + std::to_string(record.ttl) + " " : "del ") + text +
        " " + zones::rdata_to_text(record.type, record.rdata));
  }
  return all;
}

using Lines = std::vector<std::string>;

/// A publisher, and a server that grants what is asked for.
struct Host {
  explicit Host(bool replace = false, std::vector<OwnRecord> ours = {})
      : publisher(
            name("dyn.example."), replace, [] { return 0.5; }, ours) {}

  void want(std::vector<ServiceEndpoint> endpoints, Duration at,
            const std::set<RRsetKey>& undecided = {}) {
    publisher.want(wanted_records(endpoints, provider()), undecided, START + at);
  }
  void want(External external, Duration at, seconds lifetime = seconds(3600)) {
    want({{&web, external, START + at + lifetime, lifetime}}, at);
  }
  /// The update that is due, if one is.
  std::optional<Message> begin(Duration at) {
    if (!publisher.begin(START + at)) return std::nullopt;
    // As the server reads it.
    return zones::parse_message(zones::to_wire(publisher.message(START + at))).value();
  }
  std::optional<std::uint32_t> lease(Duration at) {
    const Message message = publisher.message(START + at);
    if (!message.edns) return std::nullopt;
    return zones::read_update_lease(message.edns->find(zones::OptionCode::UPDATE_LEASE)->data)
        ->lease;
  }
  Report answer(Duration at, Rcode rcode = Rcode::NOERROR,
                std::optional<std::uint32_t> granted = {}) {
    Message response = publisher.message(START + at);
    response.header.rcode = static_cast<std::uint8_t>(rcode);
    if (granted) {
      response.edns.emplace().options = {
          {zones::OptionCode::UPDATE_LEASE, zones::update_lease_data({*granted, std::nullopt})}};
    }
    if (granted == 0U) response.edns.reset();
    return publisher.answered(response, 0, START + at);
  }
  Duration next() const { return publisher.next() - START; }

  ServiceConfig web = service("h1.dyn.example.");
  Publisher publisher;
};

constexpr const char* WEB = "_http._tcp.h1.dyn.example.";
constexpr Duration NEVER = Time::max() - START;

TEST(Publisher, FirstUpdate) {
  Host host;
  EXPECT_FALSE(host.begin({}));
  EXPECT_EQ(host.next(), NEVER);
  host.want(external("198.51.100.1", 8001), {});
  const auto message = host.begin(seconds(1));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->question[0].name, name("dyn.example."));
  EXPECT_EQ(lines(message->answer),
            (Lines{"none h1.dyn.example. CNAME", "none h1.dyn.example. A",
                   "none _http._tcp.h1.dyn.example. CNAME", "none _http._tcp.h1.dyn.example. TXT",
                   "none _http._tcp.h1.dyn.example. SRV"}));
  EXPECT_EQ(lines(message->authority),
            (Lines{"add 60 h1.dyn.example. A 198.51.100.1",
                   R"(add 60 _http._tcp.h1.dyn.example. TXT "path=/" "endpoint=198.51.100.1:8001")",
                   "add 60 _http._tcp.h1.dyn.example. SRV 0 0 8001 h1.dyn.example."}));
  EXPECT_EQ(host.lease(seconds(1)), 3600 - 60 - 1) << "lease and TTL end with the mapping";
  EXPECT_EQ(host.lease(seconds(4)), 3600 - 60 - 4) << "a later try asks for less";
  EXPECT_EQ(host.publisher.ours().size(), 3U) << "to be written down before it is sent";
  EXPECT_EQ(host.next(), NEVER) << "one at a time";
  const Report report = host.answer(seconds(1));
  EXPECT_EQ(report.level, Report::Level::INFO);
  EXPECT_EQ(report.text, std::string(WEB) + " at 198.51.100.1:8001 (lease 3539 s)");
  EXPECT_FALSE(host.begin(seconds(2)));
}

TEST(Publisher, NewsAreEndpointsOverTcpThatHaveChangedOrAreRefreshed) {
  Host host;
  host.web.protocol = 6;
  const External first = external("198.51.100.1", 8001);
  const External second = external("198.51.100.2", 8001);
  // The port alone, the address alone, a refresh, nothing any more.
  for (const External& endpoint : {first, second}) {
    host.want(endpoint, {});
    host.begin({});
    EXPECT_TRUE(host.publisher.take_news().empty());
    host.answer({}, Rcode::NOERROR, 100);
    const auto news = host.publisher.take_news();
    ASSERT_EQ(news.size(), 1U);
    EXPECT_EQ(news[0].owner, name(WEB));
    EXPECT_EQ(news[0].endpoints, std::vector{endpoint});
    EXPECT_FALSE(news[0].is_refresh);
  }
  host.want(second, seconds(60));
  ASSERT_TRUE(host.begin(seconds(60)));
  host.answer(seconds(60), Rcode::NOERROR, 100);
  const auto refreshed = host.publisher.take_news();
  ASSERT_EQ(refreshed.size(), 1U);
  EXPECT_TRUE(refreshed[0].is_refresh);
  EXPECT_EQ(refreshed[0].endpoints, std::vector{second});
  host.want(first, seconds(61));
  host.begin(seconds(61));
  host.answer(seconds(61), Rcode::REFUSED);
  EXPECT_TRUE(host.publisher.take_news().empty());
  host.want(std::vector<ServiceEndpoint>{}, seconds(200));
  ASSERT_TRUE(host.begin(seconds(200)));
  host.answer(seconds(200));
  const auto news = host.publisher.take_news();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_TRUE(news[0].endpoints.empty());
}

TEST(Publisher, ARefreshThatIsAskedFor) {
  Host host;
  host.want(external("198.51.100.1", 8001), {});
  host.begin({});
  host.answer({}, Rcode::NOERROR, 3540);
  EXPECT_EQ(host.next(), NEVER);
  host.publisher.refresh();
  const auto message = host.begin(seconds(1));
  ASSERT_TRUE(message);
  EXPECT_EQ(lines(message->answer), Lines());
  EXPECT_EQ(message->authority.size(), 3U);
  EXPECT_EQ(host.answer(seconds(1), Rcode::NOERROR, 3539).level, Report::Level::DEBUG);
  EXPECT_EQ(host.next(), NEVER) << "once";
  host.publisher.refresh();
  host.want(std::vector<ServiceEndpoint>{}, seconds(2));
  const auto withdrawal = host.begin(seconds(2));
  ASSERT_TRUE(withdrawal);
  EXPECT_EQ(lines(withdrawal->authority).front().substr(0, 4), "del ");
}

TEST(Publisher, AChangeTouchesOnlyWhatIsOurs) {
  Host host;
  host.want(external("198.51.100.1", 8001), {});
  host.begin({});
  host.answer({});
  host.want(external("198.51.100.1", 9000), seconds(10));
  EXPECT_EQ(host.next(), seconds(-3600)) << "at once";
  auto message = host.begin(seconds(10));
  ASSERT_TRUE(message);
  EXPECT_EQ(lines(message->answer), (Lines{"none _http._tcp.h1.dyn.example. CNAME"}));
  EXPECT_EQ(lines(message->authority),
            (Lines{R"(del _http._tcp.h1.dyn.example. TXT "path=/" "endpoint=198.51.100.1:8001")",
                   R"(add 60 _http._tcp.h1.dyn.example. TXT "path=/" "endpoint=198.51.100.1:9000")",
                   "del _http._tcp.h1.dyn.example. SRV 0 0 8001 h1.dyn.example.",
                   "add 60 _http._tcp.h1.dyn.example. SRV 0 0 9000 h1.dyn.example."}));
  EXPECT_EQ(host.publisher.ours().size(), 5U) << "which of them are there is not known now";
  host.publisher.failed("timed out", START + seconds(20));
  EXPECT_EQ(host.publisher.ours().size(), 5U);
  // A third place before that could be told: all that may be there is removed.
  host.want(external("203.0.113.1", 9001), seconds(21));
  message = host.begin(seconds(22));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->authority.size(), 8U);
  host.answer(seconds(22));
  EXPECT_EQ(host.publisher.ours().size(), 3U);
}

TEST(Publisher, Rfc9664RefreshWithTheMapping) {
  Host host;
  host.want(external("198.51.100.1", 8001), {});
  host.begin({});
  host.answer({}, Rcode::NOERROR, 3540);
  EXPECT_EQ(host.next(), NEVER) << "a lease that lasts as long as the mapping needs no refresh";
  host.want(external("198.51.100.1", 8001), seconds(1900));  // renewed
  const auto message = host.begin(seconds(1900));
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->answer.empty());
  EXPECT_EQ(message->authority.size(), 3U);
  EXPECT_EQ(host.lease(seconds(1900)), 3540U);
  EXPECT_EQ(host.answer(seconds(1900), Rcode::NOERROR, 3540).level, Report::Level::DEBUG);
  // An early renewal (the server's state was lost) needs none before half the lease.
  host.want(external("198.51.100.1", 8001), seconds(2000));
  EXPECT_EQ(host.next(), seconds(1900 + 1770));
}

TEST(Publisher, Rfc9664ALeaseThatIsShorterIsRefreshedAtHalf) {
  Host host;
  host.want(external("198.51.100.1", 8001), {});
  host.begin({});
  EXPECT_EQ(host.answer({}, Rcode::NOERROR, 600).level, Report::Level::INFO);
  EXPECT_EQ(host.next(), seconds(300));
  EXPECT_FALSE(host.begin(seconds(299)));
  EXPECT_TRUE(host.begin(seconds(300)));
}

TEST(Publisher, Rfc9664ALeaseThatIsLongerOrNoneIsSaidOnce) {
  for (const std::uint32_t granted : {4000U, 0U}) {
    Host host;
    for (const int at : {0, 1800}) {
      host.want(external("198.51.100.1", static_cast<std::uint16_t>(8001 + at)), seconds(at));
      ASSERT_TRUE(host.begin(seconds(at)));
      EXPECT_EQ(host.answer(seconds(at), Rcode::NOERROR, granted).level,
                at == 0 ? Report::Level::WARNING : Report::Level::INFO);
    }
  }
}

TEST(Publisher, GrantsLeasesOnceTheServerHasSaidSo) {
  Host host;
  EXPECT_FALSE(host.publisher.grants_leases());
  const std::pair<std::uint32_t, bool> rows[] = {{600, true}, {0, false}, {600, true}};
  std::uint16_t port = 8001;
  for (const auto& [granted, has_lease] : rows) {
    host.want(external("198.51.100.1", ++port), {});
    ASSERT_TRUE(host.begin({}));
    host.answer({}, Rcode::NOERROR, granted);
    EXPECT_EQ(host.publisher.grants_leases(), has_lease);
  }
  // A refusal, and a withdrawal, say nothing of it.
  host.want(external("198.51.100.1", 9000), {});
  ASSERT_TRUE(host.begin({}));
  host.answer({}, Rcode::SERVFAIL);
  EXPECT_TRUE(host.publisher.grants_leases());
}

TEST(Publisher, TtlOfShortMappings) {
  for (const auto& [lifetime, ttl] :
       {std::pair{120, 15}, {240, 30}, {480, 60}, {3600, 60}, {8, 1}, {3, 1}}) {
    Host host;
    host.want(external("198.51.100.1", 8001), {}, seconds(lifetime));
    const auto message = host.begin({});
    if (lifetime == 3) {
      ASSERT_TRUE(message) << "a lease of two seconds is left";
    }
    ASSERT_TRUE(message);
    EXPECT_EQ(message->authority[0].ttl, ttl);
    EXPECT_EQ(host.lease({}), lifetime - ttl);
  }
  Host late;
  late.want(external("198.51.100.1", 8001), {});
  EXPECT_FALSE(late.begin(seconds(3539))) << "the mapping is nearly over";
  EXPECT_EQ(late.next(), seconds(3540)) << "it may be renewed";
}

TEST(Publisher, WithdrawalRemovesWhatIsOurs) {
  Host host;
  host.want(external("198.51.100.1", 8001), {});
  host.begin({});
  host.answer({});
  EXPECT_FALSE(host.publisher.is_clean());
  host.want(std::vector<ServiceEndpoint>{}, seconds(5));
  const auto message = host.begin(seconds(5));
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->answer.empty());
  EXPECT_FALSE(message->edns) << "no lease where nothing is added";
  EXPECT_EQ(lines(message->authority)[0], "del h1.dyn.example. A 198.51.100.1");
  EXPECT_EQ(message->authority.size(), 3U);
  EXPECT_EQ(host.answer(seconds(5)).text, std::string(WEB) + " withdrawn");
  EXPECT_TRUE(host.publisher.is_clean());
  EXPECT_EQ(host.next(), NEVER);
}

TEST(Publisher, AfterARestartNothingIsRemovedBeforeItIsDecided) {
  Host before;
  before.want(external("198.51.100.1", 8001), {});
  before.begin({});
  before.answer({});
  const auto ours = before.publisher.ours();
  Host host(false, ours);
  std::set<RRsetKey> undecided;
  for (const RRsetKey& key : host.publisher.known()) undecided.insert(key);
  EXPECT_EQ(undecided.size(), 3U);
  EXPECT_EQ(host.next(), NEVER);
  host.want(std::vector<ServiceEndpoint>{}, {}, undecided);
  EXPECT_EQ(host.next(), NEVER);
  host.want(external("198.51.100.2", 8001), seconds(3));
  const auto message = host.begin(seconds(3));
  ASSERT_TRUE(message);
  EXPECT_EQ(lines(message->answer),
            (Lines{"none h1.dyn.example. CNAME", "none _http._tcp.h1.dyn.example. CNAME"}))
      << "what is our own need not be away";
  EXPECT_EQ(lines(message->authority)[0], "del h1.dyn.example. A 198.51.100.1");
  EXPECT_EQ(lines(message->authority)[1], "add 60 h1.dyn.example. A 198.51.100.2");
  // A service that the configuration no longer has.
  Host other(false, ours);
  other.want(std::vector<ServiceEndpoint>{}, Duration{}, std::set<RRsetKey>{});
  EXPECT_TRUE(other.begin({}));
}

TEST(Publisher, Rfc2136Section2_4AnAnswerThatWasLost) {
  Host host;
  host.want(external("198.51.100.1", 8001), {});
  ASSERT_TRUE(host.begin({}));
  host.publisher.failed("timed out", START);
  for (const auto& [record, confirmed] : host.publisher.ours()) EXPECT_FALSE(confirmed);
  // The same after the agent was killed, and by one whose address has changed meanwhile.
  for (const bool killed : {false, true}) {
    for (const char* address : {"198.51.100.1", "198.51.100.2"}) {
      Host again(false, host.publisher.ours());
      Host same;
      same.want(external("198.51.100.1", 8001), {});
      same.begin({});
      same.publisher.failed("timed out", START);
      Host& now = killed ? again : same;
      now.want(external(address, 8001), seconds(2));
      auto message = now.begin(seconds(3));
      ASSERT_TRUE(message);
      EXPECT_EQ(lines(message->answer)[1], "none h1.dyn.example. A") << "it may not be ours";
      EXPECT_EQ(now.answer(seconds(3), Rcode::YXRRSET).level, Report::Level::DEBUG);
      message = now.begin(seconds(3));
      ASSERT_TRUE(message);
      ASSERT_EQ(message->answer.size(), 5U);
      if (lines(message->answer)[1] == "add 0 h1.dyn.example. A 198.51.100.2") {
        now.answer(seconds(3), Rcode::NXRRSET);
        message = now.begin(seconds(3));
        ASSERT_TRUE(message);
      }
      EXPECT_EQ(lines(message->answer)[1], "add 0 h1.dyn.example. A 198.51.100.1")
          << "unless it is that";
      EXPECT_EQ(now.answer(seconds(3)).level, Report::Level::INFO);
      EXPECT_EQ(now.publisher.ours().size(), 3U);
      for (const auto& [record, confirmed] : now.publisher.ours()) EXPECT_TRUE(confirmed);
      EXPECT_EQ(now.next(), NEVER);
    }
  }
}

TEST(Publisher, Rfc2136Section2_4WhatIsNotOurs) {
  Host host;
  host.want(external("198.51.100.1", 8001), {});
  for (const int at : {0, 60, 120}) {
    ASSERT_TRUE(host.begin(seconds(at)));
    host.answer(seconds(at), Rcode::YXRRSET);
    const auto message = host.begin(seconds(at));
    ASSERT_TRUE(message);
    EXPECT_EQ(lines(message->answer)[1], "add 0 h1.dyn.example. A 198.51.100.1");
    const Report report = host.answer(seconds(at), Rcode::NXRRSET);
    EXPECT_EQ(report.level, Report::Level::WARNING);
    EXPECT_NE(report.text.find("h1.dyn.example. has records"), std::string::npos) << report.text;
    EXPECT_TRUE(host.publisher.is_clean()) << "nothing there is ours";
    EXPECT_EQ(host.next(), seconds(at + 60));
  }
}

TEST(Publisher, ReplaceTakesWholeRRsets) {
  Host host(true);
  host.want(external("198.51.100.1", 8001), {});
  const auto message = host.begin({});
  ASSERT_TRUE(message);
  EXPECT_EQ(lines(message->answer),
            (Lines{"none h1.dyn.example. CNAME", "none _http._tcp.h1.dyn.example. CNAME"}));
  EXPECT_EQ(lines(message->authority)[0], "erase h1.dyn.example. A");
  EXPECT_EQ(lines(message->authority)[1], "add 60 h1.dyn.example. A 198.51.100.1");
}

TEST(Publisher, RetriesBackOff) {
  Host host;
  host.want(external("198.51.100.1", 8001), {}, seconds(86400));
  Duration at{};
  for (const int wait : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}) {
    ASSERT_TRUE(host.begin(at));
    const Report report = host.answer(at, Rcode::SERVFAIL);
    EXPECT_EQ(report.level, Report::Level::WARNING);
    EXPECT_EQ(report.text, "not published: " + std::string(WEB) +
                               " at 198.51.100.1:8001: SERVFAIL; next try in " +
                               std::to_string(wait) + " s");
    EXPECT_EQ(host.next(), at + seconds(wait));
    EXPECT_FALSE(host.begin(at + seconds(wait) - std::chrono::milliseconds(1)));
    at += seconds(wait);
  }
  host.want(external("198.51.100.1", 8002), at - seconds(100), seconds(86400));
  EXPECT_LE(host.next(), at - seconds(99)) << "what is new does not wait for what failed before";
}

TEST(Publisher, OneHostsRefusalDoesNotKeepBackTheOthers) {
  Host host;
  const ServiceConfig other = service("h2.dyn.example.");
  const auto want = [&](Duration at) {
    host.want({{&host.web, external("198.51.100.1", 8001), START + seconds(3600), seconds(3600)},
               {&other, external("198.51.100.1", 8002), START + seconds(3600), seconds(3600)}},
              at);
  };
  want({});
  auto message = host.begin({});
  ASSERT_TRUE(message);
  EXPECT_EQ(message->authority.size(), 6U) << "one update for all";
  EXPECT_EQ(host.answer({}, Rcode::YXRRSET).level, Report::Level::DEBUG);
  message = host.begin(seconds(1));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->authority.size(), 3U);
  EXPECT_EQ(message->authority[0].owner, name("h1.dyn.example."));
  EXPECT_EQ(host.answer(seconds(1), Rcode::YXRRSET).level, Report::Level::DEBUG);
  ASSERT_TRUE(host.begin(seconds(1)));
  const Report report = host.answer(seconds(1), Rcode::NXRRSET);
  EXPECT_EQ(report.level, Report::Level::WARNING);
  message = host.begin(seconds(1));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->authority[0].owner, name("h2.dyn.example."));
  host.answer(seconds(1));
  EXPECT_EQ(host.publisher.ours().size(), 3U) << "the first is not ours";
  EXPECT_EQ(host.next(), seconds(61));
  want(seconds(2));
  EXPECT_FALSE(host.begin(seconds(60)));
  EXPECT_TRUE(host.begin(seconds(61)));
  host.answer(seconds(61));
  host.want({{&host.web, external("198.51.100.1", 9001), START + seconds(3700), seconds(3600)},
             {&other, external("198.51.100.1", 9002), START + seconds(3700), seconds(3600)}},
            seconds(62));
  message = host.begin(seconds(62));
  ASSERT_TRUE(message);
  for (const char* owner : {"_http._tcp.h1.dyn.example.", "_http._tcp.h2.dyn.example."}) {
    EXPECT_TRUE(std::ranges::any_of(message->authority, [&](const Record& record) {
      return record.owner == name(owner);
    })) << "all is in order again, so the next change is one update";
  }
}

TEST(Publisher, ManyServicesTakeSeveralMessages) {
  Host host;
  std::vector<ServiceConfig> services;
  for (int i = 0; i < 1000; ++i) {
    services.push_back(service(("n" + std::to_string(i) + ".dyn.example.").c_str()));
  }
  std::vector<ServiceEndpoint> endpoints;
  for (const ServiceConfig& one : services) {
    endpoints.push_back(
        {&one, external("198.51.100.1", 8001), START + seconds(3600), seconds(3600)});
  }
  host.want(endpoints, {});
  std::size_t records = 0;
  int messages = 0;
  while (const auto message = host.begin({})) {
    ++messages;
    records += message->authority.size();
    host.answer({}, Rcode::NOERROR, 3540);
  }
  EXPECT_EQ(records, 3000U);
  EXPECT_EQ(messages, 15);
}

TEST(Records, AddressesOfAHostHaveNamesOfTheirOwn) {
  const ServiceConfig web = service("h1.dyn.example.");
  const ServiceConfig ssh = service("h1.dyn.example.", "_ssh._tcp");
  const ServiceConfig sip = service("h1.dyn.example.", "_sip._udp");
  const auto wanted = wanted_records(
      std::vector<ServiceEndpoint>{
          {&web, external("198.51.100.1", 1), START + seconds(100), seconds(100)},
          {&ssh, external("198.51.100.2", 2), START + seconds(200), seconds(200)},
          {&sip, external("198.51.100.1", 3), START + seconds(300), seconds(3000)}},
      provider());
  Lines all;
  for (const auto& [key, rrset] : wanted) {
    if (key.type == Type::TXT) continue;
    ASSERT_EQ(rrset.rdatas.size(), 1U);
    all.push_back(key.owner.to_text() + " " + std::to_string(rrset.ttl) + " " +
                  std::to_string((rrset.until - START) / seconds(1)) + " " +
                  zones::to_text(key.type) + " " + zones::rdata_to_text(key.type, rrset.rdatas[0]));
  }
  EXPECT_EQ(all, (Lines{
                     "h1.dyn.example. 12 300 A 198.51.100.1",
                     "_http._tcp.h1.dyn.example. 12 100 SRV 0 0 1 h1.dyn.example.",
                     "_ssh._tcp.h1.dyn.example. 25 200 SRV 0 0 2 ip-198-51-100-2.h1.dyn.example.",
                     "_sip._udp.h1.dyn.example. 60 300 SRV 0 0 3 h1.dyn.example.",
                     "ip-198-51-100-2.h1.dyn.example. 25 200 A 198.51.100.2",
                 }));
  for (const auto& [key, rrset] : wanted)
    EXPECT_EQ(may_belong_to(key, ssh, name("dyn.example.")),
              key.owner.to_text().find("_http") == std::string::npos &&
                  key.owner.to_text().find("_sip") == std::string::npos);
}

TEST(Records, EndpointsAreReadFromTxt) {
  for (const External& one : {external("198.51.100.1", 8001), external("2001:db8::1", 65535)}) {
    EXPECT_EQ(external_from_text(to_text(one)), one);
  }
  for (const char* text : {"", "198.51.100.1", "198.51.100.1:", "198.51.100.1:0", "198.51.100.1:1x",
                           "198.51.100.1:65536", "[198.51.100.1]:1", "2001:db8::1:1", "h1:1"}) {
    EXPECT_EQ(external_from_text(text), std::nullopt) << text;
  }
  const auto endpoints = [](const char* owner, const char* txt) {
    const Record record{name(owner), Type::TXT, Class::IN, 60,
                        zones::rdata_from_text(Type::TXT, txt).value()};
    return endpoints_of(std::span(&record, 1), name(WEB));
  };
  EXPECT_EQ(endpoints(WEB, R"("path=/" "endpoint=198.51.100.1:8001")"),
            std::vector{external("198.51.100.1", 8001)});
  EXPECT_TRUE(endpoints(WEB, R"("endpoint=198.51.100.1:8001" "path=/")").empty()) << "it is last";
  EXPECT_TRUE(endpoints(WEB, R"("")").empty());
  EXPECT_TRUE(endpoints("h1.dyn.example.", R"("endpoint=198.51.100.1:8001")").empty());
}

TEST(Records, Ipv6AndUri) {
  ServiceConfig web = service("h1.dyn.example.");
  web.uri = "https";
  web.txt = {"path=/a"};
  const auto wanted =
      wanted_records(std::vector<ServiceEndpoint>{{&web, external("2001:db8::1", 8443),
                                                   START + seconds(3600), seconds(3600)}},
                     provider());
  const auto text = [&](const char* owner, Type type) {
    const auto found = wanted.find({name(owner), type});
    return found == wanted.end() ? "" : zones::rdata_to_text(type, found->second.rdatas[0]);
  };
  EXPECT_EQ(text("h1.dyn.example.", Type::AAAA), "2001:db8::1");
  EXPECT_EQ(text(WEB, Type::TXT), R"("path=/a" "endpoint=[2001:db8::1]:8443")");
  EXPECT_EQ(text(WEB, Type::URI), R"(0 0 "https://h1.dyn.example:8443/a")");
}

struct Mapped {
  const char* type;
  const char* address;
  std::uint16_t port;
  bool https = false;
};

/// All but TXT of services of one host.
Lines records_of(std::initializer_list<Mapped> mapped, const ProviderConfig& at, bool portal) {
  std::vector<ServiceConfig> services;
  for (const Mapped& one : mapped) {
    services.push_back(service("h1.dyn.example.", one.type));
    services.back().protocol = 6;
    services.back().https = one.https;
    services.back().portal = portal;
    services.back().uri = "http";
  }
  for (ServiceConfig& one : services) {
    for (const ServiceConfig& other : services) one.types_of_host.insert(other.type);
  }
  std::vector<ServiceEndpoint> endpoints;
  for (std::size_t i = 0; i < services.size(); ++i) {
    const Mapped& one = mapped.begin()[i];
    endpoints.push_back(
        {&services[i], external(one.address, one.port), START + seconds(3600), seconds(3600)});
  }
  Lines all;
  for (const auto& [key, rrset] : wanted_records(endpoints, at)) {
    EXPECT_TRUE(may_belong_to(key, services.front(), at.zone) ||
                may_belong_to(key, services.back(), at.zone));
    EXPECT_EQ(rrset.host, services.front().host);
    if (key.type == Type::TXT) continue;
    for (const auto& rdata : rrset.rdatas) {
      all.push_back(key.owner.to_text() + " " + zones::to_text(key.type) + " " +
                    zones::rdata_to_text(key.type, rdata));
    }
  }
  return all;
}

TEST(Records, Rfc7393Section3_3TheNameIsThePortals) {
  EXPECT_EQ(records_of({{"_http._tcp", "198.51.100.1", 8001}, {"_ssh._tcp", "198.51.100.2", 2222}},
                       provider({"192.0.2.10", "2001:db8::10"}), true),
            (Lines{"h1.dyn.example. A 192.0.2.10", "h1.dyn.example. AAAA 2001:db8::10",
                   "_http._tcp.h1.dyn.example. SRV 0 0 8001 direct.h1.dyn.example.",
                   "_http._tcp.h1.dyn.example. URI 0 0 \"http://direct.h1.dyn.example:8001/\"",
                   "_ssh._tcp.h1.dyn.example. SRV 0 0 2222 ip-198-51-100-2.h1.dyn.example.",
                   "_ssh._tcp.h1.dyn.example. URI 0 0 "
                   "\"http://ip-198-51-100-2.h1.dyn.example:2222/\"",
                   "direct.h1.dyn.example. A 198.51.100.1",
                   "ip-198-51-100-2.h1.dyn.example. A 198.51.100.2"}));
  // Its own SRV and URI, where its port is known: at the host's name, which has no web service …
  ProviderConfig with_port = provider({"192.0.2.10"});
  with_port.portal_port = 8080;
  EXPECT_EQ(records_of({{"_ssh._tcp", "198.51.100.1", 2222}}, with_port, true),
            (Lines{"h1.dyn.example. A 192.0.2.10",
                   "h1.dyn.example. URI 0 0 \"http://h1.dyn.example:8080/?portal\"",
                   "_http._tcp.h1.dyn.example. SRV 0 0 8080 h1.dyn.example.",
                   "_ssh._tcp.h1.dyn.example. SRV 0 0 2222 direct.h1.dyn.example.",
                   "_ssh._tcp.h1.dyn.example. URI 0 0 \"http://direct.h1.dyn.example:2222/\"",
                   "direct.h1.dyn.example. A 198.51.100.1"}));
  // … or one to which SRV leads straight.
  with_port.portal_port = 443;
  EXPECT_EQ(records_of({{"_https._tcp", "198.51.100.1", 8443}}, with_port, true),
            (Lines{"h1.dyn.example. A 192.0.2.10",
                   "h1.dyn.example. URI 0 0 \"https://h1.dyn.example/?portal\"",
                   "_https._tcp.h1.dyn.example. SRV 0 0 8443 direct.h1.dyn.example.",
                   "_https._tcp.h1.dyn.example. URI 0 0 \"http://direct.h1.dyn.example:8443/\"",
                   "direct.h1.dyn.example. A 198.51.100.1"}));
  EXPECT_EQ(records_of({{"_ssh._tcp", "198.51.100.1", 2222}}, with_port, false).size(), 3U)
      << "the name is the host's own";
  // A second provider that has none.
  EXPECT_EQ(records_of({{"_http._tcp", "198.51.100.1", 8001}}, provider(), true)[0],
            "h1.dyn.example. A 198.51.100.1");
}

TEST(Records, Rfc9460Section9HttpsWhereNoHttpIs) {
  const auto https_of = [](const Lines& all) {
    Lines found;
    for (const std::string& line : all) {
      if (line.find(" HTTPS ") != std::string::npos) found.push_back(line);
    }
    return found;
  };
  const Mapped web{"_https._tcp", "198.51.100.1", 8443, true};
  EXPECT_EQ(https_of(records_of({web}, provider(), false)),
            (Lines{"h1.dyn.example. HTTPS 1 . port=8443"}));
  EXPECT_EQ(https_of(records_of({{"_https._tcp", "198.51.100.1", 443, true}}, provider(), false)),
            (Lines{"h1.dyn.example. HTTPS 1 ."}));
  EXPECT_EQ(https_of(records_of({web}, provider({"192.0.2.10"}), true)),
            (Lines{"direct.h1.dyn.example. HTTPS 1 . port=8443"}))
      << "the portal redirects from port 80 of the name itself";
  EXPECT_EQ(https_of(records_of({web, {"_http._tcp", "198.51.100.1", 80}}, provider(), false)),
            Lines{});
  EXPECT_EQ(https_of(records_of({web, {"_http._tcp", "198.51.100.2", 80}}, provider(), false)),
            (Lines{"h1.dyn.example. HTTPS 1 . port=8443"}))
      << "that is at another name";
  EXPECT_EQ(https_of(records_of({{"_http._tcp", "198.51.100.1", 8001}}, provider(), false)),
            Lines{});
}

TEST(Publisher, Rfc6763PointersStandBesideThoseOfOthers) {
  for (const bool replace : {false, true}) {
    Host host(replace);
    host.web.instance = "Web: h1.";
    host.want(external("198.51.100.1", 8001), {});
    auto message = host.begin({});
    ASSERT_TRUE(message);
    constexpr const char* INSTANCE = R"(Web:\032h1\.._http._tcp.dyn.example.)";
    const std::string pointer = std::string("add 60 _http._tcp.dyn.example. PTR ") + INSTANCE;
    const Lines prerequisites = lines(message->answer);
    const Lines changes = lines(message->authority);
    EXPECT_EQ(std::ranges::count(changes, pointer), 1) << ::testing::PrintToString(changes);
    EXPECT_EQ(std::ranges::count(
                  changes, std::string("add 60 ") + INSTANCE + " SRV 0 0 8001 h1.dyn.example."),
              1);
    EXPECT_EQ(std::ranges::count(prerequisites, "none _http._tcp.dyn.example. PTR"), 0);
    EXPECT_EQ(std::ranges::count(changes, "erase _http._tcp.dyn.example. PTR"), 0);
    EXPECT_EQ(std::ranges::count(prerequisites, std::string("none ") + INSTANCE + " SRV"),
              replace ? 0 : 1)
        << "an instance is one host's";
    for (const RRsetKey& key : host.publisher.known()) {
      EXPECT_TRUE(may_belong_to(key, host.web, name("dyn.example.")));
    }
    // A key that may change the host alone: the rest is refused apart, and the host is published.
    host.answer({}, Rcode::REFUSED);
    std::size_t accepted = 0;
    while ((message = host.begin({}))) {
      const bool of_the_host = message->authority[0].owner.is_at_or_below(host.web.host);
      for (const Record& record : message->authority) {
        EXPECT_EQ(record.owner.is_at_or_below(host.web.host), of_the_host);
      }
      accepted += of_the_host ? 1 : 0;
      host.answer({}, of_the_host ? Rcode::NOERROR : Rcode::REFUSED);
    }
    EXPECT_EQ(accepted, 1U);
  }
}

}  // namespace
}  // namespace pcp_ddns
