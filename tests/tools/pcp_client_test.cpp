// The PCP client's rules of time, with a clock and a chance that the test makes up.
#include "tools/pcp-ddns/pcp_client.h"

#include <gtest/gtest.h>

#include "tools/pcp-ddns/agent_secret.h"

namespace pcp_ddns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Time START = Time() + std::chrono::hours(1);
const Nonce NONCE{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

Address address(const char* text) { return keys::address_from_text(text).value(); }

/// A client with one mapping or more, and what it has sent.
class Client {
 public:
  explicit Client(std::size_t mappings = 1, double chance = 0.5)
      : chance_(chance), client(address("10.64.0.2"), [this] { return chance_; }) {
    for (std::size_t i = 0; i < mappings; ++i) {
      client.add({.protocol = 6,
                  .internal_port = static_cast<std::uint16_t>(8000 + i),
                  .suggested = {address("0.0.0.0"), static_cast<std::uint16_t>(9000 + i)}},
                 NONCE, START);
    }
  }
  /// What is sent at this time.
  std::vector<PcpRequest> poll(Duration at) {
    std::vector<PcpRequest> sent;
    client.poll(START + at, [&](std::span<const std::uint8_t> octets) {
      sent.push_back(parse_request(octets).value());
    });
    return sent;
  }
  /// Lets time go on until something is sent; when that was. Zero when nothing is sent for a day.
  milliseconds until_sent(PcpRequest* request = nullptr) {
    for (int i = 0; i < 1000; ++i) {
      const Time next = client.next();
      if (next > START + std::chrono::hours(100)) break;
      const auto sent = poll(next - START);
      if (!sent.empty()) {
        if (request != nullptr) *request = sent.front();
        return std::chrono::duration_cast<milliseconds>(next - START);
      }
    }
    return milliseconds(0);
  }
  PcpResponse answer(int port = 9000) const {
    PcpResponse response;
    response.opcode = Opcode::MAP;
    response.lifetime = 1000;
    response.map = {.nonce = NONCE,
                    .protocol = 6,
                    .internal_port = static_cast<std::uint16_t>(port - 1000),
                    .external_port = static_cast<std::uint16_t>(port),
                    .external_address = address("198.51.100.1")};
    return response;
  }
  void receive(const PcpResponse& response, Duration at) {
    client.received(to_wire(response), START + at);
  }
  const Mapping& mapping(std::size_t index = 0) const { return client.mappings()[index]; }

 private:
  double chance_;

 public:
  PcpClient client;
};

TEST(PcpClient, Rfc6887Section8_1_1Retransmission) {
  Client client;
  PcpRequest first;
  EXPECT_EQ(client.until_sent(&first), seconds(0));
  EXPECT_EQ(first.opcode, Opcode::MAP);
  EXPECT_EQ(first.client, address("10.64.0.2"));
  EXPECT_EQ(first.map.nonce, NONCE);
  EXPECT_EQ(first.map.external_port, 9000);
  const int times[] = {3, 9, 21, 45, 93, 189, 381, 765, 1533, 2557, 3581};  // 1024 is the most
  for (const int time : times) {
    PcpRequest again;
    EXPECT_EQ(client.until_sent(&again), seconds(time));
    EXPECT_EQ(again, first) << "the same nonce, and all the rest";
  }
  EXPECT_TRUE(client.client.is_silent(12));
  EXPECT_FALSE(client.client.is_silent(13));
  for (const double chance : {0.0, 1.0}) {
    Client other(1, chance);
    EXPECT_EQ(other.until_sent(), seconds(0));
    EXPECT_EQ(other.until_sent(), chance == 0 ? milliseconds(2700) : milliseconds(3300));
  }
}

TEST(PcpClient, Rfc6887Section11_2_1Renewal) {
  const struct {
    double chance;
    std::vector<int> at;
  } rows[] = {{0, {500, 750, 875, 938, 969, 984, 992, 996}},
              {1, {625, 813, 906, 953, 977, 988, 994, 998}}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.chance);
    Client client(1, row.chance);
    client.poll({});
    client.receive(client.answer(), {});
    EXPECT_EQ(client.mapping().state(), Mapping::State::MAPPED);
    EXPECT_EQ(client.mapping().external(), (External{address("198.51.100.1"), 9000}));
    milliseconds before{0};
    for (const int time : row.at) {
      PcpRequest renewal;
      const milliseconds at = client.until_sent(&renewal);
      EXPECT_NEAR(static_cast<double>(at.count()), time * 1000.0, 600);
      EXPECT_GE(at - before, MIN_BETWEEN_RENEWALS);
      before = at;
      EXPECT_EQ(renewal.map.external_port, 9000);
      EXPECT_EQ(renewal.map.external_address, address("198.51.100.1"));
      EXPECT_TRUE(client.mapping().external());
    }
    // When it is over it is asked for as at first.
    PcpRequest anew;
    EXPECT_EQ(client.until_sent(&anew), seconds(1000));
    EXPECT_FALSE(client.mapping().external());
    EXPECT_EQ(anew.map.external_port, 9000);
    EXPECT_EQ(anew.map.nonce, NONCE);
  }
}

TEST(PcpClient, Rfc6887Section8_5Epoch) {
  const struct {
    const char* clause;
    std::uint32_t server_before, server_now;
    int client_seconds;
    bool valid;
  } rows[] = {
      {"as our clock", 1000, 1100, 100, true},
      {"back by more than one second", 1000, 998, 0, false},
      {"back by one second", 1000, 999, 0, true},
      {"reset", 1000, 0, 100, false},
      {"reset, longer ago than it ran before", 10, 90, 100, false},
      {"a clock that is 1/16 slow", 1000, 1000 + 1500, 1600, true},
      {"slower", 1000, 1000 + 1490, 1600, false},
      {"a clock that is 1/16 fast", 1000, 1000 + 1600, 1500, true},
      {"faster", 1000, 1000 + 1610, 1500, false},
      {"two seconds are nothing", 1000, 1002, 0, true},
      {"three are", 1000, 1003, 0, false},
      {"two seconds of ours", 1000, 1000, 2, true},
      {"three seconds of ours", 1000, 1000, 3, false},
      {"a jump ahead to the uptime", 5, 500000, 10, false},
      {"the last second of the clock", 0xfffffffe, 0xffffffff, 1, true},
      {"beyond it", 0xffffffff, 0, 1, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.clause);
    Epoch epoch;
    EXPECT_TRUE(epoch.accept(row.server_before, START)) << "the first is always right";
    EXPECT_EQ(epoch.accept(row.server_now, START + seconds(row.client_seconds)), row.valid);
    EXPECT_TRUE(epoch.accept(row.server_now, START + seconds(row.client_seconds)));
  }
}

TEST(PcpClient, Rfc6887Section8_5LostStateRenewsAllMappings) {
  Client client(3);
  EXPECT_EQ(client.poll({}).size(), 3U);
  for (const int port : {9000, 9001, 9002}) {
    auto answer = client.answer(port);
    answer.epoch = 5000;
    client.receive(answer, {});
  }
  EXPECT_TRUE(client.poll(seconds(400)).empty());
  auto answer = client.answer(9001);
  answer.map.external_port = 7777;
  answer.epoch = 3;
  client.receive(answer, seconds(400));
  EXPECT_EQ(client.mapping(1).external()->port, 7777);
  const auto sent = client.poll(seconds(400));
  ASSERT_EQ(sent.size(), 2U) << "the one that was answered is of the new state";
  EXPECT_EQ(sent[0].map.internal_port, 8000);
  EXPECT_EQ(sent[1].map.internal_port, 8002);
  EXPECT_TRUE(client.mapping(0).external()) << "what was assigned stays until there is an answer";
}

TEST(PcpClient, Rfc6887Section14_1_3Announcement) {
  for (const double chance : {0.0, 0.999}) {
    Client client(2, chance);
    client.poll({});
    for (const int port : {9000, 9001}) {
      auto answer = client.answer(port);
      answer.epoch = 5000;
      client.receive(answer, {});
    }
    PcpResponse announce;
    announce.opcode = Opcode::ANNOUNCE;
    announce.epoch = 5100;
    client.receive(announce, seconds(100));
    EXPECT_TRUE(client.poll(seconds(106)).empty()) << "the epoch is as it should be";
    announce.epoch = 0;
    client.receive(announce, seconds(200));
    const auto delay = milliseconds(chance == 0 ? 0 : 4995);
    EXPECT_EQ(client.until_sent(), seconds(200) + delay) << "0 to 5 seconds";
    client.receive(announce, seconds(206));  // sent again: within §8.5's bounds no longer
    announce.epoch = 6;
    client.receive(announce, seconds(212));
  }
}

TEST(PcpClient, Rfc6887Section11_4WhatIsNoAnswer) {
  const struct {
    const char* what;
    void (*change)(PcpResponse&);
  } rows[] = {
      {"nonce", [](PcpResponse& r) { r.map.nonce[0] ^= 1; }},
      {"last octet of the nonce", [](PcpResponse& r) { r.map.nonce[11] ^= 1; }},
      {"protocol", [](PcpResponse& r) { r.map.protocol = 17; }},
      {"internal port", [](PcpResponse& r) { r.map.internal_port = 8001; }},
      {"opcode", [](PcpResponse& r) { r.opcode = Opcode::PEER; }},
      {"third party",
       [](PcpResponse& r) { r.options = {third_party_option(address("10.64.0.3"))}; }},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    Client client;
    client.poll({});
    auto answer = client.answer();
    row.change(answer);
    client.receive(answer, {});
    EXPECT_EQ(client.mapping().state(), Mapping::State::ASKING);
    EXPECT_FALSE(client.client.has_answered());
    client.receive(client.answer(), {});
    EXPECT_EQ(client.mapping().state(), Mapping::State::MAPPED);
    row.change(answer = client.answer(9005));
    client.receive(answer, {});
    EXPECT_EQ(client.mapping().external()->port, 9000);
  }
}

TEST(PcpClient, Rfc6887Section7_4Errors) {
  const struct {
    ResultCode result;
    std::uint32_t lifetime;
    int wait;
  } rows[] = {
      {ResultCode::NOT_AUTHORIZED, 1800, 1800},
      {ResultCode::MALFORMED_REQUEST, 0, 30},  // a floor of our own: miniupnpd says 0
      {ResultCode::UNSUPP_OPCODE, 1800, 1800},
      {ResultCode::UNSUPP_OPTION, 0, 30},
      {ResultCode::MALFORMED_OPTION, 0, 30},
      {ResultCode::NETWORK_FAILURE, 30, 30},
      {ResultCode::NO_RESOURCES, 30, 30},
      {ResultCode::UNSUPP_PROTOCOL, 0xffffffff, 86400},  // §15: no longer than a day
      {ResultCode::USER_EX_QUOTA, 1, 4},
      {ResultCode::CANNOT_PROVIDE_EXTERNAL, 30, 30},
      {ResultCode::ADDRESS_MISMATCH, 0, 30},
      {ResultCode::EXCESSIVE_REMOTE_PEERS, 60, 60},
      {static_cast<ResultCode>(200), 30, 30},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(to_text(row.result));
    Client client;
    client.poll({});
    auto answer = client.answer();
    answer.result = row.result;
    answer.lifetime = row.lifetime;
    client.receive(answer, seconds(1));
    EXPECT_EQ(client.mapping().state(), Mapping::State::REFUSED);
    EXPECT_FALSE(client.mapping().external()) << "never from an error";
    EXPECT_EQ(client.mapping().error().substr(0, to_text(row.result).size()), to_text(row.result));
    EXPECT_EQ(client.until_sent(), seconds(1 + row.wait));
    EXPECT_EQ(client.until_sent(), seconds(1 + row.wait + 3)) << "as at first";
    client.receive(client.answer(), seconds(1 + row.wait + 4));
    EXPECT_EQ(client.mapping().error(), "");
  }
}

TEST(PcpClient, ARefusedRenewalKeepsWhatWasAssignedUntilItEnds) {
  Client client(1, 0);
  client.poll({});
  client.receive(client.answer(), {});
  EXPECT_EQ(client.until_sent(), seconds(500));
  auto refusal = client.answer();
  refusal.result = ResultCode::NO_RESOURCES;
  refusal.lifetime = 400;
  refusal.epoch = 500;
  client.receive(refusal, seconds(500));
  EXPECT_EQ(client.mapping().external()->port, 9000);
  EXPECT_EQ(client.until_sent(), seconds(900));
  refusal.epoch = 900;
  client.receive(refusal, seconds(900));
  EXPECT_TRUE(client.poll(seconds(1000)).empty());
  EXPECT_FALSE(client.mapping().external()) << "its lifetime is over";
  EXPECT_EQ(client.until_sent(), seconds(1300));
}

TEST(PcpClient, Rfc6887Section11_4NoResourcesHoldsNewMappings) {
  Client client(3);
  client.poll({});
  client.receive(client.answer(9000), {});
  auto refusal = client.answer(9001);
  refusal.result = ResultCode::NO_RESOURCES;
  refusal.lifetime = 60;
  client.receive(refusal, seconds(1));
  EXPECT_TRUE(client.poll(seconds(10)).empty()) << "the third waits as well";
  EXPECT_EQ(client.poll(seconds(61)).size(), 2U);
}

TEST(PcpClient, Rfc6887Section9OtherVersions) {
  for (const std::uint8_t version : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{3}}) {
    Client client;
    client.poll({});
    const std::uint8_t octets[] = {version, 0x80, 0, 1, 0, 0, 0, 0};
    client.client.received(octets, START);
    EXPECT_EQ(client.client.other_version(), version);
    EXPECT_EQ(client.mapping().error(), version == 0
                                            ? "UNSUPP_VERSION: the server speaks NAT-PMP, not PCP"
                                            : "UNSUPP_VERSION: the server speaks PCP version " +
                                                  std::to_string(version) + " only");
    EXPECT_EQ(client.until_sent(), std::chrono::minutes(30));
    client.receive(client.answer(), std::chrono::minutes(30));
    EXPECT_FALSE(client.client.other_version());
  }
  Client mapped;
  mapped.poll({});
  mapped.receive(mapped.answer(), {});
  const std::uint8_t octets[] = {0, 0x80, 0, 1};
  mapped.client.received(octets, START);
  EXPECT_EQ(mapped.mapping().state(), Mapping::State::MAPPED) << "an answer to nothing";
}

TEST(PcpClient, Rfc6887Section15UnusableSuccess) {
  const struct {
    const char* what;
    void (*change)(PcpResponse&);
  } rows[] = {
      {"lifetime 0", [](PcpResponse& r) { r.lifetime = 0; }},
      {"port 0", [](PcpResponse& r) { r.map.external_port = 0; }},
      {"0.0.0.0", [](PcpResponse& r) { r.map.external_address = address("0.0.0.0"); }},
      {"::", [](PcpResponse& r) { r.map.external_address = address("::"); }},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    Client client;
    client.poll({});
    auto answer = client.answer();
    row.change(answer);
    client.receive(answer, {});
    EXPECT_FALSE(client.mapping().external());
    EXPECT_NE(client.mapping().error(), "");
    EXPECT_EQ(client.until_sent(), seconds(30));
  }
  Client client;
  client.poll({});
  auto answer = client.answer();
  answer.lifetime = 0xffffffff;
  client.receive(answer, {});
  EXPECT_EQ(client.mapping().lifetime(), std::chrono::hours(24));
}

TEST(PcpClient, Rfc6887Section14_2MappingUpdate) {
  Client client;
  client.poll({});
  client.receive(client.answer(), {});
  auto update = client.answer();
  update.map.external_address = address("203.0.113.9");
  update.map.external_port = 4711;
  update.epoch = 100;
  client.receive(update, seconds(100));
  EXPECT_EQ(client.mapping().external(), (External{address("203.0.113.9"), 4711}));
  EXPECT_EQ(client.mapping().expires(), START + seconds(1100));
}

TEST(PcpClient, Rfc7393Section2_3Probe) {
  Client client(3);
  client.client.probe(START);
  EXPECT_EQ(client.poll({}).size(), 3U);
  for (const int port : {9000, 9001, 9002}) client.receive(client.answer(port), {});
  client.client.probe(START + seconds(100));
  const auto sent = client.poll(seconds(100));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].map.internal_port, 8000);
  auto moved = client.answer(9000);
  moved.epoch = 100;  // as it should be: not every server resets it
  moved.map.external_address = address("198.51.100.9");
  client.receive(moved, seconds(100));
  EXPECT_EQ(client.poll(seconds(100)).size(), 2U) << "the others had the same address";
}

TEST(PcpClient, Rfc6887Section15_1Deletion) {
  Client client(2);
  EXPECT_EQ(client.poll({}).size(), 2U);
  client.receive(client.answer(9000), {});
  client.client.remove_all(START + seconds(1));
  client.receive(client.answer(9000), seconds(1));  // comes late
  const auto sent = client.poll(seconds(1));
  ASSERT_EQ(sent.size(), 2U) << "the one without an answer may have been made";
  EXPECT_EQ(sent[0].lifetime, 0U);
  EXPECT_EQ(sent[0].map.external_port, 0);
  EXPECT_EQ(sent[0].map.external_address, Address{});
  EXPECT_EQ(sent[0].map.nonce, NONCE);
  auto gone = client.answer(9000);
  gone.lifetime = 0;
  gone.map.external_port = 0;
  client.receive(gone, seconds(1));
  EXPECT_EQ(client.mapping(0).state(), Mapping::State::ENDED);
  EXPECT_FALSE(client.client.is_finished());
  EXPECT_EQ(client.until_sent(), seconds(4));
  EXPECT_EQ(client.until_sent(), seconds(10));
  EXPECT_EQ(client.until_sent(), seconds(0)) << "three times are enough";
  EXPECT_TRUE(client.client.is_finished());
  Client unsent;
  unsent.client.remove_all(START);
  EXPECT_TRUE(unsent.client.is_finished());
}

/// One mapping, asked for with these.
class OptionsClient {
 public:
  explicit OptionsClient(MapWish wish) : client(address("10.64.0.2"), [] { return 0.5; }) {
    wish.protocol = 6;
    wish.internal_port = 8000;
    wish.suggested = {address("0.0.0.0"), 9000};
    client.add(std::move(wish), NONCE, START);
  }
  std::vector<PcpRequest> poll(Duration at) {
    std::vector<PcpRequest> sent;
    client.poll(START + at, [&](std::span<const std::uint8_t> octets) {
      sent.push_back(parse_request(octets).value());
    });
    return sent;
  }
  /// Answers with this port and the options as they were asked for.
  void answer(std::uint16_t port, Duration at, std::uint32_t lifetime = 1000,
              std::vector<Option> options = {}) {
    PcpResponse response = Client(1).answer(9000);
    response.lifetime = lifetime;
    response.map.external_port = port;
    response.options = std::move(options);
    client.received(to_wire(response), START + at);
  }
  const Mapping& mapping() const { return client.mappings()[0]; }

  PcpClient client;
};

TEST(PcpClient, Rfc6887Section13_2OnePortOrNone) {
  OptionsClient one({.strict = true});
  auto sent = one.poll({});
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].options, std::vector{prefer_failure_option()});
  one.answer(9000, {});
  EXPECT_EQ(one.mapping().external()->port, 9000);
  sent = one.poll(one.client.next() - START);
  ASSERT_EQ(sent.size(), 1U) << "the renewal";
  EXPECT_EQ(sent[0].options, std::vector{prefer_failure_option()});
  EXPECT_EQ(sent[0].map.external_port, 9000);
  EXPECT_EQ(sent[0].map.external_address, address("0.0.0.0")) << "the server may have moved";
}

TEST(PcpClient, Rfc6887Section13_2AServerThatGivesAnotherPort) {
  OptionsClient one({.strict = true});
  one.poll({});
  one.answer(9001, {});
  EXPECT_FALSE(one.mapping().external());
  auto sent = one.poll({});
  ASSERT_EQ(sent.size(), 1U) << "it goes back";
  EXPECT_EQ(sent[0].lifetime, 0U);
  EXPECT_TRUE(sent[0].options.empty());
  one.answer(0, {}, 0);
  EXPECT_TRUE(one.mapping().is_port_refused());
  EXPECT_EQ(one.mapping().error(), "the server gives port 9001 instead of 9000");
  EXPECT_EQ(one.client.next(), START + seconds(30)) << "not in a circle";
  sent = one.poll(seconds(30));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].options, std::vector{prefer_failure_option()});
  one.answer(9000, seconds(30));
  EXPECT_EQ(one.mapping().state(), Mapping::State::MAPPED);
}

TEST(PcpClient, Rfc6887Section13_3FiltersThatTheServerIsSilentAbout) {
  const std::vector<Option> filter{filter_option({120, 0, address("192.0.2.0")})};
  OptionsClient one({.options = filter});
  EXPECT_EQ(one.poll({}).at(0).options, filter);
  one.answer(9000, {});
  EXPECT_TRUE(one.mapping().is_unfiltered());
  one.answer(9000, {}, 1000, filter);
  EXPECT_FALSE(one.mapping().is_unfiltered());
  one.client.remove_all(START);
  EXPECT_TRUE(one.poll({}).at(0).options.empty()) << "MALFORMED_OPTION in a deletion";
}

TEST(PcpClient, ManyMappingsGoOutInBursts) {
  Client client(120);
  EXPECT_EQ(client.poll({}).size(), 50U);
  EXPECT_TRUE(client.poll(milliseconds(19)).empty());
  EXPECT_EQ(client.client.next(), START + milliseconds(20));
  EXPECT_EQ(client.poll(milliseconds(20)).size(), 50U);
  EXPECT_EQ(client.poll(milliseconds(40)).size(), 20U);
  EXPECT_TRUE(client.poll(milliseconds(60)).empty());
}

TEST(PcpClient, NoncesAreOfTheSecretAndTheMapping) {
  const keys::Secret secret = keys::Secret::random(AGENT_SECRET_OCTETS);
  const MappingKey key{address("10.64.0.1"), address("10.64.0.2"), 6, 8000};
  const Nonce nonce = derive_nonce(secret, key);
  EXPECT_EQ(derive_nonce(secret, key), nonce);
  MappingKey others[] = {key, key, key, key};
  others[0].server = address("10.64.0.3");
  others[1].internal = address("10.64.0.3");
  others[2].protocol = 17;
  others[3].internal_port = 8001;
  for (const MappingKey& other : others) EXPECT_NE(derive_nonce(secret, other), nonce);
  EXPECT_NE(derive_nonce(keys::Secret::random(AGENT_SECRET_OCTETS), key), nonce);
}

}  // namespace
}  // namespace pcp_ddns
