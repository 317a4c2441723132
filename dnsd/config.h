// Configuration: one TOML file into plain structs that hold the defaults.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dnsd/auth_pool.h"
#include "dnsd/endpoint.h"
#include "dnsd/http/http_config.h"
#include "dnsd/rate_limit.h"
#include "dnsd/reachability.h"
#include "dnsd/state.h"
#include "dnsd/update_writer.h"
#include "dnsd/upstream_config.h"
#include "keys/grant.h"
#include "keys/keyring.h"
#include "keys/toml_problems.h"
#include "zones/name.h"

namespace dnsd {

enum class LogLevel : std::uint8_t { DEBUG, INFO, WARNING, ERROR };

struct ZoneConfig {
  zones::Name name;
  std::filesystem::path file;  // imported once, when the store has no such zone; empty: none
  std::vector<keys::Grant> grants;
  std::vector<UpstreamConfig> upstreams;
  bool first_come = false;  // a new name is whose key comes first
  std::size_t line = 0;     // of its [[zone]]
};

/// A [[key]] with a public key, for SIG(0).
struct PublicKeyConfig {
  zones::Name name;
  keys::PublicKey key;
};

/// Each field of `[tcp]`; the memory that TCP may take is the product of the first and what one
/// connection holds.
struct TcpLimits {
  std::size_t max_connections = 1'000;
  std::size_t max_connections_per_client = 100;    // an IPv4 address, or an IPv6 /64
  std::chrono::milliseconds idle_timeout{10'000};  // RFC 7766 §6.2.3 wants seconds
  std::chrono::milliseconds write_timeout{
      10'000};                      // a peer that takes nothing for that long is left
  std::size_t max_in_flight = 100;  // updates of one connection that wait for their answer
  std::size_t max_transfers = 10;   // at once
  std::size_t threads = 1;

  bool operator==(const TcpLimits&) const = default;
};

/// A configuration that was read and judged whole. Paths are absolute.
struct Config {
  std::filesystem::path file;  // it came from
  std::vector<Endpoint> listen;
  std::size_t workers = 0;  // query threads; 0: one a core
  std::string user;         // to run as when started by root; empty: stay
  std::uint16_t udp_octets = 1232;
  std::filesystem::path store_path;
  LogLevel log_level = LogLevel::INFO;
  TcpLimits tcp;
  RateLimits rate_limit;
  ReachabilityRules reachability;  // but `own`
  WriterLimits update;
  AuthLimits sig0;
  keys::TsigPolicy tsig{.min_mac_octets = 16};
  std::shared_ptr<const keys::PrivateKey> sig0_key;  // of the server, for its answers; null: none
  std::vector<Cookies::Secret> cookie_secrets;       // empty: one made at start
  Identity identity;                                 // what is told by NSID and in class CHAOS
  keys::Keyring keyring;                             // [[key]] with a secret, and `key-files`
  std::vector<PublicKeyConfig> public_keys;
  keys::Portal portal;                 // `addresses` and `names` of [http]
  http::HttpConfig http;               // the rest of it
  std::vector<Endpoint> admin_listen;  // of [admin]; none: off
  std::vector<ZoneConfig> zones;
};

using ConfigProblem = keys::TomlProblem;

struct ConfigResult {
  std::optional<Config> config;       // only when there is no error
  std::vector<ConfigProblem> errors;  // all of them, in the order of the file
  std::vector<ConfigProblem> warnings;
};

/// Reads, checks each field, then the fields against one another. Never throws on what a file can
/// hold. Reads secret-files, not zone files.
ConfigResult read_config(const std::filesystem::path& file);
/// The same for text that is at hand; `file` names it and is what relative paths are relative to.
ConfigResult parse_config(std::string_view text, const std::filesystem::path& file);

/// Tables that outlive a policy: a reload gives nobody a new budget, and forgets no result.
struct PolicyTables {
  std::shared_ptr<ResponseLimiter> limiter{};  // goes on unless [rate-limit] has changed
  std::shared_ptr<const ReachabilityTable> reachability{};  // what was tried; null: nothing is
};
/// What of a configuration is part of each published state.
std::shared_ptr<const Policy> make_policy(const Config& config, const PolicyTables& tables = {});

/// Fields whose change a reload cannot apply, by name: `listen`, `workers`, `[store]`, …
std::vector<std::string> needs_restart(const Config& before, const Config& after);

}  // namespace dnsd
