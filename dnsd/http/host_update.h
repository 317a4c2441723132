// One host's update over HTTP, handed to the writer as an UPDATE is.
#pragma once

#include <chrono>
#include <functional>
#include <span>

#include "dnsd/http/dyndns_update.h"
#include "dnsd/http/message.h"
#include "dnsd/log.h"
#include "dnsd/state.h"
#include "dnsd/update_writer.h"

namespace dnsd::http {

/// Views; needed during submit_host_update() only.
struct HostUpdate {
  const Request& request;
  const State& state;
  const zones::Name& key;  // that logged in
  const zones::Name& host;
  const DynDnsRequest& asked;
  std::span<const keys::Address> addresses;
  std::chrono::sys_seconds now;
};

/// Under the name of the key, so that grants, limits, journal and leases are those of that key;
/// GOOD means on disk and visible. `decided` is called once, before the return or from the writer's
/// thread.
/// @param log_limiter  for the line that tells of a key without any grant
void submit_host_update(UpdateWriter& writer, const HostUpdate& update, LogLimiter& log_limiter,
                        std::function<void(DynDnsWord)> decided);

}  // namespace dnsd::http
