// Upstreams: every committed change of a zone goes on to other primaries as signed UPDATEs (RFC
// 7393 §3.1, RFC 2136, RFC 3007), in the journal's order, resumed from there after any stop.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dnsd/config.h"
#include "dnsd/state.h"
#include "dnsd/upstream_config.h"
#include "zones/store.h"

namespace dnsd {

/// One upstream's figures.
struct UpstreamStatus {
  std::string zone;
  std::string server;
  zones::Lsn acknowledged_lsn =
      0;                         // the newest batch that it has; 0 before the first synchronisation
  std::uint64_t behind = 0;      // batches of the journal after that, of whatever zone
  std::uint64_t messages = 0;    // acknowledged
  std::uint64_t records = 0;     // in these
  std::uint64_t failures = 0;    // tries without NOERROR
  std::uint64_t full_syncs = 0;  // completed
  std::uint64_t refused_names = 0;  // whose changes it refused, and which are not there
  bool needs_full_sync = false;     // it refused more than that
  bool failing = false;             // the last try
  std::string last_error{};         // "REFUSED", "timeout", "connection", …; empty: none yet
  std::chrono::sys_seconds last_error_at{};
};

/// Owns one thread, on which a coroutine for each upstream waits for commits. It reads the journal
/// by a connection of its own to the store and writes positions to a file beside it; neither the
/// writer nor those who answer ever wait for it. Memory is bounded: one batch of the journal and
/// the names of some hundred RRsets, or of one batch when it has more, and 200,000 octets of
/// messages, or what one name has; see UpstreamComparison for a full synchronisation.
class Upstreams {
 public:
  /// @param zones  those with upstreams are taken. The publisher must outlive this
  Upstreams(const std::vector<ZoneConfig>& zones, std::filesystem::path store,
            StatePublisher& publisher);
  ~Upstreams();
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;

  /// Any thread, cheap: batches up to `lsn` are on disk and published. Also before start().
  void committed(zones::Lsn lsn) noexcept;
  /// Starts the thread.
  void start();
  /// Any thread: whoever waits before another try makes it now.
  void retry_now();
  /// Leaves what was not acknowledged to the next start; writes the positions; ends the thread.
  void stop();
  std::vector<UpstreamStatus> status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Where the positions of a store's upstreams are kept.
std::filesystem::path upstream_positions_file(const std::filesystem::path& store);

}  // namespace dnsd
