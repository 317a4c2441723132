#include "tools/pcp-ddns/records.h"

#include <algorithm>

#include "zones/text.h"

namespace pcp_ddns {
namespace {

using zones::Name;
using zones::Rdata;
using zones::Type;

constexpr std::string_view ADDRESS_LABEL = "ip-";

/// ip-198-51-100-2 below the host.
Name name_of_address(const Name& host, const Address& address) {
  std::string label(ADDRESS_LABEL);
  for (const char c : keys::to_text(address)) label += c == '.' || c == ':' ? '-' : c;
  if (label.ends_with('-')) label += '0';  // "2001:db8::"
  // A host name that leaves no room has services at one address only.
  return Name::from_text(label + "." + host.to_text()).value_or(host);
}

/// The target of SRV for each external address.
class Targets {
 public:
  const Name& target(const Name& host, const Address& address) {
    const auto found = names_.find({host, address});
    if (found != names_.end()) return found->second;
    const bool first = hosts_.insert(host).second;
    return names_.emplace(std::pair(host, address), first ? host : name_of_address(host, address))
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

/// Of "path=/here", "/here"; else "/".
std::string path_of(const ServiceConfig& service) {
  for (const std::string& string : service.txt) {
    if (string.starts_with("path=/")) return string.substr(5);
  }
  return "/";
}

Rdata uri_rdata(const ServiceConfig& service, std::uint16_t port, const Name& target) {
  std::string host = target.to_text();
  host.pop_back();
  const std::string uri =
      service.uri + "://" + host + ":" + std::to_string(port) + path_of(service);
  Rdata rdata;
  for (const std::uint16_t number : {service.priority, service.weight}) {
    rdata.push_back(static_cast<std::uint8_t>(number >> 8));
    rdata.push_back(static_cast<std::uint8_t>(number & 0xff));
  }
  rdata.insert(rdata.end(), uri.begin(), uri.end());
  return rdata;
}

}  // namespace

std::string to_text(const External& external) {
  const std::string address = keys::to_text(external.address);
  return (keys::is_ipv4(external.address) ? address : "[" + address + "]") + ":" +
         std::to_string(external.port);
}

Wanted wanted_records(std::span<const ServiceEndpoint> endpoints, std::uint32_t max_ttl) {
  Wanted wanted;
  Targets targets;
  for (const ServiceEndpoint& endpoint : endpoints) {
    const ServiceConfig& service = *endpoint.service;
    const auto ttl = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(endpoint.lifetime.count() / 8, 1, max_ttl));
    const auto add = [&](const Name& owner, Type type, Rdata rdata) {
      const auto [at, added] = wanted.try_emplace(RRsetKey{owner, type});
      WantedRRset& rrset = at->second;
      rrset.ttl = added ? ttl : std::min(rrset.ttl, ttl);
      // An address that two services share lives as long as one of them does.
      rrset.until = std::max(rrset.until, endpoint.until);
      rrset.host = service.host;
      if (std::ranges::find(rrset.rdatas, rdata) == rrset.rdatas.end()) {
        rrset.rdatas.push_back(std::move(rdata));
      }
    };
    const Address& address = endpoint.external.address;
    const Name& target = targets.target(service.host, address);
    if (keys::is_ipv4(address)) {
      add(target, Type::A, Rdata(address.begin() + 12, address.end()));
    } else {
      add(target, Type::AAAA, Rdata(address.begin(), address.end()));
    }
    add(service.owner, Type::SRV, srv_rdata(service, endpoint.external.port, target));
    std::vector<std::string> txt = service.txt;
    txt.push_back("endpoint=" + to_text(endpoint.external));
    add(service.owner, Type::TXT, txt_rdata(txt));
    if (!service.uri.empty()) {
      add(service.owner, Type::URI, uri_rdata(service, endpoint.external.port, target));
    }
  }
  return wanted;
}

bool may_belong_to(const RRsetKey& rrset, const ServiceConfig& service) {
  if (rrset.owner == service.owner || rrset.owner == service.host) return true;
  const auto label = rrset.owner.first_label();
  return rrset.owner.parent() == service.host &&
         std::string_view(reinterpret_cast<const char*>(label.data()), label.size())
             .starts_with(ADDRESS_LABEL);
}

}  // namespace pcp_ddns
