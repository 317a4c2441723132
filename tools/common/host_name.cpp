#include "tools/common/host_name.h"

#include <algorithm>

namespace tools {
namespace {

bool is_letter_or_digit(std::uint8_t octet) {
  const std::uint8_t lowered = zones::lower(octet);
  return (lowered >= 'a' && lowered <= 'z') || (octet >= '0' && octet <= '9');
}

bool is_host_label(std::span<const std::uint8_t> label) {
  return is_letter_or_digit(label.front()) && is_letter_or_digit(label.back()) &&
         std::ranges::all_of(
             label, [](std::uint8_t octet) { return is_letter_or_digit(octet) || octet == '-'; });
}

}  // namespace

bool is_host_name(zones::NameView name) {
  for (; !name.is_root(); name = name.parent()) {
    if (!is_host_label(name.first_label())) return false;
  }
  return true;
}

}  // namespace tools
