#include "dnsd/counters.h"

#include <algorithm>

#include "zones/rfc.h"
#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace dnsd {
namespace {

constexpr std::size_t FLAGS = 2;  // offsets of the header (RFC 1035 §4.1.1)
constexpr std::size_t RCODE = 3;
constexpr std::size_t QDCOUNT = 4;
constexpr std::size_t ANCOUNT = 6;
constexpr std::size_t NSCOUNT = 8;
constexpr std::size_t ARCOUNT = 10;

std::size_t count_at(std::span<const std::uint8_t> answer, std::size_t offset) {
  return static_cast<std::size_t>(answer[offset] << 8 | answer[offset + 1]);
}

/// The upper bits of the RCODE, when OPT is all that follows the question: so do answers look that
/// have any.
std::size_t extended_rcode(std::span<const std::uint8_t> answer) {
  constexpr std::size_t QTYPE_AND_QCLASS = 4;
  constexpr std::size_t CLASS = 2;
  zones::WireReader reader(answer, zones::HEADER_OCTETS);
  for (std::size_t i = count_at(answer, QDCOUNT); i != 0 && !reader.failed(); --i) {
    reader.skip_name();
    reader.skip(QTYPE_AND_QCLASS);
  }
  const bool is_root = reader.u8() == 0;
  const bool is_opt = reader.u16() == static_cast<std::uint16_t>(zones::Type::OPT);
  reader.skip(CLASS);
  const std::size_t upper = reader.u8();
  return is_root && is_opt && !reader.failed() ? upper : 0;
}

}  // namespace

std::size_t rcode_of_answer(std::span<const std::uint8_t> answer) {
  const std::size_t lower = answer[RCODE] & 0x0FU;
  const bool may_be_extended = count_at(answer, ANCOUNT) == 0 && count_at(answer, NSCOUNT) == 0 &&
                               count_at(answer, ARCOUNT) != 0;
  return may_be_extended ? extended_rcode(answer) << 4 | lower : lower;
}

std::atomic<std::uint64_t>& AnswerCounters::cell_of(std::span<const std::uint8_t> answer) {
  if (answer.size() < zones::HEADER_OCTETS) return cells_[OTHER * RCODES];
  const auto opcode = static_cast<zones::Opcode>(answer[FLAGS] >> 3 & 0x0F);
  Kind kind = OTHER;
  if (opcode == zones::Opcode::QUERY) kind = QUERY;
  if (opcode == zones::Opcode::UPDATE) kind = UPDATE;
  return cells_[kind * RCODES + std::min(rcode_of_answer(answer), RCODES - 1)];
}

std::size_t ShardedCounter::own_shard() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed) % SHARDS;
  return mine;
}

}  // namespace dnsd
