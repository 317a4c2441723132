// The default router, which is asked for mappings when no PCP server is configured (RFC 6887 §8.1).
#pragma once

#include <optional>
#include <string_view>

#include "tools/pcp-ddns/pcp_message.h"

namespace pcp_ddns {

/// Of IPv4, from the text of /proc/net/route: the gateway of the default route with the lowest
/// metric. Empty when there is none, or it has no gateway.
std::optional<Address> default_router(std::string_view proc_net_route);
/// The same of this machine, now.
std::optional<Address> default_router();

}  // namespace pcp_ddns
