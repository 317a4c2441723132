// pcp-ddns check: whether what the configuration names is there. It changes nothing anywhere.
#pragma once

#include <iosfwd>

#include "tools/pcp-ddns/config.h"

namespace pcp_ddns {

/// A line for the state file's folder, each PCP server (or the default router), which is asked by
/// an ANNOUNCE (RFC 6887 §14.1.2), and each provider, whose primary gets a signed UPDATE without
/// updates (RFC 2136 §2.5): "ok …", or "FAILED …" with what to do. Blocks, half a minute at most
/// for each.
/// @return whether all is well: one PCP server that answers is enough
bool check_surroundings(const Config& config, std::ostream& out);

}  // namespace pcp_ddns
