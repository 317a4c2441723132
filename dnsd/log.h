// Log: spdlog to stderr in a form for terminals and journald; a worker never waits for it. Secrets
// never go in.
#pragma once

#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "dnsd/config.h"

namespace dnsd {

/// Makes spdlog's default logger, which all use (`spdlog::info(…)`), write to stderr, for now at
/// once and on the caller's thread. Lines carry a priority prefix when stderr is the journal
/// (sd-daemon(3)), else time and level.
void start_log(LogLevel level);
/// From here on a thread of its own writes; when it falls behind, the oldest waiting lines are
/// lost. Call it after privileges were dropped.
void make_log_asynchronous();
/// Any thread.
void set_log_level(LogLevel level);
/// Writes what waits and goes back to writing at once; no other thread may log meanwhile.
/// @return false when nobody took the lines within `patience`: the thread that writes them is still
///         there, so that the process is to end by _exit(2), and log no more
[[nodiscard]] bool stop_log(std::chrono::milliseconds patience = std::chrono::seconds(2));

/// Lets some lines a second through and counts the others, so that a flood cannot fill a disk.
/// Thread-safe, no lock.
class LogLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit LogLimiter(std::uint32_t lines_a_second = 10) : limit_(lines_a_second) {}
  /// True when the line may be logged; `suppressed` is how many were not since the last that was.
  bool allow(std::uint64_t& suppressed, Time now = std::chrono::steady_clock::now());

 private:
  const std::uint32_t limit_;
  std::atomic<std::uint64_t> window_{0};  // second (upper 40 bits) and lines in it
  std::atomic<std::uint64_t> suppressed_{0};
};

/// A warning within a limit, with how many were left out since the last. `make_line` is called only
/// for a line that is written.
template <class MakeLine>
void warn(LogLimiter& limiter, const MakeLine& make_line) {
  std::uint64_t suppressed = 0;
  if (!spdlog::should_log(spdlog::level::warn) || !limiter.allow(suppressed)) return;
  std::string line = make_line();
  if (suppressed != 0) {
    line += " (and " + std::to_string(suppressed) + " more such lines not logged)";
  }
  spdlog::warn("{}", line);
}

}  // namespace dnsd
