#include "zones/crc32.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <vector>

namespace zones::test {
namespace {

TEST(Crc32, IsZlibs) {
  std::mt19937 random(1);
  std::uint32_t ours = 0;
  uLong theirs = 0;
  for (std::size_t size = 0; size < 300; ++size) {
    std::vector<std::uint8_t> octets(size + 1);
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
    const std::span<const std::uint8_t> unaligned = std::span(octets).subspan(1);
    ours = crc32(ours, unaligned);
    theirs = crc32_z(theirs, octets.data() + 1, size);
    ASSERT_EQ(ours, theirs) << size << " octets";
  }
  const std::uint8_t digits[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
  EXPECT_EQ(crc32(0, digits), 0xcbf43926U);  // the check value that CRC catalogues give
}

}  // namespace
}  // namespace zones::test
