// Which external ports are exchanged for others, and how often that is tried.
#include <gtest/gtest.h>

#include <set>

#include "tools/pcp-ddns/port_rules.h"

namespace pcp_ddns {
namespace {

const Time START = Time() + std::chrono::hours(1);
constexpr std::uint8_t TCP = 6;
constexpr std::uint8_t UDP = 17;

Address address(const char* text) { return keys::address_from_text(text).value(); }

TEST(PortRules, BadPortsOfTheFetchStandard) {
  for (const int port : {1, 22, 80 - 1, 2049, 5060, 5061, 6000, 6566, 6665, 6669, 6697, 10080}) {
    EXPECT_TRUE(is_refused_by_browsers(static_cast<std::uint16_t>(port))) << port;
  }
  for (const int port : {80, 443, 1024, 8000, 8080, 6670, 10081, 65535}) {
    EXPECT_FALSE(is_refused_by_browsers(static_cast<std::uint16_t>(port))) << port;
  }
}

/// A client of two mappings with the same internal port, TCP and UDP, and a server.
class Pair {
 public:
  explicit Pair(std::set<std::pair<int, int>> taken, bool web = false) : taken_(std::move(taken)) {
    for (const std::uint8_t protocol : {TCP, UDP}) {
      client.add(
          {.protocol = protocol, .internal_port = 8000, .suggested = {address("0.0.0.0"), 8000}},
          {protocol}, START);
      rules.add(web, protocol == UDP ? std::optional<std::size_t>(0) : std::nullopt);
    }
  }
  /// Until there are renewals alone to be sent. @return how many requests there were
  int run() {
    int count = 0;
    while (count < 1000) {
      std::vector<PcpRequest> sent;
      client.poll(now, [&](std::span<const std::uint8_t> octets) {
        sent.push_back(parse_request(octets).value());
      });
      for (const PcpRequest& request : sent) client.received(to_wire(answer(request)), now);
      rules.apply(client, now);
      count += static_cast<int>(sent.size());
      if (client.next() > now + std::chrono::minutes(1)) break;
      now = std::max(now, client.next());
    }
    return count;
  }
  int port(std::size_t index) const {
    const auto& external = client.mappings()[index].external();
    return external ? external->port : 0;
  }

  Time now = START;
  PcpClient client{address("10.64.0.2"), [] { return 0.5; }};
  PortRules rules{[this] { return (chance_ += 7) % 100 / 100.0; }};
  bool keeps_strictly = true;  // as RFC 6887 §13.2 says, and miniupnpd does not

 private:
  PcpResponse answer(const PcpRequest& request) {
    PcpResponse response;
    response.opcode = Opcode::MAP;
    response.epoch =
        1000 + static_cast<std::uint32_t>(
                   std::chrono::duration_cast<std::chrono::seconds>(now - START).count());
    response.map = request.map;
    response.options = request.options;
    const int protocol = request.map.protocol;
    if (request.lifetime == 0) {
      mapped_.erase(protocol);
      response.map.external_port = 0;
      return response;
    }
    int port = mapped_.contains(protocol) ? mapped_[protocol] : request.map.external_port;
    while (!mapped_.contains(protocol) && taken_.contains({protocol, port})) ++port;
    if (!request.options.empty() && keeps_strictly && port != request.map.external_port) {
      response.result = ResultCode::CANNOT_PROVIDE_EXTERNAL;
      response.lifetime = 30;
      return response;
    }
    mapped_[protocol] = port;
    response.lifetime = 3600;
    response.map.external_port = static_cast<std::uint16_t>(port);
    response.map.external_address = address("198.51.100.1");
    return response;
  }

  std::set<std::pair<int, int>> taken_;
  std::map<int, int> mapped_;
  int chance_ = 0;
};

TEST(PortRules, TcpAndUdpGetTheSamePort) {
  std::set<std::pair<int, int>> all_of_udp;
  for (int port = 1; port < 60000; ++port) all_of_udp.emplace(UDP, port);
  const struct {
    const char* what;
    std::set<std::pair<int, int>> taken;
    bool web;
    bool equal;
  } rows[] = {
      {"nothing taken", {}, false, true},
      {"taken for UDP", {{UDP, 8000}}, false, true},
      {"taken for TCP", {{TCP, 8000}}, false, true},
      {"taken for both, and more", {{UDP, 8000}, {TCP, 8000}, {TCP, 8001}}, false, true},
      {"nothing to be had", all_of_udp, false, false},
      {"a port that browsers refuse", {{TCP, 8000}, {UDP, 8000}}, true, true},
  };
  for (const bool strict : {true, false}) {
    for (const auto& row : rows) {
      SCOPED_TRACE(std::string(row.what) + (strict ? "" : ", PREFER_FAILURE is ignored"));
      Pair pair(row.taken, row.web);
      pair.keeps_strictly = strict;
      EXPECT_LT(pair.run(), 60);
      EXPECT_NE(pair.port(0), 0);
      EXPECT_NE(pair.port(1), 0);
      EXPECT_EQ(pair.port(0) == pair.port(1), row.equal);
      for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
        EXPECT_TRUE(pair.rules.is_settled(pair.client, index));
        EXPECT_EQ(pair.client.mappings()[index].request(address("10.64.0.2")).options,
                  std::vector<Option>{})
            << "a renewal is not strict";
      }
    }
  }
}

}  // namespace
}  // namespace pcp_ddns
