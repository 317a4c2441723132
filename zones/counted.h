// Numbers with their noun, for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zones {

/// "1 zone", "2 zones", "0 batches".
inline std::string counted(std::uint64_t count, std::string_view noun) {
  std::string text = std::to_string(count) + " " + std::string(noun);
  if (count != 1) text += noun.ends_with("ch") ? "es" : "s";
  return text;
}

}  // namespace zones
