#include "zones/number.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace zones {
namespace {

TEST(NumberFromText, TakesDecimalDigitsAndNothingElse) {
  struct Row {
    std::string_view text;
    std::optional<std::uint16_t> number;
  };
  const Row rows[] = {
      {"0", 0},     {"80", 80},  {"00080", 80}, {"65535", 65'535}, {"65536", {}},
      {"", {}},     {" 80", {}}, {"80 ", {}},   {"+80", {}},       {"-1", {}},
      {"0x50", {}}, {"8e1", {}}, {"80.", {}},   {{"8\0", 2}, {}},  {"99999999999", {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    EXPECT_EQ(number_from_text<std::uint16_t>(row.text), row.number);
    std::uint16_t value = 7;
    EXPECT_EQ(read_number(row.text, value), row.number.has_value());
    EXPECT_EQ(value, row.number.value_or(7));
  }
}

}  // namespace
}  // namespace zones
