// What a dyndns2 client asks: parameters of /nic/update. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "keys/grant.h"
#include "zones/name.h"
#include "zones/result.h"

namespace dnsd::http {

constexpr std::size_t MAX_DYNDNS_HOSTS = 20;
constexpr std::size_t MAX_DYNDNS_ADDRESSES = 8;
constexpr std::size_t MAX_DYNDNS_SERVICES = 32;

struct DynDnsRequest {
  struct Service {
    zones::Name name;        // "_http._tcp."; the host's name comes behind it
    std::uint16_t port = 0;  // 0: it is not there any more
  };
  std::vector<std::optional<zones::Name>> hosts{};  // in the order asked; empty: no name of a host
  std::vector<keys::Address> addresses{};           // without any the client's own counts
  std::vector<Service> services{};
  bool offline = false;  // nothing is to be found at the hosts any more
};

/// What makes the whole request one that cannot be carried out; each is the word of the protocol.
enum class DynDnsFault : std::uint8_t { NOTFQDN, NUMHOST, BADAGENT };

/// Reads what stands behind the "?". The parameters of the protocol: hostname, myip and offline;
/// beyond it myipv6, and pairs of service and port; each may be a list with commas. Others that
/// clients send (system, wildcard, mx, backmx, url) are ignored.
///
/// A service is "_http._tcp", or "http" for the same; over UDP "_sip._udp" or "sip/udp". Its port 0
/// takes it away, and leaves the host and its other services as they are.
/// BADAGENT: what no client sends that works, such as an address that is none, or more ports than
/// services. An address that is there and wrong is never taken for one that is absent.
zones::Result<DynDnsRequest, DynDnsFault> parse_dyndns_request(std::string_view query);

}  // namespace dnsd::http
