#include "zones/tree_key.h"

#include <algorithm>
#include <array>

namespace zones {
namespace {

struct Digits {
  std::uint8_t first;
  std::uint8_t second;  // 0: there is none
};

// 0: end; 1: escape for octets below `*`; 2 to 24: `*` to `@`; 25 to 56: `[` to `z`; 57 to 59:
// escapes above.
constexpr Digits digits_of_octet(std::uint8_t octet) {
  constexpr unsigned LOW_ESCAPE = 1;
  constexpr unsigned HIGH_ESCAPE = 57;
  constexpr unsigned HIGH_BEGIN = 'z' + 1;
  constexpr unsigned SECOND_DIGITS = TREE_DIGITS - 1;
  const unsigned value = lower(octet);
  unsigned first = 0;
  unsigned second = 0;
  if (value < '*') {
    first = LOW_ESCAPE;
    second = 1 + value;
  } else if (value <= '@') {
    first = 2 + (value - '*');
  } else if (value < HIGH_BEGIN) {
    first = 25 + (value - '[');
  } else {
    first = HIGH_ESCAPE + (value - HIGH_BEGIN) / SECOND_DIGITS;
    second = 1 + (value - HIGH_BEGIN) % SECOND_DIGITS;
  }
  return {static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second)};
}

constexpr std::array<Digits, 256> make_table() {
  std::array<Digits, 256> table{};
  for (unsigned octet = 0; octet < 256; ++octet) {
    table[octet] = digits_of_octet(static_cast<std::uint8_t>(octet));
  }
  return table;
}

constexpr std::array<Digits, 256> TABLE = make_table();
static_assert(TABLE['z'].first == 56 && TABLE[0xff].first == TREE_DIGITS - 1);

}  // namespace

std::uint8_t single_digit(std::uint8_t octet) { return TABLE[octet].first; }

void TreeKey::assign(std::span<const std::uint8_t> labels) {
  octets_ = labels.data();
  std::size_t count = 0;
  std::uint8_t begins[MAX_LABELS];
  for (std::size_t at = 0; at < labels.size(); at += labels[at] + std::size_t{1}) {
    begins[count++] = static_cast<std::uint8_t>(at);
  }
  label_count_ = static_cast<std::uint8_t>(count);
  digits_of_[0] = 0;
  octets_before_[0] = static_cast<std::uint8_t>(labels.size());
  std::uint8_t* out = digits_;
  for (std::size_t number = 1; number <= count; ++number) {
    const std::uint8_t begin = begins[count - number];
    octets_before_[number] = begin;
    const std::uint8_t* octet = octets_ + begin + 1;
    for (const std::uint8_t* end = octet + octets_[begin]; octet != end; ++octet) {
      const Digits digits = TABLE[*octet];
      out[0] = digits.first;
      out[1] = digits.second;
      out += digits.second == 0 ? 1 : 2;
    }
    *out++ = END_DIGIT;
    digits_of_[number] = static_cast<std::uint16_t>(out - digits_);
  }
  size_ = static_cast<std::uint16_t>(out - digits_);
}

std::size_t TreeKey::first_difference(const TreeKey& other) const {
  const std::size_t shorter = std::min(size_, other.size_);
  const auto [mine, theirs] = std::mismatch(digits_, digits_ + shorter, other.digits_);
  const auto at = static_cast<std::size_t>(mine - digits_);
  // The digit after the end of the shorter one is END_DIGIT, and the longer one begins a label
  // there.
  return at == shorter && size_ == other.size_ ? NONE : at;
}

}  // namespace zones
