// Which published endpoints are tried, what becomes of them, and who is told.
#include "dnsd/reachability.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <thread>

#include "dispatch_world.h"
#include "dnsd/endpoint.h"
#include "dnsd/published_endpoints.h"
#include "dnsd/reachability_prober.h"
#include "zone_text.h"

namespace dnsd {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using zones::Reachability;
using zones::TransportEndpoint;

keys::Address address(const char* text) { return *keys::address_from_text(text); }

TransportEndpoint endpoint(const char* host, std::uint16_t port,
                           std::uint8_t protocol = zones::ip_protocol::TCP) {
  return {protocol, port, address(host)};
}

keys::AddressRule prefix(const char* text) { return *keys::AddressRule::from_text(text); }

TEST(ReachabilityTable, KeepsTheLastStateAndItsAge) {
  ReachabilityTable table;
  const auto now = std::chrono::steady_clock::now();
  const TransportEndpoint web = endpoint("192.0.2.1", 8001);
  EXPECT_EQ(table.find(web, now).state, Reachability::UNKNOWN);
  table.set(web, Reachability::TRYING, now);
  EXPECT_EQ(table.find(web, now).state, Reachability::TRYING);
  table.set(web, Reachability::REFUSED, now + 5s);
  EXPECT_EQ(table.find(web, now + 65s).state, Reachability::REFUSED);
  EXPECT_EQ(table.find(web, now + 65s).age, 60s);
  EXPECT_EQ(table.find(endpoint("192.0.2.1", 8002), now).state, Reachability::UNKNOWN);
  EXPECT_EQ(table.find(endpoint("192.0.2.2", 8001), now).state, Reachability::UNKNOWN);
  EXPECT_EQ(table.find(endpoint("192.0.2.1", 8001, zones::ip_protocol::UDP), now).state,
            Reachability::UNKNOWN);
  table.set(web, Reachability::UNKNOWN, now + 70s);
  EXPECT_EQ(table.find(web, now + 70s).state, Reachability::UNKNOWN);
}

TEST(ReachabilityTable, TheOlderResultGivesWay) {
  ReachabilityTable table(2);
  const auto now = std::chrono::steady_clock::now();
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const TransportEndpoint one = endpoint("192.0.2.1", port);
    table.set(one, Reachability::ANSWERED, now + std::chrono::seconds(port));
    EXPECT_EQ(table.find(one, now + 200s).state, Reachability::ANSWERED) << port;
  }
  int known = 0;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    known += table.find(endpoint("192.0.2.1", port), now + 200s).state != Reachability::UNKNOWN;
  }
  EXPECT_LE(known, 2);
}

TEST(ReachabilityTable, ThreadsReadWhatOthersWrite) {
  ReachabilityTable table(64);
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&table, now, thread] {
      for (std::uint16_t i = 0; i < 5'000; ++i) {
        const TransportEndpoint one = endpoint("192.0.2.1", i % 100);
        if (thread % 2 == 0) {
          table.set(one, static_cast<Reachability>(i % 5), now);
        } else {
          EXPECT_LE(table.find(one, now).state, Reachability::SILENT);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ReachabilityRules, OnlyTheProvenSourceItselfOrTheOperatorsNetworks) {
  struct Row {
    const char* what;
    TransportEndpoint endpoint;
    const char* source;
    bool proven;
    bool permitted;
  };
  const Row rows[] = {
      {"the source itself", endpoint("8.8.8.8", 8001), "8.8.8.8", true, true},
      {"… over IPv6", endpoint("2a00::1", 8001), "2a00::1", true, true},
      {"… that may be forged", endpoint("8.8.8.8", 8001), "8.8.8.8", false, false},
      {"somebody else", endpoint("8.8.4.4", 8001), "8.8.8.8", true, false},
      {"a private source", endpoint("10.0.0.1", 8001), "10.0.0.1", true, false},
      {"loopback", endpoint("127.0.0.1", 8001), "127.0.0.1", true, false},
      {"the server itself", endpoint("9.9.9.9", 8001), "9.9.9.9", true, false},
      {"a network", endpoint("198.51.100.7", 8001), "8.8.8.8", true, true},
      {"… whoever says so", endpoint("198.51.100.7", 8001), "8.8.8.8", false, true},
      {"… beside it", endpoint("198.51.104.7", 8001), "8.8.8.8", true, false},
      {"UDP", endpoint("198.51.100.7", 8001, zones::ip_protocol::UDP), "8.8.8.8", true, false},
      {"another port", endpoint("198.51.100.7", 80), "8.8.8.8", true, false},
      {"no port", endpoint("198.51.100.7", 0), "8.8.8.8", true, false},
  };
  ReachabilityRules rules{.enabled = true,
                          .networks = {prefix("198.51.100.0/22")},
                          .ports = {{1024, 65535}},
                          .own = {address("9.9.9.9")}};
  for (const Row& row : rows) {
    EXPECT_EQ(rules.permit(row.endpoint, address(row.source), row.proven), row.permitted)
        << row.what;
  }
  rules.enabled = false;
  for (const Row& row : rows) {
    EXPECT_FALSE(rules.permit(row.endpoint, address(row.source), row.proven)) << row.what;
  }
}

TEST(ReachabilityRules, APrefixOfAllIpv6IsNotOneOfIpv4) {
  const ReachabilityRules rules{.enabled = true, .networks = {prefix("::/0")}};
  EXPECT_TRUE(rules.permit(endpoint("2001:db8::1", 80), address("192.0.2.1"), false));
  EXPECT_FALSE(rules.permit(endpoint("192.0.2.1", 80), address("192.0.2.1"), false));
}

constexpr std::string_view PUBLISHED = R"(
@            60 SOA  ns host 1 2 3 4 5
@            60 NS   ns
h            60 A    127.0.0.1
h            60 AAAA ::1
_http._tcp.h 60 SRV 0 0 8001 h
_HTTP._TCP.g 60 SRV 0 0 8002 h
_sip._udp.h  60 SRV 0 0 5060 h
_no._tcp.h   60 SRV 0 0 0 h
_off._tcp.h  60 SRV 0 0 1 .
_far._tcp.h  60 SRV 0 0 8003 h.elsewhere.
)";

TEST(PublishedEndpoints, EachSrvRecordOfTcpWithEachAddressOfItsTarget) {
  zones::CatalogueBuilder builder;
  test::add_zone(builder, "e.", PUBLISHED);
  const zones::Catalogue catalogue = builder.freeze();
  struct Row {
    const char* owner;
    const char* srv;
    std::size_t endpoints;
  };
  const Row rows[] = {
      {"_http._tcp.h.e.", "0 0 8001 h.e.", 2},
      {"_http._tcp.g.e.", "0 0 8002 H.e.", 2},
      {"_http._tcp.h.e.", "0 0 8009 h.e.", 0},  // not there any more
      {"_sip._udp.h.e.", "0 0 5060 h.e.", 0},   // UDP does not tell
      {"_no._tcp.h.e.", "0 0 0 h.e.", 0},
      {"_off._tcp.h.e.", "0 0 1 .", 0},
      {"_far._tcp.h.e.", "0 0 8003 h.elsewhere.", 0},
      {"h.e.", "0 0 8001 h.e.", 0},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.owner);
    zones::Record srv = test::record(row.owner, zones::Type::SRV, row.srv);
    const zones::Message message = test::update("e.", {srv});
    const auto known = published_endpoints(catalogue, message, {});
    ASSERT_EQ(known.size(), row.endpoints);
    for (const auto& one : known) EXPECT_FALSE(one.is_new);
    for (const char* text : {row.owner, "h.e."}) {
      const zones::Name touched = test::name(text);
      for (const auto& one : published_endpoints(catalogue, message, std::span(&touched, 1))) {
        EXPECT_TRUE(one.is_new) << text;
      }
    }
    srv.rrclass = zones::Class::NONE;  // a deletion
    EXPECT_TRUE(published_endpoints(catalogue, test::update("e.", {srv}), {}).empty());
  }
}

TEST(PublishedEndpoints, NoMoreThanSomeOfOneUpdate) {
  zones::CatalogueBuilder builder;
  std::string zone(PUBLISHED);
  std::vector<zones::Record> records;
  for (int port = 10'000; port < 10'090; ++port) {
    const std::string srv = "0 0 " + std::to_string(port) + " h";
    zone += "_many._tcp.h 60 SRV " + srv + "\n";
    records.push_back(test::record("_many._tcp.h.e.", zones::Type::SRV, srv + ".e."));
  }
  test::add_zone(builder, "e.", zone);
  const zones::Catalogue catalogue = builder.freeze();
  EXPECT_EQ(published_endpoints(catalogue, test::update("e.", records), {}).size(),
            MAX_PUBLISHED_ENDPOINTS);
}

/// A listener on loopback, and what the prober needs to be sent there.
struct ProberTest : ::testing::Test {
  ProberTest() { rules.networks = {prefix("127.0.0.0/8")}; }

  /// Publishes an SRV record to the port that was not there before.
  void publish(std::uint16_t to, bool is_new = true, const std::string& host = "127.0.0.1") {
    zones::CatalogueBuilder builder;
    const std::string srv = "0 0 " + std::to_string(to) + " h";
    test::add_zone(builder, "e.",
                   "@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nh 60 A " + host +
                       "\n_http._tcp.h 60 SRV " + srv + "\n");
    const zones::Catalogue catalogue = builder.freeze();
    const zones::Message message =
        test::update("e.", {test::record("_http._tcp.h.e.", zones::Type::SRV, srv + ".e.")});
    std::vector<zones::Name> touched;
    if (is_new) touched.push_back(message.authority.front().owner);
    const std::function<bool(zones::NameView)> may_change = [this](zones::NameView target) {
      EXPECT_EQ(target.to_text(), "h.e.");
      return may_change_target;
    };
    prober->consider({catalogue, rules, message, touched, SOURCE, false, may_change});
  }
  Reachability state_of(std::uint16_t to) const {
    return prober->table()->find(endpoint("127.0.0.1", to), std::chrono::steady_clock::now()).state;
  }
  /// Once it is decided.
  Reachability result_of(std::uint16_t to) const {
    Reachability state = state_of(to);
    for (int i = 0; i < 6'000 && state == Reachability::TRYING; ++i) {
      std::this_thread::sleep_for(10ms);
      state = state_of(to);
    }
    return state;
  }

  bool may_change_target = true;
  inline static const keys::Address SOURCE = address("192.0.2.1");
  ReachabilityRules rules{.enabled = true, .address_rate = 60'000};
  std::unique_ptr<ReachabilityProber> prober = std::make_unique<ReachabilityProber>(
      ProberLimits{.in_flight = 2, .queue = 4, .timeout = 20s});
  boost::asio::io_context context;
  tcp::acceptor acceptor{context, {boost::asio::ip::address_v4::loopback(), 0}};
  const std::uint16_t port = acceptor.local_endpoint().port();
};

TEST_F(ProberTest, WhatListensAnswered) {
  prober->start();
  publish(port);
  EXPECT_EQ(result_of(port), Reachability::ANSWERED);
  EXPECT_EQ(prober->counters().tried, 1U);
  EXPECT_EQ(prober->counters().answered, 1U);
  // Nothing was sent, and it is gone.
  tcp::socket peer = acceptor.accept();
  char octet = 0;
  boost::system::error_code ended;
  peer.read_some(boost::asio::buffer(&octet, 1), ended);
  EXPECT_EQ(ended, boost::asio::error::eof);
}

TEST_F(ProberTest, AHostThatIsAnothersIsNotTriedAndKeepsItsResult) {
  prober->start();
  may_change_target = false;
  publish(port);
  EXPECT_EQ(result_of(port), Reachability::UNKNOWN);
  may_change_target = true;
  publish(port);
  EXPECT_EQ(result_of(port), Reachability::ANSWERED);
  may_change_target = false;
  publish(port);
  EXPECT_EQ(result_of(port), Reachability::ANSWERED);
  EXPECT_EQ(prober->counters().tried, 1U);
  EXPECT_EQ(prober->counters().skipped_by_rule, 2U);
}

TEST_F(ProberTest, AClosedPortRefused) {
  prober->start();
  acceptor.close();
  publish(port);
  EXPECT_EQ(result_of(port), Reachability::REFUSED);
  EXPECT_EQ(prober->counters().refused, 1U);
}

TEST_F(ProberTest, WhatDropsIsSilent) {
  prober = std::make_unique<ReachabilityProber>(ProberLimits{.timeout = 200ms});
  // A full backlog drops what comes.
  tcp::acceptor full(context, tcp::v4());
  full.bind({boost::asio::ip::address_v4::loopback(), 0});
  full.listen(0);
  std::vector<tcp::socket> held;
  for (int i = 0; i < 4; ++i) {
    held.emplace_back(context, tcp::v4());
    held.back().non_blocking(true);
    static_cast<void>(::connect(held.back().native_handle(), full.local_endpoint().data(),
                                static_cast<socklen_t>(full.local_endpoint().size())));
  }
  held.front().wait(tcp::socket::wait_write);  // the one that there is room for
  prober->start();
  publish(full.local_endpoint().port());
  EXPECT_EQ(result_of(full.local_endpoint().port()), Reachability::SILENT);
  EXPECT_EQ(prober->counters().silent, 1U);
}

TEST_F(ProberTest, WhatIsThereAlreadyIsTriedOnceAnHour) {
  prober->start();
  publish(port, false);
  EXPECT_EQ(result_of(port), Reachability::ANSWERED);
  publish(port, false);
  EXPECT_EQ(prober->counters().tried, 1U);
  publish(port, true);
  EXPECT_EQ(result_of(port), Reachability::ANSWERED);
  EXPECT_EQ(prober->counters().tried, 2U);
}

TEST_F(ProberTest, WhatMayNotBeTriedIsForgotten) {
  prober->start();
  publish(port);
  EXPECT_EQ(result_of(port), Reachability::ANSWERED);
  rules.networks.clear();
  publish(port);
  EXPECT_EQ(state_of(port), Reachability::UNKNOWN);
  EXPECT_EQ(prober->counters().tried, 1U);
  EXPECT_EQ(prober->counters().skipped_by_rule, 1U);
}

TEST_F(ProberTest, NoMoreThanTheQueueHolds) {
  for (std::uint16_t other = 1; other <= 50; ++other) publish(other);  // it does not run yet
  EXPECT_EQ(prober->counters().skipped_by_limit, 44U);
  EXPECT_EQ(state_of(6), Reachability::TRYING);
  EXPECT_EQ(state_of(7), Reachability::UNKNOWN);
}

TEST_F(ProberTest, NoMoreOfOneAddressThanItsRate) {
  prober = std::make_unique<ReachabilityProber>();
  rules.address_rate = 1;
  for (std::uint16_t other = 1; other <= 60; ++other) publish(other);
  EXPECT_GE(prober->counters().skipped_by_limit, 40U);
  EXPECT_EQ(state_of(8), Reachability::TRYING);
  EXPECT_EQ(state_of(60), Reachability::UNKNOWN);
}

TEST_F(ProberTest, NoMoreThanTheRateInTotal) {
  prober = std::make_unique<ReachabilityProber>();
  rules.rate = 1;
  for (int host = 1; host <= 60; ++host) publish(port, true, "127.0.0." + std::to_string(host));
  EXPECT_GE(prober->counters().skipped_by_limit, 20U);
}

struct OptionWorld : test::World {
  OptionWorld() {
    auto policy = std::make_shared<Policy>(*test::make_test_policy());
    policy->reachability = table;
    writer->set_policy(policy);
  }
  std::shared_ptr<ReachabilityTable> table = std::make_shared<ReachabilityTable>();
};

test::Octets ask(test::World& world, const test::Octets& data) {
  return world.ask(zones::to_wire(test::with_option(test::query("www.example.org.", zones::Type::A),
                                                    zones::OptionCode::REACHABILITY, data)));
}

TEST(ReachabilityDispatch, AnybodyIsToldTheStateAndItsAge) {
  OptionWorld world;
  const TransportEndpoint web = endpoint("192.0.2.1", 8001);
  world.table->set(web, Reachability::REFUSED, std::chrono::steady_clock::now() - 10s);
  struct Row {
    TransportEndpoint endpoint;
    Reachability state;
  };
  for (const Row& row :
       {Row{web, Reachability::REFUSED}, Row{endpoint("2001:db8::1", 1), Reachability::UNKNOWN}}) {
    const test::Octets answer = ask(world, zones::reachability_request_data(row.endpoint));
    EXPECT_EQ(test::rcode_of(answer), zones::Rcode::NOERROR);
    const auto data = test::option_of(answer, zones::OptionCode::REACHABILITY);
    ASSERT_TRUE(data);
    const auto told = zones::read_reachability_answer(*data);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->endpoint, row.endpoint);
    EXPECT_EQ(told->state, row.state);
  }
}

TEST(ReachabilityDispatch, AnotherUseOfTheOptionIsNoError) {
  OptionWorld world;
  for (const std::size_t size : {0, 1, 3, 6, 8, 12, 20, 300}) {
    const test::Octets answer = ask(world, test::Octets(size, 1));
    EXPECT_EQ(test::rcode_of(answer), zones::Rcode::NOERROR) << size;
    EXPECT_FALSE(test::option_of(answer, zones::OptionCode::REACHABILITY)) << size;
  }
}

TEST(ReachabilityDispatch, WhoTriesNothingDoesNotKnowTheOption) {
  test::World world;
  const test::Octets answer =
      ask(world, zones::reachability_request_data(endpoint("192.0.2.1", 8001)));
  EXPECT_EQ(test::rcode_of(answer), zones::Rcode::NOERROR);
  EXPECT_FALSE(test::option_of(answer, zones::OptionCode::REACHABILITY));
}

}  // namespace
}  // namespace dnsd
