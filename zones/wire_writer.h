// Writes a message into a buffer of the caller's. Compression of names lives here (RFC 1035
// §4.1.4).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "zones/name.h"

namespace zones {

/// A cursor over a buffer of fixed size; no allocation. A write that does not fit sets overflowed()
/// and writes nothing, and so does all that follows until rewind(). Used by one thread.
class WireWriter {
 public:
  explicit WireWriter(std::span<std::uint8_t> buffer) : buffer_(buffer), limit_(buffer.size()) {}

  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u48(std::uint64_t value);
  void octets(std::span<const std::uint8_t> octets);
  /// The name in full, remembered for later compression only by compressed_name().
  void name(NameView name) { octets(name.wire()); }
  /// The name, its longest suffix that was written before replaced by a pointer. Case is compared
  /// exactly where `keep_case`, since a pointer shows the reader the spelling of the earlier name.
  void compressed_name(NameView name, bool keep_case = false);

  std::size_t size() const { return size_; }
  std::size_t room() const { return limit_ - size_; }
  bool overflowed() const { return overflowed_; }
  /// Octets that later writes must leave free, for OPT and TSIG; at most the buffer's size.
  void reserve(std::size_t octets) {
    limit_ = octets > buffer_.size() ? 0 : buffer_.size() - octets;
  }
  std::size_t reserved() const { return buffer_.size() - limit_; }
  std::span<const std::uint8_t> written() const { return buffer_.first(size_); }
  /// Back to a size() seen before; forgets names and an overflow that came after.
  void rewind(std::size_t size);
  void patch_u16(std::size_t offset, std::uint16_t value);

 private:
  static constexpr std::size_t MAX_REMEMBERED = 128;  // label positions that may be pointed to
  std::uint8_t* take(std::size_t size);
  std::size_t find(NameView suffix, bool keep_case) const;
  bool matches(std::size_t offset, NameView suffix, bool keep_case) const;
  std::span<std::uint8_t> buffer_;
  std::size_t limit_;
  std::size_t size_ = 0;
  bool overflowed_ = false;
  std::size_t remembered_count_ = 0;
  std::array<std::uint16_t, MAX_REMEMBERED> remembered_;  // ascending offsets below 0x4000
};

}  // namespace zones
