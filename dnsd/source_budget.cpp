#include "dnsd/source_budget.h"

#include <sodium.h>

#include <algorithm>

#include "keys/grant.h"

namespace dnsd {
namespace {

constexpr std::int64_t SECOND_NS = 1'000'000'000;
constexpr std::int64_t MAX_DEBT_NS = 10 * SECOND_NS;

std::int64_t nanoseconds(Bucket::Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

bool Bucket::take(std::int64_t interval_ns, Time now, std::int64_t full_ns) {
  const std::int64_t at = nanoseconds(now);
  std::int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t next = std::max(full_at, at) + interval_ns;
    if (next - at > std::max(full_ns, interval_ns)) return false;
    if (full_at_ns_.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) return true;
  }
}

void Bucket::charge(std::uint32_t units, std::int64_t interval_ns, Time now) {
  const std::int64_t at = nanoseconds(now);
  std::int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t next = std::max(full_at, at) + interval_ns * std::int64_t{units};
    if (full_at_ns_.compare_exchange_weak(full_at, std::min(next, at + MAX_DEBT_NS),
                                          std::memory_order_relaxed)) {
      return;
    }
  }
}

bool Bucket::is_empty(std::int64_t interval_ns, Time now) const {
  const std::int64_t at = nanoseconds(now);
  const std::int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
  return std::max(full_at, at) + interval_ns - at > std::max(SECOND_NS, interval_ns);
}

std::int64_t Budget::interval_of(std::uint32_t rate) {
  return SECOND_NS / static_cast<std::int64_t>(std::max<std::uint32_t>(rate, 1));
}

SourceNumbers::SourceNumbers() {
  static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<decltype(hash_key_)>);
  randombytes_buf(hash_key_.data(), hash_key_.size());
}

SourceBudget::SourceBudget(std::uint32_t rate) : budgets_(std::make_unique<Budget[]>(BUDGETS)) {
  for (std::size_t i = 0; i < BUDGETS; ++i) budgets_[i].set_rate(rate);
}

std::size_t SourceNumbers::of(const Budget::Address& source) const {
  constexpr std::size_t PREFIX_OCTETS = 8;
  std::array<std::uint8_t, crypto_shorthash_BYTES> hash{};
  crypto_shorthash(hash.data(), source.data(),
                   keys::is_ipv4(source) ? source.size() : PREFIX_OCTETS, hash_key_.data());
  return static_cast<std::size_t>(hash[0] | hash[1] << 8) % NUMBERS;
}

}  // namespace dnsd
