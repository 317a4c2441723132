// The default routers, which are asked for mappings when no PCP server is configured (RFC 6887
// §8.1).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/pcp-ddns/config.h"

namespace pcp_ddns {

/// Of IPv4, from the text of /proc/net/route: the gateways of all default routes, lowest metric
/// first. Routes without a gateway are left out.
std::vector<PcpServer> default_routers(std::string_view proc_net_route);
/// The same of IPv6, from the text of /proc/net/ipv6_route. A link-local gateway comes with its
/// interface's index.
std::vector<PcpServer> default_routers_v6(
    std::string_view proc_net_ipv6_route,
    const std::function<std::uint32_t(const std::string& interface)>& index_of);
/// Of this machine, now: those of IPv4 first.
std::vector<PcpServer> default_routers();

}  // namespace pcp_ddns
