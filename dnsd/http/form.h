// Parameters as queries and forms have them (application/x-www-form-urlencoded). Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dnsd::http {

/// Calls `each` with what stands between the separators.
void split(std::string_view text, char separator, const auto& each) {
  for (;;) {
    const std::size_t end = text.find(separator);
    each(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

/// Gives each parameter, decoded, until `each` returns false. False then, and when one is not
/// well-formed or has control characters in it.
bool for_each_parameter(
    std::string_view text,
    const std::function<bool(std::string_view name, std::string_view value)>& each);

/// The first parameter of this name; empty when there is none before one that is not well-formed.
std::string parameter(std::string_view text, std::string_view name);

}  // namespace dnsd::http
