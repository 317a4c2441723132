// What a person is told of the agent: a table, or JSON for scripts. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/pcp-ddns/mapping.h"
#include "zones/reachability.h"

namespace pcp_ddns {

/// Where a service is published, or to be published.
struct ProviderStatus {
  std::string name;
  enum class State : std::uint8_t {
    PUBLISHED,  // as it is wanted, in an update that was answered NOERROR
    WAITING,    // an update is under way, or will be
    FAILED,     // the last update failed, or was refused; tried again by itself
    NOTHING     // there is no endpoint to publish
  } state = State::NOTHING;
  std::string error;  // of FAILED
  /// What the provider saw when it tried the endpoint; UNKNOWN: it does not try, or not yet.
  zones::Reachability reached = zones::Reachability::UNKNOWN;
};

struct ServiceStatus {
  std::string name;      // _http._tcp.h1.dyn.example.
  std::string internal;  // "tcp 8000"
  std::string external;  // "198.51.100.1:8001", of a set "198.51.100.1:8001-8010"; empty: none
  enum class State : std::uint8_t { MAPPED, ASKING, REFUSED, NOT_GLOBAL } state = State::ASKING;
  std::optional<std::chrono::seconds> renewal;  // the next request, in so many seconds
  std::optional<std::chrono::seconds> end;      // of the mapping, unless it is renewed
  std::string error;                            // the last of the mapping
  std::vector<ProviderStatus> providers;
};

struct Status {
  std::string gateway;  // "PCP server 10.64.0.1, asked from 10.64.0.2"; empty: none
  std::string error;    // why there is none
  std::vector<ServiceStatus> services;

  /// Every service has an endpoint, and is published wherever it shall be.
  bool is_well() const;
};

/// A line a service, in columns, and a line for each error.
std::string to_table(const Status& status);
/// One line:
/// {"gateway":…,"error":…,"services":[{"name":…,"internal":…,"external":…,"state":"mapped",
///  "renewal":1800,"end":3600,"error":…,"providers":[{"name":…,"state":"published","error":…,"reached":"yes"}]}]}
/// What there is not is null; times are in seconds from now.
std::string to_json(const Status& status);

}  // namespace pcp_ddns
