// Budgets for work that a sender can cause: so much a second for each source, in fixed memory.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace dnsd {

/// What a bucket keeps: when it will be full again (GCRA, as a leaky bucket is called that keeps
/// one number only). It holds one second's worth of units, where not told otherwise. Any thread, no
/// lock; one that is empty is not written to by those who find it so.
class Bucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Takes one unit if there is one.
  /// @param interval_ns  that one unit takes to come back
  /// @param full_ns      that all of them take
  bool take(std::int64_t interval_ns, Time now, std::int64_t full_ns = 1'000'000'000);
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

/// Sources as numbers: an IPv4 address, or an IPv6 /64. They are hashed with a random key into a
/// fixed range, so two of them may share a number, but nobody can choose with whom.
class SourceNumbers {
 public:
  static constexpr std::size_t NUMBERS = 4096;

  SourceNumbers();
  std::size_t of(const Budget::Address& source) const;

 private:
  std::array<std::uint8_t, 16> hash_key_{};
};

/// A budget for each source (SourceNumbers).
class SourceBudget {
 public:
  using Address = Budget::Address;
  static constexpr std::size_t BUDGETS = SourceNumbers::NUMBERS;  // 64 KiB

  explicit SourceBudget(std::uint32_t rate);
  Budget& of(const Address& source) { return budgets_[numbers_.of(source)]; }

 private:
  const SourceNumbers numbers_;
  std::unique_ptr<Budget[]> budgets_;
};

/// The same with buckets, for rates that are told at each use.
class SourceBuckets {
 public:
  Bucket& of(const Budget::Address& source) { return buckets_[numbers_.of(source)]; }

 private:
  const SourceNumbers numbers_;
  std::unique_ptr<Bucket[]> buckets_ =
      std::make_unique<Bucket[]>(SourceNumbers::NUMBERS);  // 32 KiB
};

}  // namespace dnsd
