#include "dnsd/config_upstream.h"

#include <algorithm>
#include <string_view>

namespace dnsd {
namespace {

using namespace std::chrono_literals;

/// A server that would send its updates to itself.
bool is_own(const Endpoint& server, const std::vector<Endpoint>& listen) {
  return std::ranges::any_of(listen, [&](const Endpoint& own) {
    if (own.port() != server.port()) return false;
    if (own.address() == server.address()) return true;
    const bool takes_family = own.address().is_v6() || server.address().is_v4();
    return own.address().is_unspecified() && takes_family &&
           (server.address().is_loopback() || server.address().is_unspecified());
  });
}

void read_server(ConfigFields& fields, UpstreamConfig& upstream, const ZoneConfig& zone,
                 const Config& config) {
  std::vector<Endpoint> servers;
  const toml::node* node = fields.endpoints("server", servers);
  if (!fields.has("server")) {
    fields.missing("server", "the other primary's address and port, as \"192.0.2.53:53\"");
  }
  if (!node) return;
  upstream.server = servers.front();
  const std::string text = to_text(upstream.server);
  if (servers.size() > 1) {
    fields.error(node, "server", "is one server; give each a [[zone.upstream]] of its own");
  } else if (upstream.server.port() == 0) {
    fields.error(node, "server", "has port 0; a DNS server's is 53 as a rule");
  } else if (is_own(upstream.server, config.listen)) {
    fields.error(node, "server",
                 "is " + text +
                     ", where this server listens itself ('listen'); name the other "
                     "primary");
  } else if (std::ranges::find(zone.upstreams, upstream.server, &UpstreamConfig::server) !=
             zone.upstreams.end()) {
    fields.error(node, "server", "is " + text + ", which this zone has as an upstream already");
  }
}

void read_key(ConfigFields& fields, UpstreamConfig& upstream, const Config& config) {
  const toml::node* node = fields.domain_name("key", upstream.key);
  if (!fields.has("key")) {
    fields.missing("key", "the name of the [[key]] that signs what is sent there");
  }
  if (!node) return;
  const std::string name = upstream.key.to_text();
  if (config.keyring.find(upstream.key)) return;
  const bool is_public = std::ranges::find(config.public_keys, upstream.key,
                                           &PublicKeyConfig::name) != config.public_keys.end();
  fields.error(node, "key",
               "names '" + name + "', " +
                   (is_public ? "which is a public key; an upstream needs one with a secret (TSIG)"
                              : "but there is no [[key]] of that name"));
}

void read_types(ConfigFields& fields, const char* name, std::vector<zones::Type>& types) {
  fields.strings(name, [&](const toml::node& node, const std::string& text) {
    zones::Type type{};
    if (!zones::type_from_text(text, type) || zones::is_meta(type)) {
      fields.error(&node, name,
                   "must be record types, as \"A\", \"SRV\" or \"TYPE65280\", not \"" +
                       keys::printable(text) + "\"");
    } else if (type == zones::Type::SOA) {
      fields.error(&node, name, "has SOA, which is never sent: each primary counts its own serial");
    } else if (is_never_sent(type) && std::string_view(name) == "types") {
      fields.error(&node, name,
                   "has " + zones::to_text(type) +
                       ", which is never sent: a server that signs makes it by itself");
    } else {
      types.push_back(type);
    }
  });
}

void read_full_sync(ConfigFields& fields, UpstreamConfig& upstream) {
  std::string text;
  const toml::node* node = fields.string("full-sync", text);
  if (!node) return;
  if (text == "transfer") {
    upstream.full_sync = UpstreamConfig::FullSync::TRANSFER;
  } else if (text == "replace") {
    upstream.full_sync = UpstreamConfig::FullSync::REPLACE;
  } else {
    fields.error(node, "full-sync", R"(must be "transfer" or "replace")");
  }
}

}  // namespace

void read_upstreams(ConfigFields& zone_fields, ZoneConfig& zone, const Config& config) {
  std::size_t total = 0;
  for (const ZoneConfig& other : config.zones) total += other.upstreams.size();
  for (const toml::table* table : zone_fields.tables("upstream")) {
    ConfigFields fields(*table, "[[zone.upstream]]", zone_fields.problems());
    UpstreamConfig upstream;
    read_server(fields, upstream, zone, config);
    read_key(fields, upstream, config);
    fields.boolean("apex-ns", upstream.filter.apex_ns);
    read_types(fields, "types", upstream.filter.types);
    read_types(fields, "exclude-types", upstream.filter.excluded);
    read_full_sync(fields, upstream);
    fields.duration("timeout", upstream.timeout, 100ms, 5min);
    const toml::node* min = fields.duration("retry-min", upstream.retry_min, 10ms, 1h);
    const toml::node* max = fields.duration("retry-max", upstream.retry_max, 10ms, 24h);
    if (upstream.retry_max < upstream.retry_min) {
      fields.error(max ? max : min, max ? "retry-max" : "retry-min",
                   "leaves no time to wait: retry-max is below retry-min");
    }
    if (++total == MAX_UPSTREAMS + 1) {
      fields.error(
          table, "server",
          "is one upstream too many: a server has " + std::to_string(MAX_UPSTREAMS) + " at most");
    }
    fields.finish();
    zone.upstreams.push_back(std::move(upstream));
  }
}

}  // namespace dnsd
