#include "dnsd/config.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "dnsd/config_admin.h"
#include "dnsd/config_fields.h"
#include "dnsd/config_identity.h"
#include "dnsd/config_keys.h"
#include "dnsd/config_reachability.h"
#include "dnsd/config_sig0.h"
#include "dnsd/config_upstream.h"
#include "dnsd/http/config_http.h"
#include "dnsd/signers.h"
#include "keys/grant_toml.h"
#include "keys/toml_file.h"

namespace dnsd {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t MAX_FILE_OCTETS = 64 * 1024 * 1024;

std::filesystem::path beside(const std::filesystem::path& file, const std::filesystem::path& path) {
  return (file.parent_path() / path).lexically_normal();
}

void read_store(ConfigFields& top, Config& config) {
  std::string path = "dnsd.sqlite";
  if (const toml::table* table = top.table("store")) {
    ConfigFields fields(*table, "[store]", top.problems());
    const toml::node* node = fields.string("path", path);
    if (node && path.empty()) fields.error(node, "path", "is empty");
    fields.finish();
  }
  config.store_path = beside(config.file, path);
}

void read_log(ConfigFields& top, Config& config) {
  const toml::table* table = top.table("log");
  if (!table) return;
  ConfigFields fields(*table, "[log]", top.problems());
  std::string level;
  if (const toml::node* node = fields.string("level", level)) {
    if (level == "debug") {
      config.log_level = LogLevel::DEBUG;
    } else if (level == "info") {
      config.log_level = LogLevel::INFO;
    } else if (level == "warning") {
      config.log_level = LogLevel::WARNING;
    } else if (level == "error") {
      config.log_level = LogLevel::ERROR;
    } else {
      fields.error(node, "level", R"(must be "debug", "info", "warning" or "error")");
    }
  }
  fields.finish();
}

void read_tsig(ConfigFields& top, keys::TsigPolicy& tsig) {
  const toml::table* table = top.table("tsig");
  if (!table) return;
  ConfigFields fields(*table, "[tsig]", top.problems());
  fields.integer("min-mac", tsig.min_mac_octets, 10, 64);  // RFC 8945 §5.2.2.1; SHA-512's whole MAC
  fields.finish();
}

void read_tcp(ConfigFields& top, TcpLimits& tcp) {
  const toml::table* table = top.table("tcp");
  if (!table) return;
  ConfigFields fields(*table, "[tcp]", top.problems());
  fields.integer("max-connections", tcp.max_connections, 1, 100'000);
  fields.integer("max-connections-per-client", tcp.max_connections_per_client, 1, 100'000);
  fields.duration("idle-timeout", tcp.idle_timeout, 100ms, 1h);
  fields.duration("write-timeout", tcp.write_timeout, 100ms, 1h);
  fields.integer("max-in-flight", tcp.max_in_flight, 1, 10'000);
  fields.integer("max-transfers", tcp.max_transfers, 1, 50);
  fields.integer("threads", tcp.threads, 1, 16);
  fields.finish();
}

void read_rate_limit(ConfigFields& top, RateLimits& limits) {
  const toml::table* table = top.table("rate-limit");
  if (!table) return;
  ConfigFields fields(*table, "[rate-limit]", top.problems());
  constexpr std::uint64_t MAX_RATE = 1'000'000;
  fields.integer("responses-per-second", limits.responses_per_second, 0, MAX_RATE);
  limits.nxdomains_per_second = limits.responses_per_second;
  limits.errors_per_second = limits.responses_per_second;
  fields.integer("nxdomains-per-second", limits.nxdomains_per_second, 0, MAX_RATE);
  fields.integer("errors-per-second", limits.errors_per_second, 0, MAX_RATE);
  fields.integer("slip", limits.slip, 0, 100);
  fields.integer("ipv4-prefix", limits.ipv4_prefix, 1, 32);
  fields.integer("ipv6-prefix", limits.ipv6_prefix, 1, 128);
  fields.integer("table-size", limits.table_size, 1'024, 1 << 26);
  fields.strings("exempt", [&](const toml::node& node, const std::string& text) {
    const auto rule = keys::AddressRule::from_text(text);
    if (rule && rule->kind == keys::AddressRule::Kind::PREFIX) {
      limits.exempt.push_back(*rule);
    } else {
      fields.error(
          &node, "exempt",
          "must be addresses or prefixes, as \"192.0.2.0/24\" or \"2001:db8::/32\", not \"" +
              keys::printable(text) + "\"");
    }
  });
  constexpr std::size_t MAX_EXEMPT = 64;  // each answer looks at all of them
  if (limits.exempt.size() > MAX_EXEMPT) {
    fields.error(fields.node("exempt"), "exempt",
                 "has more than " + std::to_string(MAX_EXEMPT) + " prefixes");
  }
  fields.finish();
}

// RFC 9664 §8
void read_lease_limits(ConfigFields& fields, LeaseLimits& limits) {
  const auto read = [&](const char* name, std::chrono::seconds& value) {
    std::chrono::milliseconds time = value;
    const toml::node* node = fields.duration(name, time, 1s, 24h * 3'660);
    value = std::chrono::floor<std::chrono::seconds>(time);
    return node;
  };
  const toml::node* min = read("min-lease", limits.min);
  const toml::node* max = read("max-lease", limits.max);
  const toml::node* max_key = read("max-key-lease", limits.max_key);
  if (limits.max < limits.min) {
    fields.error(max ? max : min, max ? "max-lease" : "min-lease",
                 "leaves nothing to grant: max-lease is below min-lease");
  }
  if (limits.max_key < limits.min) {
    fields.error(max_key ? max_key : min, max_key ? "max-key-lease" : "min-lease",
                 "leaves nothing to grant: max-key-lease is below min-lease");
  }
}

void read_update(ConfigFields& top, WriterLimits& update) {
  const toml::table* table = top.table("update");
  if (!table) return;
  ConfigFields fields(*table, "[update]", top.problems());
  fields.integer("queue", update.queue, 1, 1'000'000);
  fields.integer("batch", update.batch, 1, 100'000);
  fields.integer("replay-window", update.replay_window, 1'000, 50'000'000);
  fields.integer("journal-batches", update.journal_batches, 1'000, 10'000'000);
  fields.duration("journal-age", update.journal_age, 10min, 24h * 3'660);
  fields.integer("journal-size", update.journal_octets, 1 << 20, std::uint64_t{1} << 40);
  UpdateLimits& message = update.message;
  fields.integer("max-records", message.records_per_message, 1, 60'000);
  fields.integer("max-records-per-rrset", message.records_per_rrset, 1, 10'000);
  fields.integer("max-rrsets-per-name", message.rrsets_per_name, 1, 10'000);
  fields.integer("max-records-per-zone", message.records_per_zone, 2, 1'000'000'000);
  read_lease_limits(fields, update.lease);
  fields.finish();
}

void read_grants(ConfigFields& zone_fields, ZoneConfig& zone, const Config& config,
                 std::span<const zones::Name> zone_names) {
  for (const toml::table* table : zone_fields.tables("grant")) {
    ConfigFields fields(*table, "[[zone.grant]]", zone_fields.problems());
    keys::Grant grant = keys::read_grant(fields, zone.name, config.portal);
    const toml::node* key = fields.node("key");
    if (key && !grant.key.is_root() && !can_have_key(grant, config, zone_names)) {
      fields.error(key, "key",
                   "names '" + grant.key.to_text() +
                       "', but there is no [[key]] of that name, nor a [[zone]] that could hold a "
                       "KEY record of that name");
    }
    zone.grants.push_back(std::move(grant));
  }
}

void read_zones(ConfigFields& top, Config& config) {
  const std::vector<const toml::table*> tables = top.tables("zone");
  std::vector<zones::Name> names;  // a grant may be for a key that a later zone holds
  for (const toml::table* table : tables) {
    const auto name = zones::Name::from_text((*table)["name"].value_or(std::string_view{}));
    if (name) names.push_back(*name);
  }
  std::map<zones::Name, std::size_t> lines;
  for (const toml::table* table : tables) {
    ConfigFields fields(*table, "[[zone]]", top.problems());
    ZoneConfig zone;
    zone.line = fields.line();
    std::string file;
    std::vector<Endpoint> notify;
    const toml::node* name = fields.domain_name("name", zone.name);
    const toml::node* file_node = fields.string("file", file);
    fields.boolean("first-come", zone.first_come);
    const toml::node* notify_node = fields.endpoints("notify", notify);
    if (!table->contains("name")) fields.missing("name", "a zone has one, as \"dyn.example.\"");
    if (file_node && file.empty()) fields.error(file_node, "file", "is empty");
    if (!file.empty()) zone.file = beside(config.file, file);
    if (notify_node) {
      fields.warning(notify_node, "notify",
                     "has no effect: this version sends no NOTIFY; let secondaries poll");
    }
    read_grants(fields, zone, config, names);
    read_upstreams(fields, zone, config);
    fields.finish();
    if (!name) continue;
    if (const auto [first, added] = lines.emplace(zone.name, zone.line); !added) {
      fields.error(
          name, "name",
          "repeats the zone of line " + std::to_string(first->second) + ": " + zone.name.to_text());
      continue;
    }
    config.zones.push_back(std::move(zone));
  }
}

void read_all(ConfigFields& top, Config& config) {
  top.endpoints("listen", config.listen);
  top.integer("workers", config.workers, 0, 128);
  top.string("user", config.user);
  // RFC 6891 §6.2.3: less than 512 counts as 512; above 4096 answers are fragments.
  top.integer("udp-size", config.udp_octets, 512, 4096);
  read_store(top, config);
  read_log(top, config);
  read_identity(top, config.identity);
  read_tsig(top, config.tsig);
  read_tcp(top, config.tcp);
  read_rate_limit(top, config.rate_limit);
  read_reachability(top, config.reachability);
  read_update(top, config.update);
  read_sig0(top, config);
  read_cookies(top, config);
  read_keys(top, config);
  read_http(top, config);
  read_admin(top, config);
  read_zones(top, config);
  top.finish();
}

}  // namespace

ConfigResult parse_config(std::string_view text, const std::filesystem::path& file) {
  ConfigProblems problems(file);
  Config config;
  config.file = std::filesystem::absolute(file).lexically_normal();
  config.listen = {*endpoint_from_text("0.0.0.0:53"), *endpoint_from_text("[::]:53")};
  keys::read_toml(text, problems, [&](const toml::table& table) {
    ConfigFields top(table, "", problems);
    read_all(top, config);
  });
  ConfigResult result;
  result.errors = problems.take_errors();
  result.warnings = problems.take_warnings();
  if (result.errors.empty()) result.config = std::move(config);
  return result;
}

ConfigResult read_config(const std::filesystem::path& file) {
  std::string text;
  if (const std::string failure = read_regular_file(file, MAX_FILE_OCTETS, text);
      !failure.empty()) {
    ConfigResult result;
    result.errors.push_back({file, 0, failure});
    return result;
  }
  return parse_config(text, file);
}

std::shared_ptr<const Policy> make_policy(const Config& config, const PolicyTables& tables) {
  auto policy = std::make_shared<Policy>();
  policy->udp_octets = config.udp_octets;
  policy->identity = config.identity;
  policy->tsig = config.tsig;
  policy->portal = config.portal;
  policy->keyring = config.keyring;
  for (const PublicKeyConfig& key : config.public_keys) {
    policy->public_keys.emplace(key.name, key.key);
  }
  for (const ZoneConfig& zone : config.zones) {
    keys::ZoneGrants& grants = policy->grants[zone.name];
    for (const keys::Grant& grant : zone.grants) grants.add(grant);
  }
  for (const ZoneConfig& zone : config.zones) {
    if (zone.first_come) policy->first_come.insert(zone.name);
  }
  policy->server_key = config.sig0_key;
  policy->cookies = make_cookies(config);
  if (config.rate_limit.is_on()) {
    const bool is_same = tables.limiter && tables.limiter->limits() == config.rate_limit;
    policy->rate_limit =
        is_same ? tables.limiter : std::make_shared<ResponseLimiter>(config.rate_limit);
  }
  if (tables.reachability) {
    policy->reachability_rules = config.reachability;
    policy->reachability_rules.enabled = true;  // as it was started
    policy->reachability_rules.own = own_addresses(config);
    policy->reachability = tables.reachability;
  }
  collect_named_keys(*policy);
  return policy;
}

std::vector<std::string> needs_restart(const Config& before, const Config& after) {
  std::vector<std::string> names;
  const auto check = [&](bool same, const char* name) {
    if (!same) names.emplace_back(name);
  };
  check(before.listen == after.listen, "listen");
  check(before.workers == after.workers, "workers");
  check(before.user == after.user, "user");
  check(before.store_path == after.store_path, "[store]");
  check(before.tcp == after.tcp, "[tcp]");
  check(before.sig0 == after.sig0, "[sig0]");
  check(before.http == after.http, "[http]");
  check(before.reachability.enabled == after.reachability.enabled, "[reachability] enabled");
  check(before.admin_listen == after.admin_listen, "[admin]");
  const auto limits_of = [](const WriterLimits& update) {
    return std::tuple(update.queue, update.batch, update.replay_window, update.journal_batches,
                      update.journal_age, update.journal_octets, update.message.records_per_message,
                      update.message.records_per_rrset, update.message.rrsets_per_name,
                      update.message.records_per_zone, update.lease.min, update.lease.max,
                      update.lease.max_key);
  };
  check(limits_of(before.update) == limits_of(after.update), "[update]");
  // Which zones are served; what `file` says of one that is served already has no effect anyway.
  const auto names_of = [](const Config& config) {
    std::set<zones::Name> set;
    for (const ZoneConfig& zone : config.zones) set.insert(zone.name);
    return set;
  };
  check(names_of(before) == names_of(after), "the list of zones");
  const auto upstreams_of = [](const Config& config) {
    std::map<zones::Name, std::vector<UpstreamConfig>> upstreams;
    for (const ZoneConfig& zone : config.zones) {
      if (!zone.upstreams.empty()) upstreams[zone.name] = zone.upstreams;
    }
    return upstreams;
  };
  check(upstreams_of(before) == upstreams_of(after), "[[zone.upstream]]");
  return names;
}

}  // namespace dnsd
