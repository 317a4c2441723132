// Published endpoints: where a connection can be tried that an update has just published. Pure.
#pragma once

#include <span>
#include <vector>

#include "zones/message.h"
#include "zones/name.h"
#include "zones/reachability.h"
#include "zones/snapshot.h"

namespace dnsd {

struct PublishedEndpoint {
  zones::Name target;  // whose address it is
  zones::TransportEndpoint endpoint;
  bool is_new = false;  // the update changed the SRV or the address; else it was there before
};

/// No more of one update are looked at.
constexpr std::size_t MAX_PUBLISHED_ENDPOINTS = 64;

/// Endpoints of the SRV records at `_service._tcp.name` that the update section adds: the port,
/// with each address that the zones have for the target.
/// @param catalogue  as the update left it; what it removed again is left out
/// @param touched    names whose records it changed
std::vector<PublishedEndpoint> published_endpoints(const zones::Catalogue& catalogue,
                                                   const zones::Message& update,
                                                   std::span<const zones::Name> touched);

/// The addresses of a host as the zones have them, IPv4 mapped into IPv6.
std::vector<std::array<std::uint8_t, 16>> zone_addresses(const zones::Catalogue& catalogue,
                                                         zones::NameView host);

}  // namespace dnsd
