#include "zones/wire_reader.h"

#include <algorithm>
#include <cstring>

namespace zones {
namespace {

constexpr std::size_t MAX_POINTERS = 127;

}  // namespace

const char* to_text(WireError error) {
  switch (error) {
    case WireError::TRUNCATED:
      return "the message ends too early";
    case WireError::BAD_NAME:
      return "a malformed name";
    case WireError::BAD_RDATA:
      return "RDATA that does not fit its type";
    case WireError::BAD_COUNT:
      return "a section that such a message cannot have";
    case WireError::BAD_OPT:
      return "a misplaced, repeated or malformed OPT";
    case WireError::BAD_TSIG:
      return "a TSIG or SIG(0) that is not the last record";
    case WireError::TRAILING_OCTETS:
      return "octets after the last record";
  }
  return "no error";
}

bool WireReader::has(std::size_t size) {
  if (failed()) return false;
  if (end_ - offset_ < size) {
    fail(WireError::TRUNCATED);
    return false;
  }
  return true;
}

std::uint8_t WireReader::u8() { return has(1) ? message_[offset_++] : std::uint8_t{0}; }

std::uint16_t WireReader::u16() {
  if (!has(2)) return 0;
  const std::uint8_t* at = message_.data() + offset_;
  offset_ += 2;
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

std::uint32_t WireReader::u32() {
  const std::uint32_t high = u16();
  return high << 16 | u16();
}

std::uint64_t WireReader::u48() {
  const std::uint64_t high = u16();
  return high << 32 | u32();
}

std::span<const std::uint8_t> WireReader::octets(std::size_t size) {
  if (!has(size)) return {};
  const auto result = message_.subspan(offset_, size);
  offset_ += size;
  return result;
}

Name WireReader::name() {
  Name name;
  std::size_t size = 0;      // octets of the name so far
  std::size_t at = offset_;  // where the next label is read
  std::size_t limit =
      offset_;             // a pointer must lead below this; it falls with each, so the loop ends
  std::size_t end = end_;  // the first part may not leave RDATA, the others the message
  bool jumped = false;
  std::size_t jumps = 0;
  for (;;) {
    if (failed()) return {};
    if (at >= end) {
      fail(WireError::TRUNCATED);
      return {};
    }
    const std::uint8_t octet = message_[at];
    if (octet >= 0xc0) {
      if (at + 1 >= end) {
        fail(WireError::TRUNCATED);
        return {};
      }
      const std::size_t target = static_cast<std::size_t>(octet & 0x3f) << 8 | message_[at + 1];
      if (!jumped) offset_ = at + 2;
      // A name has at most 127 labels, so more pointers than that lead from pointer to pointer (RFC
      // 9267 §2).
      if (target >= limit || target < HEADER_OCTETS || ++jumps > MAX_POINTERS) {
        fail(WireError::BAD_NAME);
        return {};
      }
      jumped = true;
      end = message_.size();
      at = limit = target;
      continue;
    }
    if (octet > MAX_LABEL_OCTETS || size + octet + 1 > MAX_NAME_OCTETS) {
      fail(WireError::BAD_NAME);
      return {};
    }
    if (end - at < octet + 1U) {
      fail(WireError::TRUNCATED);
      return {};
    }
    std::memcpy(name.octets_.data() + size, message_.data() + at, octet + 1U);
    size += octet + 1U;
    at += octet + 1U;
    if (octet == 0) break;
  }
  if (!jumped) offset_ = at;
  name.size_ = static_cast<std::uint8_t>(size);
  return name;
}

Name WireReader::uncompressed_name() {
  if (failed()) return {};
  const auto result = Name::from_wire(message_.subspan(offset_, end_ - offset_));
  if (!result) {
    fail(result.error() == NameError::TRUNCATED ? WireError::TRUNCATED : WireError::BAD_NAME);
    return {};
  }
  offset_ += result->size();
  return *result;
}

void WireReader::skip_name() {
  std::size_t size = 0;
  while (has(1)) {
    const std::uint8_t octet = message_[offset_];
    if (octet >= 0xc0) {
      skip(2);
      return;
    }
    size += octet + 1U;
    if (octet > MAX_LABEL_OCTETS || size > MAX_NAME_OCTETS) {
      fail(WireError::BAD_NAME);
      return;
    }
    skip(octet + 1U);
    if (octet == 0) return;
  }
}

std::size_t WireReader::narrow(std::size_t size) {
  const std::size_t before = end_;
  if (has(size)) end_ = offset_ + size;
  return before;
}

}  // namespace zones
