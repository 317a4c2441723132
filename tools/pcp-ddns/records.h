// What a service's endpoint looks like in the DNS (RFC 2782, RFC 6763 §6, RFC 7553). Pure.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "tools/pcp-ddns/config.h"
#include "tools/pcp-ddns/mapping.h"
#include "zones/message.h"
#include "zones/rdata.h"

namespace pcp_ddns {

struct RRsetKey {
  zones::Name owner;
  zones::Type type{};
  friend bool operator==(const RRsetKey&, const RRsetKey&) = default;
  friend auto operator<=>(const RRsetKey&, const RRsetKey&) = default;
};

struct WantedRRset {
  std::uint32_t ttl = 0;
  std::vector<zones::Rdata> rdatas;
  Time until{};      // lease and TTL have to be over by then
  zones::Name host;  // of the service; what belongs to one host is published together
  std::vector<External> tcp_endpoints{};  // that are told by a service's TXT
};
using Wanted = std::map<RRsetKey, WantedRRset>;

/// A service that can be reached.
struct ServiceEndpoint {
  const ServiceConfig* service = nullptr;
  External external;
  Time until{};                     // the mapping lives
  std::chrono::seconds lifetime{};  // that the mapping was granted
  std::uint16_t port_count = 1;     // from the external port on
};

/// "198.51.100.1:8001", "[2001:db8::1]:8001".
std::string to_text(const External& external);
/// "198.51.100.1:8001-8010".
std::string to_text(const External& first, std::uint16_t count);
/// "8001-8010", or "8001" for one.
std::string ports_text(std::uint16_t first, std::uint16_t count);
/// The inverse of to_text(); empty for any other text.
std::optional<External> external_from_text(std::string_view text);
/// The endpoints that the TXT records of a service tell.
std::vector<External> endpoints_of(std::span<const zones::Record> records,
                                   const zones::Name& owner);

/// The records of all services of one provider: A or AAAA at the host, SRV and TXT (and URI) at
/// _service._proto below it. TXT has the key "endpoint", which to_text() makes, after those of the
/// configuration; several ports are "ports=8001-8010" before it.
///
/// An SRV leads to all addresses of its target, but a mapping is of one. Where the services of a
/// host have several external addresses, the first is at the host itself, and each other one at a
/// name of its own below it: ip-198-51-100-2.h1.dyn.example.
///
/// A host with `portal` has the addresses of the provider's portal (RFC 7393 §3.3), and the first
/// endpoint is at direct.h1.dyn.example. With the portal's port its own URI is at the host as well,
/// and its own SRV at _http._tcp below, unless the host has a service there.
///
/// `https` adds an HTTPS record (RFC 9460 §9) where the SRV leads: it tells the port of https://
/// at that name. Chromium skips one with a foreign port, but takes it for a promise that all of the
/// name is on HTTPS, and goes to port 443. So it is never at a name whose port 80 is in use: the
/// portal's, or one to which a service is mapped at that port.
///
/// A service with an instance name is listed for DNS-SD: PTR at _http._tcp.<zone>, SRV and TXT at
/// the instance below that (RFC 6763 §4.1). The PTRs of several hosts are one RRset.
///
/// The TTL is an eighth of the mapping's lifetime, and at most the provider's: the lease, which is
/// shorter by it, then outlasts the second renewal, which is due at 13/16 at the latest.
Wanted wanted_records(std::span<const ServiceEndpoint> endpoints, const ProviderConfig& provider);

/// Whether records of somebody else's may stand beside ours in such an RRset.
constexpr bool is_shared(zones::Type type) { return type == zones::Type::PTR; }

/// A record that is, or may be, on a server, and is ours.
struct OwnRecord {
  zones::Record record;
  bool confirmed =
      false;  // an update with it, or with another one of its RRset, was answered NOERROR
  bool operator==(const OwnRecord&) const = default;
};

/// Whether an RRset may be one of the service's, at a provider of this zone.
bool may_belong_to(const RRsetKey& rrset, const ServiceConfig& service, const zones::Name& zone);

}  // namespace pcp_ddns
