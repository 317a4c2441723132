// Reached: which of a name's services answered when the server tried them (reachability.h).
#pragma once

#include <string>
#include <string_view>

#include "dnsd/http/services.h"
#include "dnsd/reachability.h"

namespace dnsd::http {

/// Sets `reached` of the services over TCP whose endpoints were tried. A host of several addresses
/// answered when one of them did.
void tell_reached(const zones::Catalogue& catalogue, const ReachabilityTable& table,
                  NameServices& services);

/// "connected", "refused" or "silent".
std::string_view how(const Reached& reached);
/// For people: "Answered the server at 2026-11-30 23:00:00 UTC".
std::string to_sentence(const Reached& reached);

}  // namespace dnsd::http
