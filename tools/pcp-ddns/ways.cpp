#include "tools/pcp-ddns/ways.h"

#include <algorithm>

#include "tools/pcp-ddns/default_router.h"
#include "tools/pcp-ddns/pcp_socket.h"

namespace pcp_ddns {
namespace {

constexpr Address ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
}

constexpr Address ANYCAST_V4 = ipv4(192, 0, 0, 9);  // RFC 7723 §4
constexpr Address AFTR = ipv4(192, 0, 0, 1);        // RFC 6333 §5.7

/// 192.0.0.0/29: inside of a DS-Lite tunnel (RFC 6333 §5.7).
bool is_b4(const Address& address) {
  Address first = address;
  first[15] &= 0xf8;
  return first == ipv4(192, 0, 0, 0);
}

}  // namespace

std::string to_text(const Way& way) {
  switch (way.protocol) {
    case Protocol::PCP:
      return "PCP server " + to_text(way.server);
    case Protocol::NAT_PMP:
      return "NAT-PMP server " + to_text(way.server);
    case Protocol::UPNP:
      return "UPnP gateway";
    case Protocol::INTERFACE:
      return "this host's own address";
  }
  return {};
}

Surroundings look_around(boost::asio::io_context& context) {
  return {.routers = default_routers(),
          .local_v4 = PcpSocket::local_towards(context, {ANYCAST_V4, PCP_SERVER_PORT}),
          .local_v6 = PcpSocket::local_towards(context, {PCP_ANYCAST_V6, PCP_SERVER_PORT})};
}

std::vector<Way> list_ways(const PcpConfig& config, const Surroundings& surroundings) {
  std::vector<Way> ways;
  const auto add = [&](Protocol protocol, const PcpServer& server) {
    const Way way{protocol, server};
    if (config.uses(protocol) && std::ranges::find(ways, way) == ways.end()) ways.push_back(way);
  };
  if (!config.servers.empty()) {
    for (const PcpServer& server : config.servers) {
      // Where both may be used, a server that knows NAT-PMP only says so.
      add(config.uses(Protocol::PCP) ? Protocol::PCP : Protocol::NAT_PMP, server);
    }
    return ways;
  }
  for (const PcpServer& router : surroundings.routers) {
    add(Protocol::PCP, router);
    if (keys::is_ipv4(router.address)) add(Protocol::NAT_PMP, router);
  }
  const auto& [routers, local_v4, local_v6] = surroundings;
  if (local_v4 && is_b4(*local_v4)) add(Protocol::PCP, {AFTR, PCP_SERVER_PORT});
  if (local_v4) add(Protocol::PCP, {ANYCAST_V4, PCP_SERVER_PORT});
  if (local_v6) add(Protocol::PCP, {PCP_ANYCAST_V6, PCP_SERVER_PORT});
  if (local_v4) add(Protocol::UPNP, {});
  const bool global =
      (local_v4 && keys::is_global(*local_v4)) || (local_v6 && keys::is_global(*local_v6));
  if (global) add(Protocol::INTERFACE, {});
  return ways;
}

void WayWalk::begin(std::vector<Way> ways) {
  listed_ = ways;
  ways_ = std::move(ways);
  at_ = 0;
  worked_.reset();
  answered_.reset();
  settled_until_ = {};
}

void WayWalk::answered() {
  if (!answered_) answered_ = at_;
}

bool WayWalk::may_move_on(Time now) const { return ways_.size() > 1 && now >= settled_until_; }

void WayWalk::move_on(Time now, Duration rest) {
  if (settled_until_ != Time{}) {  // the rest is over
    settled_until_ = {};
    at_ = 0;
    return;
  }
  if (++at_ < ways_.size()) return;
  at_ = 0;
  if (rest == Duration::zero()) return;
  settled_until_ = now + rest;
  if (worked_) {
    at_ = *worked_;
  } else if (answered_) {
    at_ = *answered_;
  }
}

}  // namespace pcp_ddns
