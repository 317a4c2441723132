#include "dnsd/source_budget.h"

#include <sodium.h>

#include <algorithm>

#include "keys/grant.h"

namespace dnsd {
namespace {

constexpr std::int64_t SECOND_NS = 1'000'000'000;
constexpr std::int64_t MAX_DEBT_NS = 10 * SECOND_NS;

std::int64_t nanoseconds(Budget::Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

void Budget::set_rate(std::uint32_t rate) {
  interval_ns_ = SECOND_NS / static_cast<std::int64_t>(std::max<std::uint32_t>(rate, 1));
}

bool Budget::take(Time now) {
  const std::int64_t at = nanoseconds(now);
  std::int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t next = std::max(full_at, at) + interval_ns_;
    if (next - at > std::max(SECOND_NS, interval_ns_)) return false;
    if (full_at_ns_.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) return true;
  }
}

void Budget::charge(std::uint32_t units, Time now) {
  const std::int64_t at = nanoseconds(now);
  std::int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t next = std::max(full_at, at) + interval_ns_ * std::int64_t{units};
    if (full_at_ns_.compare_exchange_weak(full_at, std::min(next, at + MAX_DEBT_NS),
                                          std::memory_order_relaxed)) {
      return;
    }
  }
}

bool Budget::is_empty(Time now) const {
  const std::int64_t at = nanoseconds(now);
  const std::int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
  return std::max(full_at, at) + interval_ns_ - at > std::max(SECOND_NS, interval_ns_);
}

SourceBudget::SourceBudget(std::uint32_t rate) : budgets_(std::make_unique<Budget[]>(BUDGETS)) {
  static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<decltype(hash_key_)>);
  randombytes_buf(hash_key_.data(), hash_key_.size());
  for (std::size_t i = 0; i < BUDGETS; ++i) budgets_[i].set_rate(rate);
}

Budget& SourceBudget::of(const Address& source) {
  constexpr std::size_t PREFIX_OCTETS = 8;
  std::array<std::uint8_t, crypto_shorthash_BYTES> hash{};
  crypto_shorthash(hash.data(), source.data(),
                   keys::is_ipv4(source) ? source.size() : PREFIX_OCTETS, hash_key_.data());
  const std::size_t index = static_cast<std::size_t>(hash[0] | hash[1] << 8) % BUDGETS;
  return budgets_[index];
}

}  // namespace dnsd
