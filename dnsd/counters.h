// Counters for the query path: no lock, no allocation, and no cache line that two threads write.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dnsd {

constexpr std::size_t CACHE_LINE_OCTETS = 64;

/// RCODE of an answer as it goes out, its upper bits from OPT included (RFC 6891 §6.1.3).
/// @param answer  at least a header
std::size_t rcode_of_answer(std::span<const std::uint8_t> answer);

/// Answers by opcode and RCODE since the start. Any thread may read. What is shorter than a header
/// counts as OTHER, NOERROR.
class alignas(CACHE_LINE_OCTETS) AnswerCounters {
 public:
  enum Kind : std::size_t { QUERY, UPDATE, OTHER, KINDS };
  static constexpr std::size_t RCODES = 24;  // up to BADCOOKIE, the highest that is sent

  /// Of a table that one thread alone counts in.
  void count(std::span<const std::uint8_t> answer) {
    std::atomic<std::uint64_t>& cell = cell_of(answer);
    cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  /// Of a table that any thread counts in.
  void count_shared(std::span<const std::uint8_t> answer) {
    cell_of(answer).fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t get(Kind kind, std::size_t rcode) const {
    return cells_[kind * RCODES + rcode].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>& cell_of(std::span<const std::uint8_t> answer);

  std::array<std::atomic<std::uint64_t>, KINDS * RCODES> cells_{};
};

/// One figure that many threads count, each nearly always in a cache line of its own.
class ShardedCounter {
 public:
  void add() { shards_[own_shard()].value.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t sum() const {
    std::uint64_t sum = 0;
    for (const Shard& shard : shards_) sum += shard.value.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  static constexpr std::size_t SHARDS = 16;
  struct alignas(CACHE_LINE_OCTETS) Shard {
    std::atomic<std::uint64_t> value{0};
  };
  static std::size_t own_shard();

  std::array<Shard, SHARDS> shards_{};
};

}  // namespace dnsd
