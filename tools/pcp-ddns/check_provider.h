// What `pcp-ddns check` finds at a provider.
#pragma once

#include <boost/asio/ip/udp.hpp>
#include <iosfwd>
#include <optional>
#include <vector>

#include "tools/pcp-ddns/config.h"
#include "tools/pcp-ddns/mapping.h"

namespace pcp_ddns {

struct ProviderFinding {
  bool well = false;                                     // nothing is missing
  std::optional<boost::asio::ip::udp::endpoint> server;  // a name server that takes updates
  std::vector<External> published;                       // endpoints of the services there, now
};

/// Whether it answers and knows the key, and what it saw when it tried the endpoints that are
/// published there. Prints a line for each, as it is found; changes nothing.
/// @param index  of the provider
ProviderFinding check_provider(const Config& config, std::size_t index, std::ostream& out);

}  // namespace pcp_ddns
