#include "zones/serial.h"

#include <gtest/gtest.h>

namespace zones {
namespace {

TEST(Serial, Rfc1982Section32Comparison) {
  struct Row {
    std::uint32_t a, b;
    bool less, greater;
  };
  const Row rows[] = {
      {0, 1, true, false},
      {1, 0, false, true},
      {7, 7, false, false},
      {0xffffffff, 0, true, false},
      {0, 0x7fffffff, true, false},
      {0, 0x80000000, false, false},  // undefined, so neither
      {0x80000000, 0, false, false},
      {0, 0x80000001, false, true},
      {0x70000000, 0xe0000000, true, false},
      {0xe0000000, 0x60000000, false, false},
      {0xe0000000, 0x5fffffff, true, false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(serial_less(row.a, row.b), row.less) << row.a << " " << row.b;
    EXPECT_EQ(serial_less(row.b, row.a), row.greater) << row.a << " " << row.b;
  }
}

TEST(Serial, Rfc2136Section711NextSkipsZero) {
  EXPECT_EQ(serial_next(1), 2U);
  EXPECT_EQ(serial_next(0xffffffff), 1U);
  EXPECT_TRUE(serial_less(0xffffffff, serial_next(0xffffffff)));
}

}  // namespace
}  // namespace zones
