#include "zones/wire_writer.h"

#include <cstring>

namespace zones {
namespace {

constexpr std::size_t MAX_POINTER = 0x3fff;  // RFC 1035 §4.1.4: 14 bits
constexpr std::size_t NOT_FOUND = 0;         // the header is there, never a name

bool labels_equal(const std::uint8_t* a, const std::uint8_t* b, bool keep_case) {
  if (a[0] != b[0]) return false;
  for (std::size_t i = 1; i <= a[0]; ++i) {
    if (a[i] != b[i] && (keep_case || lower(a[i]) != lower(b[i]))) return false;
  }
  return true;
}

}  // namespace

std::uint8_t* WireWriter::take(std::size_t size) {
  if (overflowed_ || size_ > limit_ || limit_ - size_ < size) {
    overflowed_ = true;
    return nullptr;
  }
  std::uint8_t* at = buffer_.data() + size_;
  size_ += size;
  return at;
}

void WireWriter::u8(std::uint8_t value) {
  if (std::uint8_t* at = take(1)) at[0] = value;
}

void WireWriter::u16(std::uint16_t value) {
  if (std::uint8_t* at = take(2)) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
  }
}

void WireWriter::u32(std::uint32_t value) {
  if (std::uint8_t* at = take(4)) {
    for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
  }
}

void WireWriter::u48(std::uint64_t value) {
  if (std::uint8_t* at = take(6)) {
    for (int i = 0; i < 6; ++i) at[i] = static_cast<std::uint8_t>(value >> (40 - 8 * i));
  }
}

void WireWriter::octets(std::span<const std::uint8_t> octets) {
  if (std::uint8_t* at = take(octets.size()); at != nullptr && !octets.empty()) {
    std::memcpy(at, octets.data(), octets.size());
  }
}

bool WireWriter::matches(std::size_t offset, NameView suffix, bool keep_case) const {
  const std::uint8_t* label = suffix.data();
  // Only names written here are remembered, and their pointers lead backwards, so this ends.
  for (;;) {
    const std::uint8_t octet = buffer_[offset];
    if (octet >= 0xc0) {
      offset = static_cast<std::size_t>(octet & 0x3f) << 8 | buffer_[offset + 1];
      continue;
    }
    if (!labels_equal(buffer_.data() + offset, label, keep_case)) return false;
    if (octet == 0) return true;
    offset += octet + 1U;
    label += octet + 1U;
  }
}

std::size_t WireWriter::find(NameView suffix, bool keep_case) const {
  for (std::size_t i = 0; i < remembered_count_; ++i) {
    if (matches(remembered_[i], suffix, keep_case)) return remembered_[i];
  }
  return NOT_FOUND;
}

void WireWriter::compressed_name(NameView name, bool keep_case) {
  NameView suffix = name;
  std::size_t pointer = NOT_FOUND;
  while (!suffix.is_root()) {
    pointer = find(suffix, keep_case);
    if (pointer != NOT_FOUND) break;
    suffix = suffix.parent();
  }
  const std::size_t start = size_;
  const std::size_t literal = name.size() - suffix.size();  // octets of the labels written in full
  std::uint8_t* at = take(literal + (pointer != NOT_FOUND ? 2 : 1));
  if (at == nullptr) return;
  std::memcpy(at, name.data(), literal);
  if (pointer != NOT_FOUND) {
    at[literal] = static_cast<std::uint8_t>(0xc0 | pointer >> 8);
    at[literal + 1] = static_cast<std::uint8_t>(pointer);
  } else {
    at[literal] = 0;
  }
  for (std::size_t label = 0; label < literal; label += name.data()[label] + 1U) {
    if (start + label > MAX_POINTER || remembered_count_ == MAX_REMEMBERED) break;
    remembered_[remembered_count_++] = static_cast<std::uint16_t>(start + label);
  }
}

void WireWriter::rewind(std::size_t size) {
  size_ = size;
  overflowed_ = false;
  while (remembered_count_ > 0 && remembered_[remembered_count_ - 1] >= size) --remembered_count_;
}

void WireWriter::patch_u16(std::size_t offset, std::uint16_t value) {
  buffer_[offset] = static_cast<std::uint8_t>(value >> 8);
  buffer_[offset + 1] = static_cast<std::uint8_t>(value);
}

}  // namespace zones
