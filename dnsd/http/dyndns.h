// dyndns2: what home routers, ddclient and inadyn speak, carried out as UPDATE is.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include "dnsd/http/dyndns_update.h"
#include "dnsd/http/handler.h"
#include "dnsd/http/login.h"
#include "dnsd/log.h"
#include "dnsd/update_writer.h"

namespace dnsd::http {

/// Hosts by word since the start; requests that failed as a whole count once. Any thread may read.
class DynDnsCounters {
 public:
  void count(DynDnsWord word) {
    cells_[static_cast<std::size_t>(word)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t get(DynDnsWord word) const {
    return cells_[static_cast<std::size_t>(word)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, DYNDNS_WORDS> cells_{};
};

class DynDnsPending;

/// GET /nic/update and /v3/update, and /checkip, which tells a client its own address.
///
/// Each host is one UPDATE that goes to the writer under the name of the key that logged in, so
/// grants, limits, journal and leases are those of that key, and "good" is said when the change is
/// on disk and visible. Hosts may be in several zones, and one may fail without the others.
class DynDnsHandler : public Handler {
 public:
  using Clock = UpdateWriter::Clock;

  /// @param plain  logins are taken without TLS, too
  DynDnsHandler(UpdateWriter& writer, LoginGate& gate, Clock clock, bool plain);

  /// Adds itself under its paths.
  /// @param takes  as Routes::add() has it
  void add_to(Routes& routes, const std::function<bool(const Request&)>& takes);
  void handle(const Request& request, const State& state, Responder responder) override;
  const DynDnsCounters& counters() const { return counters_; }

 private:
  void update(const Request& request, const zones::Name& key, const State& state,
              Responder responder);
  void fail(const Request& request, Responder responder, unsigned status, DynDnsWord word,
            const char* why);

  UpdateWriter& writer_;
  LoginGate& gate_;
  const Clock clock_;
  const bool plain_;
  DynDnsCounters counters_;
  LogLimiter log_limiter_;
};

}  // namespace dnsd::http
