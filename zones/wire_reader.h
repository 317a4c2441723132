// Reads a message on the wire. Never past the end, no recursion, bounded work on any input (RFC
// 9267).
#pragma once

#include <cstdint>
#include <span>

#include "zones/name.h"

namespace zones {

enum class WireError {
  TRUNCATED = 1,  // the message ends too early
  BAD_NAME,   // over 255 octets, a reserved label type, or a pointer that does not point backwards
  BAD_RDATA,  // RDATA that its type's form does not allow, or RDLENGTH that does not fit it
  BAD_COUNT,  // sections that a message of this kind cannot have
  BAD_OPT,    // OPT not at the root, twice, or outside the additional section (RFC 6891 §6.1.1)
  BAD_TSIG,   // TSIG or SIG(0) that is not the last record (RFC 8945 §5.1, RFC 2931 §3.2)
  TRAILING_OCTETS,  // octets after the last record
};
const char* to_text(WireError error);

/// A cursor over octets that belong to the caller. A failed reader yields zeros and empty spans
/// from then on, so that a sequence of reads needs one check at its end. Used by one thread.
class WireReader {
 public:
  explicit WireReader(std::span<const std::uint8_t> message, std::size_t offset = 0)
      : message_(message), offset_(offset), end_(message.size()) {
    if (offset > end_) fail(WireError::TRUNCATED);
  }

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u48();
  /// `size` octets where they lie.
  std::span<const std::uint8_t> octets(std::size_t size);
  void skip(std::size_t size) { static_cast<void>(octets(size)); }
  /// A name, decompressed (RFC 1035 §4.1.4). Each pointer must lead before the place where the part
  /// being read began, so at most 127 of them are followed.
  Name name();
  /// A name that must not be compressed, as in SRV RDATA of strict formats; a pointer is BAD_NAME.
  Name uncompressed_name();
  /// Steps over a name without building it.
  void skip_name();

  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return failed() ? 0 : end_ - offset_; }
  std::span<const std::uint8_t> message() const { return message_; }
  /// Reads end `size` octets from here, as at the end of RDATA, until restore_end(); names may
  /// still point before. Returns the end that was in force.
  std::size_t narrow(std::size_t size);
  void restore_end(std::size_t end) { end_ = end; }

  bool failed() const { return error_ != WireError{}; }
  WireError error() const { return error_; }
  void fail(WireError error) {
    if (!failed()) error_ = error;
  }

 private:
  bool has(std::size_t size);
  std::span<const std::uint8_t> message_;
  std::size_t offset_;
  std::size_t end_;
  WireError error_{};
};

}  // namespace zones
