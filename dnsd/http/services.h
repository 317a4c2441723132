// Services: what a name has published, read from the zones that the DNS answers from: SRV with the
// keys of DNS-SD, HTTPS and SVCB, URI. Pure.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zones/name.h"
#include "zones/rdata.h"
#include "zones/reachability.h"
#include "zones/snapshot.h"

namespace dnsd::http {

/// What became of an endpoint that the server tried: ANSWERED, REFUSED or SILENT.
struct Reached {
  zones::Reachability state{};
  std::chrono::sys_seconds at{};
};

/// One endpoint of a service. All text in it is the publisher's: to be escaped wherever it goes.
struct Service {
  enum class Source : std::uint8_t { SRV, HTTPS, SVCB, URI };
  Source source{};
  std::string service;   // "http", "sip"; of an URI at the name itself its scheme
  std::string protocol;  // "tcp", "udp"; empty for URI, HTTPS and SVCB at the name itself
  std::string instance;  // DNS-SD's, in front of the service (RFC 6763 §4.1); mostly empty
  zones::Name target{};  // a host; of an URI the root
  std::uint16_t port = 0;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint32_t ttl = 0;     // seconds
  std::string uri{};         // of an URI record
  zones::RdataView rdata{};  // of the record that tells it, in the zones that it was read from
  std::vector<std::pair<std::string, std::string>> txt{};  // DNS-SD keys and values (RFC 6763 §6)
  std::optional<Reached> reached{};  // not set by services_of(); see reached.h

  /// The value of a key, whose case does not count; empty when there is none.
  std::string_view txt_value(std::string_view key) const;
  /// The URL that leads there, when its scheme is one that leads to a server and does nothing else,
  /// and its host one that needs no escapes; else empty. Only printable ASCII, no quotes or spaces.
  /// @param name  the one that published it
  std::string url(zones::NameView name) const;
  /// Where that record is.
  zones::Name owner(zones::NameView name) const;
  zones::Type type() const;
  /// "http" or "https" for what a browser shows (_http._tcp, _https._tcp, HTTPS, such URIs); else
  /// empty.
  std::string_view web_scheme() const;
};

struct NameServices {
  bool exists = false;  // or a wildcard answers for it
  std::vector<Service> services{};
};
enum class Extent : std::uint8_t {
  ALL,
  WEB,  // those with a web_scheme() only, without their TXT: all that a redirect needs
};
/// At most 64 services of at most 256 names below `name`, ordered by their names, the endpoints of
/// one by priority (RFC 2782). Of an HTTPS record that repeats an SRV one is left out. Below a zone
/// cut there are none: others answer for those names.
NameServices services_of(const zones::Catalogue& catalogue, zones::NameView name,
                         Extent extent = Extent::ALL);

/// "http://host:port" or "https://host:port", an IPv6 address in brackets, without a port that is
/// the scheme's own; empty when the service is not of the web or its host cannot be written so.
/// Whatever the publisher wrote, nothing but scheme, host and port is in it.
struct Origin {
  std::string scheme;
  std::string host;  // lower case, without brackets
  std::uint16_t port = 0;
  /// @param behind  what follows it: nothing, or a path
  std::string to_text(std::string_view behind = {}) const;
};
std::optional<Origin> web_origin(const Service& service);

/// True for ports that browsers refuse to connect to (fetch.spec.whatwg.org, "bad port").
bool is_bad_port(std::uint16_t port);

/// Addresses of a name's A and AAAA records, as the zones have them; CNAMEs are not followed.
std::vector<boost::asio::ip::address> addresses_of(const zones::Catalogue& catalogue,
                                                   zones::NameView name);

}  // namespace dnsd::http
