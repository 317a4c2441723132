// Budgets for work that a sender can cause: so much a second for each source, in fixed memory.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace dnsd {

/// What a bucket keeps: when it will be full again (GCRA, as a leaky bucket is called that keeps
/// one number only). It holds one second's worth of units. Any thread, no lock; one that is empty
/// is not written to by those who find it so.
class Bucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Takes one unit if there is one.
  /// @param interval_ns  that one unit takes to come back
  bool take(std::int64_t interval_ns, Time now);
  /// Takes units whether they are there or not; what is owed is at most ten seconds' worth.
  void charge(std::uint32_t units, std::int64_t interval_ns, Time now);
  /// True while there is nothing to take.
  bool is_empty(std::int64_t interval_ns, Time now) const;

 private:
  std::atomic<std::int64_t> full_at_ns_{0};
};

/// A bucket that fills at `rate` units a second. Any thread, no lock.
class Budget {
 public:
  using Time = Bucket::Time;
  using Address = std::array<std::uint8_t, 16>;  // IPv6, or IPv4 mapped into it

  /// Nanoseconds that one unit takes to come back; `rate` counts as at least 1.
  static std::int64_t interval_of(std::uint32_t rate);

  explicit Budget(std::uint32_t rate = 1) { set_rate(rate); }
  /// Before other threads use it. At least 1.
  void set_rate(std::uint32_t rate) { interval_ns_ = interval_of(rate); }
  bool take(Time now) { return bucket_.take(interval_ns_, now); }
  void charge(std::uint32_t units, Time now) { bucket_.charge(units, interval_ns_, now); }
  bool is_empty(Time now) const { return bucket_.is_empty(interval_ns_, now); }

 private:
  std::int64_t interval_ns_ = 0;
  Bucket bucket_;
};

/// A budget for each source: an IPv4 address, or an IPv6 /64. Sources are hashed with a random key
/// into a fixed number of budgets, so two of them may share one, but nobody can choose with whom.
class SourceBudget {
 public:
  using Address = Budget::Address;
  static constexpr std::size_t BUDGETS = 4096;  // 64 KiB

  explicit SourceBudget(std::uint32_t rate);
  Budget& of(const Address& source);

 private:
  std::array<std::uint8_t, 16> hash_key_{};
  std::unique_ptr<Budget[]> budgets_;
};

}  // namespace dnsd
