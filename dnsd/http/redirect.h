// Redirect: where a visitor of a name is sent (RFC 7393 §3.2). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dnsd/http/message.h"
#include "dnsd/http/services.h"
#include "dnsd/state.h"

namespace dnsd::http {

/// The web service that a visitor is sent to.
struct WebTarget {
  Origin origin;
  bool is_refused_by_browsers = false;  // for its port
};

/// An endpoint of the web, and what makes it an alternative of others: the same group.
struct WebEndpoint {
  std::string group;
  Origin origin;
};

/// Takes endpoints of the web that are the portal itself from `services`: visitors would come back
/// here for ever. @return those that stay, in their order
/// @param ports  those on which visitors may reach the portal
std::vector<WebEndpoint> leave_out_portal(NameServices& services, const Request& request,
                                          const State& state, const std::set<std::uint16_t>& ports);

/// The one web service among them; empty when there is none, or several. Endpoints of one group and
/// those with the same host and port are one: that of the best priority counts, https before http.
std::optional<WebTarget> web_target(std::vector<WebEndpoint> endpoints);

/// `wanted` (301, 302, 307 or 308) for GET and HEAD; others keep their method: 307, or 308.
unsigned redirect_status(unsigned wanted, bool is_read);

/// The redirect itself, with path and query of the request. Nobody keeps it: the port that is right
/// now is another host's tomorrow.
Response redirect_to(const Origin& origin, const Request& request, unsigned status);

}  // namespace dnsd::http
