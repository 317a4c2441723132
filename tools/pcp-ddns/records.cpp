#include "tools/pcp-ddns/records.h"

#include <algorithm>

#include "tools/common/portal_records.h"
#include "zones/host_text.h"
#include "zones/number.h"
#include "zones/reachability.h"
#include "zones/text.h"

namespace pcp_ddns {
namespace {

using zones::Name;
using zones::Rdata;
using zones::Type;
using zones::ip_protocol::TCP;

constexpr std::string_view ADDRESS_LABEL = "ip-";
constexpr std::string_view DIRECT_LABEL = "direct";
constexpr std::string_view ENDPOINT_KEY = "endpoint=";
constexpr std::uint16_t HTTP_PORT = 80;
constexpr std::uint16_t HTTPS_PORT = 443;
constexpr std::uint8_t SVC_PARAM_PORT = 3;  // RFC 9460 §14.3.2

/// ip-198-51-100-2 below the host.
Name name_of_address(const Name& host, const Address& address) {
  std::string label(ADDRESS_LABEL);
  for (const char c : keys::to_text(address)) label += c == '.' || c == ':' ? '-' : c;
  if (label.ends_with('-')) label += '0';  // "2001:db8::"
  // A host name that leaves no room has services at one address only.
  return Name::from_text(label + "." + host.to_text()).value_or(host);
}

/// direct.h1.dyn.example.
Name direct_name(const Name& host) {
  return Name::from_text(std::string(DIRECT_LABEL) + "." + host.to_text()).value_or(host);
}

/// "_http._tcp.dyn.example."; empty when that is too long.
std::optional<Name> browsing_name(const ServiceConfig& service, const Name& zone) {
  const auto name = Name::from_text(service.type, zone);
  return name ? std::optional(*name) : std::nullopt;
}

/// The instance's name below the browsing name; its label may hold any octets.
std::optional<Name> instance_name(const ServiceConfig& service, const Name& browsing) {
  std::vector<std::uint8_t> wire{static_cast<std::uint8_t>(service.instance.size())};
  wire.insert(wire.end(), service.instance.begin(), service.instance.end());
  wire.insert(wire.end(), browsing.wire().begin(), browsing.wire().end());
  const auto name = Name::from_wire(wire);
  return name ? std::optional(*name) : std::nullopt;
}

/// The target of SRV for each external address.
class Targets {
 public:
  const Name& target(const Name& host, bool portal, const Address& address) {
    const auto found = names_.find({host, address});
    if (found != names_.end()) return found->second;
    const bool first = hosts_.insert(host).second;
    return names_
        .emplace(std::pair(host, address), !first   ? name_of_address(host, address)
                                           : portal ? direct_name(host)
                                                    : host)
        .first->second;
  }

 private:
  std::set<Name> hosts_;
  std::map<std::pair<Name, Address>, Name> names_;
};

Rdata srv_rdata(const ServiceConfig& service, std::uint16_t port, const Name& target) {
  Rdata rdata;
  for (const std::uint16_t number : {service.priority, service.weight, port}) {
    rdata.push_back(static_cast<std::uint8_t>(number >> 8));
    rdata.push_back(static_cast<std::uint8_t>(number & 0xff));
  }
  rdata.insert(rdata.end(), target.wire().begin(), target.wire().end());
  return rdata;
}

Rdata txt_rdata(const std::vector<std::string>& strings) {
  Rdata rdata;
  for (const std::string& string : strings) {
    rdata.push_back(static_cast<std::uint8_t>(string.size()));
    rdata.insert(rdata.end(), string.begin(), string.end());
  }
  return rdata;
}

/// ServiceMode, at the target itself; the port is mandatory by itself (RFC 9460 §7.2, §9).
Rdata https_rdata(std::uint16_t port) {
  Rdata rdata{0, 1, 0};
  if (port == HTTPS_PORT) return rdata;
  rdata.insert(rdata.end(), {0, SVC_PARAM_PORT, 0, 2, static_cast<std::uint8_t>(port >> 8),
                             static_cast<std::uint8_t>(port & 0xff)});
  return rdata;
}

/// Of "path=/here", "/here"; else "/".
std::string path_of(const ServiceConfig& service) {
  for (const std::string& string : service.txt) {
    if (string.starts_with("path=/")) return string.substr(5);
  }
  return "/";
}

Rdata uri_rdata(const ServiceConfig& service, std::uint16_t port, const Name& target) {
  const std::string uri = service.uri + "://" + zones::host_text(target) + ":" +
                          std::to_string(port) + path_of(service);
  Rdata rdata;
  for (const std::uint16_t number : {service.priority, service.weight}) {
    rdata.push_back(static_cast<std::uint8_t>(number >> 8));
    rdata.push_back(static_cast<std::uint8_t>(number & 0xff));
  }
  rdata.insert(rdata.end(), uri.begin(), uri.end());
  return rdata;
}

/// Whether the host has a service of its own where the portal's SRV would be.
bool is_taken(const Name& owner, const ServiceConfig& service) {
  return std::ranges::any_of(service.types_of_host, [&](const std::string& type) {
    const auto name = Name::from_text(type, service.host);
    return name && *name == owner;
  });
}

}  // namespace

std::string to_text(const External& external) { return to_text(external, 1); }

std::string to_text(const External& first, std::uint16_t count) {
  const std::string address = keys::to_text(first.address);
  return (keys::is_ipv4(first.address) ? address : "[" + address + "]") + ":" +
         ports_text(first.port, count);
}

std::string ports_text(std::uint16_t first, std::uint16_t count) {
  return count < 2 ? std::to_string(first)
                   : std::to_string(first) + "-" + std::to_string(first + count - 1);
}

std::optional<External> external_from_text(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view address = text.substr(0, colon);
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  const auto parsed = keys::address_from_text(std::string(address));
  const auto port = zones::number_from_text<std::uint16_t>(text.substr(colon + 1)).value_or(0);
  if (!parsed || port == 0 || keys::is_ipv4(*parsed) == bracketed) return std::nullopt;
  return External{*parsed, port};
}

std::vector<External> endpoints_of(std::span<const zones::Record> records, const Name& owner) {
  std::vector<External> endpoints;
  for (const zones::Record& record : records) {
    if (record.type != Type::TXT || !(record.owner == owner)) continue;
    // The last string: those of the user come before it.
    std::string_view last;
    std::string_view rest(reinterpret_cast<const char*>(record.rdata.data()), record.rdata.size());
    while (!rest.empty()) {
      last = rest.substr(1, static_cast<unsigned char>(rest.front()));
      rest.remove_prefix(1 + last.size());
    }
    if (!last.starts_with(ENDPOINT_KEY)) continue;
    if (const auto one = external_from_text(last.substr(ENDPOINT_KEY.size()))) {
      endpoints.push_back(*one);
    }
  }
  return endpoints;
}

Wanted wanted_records(std::span<const ServiceEndpoint> endpoints, const ProviderConfig& provider) {
  Wanted wanted;
  Targets targets;
  std::set<Name> on_port_80;  // targets
  std::vector<Name> names;    // the target of each endpoint
  for (const ServiceEndpoint& endpoint : endpoints) {
    const ServiceConfig& service = *endpoint.service;
    const bool portal = service.portal && !provider.portal.empty();
    names.push_back(targets.target(service.host, portal, endpoint.external.address));
    if (service.protocol == TCP && endpoint.external.port == HTTP_PORT) {
      on_port_80.insert(names.back());
    }
  }
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const ServiceEndpoint& endpoint = endpoints[i];
    const ServiceConfig& service = *endpoint.service;
    const std::uint16_t port = endpoint.external.port;
    const Name& target = names[i];
    const auto ttl = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(endpoint.lifetime.count() / 8, 1, provider.ttl));
    const auto add = [&](const Name& group, const Name& owner, Type type, Rdata rdata) {
      const auto [at, added] = wanted.try_emplace(RRsetKey{owner, type});
      WantedRRset& rrset = at->second;
      rrset.ttl = added ? ttl : std::min(rrset.ttl, ttl);
      // An address that two services share lives as long as one of them does.
      rrset.until = std::max(rrset.until, endpoint.until);
      rrset.host = group;
      if (std::ranges::find(rrset.rdatas, rdata) == rrset.rdatas.end()) {
        rrset.rdatas.push_back(std::move(rdata));
      }
    };
    const auto add_address = [&](const Name& owner, const Address& address) {
      if (keys::is_ipv4(address)) {
        add(service.host, owner, Type::A, Rdata(address.begin() + 12, address.end()));
      } else {
        add(service.host, owner, Type::AAAA, Rdata(address.begin(), address.end()));
      }
    };
    add_address(target, endpoint.external.address);
    if (service.portal && !(target == service.host)) {
      for (const Address& address : provider.portal) add_address(service.host, address);
      if (provider.portal_port != 0) {
        tools::PortalRecords own = tools::portal_records(service.host, provider.portal_port);
        add(service.host, service.host, Type::URI, std::move(own.uri));
        if (!own.service.is_root() && !is_taken(own.service, service)) {
          add(service.host, own.service, Type::SRV, std::move(own.srv));
        }
      }
    }
    std::vector<std::string> txt = service.txt;
    if (endpoint.port_count > 1) txt.push_back("ports=" + ports_text(port, endpoint.port_count));
    txt.push_back(std::string(ENDPOINT_KEY) + to_text(endpoint.external));
    add(service.host, service.owner, Type::SRV, srv_rdata(service, port, target));
    add(service.host, service.owner, Type::TXT, txt_rdata(txt));
    if (service.protocol == TCP) {
      wanted[{service.owner, Type::TXT}].tcp_endpoints.push_back(endpoint.external);
    }
    if (!service.uri.empty()) {
      add(service.host, service.owner, Type::URI, uri_rdata(service, port, target));
    }
    if (service.https && !on_port_80.contains(target)) {
      add(service.host, target, Type::HTTPS, https_rdata(port));
    }
    if (service.instance.empty()) continue;
    const auto browsing = browsing_name(service, provider.zone);
    const auto instance = browsing ? instance_name(service, *browsing) : std::nullopt;
    if (!instance) continue;
    // Apart from the host's: they need a grant of their own.
    add(*browsing, *browsing, Type::PTR, Rdata(instance->wire().begin(), instance->wire().end()));
    add(*instance, *instance, Type::SRV, srv_rdata(service, port, target));
    add(*instance, *instance, Type::TXT, txt_rdata(txt));
  }
  return wanted;
}

bool may_belong_to(const RRsetKey& rrset, const ServiceConfig& service, const Name& zone) {
  if (rrset.owner == service.owner || rrset.owner == service.host) return true;
  if (!service.instance.empty()) {
    const auto browsing = browsing_name(service, zone);
    if (browsing && rrset.owner == *browsing) return true;
    const auto instance = browsing ? instance_name(service, *browsing) : std::nullopt;
    if (instance && rrset.owner == *instance) return true;
  }
  if (service.portal && rrset.type == Type::SRV) {
    for (const char* type : {"_http._tcp", "_https._tcp"}) {
      const auto owner = Name::from_text(type, service.host);
      if (owner && rrset.owner == *owner && !is_taken(*owner, service)) return true;
    }
  }
  if (!(rrset.owner.parent() == service.host)) return false;
  const auto octets = rrset.owner.first_label();
  const std::string_view label(reinterpret_cast<const char*>(octets.data()), octets.size());
  return label == DIRECT_LABEL || label.starts_with(ADDRESS_LABEL);
}

}  // namespace pcp_ddns
