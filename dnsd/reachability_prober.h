// Prober: tries endpoints that were just published, and notes whether they answered.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "dnsd/reachability.h"
#include "zones/message.h"
#include "zones/name.h"
#include "zones/snapshot.h"

namespace dnsd {

struct ProberLimits {
  std::size_t in_flight = 256;
  std::size_t queue = 1'024;  // endpoints that wait for one of these
  std::chrono::milliseconds timeout{5'000};
  /// How long an endpoint that was there before is not tried again.
  std::chrono::seconds again{3'600};
};

/// Since the start. `tried` becomes one of the four below it.
struct ProberCounters {
  using Counter = std::atomic<std::uint64_t>;
  Counter tried{0};
  Counter answered{0};
  Counter refused{0};
  Counter silent{0};
  Counter failed{0};            // the server itself could not: no route, no socket
  Counter skipped_by_rule{0};   // [reachability] does not let it, or the host is another's
  Counter skipped_by_limit{0};  // more than the rates or the queue let
};

/// An update that was answered NOERROR, as its results are published. Views.
struct AcceptedUpdate {
  const zones::Catalogue& catalogue;
  const ReachabilityRules& rules;
  const zones::Message& message;
  std::span<const zones::Name> touched;  // names that it changed
  const keys::Address& source;
  bool source_proven;
  /// Whether the update's key may change a name. An endpoint is its own only where that is so of
  /// the SRV record's target: others' hosts are not for it to have tried.
  const std::function<bool(zones::NameView target)>& may_change;
};

/// Owns one thread, on which it connects (nothing is sent, and what accepts is left at once).
/// Memory is bounded: what is beyond the rates and the queue is not tried, and nothing is known of
/// it.
class ReachabilityProber {
 public:
  explicit ReachabilityProber(const ProberLimits& limits = {});
  /// Stops as stop() does.
  ~ReachabilityProber();
  ReachabilityProber(const ReachabilityProber&) = delete;
  ReachabilityProber& operator=(const ReachabilityProber&) = delete;

  /// Starts the thread.
  void start();
  /// Takes of the update's endpoints those that may be tried; they are TRYING when this returns.
  /// For the writer's thread; waits for nothing.
  void consider(const AcceptedUpdate& update) noexcept;
  /// What is in flight and waits is given up. Any thread but its own.
  void stop();

  std::shared_ptr<const ReachabilityTable> table() const;
  const ProberCounters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
