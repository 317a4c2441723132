// Whom the agent asks for mappings, and in which order.
#include <gtest/gtest.h>

#include "tools/pcp-ddns/ways.h"

namespace pcp_ddns {
namespace {

using std::chrono::minutes;

const Time START = Time() + std::chrono::hours(1);

Address address(const char* text) { return keys::address_from_text(text).value(); }

std::string names(const std::vector<Way>& ways) {
  std::string text;
  for (const Way& way : ways) text.append(text.empty() ? "" : ", ").append(to_text(way));
  return text;
}

TEST(Ways, Listed) {
  const PcpServer router{address("10.64.0.1")};
  const PcpServer router_v6{address("fe80::1"), PCP_SERVER_PORT, 3};
  const struct {
    const char* what;
    std::vector<const char*> servers;
    std::vector<Protocol> protocols;
    Surroundings surroundings;
    const char* ways;
  } rows[] = {
      {"configured servers alone",
       {"10.0.0.1", "10.0.0.2"},
       {},
       {{router}, address("10.64.0.2"), {}},
       "PCP server 10.0.0.1, PCP server 10.0.0.2"},
      {"configured, and old", {"10.0.0.1"}, {Protocol::NAT_PMP}, {}, "NAT-PMP server 10.0.0.1"},
      {"RFC 6887 §8.1, RFC 7723: router, then anycast",
       {},
       {},
       {{router}, address("10.64.0.2"), {}},
       "PCP server 10.64.0.1, NAT-PMP server 10.64.0.1, PCP server 192.0.0.9, UPnP gateway"},
      {"IPv6 only: NAT-PMP and UPnP are of IPv4",
       {},
       {},
       {{router_v6}, {}, address("fd00::2")},
       "PCP server fe80::1%3, PCP server 2001:1::1"},
      {"a host with an address of its own",
       {},
       {},
       {{router}, address("11.0.0.2"), {}},
       "PCP server 10.64.0.1, NAT-PMP server 10.64.0.1, PCP server 192.0.0.9, UPnP gateway, "
       "this host's own address"},
      {"RFC 6333 §5.7: inside of DS-Lite",
       {},
       {Protocol::PCP},
       {{}, address("192.0.0.2"), {}},
       "PCP server 192.0.0.1, PCP server 192.0.0.9"},
      {"chosen", {}, {Protocol::UPNP}, {{router}, address("10.64.0.2"), {}}, "UPnP gateway"},
      {"nowhere", {}, {}, {}, ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    PcpConfig config;
    for (const char* server : row.servers) config.servers.push_back({address(server)});
    config.protocols = row.protocols;
    EXPECT_EQ(names(list_ways(config, row.surroundings)), row.ways);
  }
}

std::vector<Way> three_ways() {
  return {{Protocol::PCP, {address("10.0.0.1")}},
          {Protocol::PCP, {address("10.0.0.2")}},
          {Protocol::UPNP, {}}};
}

TEST(Ways, ConfiguredOnesAreAskedRoundAndRound) {
  WayWalk walk;
  walk.begin(three_ways());
  for (const char* name : {"PCP server 10.0.0.1", "PCP server 10.0.0.2", "UPnP gateway",
                           "PCP server 10.0.0.1", "PCP server 10.0.0.2"}) {
    EXPECT_EQ(to_text(walk.current()), name);
    EXPECT_TRUE(walk.may_move_on(START));
    walk.move_on(START, Duration::zero());
  }
}

TEST(Ways, AfterARoundTheBestIsKeptForAWhile) {
  const struct {
    const char* what;
    int answered;  // -1: none
    int worked;
    const char* rests_at;
  } rows[] = {
      {"nobody answers", -1, -1, "PCP server 10.0.0.1"},
      {"one refuses", 1, -1, "PCP server 10.0.0.2"},
      {"one has given mappings", 1, 2, "UPnP gateway"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    WayWalk walk;
    walk.begin(three_ways());
    for (int i = 0; i < 3; ++i) {
      if (i == row.answered) walk.answered();
      if (i == row.worked) walk.worked();
      EXPECT_TRUE(walk.may_move_on(START));
      walk.move_on(START, minutes(10));
    }
    EXPECT_EQ(to_text(walk.current()), row.rests_at);
    EXPECT_FALSE(walk.may_move_on(START + minutes(9)));
    EXPECT_TRUE(walk.may_move_on(START + minutes(10)));
    walk.move_on(START + minutes(10), minutes(10));
    EXPECT_EQ(to_text(walk.current()), "PCP server 10.0.0.1");
    EXPECT_TRUE(walk.may_move_on(START + minutes(10)));
  }
}

TEST(Ways, OneServerIsNeverLeft) {
  WayWalk walk;
  walk.begin({{Protocol::PCP, {address("10.0.0.1")}}});
  EXPECT_FALSE(walk.may_move_on(START));
  walk.use_nat_pmp();
  EXPECT_EQ(to_text(walk.current()), "NAT-PMP server 10.0.0.1");
  EXPECT_EQ(names(walk.listed()), "PCP server 10.0.0.1");
}

}  // namespace
}  // namespace pcp_ddns
