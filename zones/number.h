// Numbers in text, the same everywhere.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace zones {

/// The decimal number that the whole text is; empty for anything else (signs, spaces, nothing at
/// all) and for what T does not hold.
template <std::unsigned_integral T>
std::optional<T> number_from_text(std::string_view text) {
  T number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || at != end) return std::nullopt;
  return number;
}

/// The same into `value`, which stays as it is when there is no such number. @return whether
template <std::unsigned_integral T>
bool read_number(std::string_view text, T& value) {
  const auto number = number_from_text<T>(text);
  value = number.value_or(value);
  return number.has_value();
}

}  // namespace zones
