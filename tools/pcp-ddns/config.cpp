#include "tools/pcp-ddns/config.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include "keys/toml_fields.h"
#include "keys/toml_file.h"
#include "tools/common/host_name.h"
#include "tools/pcp-ddns/config_dyndns.h"
#include "tools/pcp-ddns/config_key.h"
#include "zones/number.h"

namespace pcp_ddns {
namespace {

using keys::TomlFields;
using keys::TomlProblems;
using zones::Name;

constexpr std::uint8_t TCP = 6;  // IANA "Protocol Numbers"
constexpr std::uint8_t UDP = 17;
constexpr std::uint16_t HTTPS_PORT = 443;
constexpr std::size_t MAX_SERVICES = 10'000;
constexpr std::size_t MAX_TXT_OCTETS = 255;          // RFC 1035 §3.3.14
constexpr std::size_t MAX_ALL_TXT_OCTETS = 1300;     // RFC 6763 §6.2
constexpr std::size_t MAX_DESCRIPTION_OCTETS = 128;  // RFC 7220 §3: that servers should keep
constexpr int MAX_PORT_COUNT = 256;
constexpr std::size_t MAX_FILTERS = 32;               // that fit into a message
constexpr std::size_t MAX_INSTANCE_OCTETS = 63;       // RFC 6763 §4.1.1
constexpr std::size_t MAX_SERVICE_LABEL_OCTETS = 63;  // RFC 6763 §7 wants 16; all have not more

bool all_of(std::string_view text, const char* more) {
  return !text.empty() && std::ranges::all_of(text, [more](unsigned char c) {
    return std::isalnum(c) != 0 || std::strchr(more, c) != nullptr;
  });
}

std::optional<std::uint16_t> port_from_text(std::string_view text) {
  const auto port = zones::number_from_text<std::uint16_t>(text);
  return port == 0 ? std::nullopt : port;
}

std::optional<PcpServer> pcp_server_from_text(std::string_view text) {
  PcpServer server;
  const std::size_t sign = text.find('#');
  const auto address = keys::address_from_text(text.substr(0, sign));
  if (!address) return std::nullopt;
  server.address = *address;
  if (sign == std::string_view::npos) return server;
  const auto port = port_from_text(text.substr(sign + 1));
  if (!port) return std::nullopt;
  server.port = *port;
  return server;
}

/// "192.0.2.1", "192.0.2.1:53", "[2001:db8::1]:53", "2001:db8::1", "ns.example.:53".
bool read_name_server(std::string_view text, ProviderConfig& provider) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    port = text.substr(end + 1);
    text = text.substr(1, end - 1);
    if (!keys::address_from_text(text)) return false;
  } else if (std::ranges::count(text, ':') == 1) {
    port = text.substr(text.find(':'));
    text = text.substr(0, text.find(':'));
  }
  if (!port.empty()) {
    const auto number = port.starts_with(':') ? port_from_text(port.substr(1)) : std::nullopt;
    if (!number) return false;
    provider.port = *number;
  }
  const auto name = Name::from_text(text);
  if (!keys::address_from_text(text) && (!name || name->is_root() || !tools::is_host_name(*name))) {
    return false;
  }
  provider.server = text;
  return true;
}

class Reader {
 public:
  Reader(const std::filesystem::path& file, TomlProblems& problems)
      : problems_(problems), config_{} {
    config_.file = file;
    config_.state = file.parent_path() / "pcp-ddns.state";
  }

  void read(const toml::table& top);
  Config take() { return std::move(config_); }

 private:
  void read_log(TomlFields& top);
  void read_pcp(TomlFields& top);
  void read_provider(const toml::table& table);
  void read_service(const toml::table& table);
  void read_mapping(TomlFields& fields, ServiceConfig& service);
  void read_names(TomlFields& fields, ServiceConfig& service);
  void read_txt(TomlFields& fields, ServiceConfig& service);
  void read_web(TomlFields& fields, ServiceConfig& service);
  void read_instance(TomlFields& fields, ServiceConfig& service);
  void agree_on_portals();
  void read_providers(TomlFields& fields, ServiceConfig& service);
  void check_equal_ports();
  void check_port_sets();

  TomlProblems& problems_;
  Config config_;
  std::map<Name, std::size_t> owners_;  // lines
  std::map<Name, std::size_t> https_;   // lines, by host
  std::set<std::pair<std::string, std::string>> instances_;
};

void Reader::read(const toml::table& table) {
  TomlFields top(table, "", problems_);
  std::string state;
  if (top.string("state", state)) {
    config_.state = (config_.file.parent_path() / state).lexically_normal();
  }
  read_log(top);
  read_pcp(top);
  for (const toml::table* one : top.tables("provider")) read_provider(*one);
  const auto services = top.tables("service");
  for (const toml::table* one : services) read_service(*one);
  check_equal_ports();
  check_port_sets();
  agree_on_portals();
  if (!top.has("provider")) top.missing("provider", "[[provider]] says where names are published");
  if (!top.has("service")) top.missing("service", "[[service]] says what is to be reached");
  if (services.size() > MAX_SERVICES) {
    problems_.error(0, "more than " + std::to_string(MAX_SERVICES) + " services");
  }
  top.finish();
}

void Reader::read_log(TomlFields& top) {
  const toml::table* table = top.table("log");
  if (!table) return;
  TomlFields fields(*table, "[log]", problems_);
  std::string text;
  if (const toml::node* node = fields.string("level", text)) {
    const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::DEBUG},
                                                    {"info", LogLevel::INFO},
                                                    {"warning", LogLevel::WARNING},
                                                    {"error", LogLevel::ERROR}};
    const auto found = levels.find(text);
    if (found == levels.end()) {
      fields.error(node, "level", "must be debug, info, warning or error");
    } else {
      config_.log_level = found->second;
    }
  }
  fields.finish();
}

void Reader::read_pcp(TomlFields& top) {
  const toml::table* table = top.table("pcp");
  if (!table) return;
  TomlFields fields(*table, "[pcp]", problems_);
  fields.strings("servers", [&](const toml::node& node, const std::string& text) {
    const auto server = pcp_server_from_text(text);
    if (!server) {
      fields.error(
          &node, "servers",
          "must be addresses, as \"10.64.0.1\" (or \"10.64.0.1#5351\" with a port), not \"" +
              keys::printable(text) + "\"");
    } else if (std::ranges::find(config_.pcp.servers, *server) != config_.pcp.servers.end()) {
      fields.error(&node, "servers", "has " + to_text(*server) + " twice");
    } else {
      config_.pcp.servers.push_back(*server);
    }
  });
  fields.strings("protocols", [&](const toml::node& node, const std::string& text) {
    const std::map<std::string, Protocol> protocols = {{"pcp", Protocol::PCP},
                                                       {"nat-pmp", Protocol::NAT_PMP},
                                                       {"upnp", Protocol::UPNP},
                                                       {"interface", Protocol::INTERFACE}};
    const auto found = protocols.find(text);
    if (found == protocols.end()) {
      fields.error(&node, "protocols", "must be of \"pcp\", \"nat-pmp\", \"upnp\", \"interface\"");
    } else {
      config_.pcp.protocols.push_back(found->second);
    }
  });
  if (!config_.pcp.servers.empty() && !config_.pcp.uses(Protocol::PCP) &&
      !config_.pcp.uses(Protocol::NAT_PMP)) {
    fields.error(fields.node("servers"), "servers",
                 "are asked by \"pcp\" or \"nat-pmp\", of which 'protocols' has none");
  }
  std::chrono::milliseconds lifetime = config_.pcp.lifetime;
  if (fields.duration("lifetime", lifetime, std::chrono::seconds(120), std::chrono::hours(24))) {
    config_.pcp.lifetime = std::chrono::duration_cast<std::chrono::seconds>(lifetime);
  }
  std::chrono::milliseconds probe{0};
  if (fields.duration("probe-interval", probe, std::chrono::seconds(10), std::chrono::hours(24))) {
    config_.pcp.probe_interval = std::chrono::duration_cast<std::chrono::seconds>(probe);
  }
  std::string family;
  if (const toml::node* node = fields.string("external-family", family)) {
    if (family != "ipv4" && family != "ipv6") {
      fields.error(node, "external-family", "must be \"ipv4\" or \"ipv6\"");
    }
    config_.pcp.external_ipv4 = family == "ipv4";
  }
  fields.strings("accept-external", [&](const toml::node& node, const std::string& text) {
    auto rule = keys::AddressRule::from_text(text);
    if (!rule || rule->kind != keys::AddressRule::Kind::PREFIX) {
      fields.error(&node, "accept-external",
                   "must be prefixes, as \"198.51.100.0/24\": " +
                       (rule ? "\"" + text + "\" is none" : rule.error()));
    } else {
      config_.pcp.accept_external.push_back(*rule);
    }
  });
  fields.finish();
}

void Reader::read_provider(const toml::table& table) {
  TomlFields fields(table, "[[provider]]", problems_);
  ProviderConfig provider;
  provider.line = fields.line();
  provider.name = config_.providers.empty() ? "default" : "";
  if (const toml::node* node = fields.string("name", provider.name)) {
    if (!all_of(provider.name, "-_.") || provider.name.size() > 60) {
      fields.error(node, "name", "must be letters, digits, '-', '_' and '.'");
    }
  } else if (provider.name.empty()) {
    fields.missing("name", "there are several; services and the state file tell them apart by it");
  }
  for (const ProviderConfig& other : config_.providers) {
    if (other.name == provider.name && !provider.name.empty()) {
      problems_.error(provider.line, "[[provider]] repeats the name of line " +
                                         std::to_string(other.line) + ": " + provider.name);
    }
  }
  std::string protocol = "update";
  const toml::node* protocol_node = fields.string("protocol", protocol);
  if (protocol != "update" && protocol != "dyndns2") {
    fields.error(protocol_node, "protocol", "must be \"update\" or \"dyndns2\"");
  }
  const bool is_dyndns = protocol == "dyndns2";
  if (is_dyndns) provider.port = HTTPS_PORT;
  if (!fields.domain_name("zone", provider.zone) && !fields.has("zone") && !is_dyndns) {
    fields.missing("zone", "that is updated, as \"dyn.example.\"");
  }
  std::string server;
  if (const toml::node* node = fields.string("server", server)) {
    if (!read_name_server(server, provider)) {
      fields.error(node, "server",
                   "must be an address or a host name, with a port or without: \"192.0.2.53\", "
                   "\"192.0.2.53:53\", \"[2001:db8::53]:53\", \"ns.example.:53\"");
    }
  }
  if (is_dyndns) {
    if (!fields.has("server")) fields.missing("server", "that is asked over HTTPS");
    if (provider.server.ends_with('.')) provider.server.pop_back();  // certificates have none
    provider.dyndns = read_dyndns(fields, config_.file);
    fields.finish();
    config_.providers.push_back(std::move(provider));
    return;
  }
  fields.integer("ttl", provider.ttl, 1, 60);
  fields.boolean("replace", provider.replace);
  fields.strings("portal", [&](const toml::node& node, const std::string& text) {
    const auto address = keys::address_from_text(text);
    if (!address) {
      fields.error(
          &node, "portal",
          "must be addresses, as \"198.51.100.10\", not \"" + keys::printable(text) + "\"");
    } else if (std::ranges::find(provider.portal, *address) == provider.portal.end()) {
      provider.portal.push_back(*address);
    }
  });
  const toml::node* port = fields.integer("portal-port", provider.portal_port, 1, 65535);
  if (port && provider.portal.empty()) {
    fields.error(port, "portal-port", "needs the portal's addresses, 'portal'");
  }
  if (const toml::table* key = fields.table("key")) {
    provider.signer = read_signer(*key, problems_, config_.file);
  } else if (!fields.has("key")) {
    fields.missing("key", "that signs the updates, as { secret-file = \"h1.key\" }");
  }
  fields.finish();
  config_.providers.push_back(std::move(provider));
}

void Reader::read_service(const toml::table& table) {
  TomlFields fields(table, "[[service]]", problems_);
  ServiceConfig service;
  service.line = fields.line();
  read_providers(fields, service);
  read_names(fields, service);
  if (!fields.integer("port", service.port, 1, 65535) && !fields.has("port")) {
    fields.missing("port", "on which the service listens here");
  }
  read_mapping(fields, service);
  fields.integer("priority", service.priority, 0, 65535);
  fields.integer("weight", service.weight, 0, 65535);
  read_txt(fields, service);
  if (const toml::node* node = fields.string("uri", service.uri)) {
    const bool is_scheme = all_of(service.uri, "+-.") && std::isalpha(service.uri[0]) != 0;
    if (!is_scheme) fields.error(node, "uri", "must be a scheme, as \"https\"");
  }
  read_web(fields, service);
  read_instance(fields, service);
  fields.finish();
  config_.services.push_back(std::move(service));
}

/// What the mapping is asked for with.
void Reader::read_mapping(TomlFields& fields, ServiceConfig& service) {
  fields.integer("external-port", service.external_port, 1, 65535);
  fields.boolean("equal-ports", service.equal_ports);
  fields.boolean("prefer-failure", service.prefer_failure);
  const toml::node* count = fields.integer("port-count", service.port_count, 1, MAX_PORT_COUNT);
  const toml::node* parity = fields.boolean("port-parity", service.port_parity);
  if (service.port_parity && service.port_count < 2) {
    fields.error(parity, "port-parity", "is for a port-count of at least 2");
  }
  if (service.port + service.port_count - 1 > 65535) {
    fields.error(count, "port-count", "goes beyond port 65535");
  }
  if (service.port_count > 1 && service.is_web()) {
    fields.error(count, "port-count", "is not for web services: a browser goes to one port");
  }
  if (service.port_count > 1 && service.prefer_failure) {  // RFC 7753 §4.1
    fields.error(count, "port-count", "cannot be together with prefer-failure");
  }
  if (const toml::node* node = fields.string("description", service.description)) {
    const bool has_control = std::ranges::any_of(
        service.description, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (service.description.size() > MAX_DESCRIPTION_OCTETS || has_control) {
      fields.error(node, "description", "must be at most 128 octets of text");
    }
  }
  fields.strings("filter", [&](const toml::node& node, const std::string& text) {
    const auto rule = keys::AddressRule::from_text(text);
    // A prefix of no bits lifts all filters (RFC 6887 §13.3).
    if (!rule || rule->kind != keys::AddressRule::Kind::PREFIX || rule->bits == 0) {
      fields.error(&node, "filter",
                   "must be prefixes, as \"192.0.2.0/24\", not \"" + keys::printable(text) + "\"");
    } else if (service.filters.size() == MAX_FILTERS) {
      fields.error(&node, "filter", "has more than " + std::to_string(MAX_FILTERS) + " prefixes");
    } else {
      service.filters.push_back({rule->bits, 0, rule->prefix});
    }
  });
  std::string internal;
  if (const toml::node* node = fields.string("internal-address", internal)) {
    const auto address = keys::address_from_text(internal);
    if (!address || *address == Address{}) {
      fields.error(node, "internal-address", "must be an address, as \"192.168.1.20\"");
    } else {
      service.internal = *address;
    }
  }
}

void Reader::check_equal_ports() {
  std::set<std::tuple<Address, std::uint16_t, std::uint8_t>> there;
  for (const ServiceConfig& one : config_.services) {
    there.emplace(one.internal, one.port, one.protocol);
  }
  for (const ServiceConfig& one : config_.services) {
    const bool is_equal = std::ranges::any_of(config_.services, [&](const ServiceConfig& other) {
      return other.equal_ports && other.port == one.port && other.internal == one.internal;
    });
    if (one.prefer_failure && is_equal) {
      problems_.error(one.line,
                      "[[service]] has prefer-failure, one port or none, but equal-ports may need "
                      "another one");
    }
  }
  for (const ServiceConfig& one : config_.services) {
    const std::uint8_t other = one.protocol == TCP ? UDP : TCP;
    if (!one.equal_ports || one.protocol == 0 || there.contains({one.internal, one.port, other})) {
      continue;
    }
    problems_.error(one.line, std::string("[[service]] has equal-ports, but none is for ") +
                                  (other == TCP ? "TCP" : "UDP") + " with port " +
                                  std::to_string(one.port));
  }
}

/// Sets must not overlap (RFC 7753 §6.3), nor have a port that the other protocol is to have too.
void Reader::check_port_sets() {
  for (const ServiceConfig& one : config_.services) {
    if (one.port_count < 2) continue;
    for (const ServiceConfig& other : config_.services) {
      if (&one == &other || one.internal != other.internal) continue;
      if (other.protocol == one.protocol && other.port != one.port && other.port >= one.port &&
          other.port < one.port + one.port_count) {
        problems_.error(one.line, "[[service]] has a port-count that takes in port " +
                                      std::to_string(other.port) + " of the one in line " +
                                      std::to_string(other.line));
      }
      if (other.port == one.port && other.protocol == one.protocol &&
          (other.prefer_failure || other.is_web())) {
        problems_.error(one.line,
                        "[[service]] has a port-count, and shares its port with the one in line " +
                            std::to_string(other.line) +
                            ", which is of the web or has prefer-failure");
      }
      if (other.port == one.port && (other.equal_ports || one.equal_ports)) {
        problems_.error(one.line,
                        "[[service]] has a port-count, and its port is one with equal-ports");
      }
    }
  }
}

void Reader::read_names(TomlFields& fields, ServiceConfig& service) {
  const toml::node* host = fields.domain_name("host", service.host);
  if (!host && !fields.has("host")) fields.missing("host", "that the service is found by");
  if (host && (service.host.is_root() || !tools::is_host_name(service.host))) {
    fields.error(host, "host", "is no host name: letters, digits and inner hyphens");
    host = nullptr;
  }
  for (const std::size_t index : service.providers) {
    const Name& zone = config_.providers[index].zone;
    if (host && !zone.is_root() && !service.host.is_at_or_below(zone)) {
      fields.error(host, "host", "is not in the zone " + zone.to_text());
    }
  }
  const toml::node* type = fields.string("type", service.type);
  if (!type) {
    if (!fields.has("type")) fields.missing("type", "as \"_http._tcp\"");
    return;
  }
  const std::size_t dot = service.type.find('.');
  const std::string label = service.type.substr(0, dot);
  const std::string protocol = dot == std::string::npos ? "" : service.type.substr(dot + 1);
  service.protocol = protocol == "_tcp" ? TCP : protocol == "_udp" ? UDP : 0;
  if (service.protocol == 0 || !label.starts_with('_') || !all_of(label.substr(1), "-") ||
      label.size() > MAX_SERVICE_LABEL_OCTETS) {
    return fields.error(type, "type", "must be \"_NAME._tcp\" or \"_NAME._udp\"");
  }
  if (!host) return;
  const auto owner = Name::from_text(service.type + "." + service.host.to_text());
  if (!owner) return fields.error(type, "type", "makes the name too long");
  service.owner = *owner;
  const auto [first, added] = owners_.emplace(service.owner, service.line);
  if (!added) {
    fields.error(
        type, "type",
        "and 'host' are those of the [[service]] in line " + std::to_string(first->second));
  }
}

void Reader::read_txt(TomlFields& fields, ServiceConfig& service) {
  std::size_t size = 0;
  std::vector<std::string> keys_seen;
  fields.strings("txt", [&](const toml::node& node, const std::string& text) {
    std::string key = text.substr(0, text.find('='));
    std::ranges::transform(key, key.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool printable = std::ranges::all_of(key, [](char c) { return c >= 0x20 && c <= 0x7e; });
    if (key.empty() || !printable) {  // RFC 6763 §6.4
      fields.error(&node, "txt", "must be \"KEY=VALUE\" each, the key of printable ASCII");
    } else if (key == "endpoint") {
      fields.error(&node, "txt", "has 'endpoint', which is made from the mapping");
    } else if (key == "ports" && service.port_count > 1) {
      fields.error(&node, "txt", "has 'ports', which is made from the mapping");
    } else if (std::ranges::find(keys_seen, key) != keys_seen.end()) {
      fields.error(&node, "txt", "has the key '" + keys::printable(key) + "' twice");
    } else if (text.size() > MAX_TXT_OCTETS) {
      fields.error(&node, "txt", "has a string of more than 255 octets");
    }
    keys_seen.push_back(key);
    size += 1 + text.size();
    service.txt.push_back(text);
  });
  if (size > MAX_ALL_TXT_OCTETS) {
    fields.error(fields.node("txt"), "txt",
                 "is more than 1,300 octets, which answers cannot carry");
  }
}

void Reader::read_web(TomlFields& fields, ServiceConfig& service) {
  const toml::node* https = fields.boolean("https", service.https);
  if (service.https && service.protocol == UDP) {
    fields.error(https, "https", "is for services over TCP");
  } else if (service.https && !service.host.is_root()) {
    const auto [first, added] = https_.emplace(service.host, service.line);
    if (!added) {
      fields.error(https, "https",
                   "is also in the [[service]] of line " + std::to_string(first->second) +
                       ": https://" + service.host.to_text() + " can be one of them only");
    }
  }
  const toml::node* portal = fields.boolean("portal", service.portal);
  if (!service.portal) return;
  for (const std::size_t index : service.providers) {
    if (!config_.providers[index].portal.empty()) continue;
    fields.error(portal, "portal",
                 "needs the portal's addresses in [[provider]] " + config_.providers[index].name +
                     ", as portal = [\"198.51.100.10\"]");
  }
}

void Reader::read_instance(TomlFields& fields, ServiceConfig& service) {
  const toml::node* node = fields.string("dns-sd", service.instance);
  if (!node) return;
  const bool has_control =
      std::ranges::any_of(service.instance, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (service.instance.empty() || service.instance.size() > MAX_INSTANCE_OCTETS || has_control) {
    return fields.error(node, "dns-sd", "must be a name of 1 to 63 octets, as \"My web server\"");
  }
  if (!instances_.emplace(service.instance, service.type).second) {
    fields.error(node, "dns-sd", "is the name of another " + service.type + ", too");
  }
}

/// A name leads to one place, whichever service is asked for.
void Reader::agree_on_portals() {
  std::map<Name, std::set<std::string>> types;
  for (const ServiceConfig& service : config_.services) {
    if (service.portal) types[service.host];
  }
  for (const ServiceConfig& service : config_.services) {
    if (const auto at = types.find(service.host); at != types.end())
      at->second.insert(service.type);
  }
  for (ServiceConfig& service : config_.services) {
    const auto at = types.find(service.host);
    if (at == types.end()) continue;
    service.portal = true;
    service.types_of_host = at->second;
  }
}

void Reader::read_providers(TomlFields& fields, ServiceConfig& service) {
  const auto add = [&](const toml::node& node, const std::string& name) {
    const auto found = std::ranges::find(config_.providers, name, &ProviderConfig::name);
    if (found == config_.providers.end()) {
      return fields.error(&node, "provider",
                          "names no [[provider]]: \"" + keys::printable(name) + "\"");
    }
    const auto index = static_cast<std::size_t>(found - config_.providers.begin());
    if (std::ranges::find(service.providers, index) == service.providers.end()) {
      service.providers.push_back(index);
    }
  };
  fields.strings("provider", add);
  if (fields.has("provider")) return;
  for (std::size_t i = 0; i < config_.providers.size(); ++i) service.providers.push_back(i);
}

}  // namespace

bool PcpConfig::uses(Protocol protocol) const {
  return protocols.empty() || std::ranges::find(protocols, protocol) != protocols.end();
}

std::string to_text(const PcpServer& server) {
  std::string text = keys::to_text(server.address);
  if (server.interface != 0) text.append("%").append(std::to_string(server.interface));
  if (server.port != PCP_SERVER_PORT) text += "#" + std::to_string(server.port);
  return text;
}

ConfigResult parse_config(std::string_view text, const std::filesystem::path& file) {
  const auto path = std::filesystem::absolute(file).lexically_normal();
  TomlProblems problems(file);
  Reader reader(path, problems);
  keys::read_toml(text, problems, [&](const toml::table& top) { reader.read(top); });
  ConfigResult result;
  result.errors = problems.take_errors();
  result.warnings = problems.take_warnings();
  if (result.errors.empty()) result.config = reader.take();
  return result;
}

ConfigResult read_config(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || !std::filesystem::is_regular_file(file)) {
    ConfigResult result;
    result.errors.push_back(
        {file, 0,
         std::string("cannot be read: ") + (errno != 0 ? std::strerror(errno) : "not a file")});
    return result;
  }
  return parse_config(text.view(), file);
}

}  // namespace pcp_ddns
