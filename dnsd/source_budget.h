// Budgets for work that a sender can cause: so much a second for each source, in fixed memory.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace dnsd {

/// A bucket that fills at `rate` units a second and holds one second's worth (GCRA, as a leaky
/// bucket is called that keeps one number only). Any thread, no lock.
class Budget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Budget(std::uint32_t rate = 1) { set_rate(rate); }
  /// Before other threads use it. At least 1.
  void set_rate(std::uint32_t rate);
  /// Takes one unit if there is one.
  bool take(Time now);
  /// Takes units whether they are there or not; what is owed is at most ten seconds' worth.
  void charge(std::uint32_t units, Time now);
  /// True while there is nothing to take.
  bool is_empty(Time now) const;

 private:
  std::int64_t interval_ns_ = 1'000'000'000;  // that one unit takes to come back
  std::atomic<std::int64_t> full_at_ns_{0};   // when the bucket will be full again
};

/// A budget for each source: an IPv4 address, or an IPv6 /64. Sources are hashed with a random key
/// into a fixed number of budgets, so two of them may share one, but nobody can choose with whom.
class SourceBudget {
 public:
  using Address = std::array<std::uint8_t, 16>;  // IPv6, or IPv4 mapped into it
  static constexpr std::size_t BUDGETS = 4096;   // 64 KiB

  explicit SourceBudget(std::uint32_t rate);
  Budget& of(const Address& source);

 private:
  std::array<std::uint8_t, 16> hash_key_{};
  std::unique_ptr<Budget[]> budgets_;
};

}  // namespace dnsd
