// [reachability] of the configuration. Private to config.cpp.
#pragma once

#include "dnsd/config_fields.h"
#include "dnsd/reachability.h"

namespace dnsd {

void read_reachability(ConfigFields& top, ReachabilityRules& rules);

/// Where the server itself is reached: its interfaces, where it listens, and the portal's
/// addresses.
std::vector<keys::Address> own_addresses(const Config& config);

}  // namespace dnsd
