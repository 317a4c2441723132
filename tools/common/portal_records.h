// The records by which a host's name says that, and how, it leads to the provider's portal (RFC
// 7393 §3.3): beside the portal's addresses, SRV and URI with its port.
#pragma once

#include <cstdint>

#include "zones/name.h"
#include "zones/rdata.h"

namespace tools {

struct PortalRecords {
  zones::Name service;  // _http._tcp.h1.dyn.example., or _https; where `srv` is. The root
                        // when the host is too long for that, and then there is none
  zones::Rdata srv;     // 0 0 80 h1.dyn.example.
  zones::Rdata uri;     // 0 0 "http://h1.dyn.example/?portal", at the host itself
};

/// @param port  443 is https, all others are http
PortalRecords portal_records(const zones::Name& host, std::uint16_t port);

}  // namespace tools
