// The digits by which the tree orders names: comparing them one by one gives the canonical order
// (RFC 4034 §6.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "zones/name.h"

namespace zones {

/// Digits are below this, so that one 64-bit word has a bit for each and some to spare.
constexpr unsigned TREE_DIGITS = 60;
constexpr std::uint8_t END_DIGIT = 0;

/// Labels from the right, each ended by END_DIGIT. Octets `*` to `@` and `[` to `z` are one digit,
/// which are all that host and service names have; `A` to `Z` are those of `a` to `z`; others are
/// two, neither of them END_DIGIT. Reading beyond the end gives END_DIGIT, and no label is empty:
/// so no key is a prefix of another one, and names below a name follow it.
class TreeKey {
 public:
  static constexpr std::size_t MAX_DIGITS = 2 * 250 + 4;  // four labels of two-digit octets
  static constexpr std::size_t MAX_LABELS = 127;
  static constexpr std::size_t NONE = ~std::size_t{0};

  TreeKey() = default;
  /// Refers to the name's octets.
  explicit TreeKey(NameView name) { assign(name); }
  /// `labels` is a name without its root label, or what is left of one without an ancestor's
  /// labels.
  explicit TreeKey(std::span<const std::uint8_t> labels) { assign(labels); }
  // Large, and never needed twice.
  TreeKey(const TreeKey&) = delete;
  TreeKey& operator=(const TreeKey&) = delete;

  void assign(NameView name) { assign(name.wire().first(name.size() - 1)); }
  void assign(std::span<const std::uint8_t> labels);

  std::size_t size() const { return size_; }
  std::uint8_t digit(std::size_t at) const { return at < size_ ? digits_[at] : END_DIGIT; }
  const std::uint8_t* digits() const { return digits_; }
  /// True when a label begins at this digit (or the name ends there).
  bool label_begins(std::size_t at) const { return at == 0 || digit(at - 1) == END_DIGIT; }
  std::size_t label_count() const { return label_count_; }
  /// Digits of the `labels` rightmost labels.
  std::size_t digits_of(std::size_t labels) const { return digits_of_[labels]; }
  /// The octets of all but the `labels` rightmost labels.
  std::span<const std::uint8_t> labels_before(std::size_t labels) const {
    return {octets_, octets_before_[labels]};
  }
  /// Label `number`, 0 being the rightmost one, from its length octet on.
  const std::uint8_t* label(std::size_t number) const {
    return octets_ + octets_before_[number + 1];
  }
  /// The first digit in which the keys differ, NONE when they are equal.
  std::size_t first_difference(const TreeKey& other) const;

 private:
  const std::uint8_t* octets_ = nullptr;
  std::uint16_t size_ = 0;
  std::uint8_t label_count_ = 0;
  // Not initialised beyond what is used: queries make one each.
  std::uint16_t digits_of_[MAX_LABELS + 1];
  std::uint8_t octets_before_[MAX_LABELS + 1];
  std::uint8_t digits_[MAX_DIGITS + 8];
};

/// The digit of an octet that has a single one.
std::uint8_t single_digit(std::uint8_t octet);

/// Eight octets with A-Z lowered.
constexpr std::uint64_t lower_eight(std::uint64_t word) {
  constexpr std::uint64_t EACH = 0x0101010101010101U;
  const std::uint64_t low_bits = word & (EACH * 0x7f);
  const std::uint64_t from_a = low_bits + EACH * (0x80 - 'A');
  const std::uint64_t after_z = low_bits + EACH * (0x80 - 'Z' - 1);
  const std::uint64_t upper = (from_a ^ after_z) & ~word & (EACH * 0x80);
  return word | upper >> 2;
}

/// Equal without case (RFC 4343 §3). Also for wire form: length octets are no letters.
inline bool equal_ignoring_case(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) {
  const auto differ = [&]<class Word>(Word, std::size_t at) {
    Word first;
    Word second;
    std::memcpy(&first, a + at, sizeof first);
    std::memcpy(&second, b + at, sizeof second);
    return first != second && lower_eight(first) != lower_eight(second);
  };
  // The last word overlaps the one before, so that nothing beyond the end is read.
  if (size >= 8) {
    for (std::size_t at = 0; at < size - 8; at += 8) {
      if (differ(std::uint64_t{}, at)) return false;
    }
    return !differ(std::uint64_t{}, size - 8);
  }
  if (size >= 4) return !differ(std::uint32_t{}, 0) && !differ(std::uint32_t{}, size - 4);
  for (std::size_t at = 0; at < size; ++at) {
    if (lower(a[at]) != lower(b[at])) return false;
  }
  return true;
}

}  // namespace zones
