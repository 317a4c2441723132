// CRC-32 as zlib computes it, for short input: zlib sets up for long ones and takes the rest octet
// by octet, which made it a sixth of a start.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace zones {

namespace crc32_detail {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[n][octet]: what an octet does with n zero octets after it.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t octet = 0; octet < 256; ++octet) {
    std::uint32_t value = octet;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0xedb88320U : 0);
    tables[0][octet] = value;
  }
  for (std::size_t n = 1; n < tables.size(); ++n) {
    for (std::size_t octet = 0; octet < 256; ++octet) {
      const std::uint32_t before = tables[n - 1][octet];
      tables[n][octet] = before >> 8 ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

inline constexpr Tables TABLES = make_tables();

}  // namespace crc32_detail

/// Continues from `crc`, which is 0 for the first octets.
inline std::uint32_t crc32(std::uint32_t crc, std::span<const std::uint8_t> octets) {
  static_assert(std::endian::native == std::endian::little);
  const auto& tables = crc32_detail::TABLES;
  const std::uint8_t* at = octets.data();
  std::size_t left = octets.size();
  crc = ~crc;
  for (; left >= 8; at += 8, left -= 8) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + 4, 4);
    low ^= crc;
    crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
          tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
          tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
  }
  for (; left > 0; ++at, --left) crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
  return ~crc;
}

}  // namespace zones
