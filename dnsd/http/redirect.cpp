#include "dnsd/http/redirect.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <vector>

#include "dnsd/endpoint.h"

namespace dnsd::http {
namespace {

namespace ip = boost::asio::ip;

class OwnEndpoints {
 public:
  OwnEndpoints(const Request& request, const State& state, const std::set<std::uint16_t>& ports)
      : request_(request), state_(state), ports_(ports) {}

  bool has(const Origin& origin) const {
    const std::uint16_t asked = request_.host_port.value_or(request_.is_tls ? 443 : 80);
    if (iequals(origin.host, request_.host) && origin.port == asked) return true;
    if (origin.port != request_.local.port() && !ports_.contains(origin.port)) return false;
    boost::system::error_code no_address;
    const auto literal = ip::make_address(origin.host, no_address);
    if (!no_address) return is_own(literal);
    const auto name = zones::Name::from_text(origin.host);
    if (!name) return false;
    const std::vector<zones::Name>& names = state_.policy->portal.names;
    if (std::ranges::find(names, *name) != names.end()) return true;
    const auto addresses = addresses_of(state_.catalogue, *name);
    return std::ranges::any_of(addresses, [this](const ip::address& one) { return is_own(one); });
  }

 private:
  bool is_own(const ip::address& address) const {
    const std::vector<keys::Address>& own = state_.policy->portal.addresses;
    const keys::Address octets = mapped_octets(address);
    return octets == mapped_octets(request_.local.address()) ||
           std::ranges::find(own, octets) != own.end();
  }

  const Request& request_;
  const State& state_;
  const std::set<std::uint16_t>& ports_;
};

/// What makes endpoints alternatives of one service.
std::string group_of(const Service& service, const Origin& origin) {
  if (service.source == Service::Source::HTTPS) return "HTTPS";
  if (service.protocol.empty()) return origin.to_text();  // an URI at the name itself
  return "_" + service.service + "._" + service.protocol;
}

}  // namespace

std::vector<WebEndpoint> leave_out_portal(NameServices& services, const Request& request,
                                          const State& state,
                                          const std::set<std::uint16_t>& ports) {
  std::vector<WebEndpoint> left;
  const OwnEndpoints own(request, state, ports);
  std::erase_if(services.services, [&](const Service& service) {
    auto origin = web_origin(service);
    if (!origin) return false;
    if (own.has(*origin)) return true;
    std::string group = group_of(service, *origin);
    left.push_back({std::move(group), std::move(*origin)});
    return false;
  });
  return left;
}

std::optional<WebTarget> web_target(std::vector<WebEndpoint> endpoints) {
  std::vector<std::string_view> groups;
  std::vector<Origin*> origins;              // of different host or port
  for (WebEndpoint& endpoint : endpoints) {  // the best endpoint of a group first
    if (std::ranges::find(groups, endpoint.group) != groups.end()) continue;
    groups.push_back(endpoint.group);
    const auto same = std::ranges::find_if(origins, [&](const Origin* one) {
      return one->host == endpoint.origin.host && one->port == endpoint.origin.port;
    });
    if (same == origins.end()) {
      origins.push_back(&endpoint.origin);
    } else if (endpoint.origin.scheme == "https") {
      (*same)->scheme = endpoint.origin.scheme;
    }
  }
  if (origins.size() != 1) return std::nullopt;
  const bool refused = is_bad_port(origins.front()->port);
  return WebTarget{std::move(*origins.front()), refused};
}

unsigned redirect_status(unsigned wanted, bool is_read) {
  constexpr unsigned KEEPS_METHOD = 307;
  constexpr unsigned KEEPS_METHOD_FOR_GOOD = 308;
  if (is_read) return wanted;
  return wanted == KEEPS_METHOD_FOR_GOOD ? KEEPS_METHOD_FOR_GOOD : KEEPS_METHOD;
}

Response redirect_to(const Origin& origin, const Request& request, unsigned status) {
  std::string location = origin.to_text(request.target);
  Response response = Response::text(status, location + "\n");
  response.fields.emplace_back("Location", std::move(location));
  response.fields.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace dnsd::http
