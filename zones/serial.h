// Serial number arithmetic (RFC 1982), as SOA serials need it.
#pragma once

#include <cstdint>

namespace zones {

/// a < b by RFC 1982 §3.2. False both ways for equal numbers and for those 2^31 apart.
constexpr bool serial_less(std::uint32_t a, std::uint32_t b) {
  return a != b && ((a < b && b - a < 0x80000000U) || (a > b && a - b > 0x80000000U));
}

/// The serial after `serial`; 0 is skipped, since some secondaries take it for "none" (RFC 2136
/// §7.11).
constexpr std::uint32_t serial_next(std::uint32_t serial) {
  return serial == 0xffffffffU ? 1 : serial + 1;
}

}  // namespace zones
