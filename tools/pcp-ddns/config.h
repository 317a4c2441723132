// The agent's configuration: one TOML file into plain structs that hold the defaults.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "keys/exchange.h"
#include "keys/grant.h"
#include "keys/toml_problems.h"
#include "tools/pcp-ddns/pcp_message.h"
#include "zones/name.h"

namespace pcp_ddns {

enum class LogLevel : std::uint8_t { DEBUG, INFO, WARNING, ERROR };

struct PcpServer {
  Address address{};
  std::uint16_t port = PCP_SERVER_PORT;
  std::uint32_t interface = 0;  // index; of a link-local address
  bool operator==(const PcpServer&) const = default;
};
/// How mappings are come by.
enum class Protocol : std::uint8_t {
  PCP,        // RFC 6887
  NAT_PMP,    // RFC 6886
  UPNP,       // UPnP IGD
  INTERFACE,  // none are needed: this host has a global address
};

/// "10.64.0.1", or "10.64.0.1#5352" with another port than 5351, as DNS tools write it.
std::string to_text(const PcpServer& server);

struct PcpConfig {
  std::vector<PcpServer> servers;   // tried in this order; empty: found, see list_ways()
  std::vector<Protocol> protocols;  // that may be used; empty: all
  std::chrono::seconds lifetime{3600};
  std::chrono::seconds probe_interval{0};  // 0: never
  /// External addresses that may be published although they are not global.
  std::vector<keys::AddressRule> accept_external;
  /// Of external addresses, that is asked for; empty: see Agent::wish().
  std::optional<bool> external_ipv4;

  bool uses(Protocol protocol) const;
};

/// Of a provider that takes no UPDATE, but GET over HTTPS.
struct DyndnsConfig {
  std::string login;
  std::shared_ptr<const keys::Secret> password;
  std::string path = "/nic/update";
  bool ports = false;  // it knows `service` and `port`, as dnsd does
  std::chrono::seconds refresh = std::chrono::hours(28 * 24);  // many forget a name after 30 days
  std::filesystem::path ca_file;  // whose certificates are trusted; empty: the system's
};

/// Who publishes names.
struct ProviderConfig {
  std::string name;
  zones::Name zone;
  std::optional<DyndnsConfig> dyndns;  // empty: a name server that takes UPDATE
  std::string server;  // address or host name; empty: the primary that the zone's SOA names
  std::uint16_t port = 53;
  keys::Signer signer;
  std::uint32_t ttl = 60;
  bool replace = false;  // RRsets that somebody else made are replaced
  /// Of its portal, to which names of services with `portal` lead.
  std::vector<Address> portal;
  std::uint16_t portal_port = 0;  // its own SRV and URI have it; 0: they are not published
  std::size_t line = 0;
};

struct ServiceConfig {
  std::vector<std::size_t> providers;  // where it is published, as indices
  zones::Name host;
  zones::Name owner;  // _http._tcp.h1.dyn.example.
  std::string type;   // _http._tcp
  std::uint8_t protocol = 0;
  std::uint16_t port = 0;
  std::uint16_t external_port = 0;  // a wish; 0: the port itself
  Address internal{};               // of another host, for which it asks; zeros: this one
  bool equal_ports = false;         // TCP and UDP have the same external port
  bool prefer_failure = false;      // that external port or none
  std::uint16_t port_count = 1;     // from `port` on, that are mapped as one (RFC 7753)
  bool port_parity = false;         // even ports to even ones
  std::string description;          // that the server keeps with the mapping; empty: none
  std::vector<Filter> filters;      // who may come in; none: all
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::vector<std::string> txt;
  std::string uri;     // a scheme, or empty: no URI record
  bool https = false;  // an HTTPS record with the port
  /// The host's own name leads to the portal. All services of a host have the same.
  bool portal = false;
  std::set<std::string> types_of_host;  // of all services of its host: "_http._tcp"
  std::string instance;  // its name for DNS-SD (RFC 6763 §4.1.1), not escaped; empty: none
  std::size_t line = 0;

  /// A browser visits it.
  bool is_web() const { return type == "_http._tcp" || type == "_https._tcp"; }
};

/// Paths are absolute.
struct Config {
  std::filesystem::path file;
  std::filesystem::path state;
  LogLevel log_level = LogLevel::INFO;
  PcpConfig pcp;
  std::vector<ProviderConfig> providers;
  std::vector<ServiceConfig> services;
};

struct ConfigResult {
  std::optional<Config> config;           // only when there is no error
  std::vector<keys::TomlProblem> errors;  // all of them, in the order of the file
  std::vector<keys::TomlProblem> warnings;
};

/// Reads, checks each field, then the fields against one another. Never throws on what a file can
/// hold. Reads key files as well.
ConfigResult read_config(const std::filesystem::path& file);
/// The same for text that is at hand; `file` names it and is what relative paths are relative to.
ConfigResult parse_config(std::string_view text, const std::filesystem::path& file);

}  // namespace pcp_ddns
