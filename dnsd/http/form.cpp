#include "dnsd/http/form.h"

namespace dnsd::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Of application/x-www-form-urlencoded. Empty when it is not well-formed, or has control
/// characters.
std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      if (text.size() - at < 3) return std::nullopt;
      const int high = hex_digit(text[at + 1]);
      const int low = hex_digit(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      at += 2;
    }
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) return std::nullopt;
    decoded.push_back(c);
  }
  return decoded;
}

}  // namespace

bool for_each_parameter(
    std::string_view text,
    const std::function<bool(std::string_view name, std::string_view value)>& each) {
  bool good = true;
  split(text, '&', [&](std::string_view parameter) {
    if (!good || parameter.empty()) return;
    const std::size_t equals = parameter.find('=');
    const auto name = decode(parameter.substr(0, equals));
    const auto value = decode(equals == std::string_view::npos ? std::string_view{}
                                                               : parameter.substr(equals + 1));
    good = name && value && each(*name, *value);
  });
  return good;
}

std::string parameter(std::string_view text, std::string_view name) {
  std::string found;
  for_each_parameter(text, [&](std::string_view one, std::string_view value) {
    const bool is_wanted = one == name;
    if (is_wanted) found = value;
    return !is_wanted;
  });
  return found;
}

}  // namespace dnsd::http
