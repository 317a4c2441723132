// Metrics: what the server counts and holds, in Prometheus' text format.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "dnsd/dispatch.h"
#include "dnsd/http/dyndns.h"
#include "dnsd/http/listener.h"
#include "dnsd/reachability_prober.h"
#include "dnsd/state.h"
#include "dnsd/tcp_listener.h"
#include "dnsd/udp_worker.h"
#include "dnsd/update_writer.h"
#include "dnsd/upstream.h"

namespace dnsd {

/// Where figures come from; all of it must outlive who asks. What is null is left out.
struct MetricsSources {
  std::vector<const UdpCounters*> udp{};  // one a worker
  const TcpCounters* tcp = nullptr;
  const DispatchCounters* dispatch = nullptr;
  const http::HttpCounters* http = nullptr;
  const http::DynDnsCounters* dyndns = nullptr;
  std::function<WriterStatus()> writer{};
  std::function<std::vector<UpstreamStatus>()> upstreams{};
  const ProberCounters* reachability = nullptr;
  std::string version{};
  std::chrono::sys_seconds started_at{};
};

/// Zones that are listed one by one; all of them are counted. A server may have a hundred thousand.
constexpr std::size_t MAX_LISTED_ZONES = 1'000;

/// "text/plain; version=0.0.4" of all that is known now. Takes as long as there are listed zones;
/// any thread.
std::string metrics_text(const MetricsSources& sources, const State& state);

}  // namespace dnsd
