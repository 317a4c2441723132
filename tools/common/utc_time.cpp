#include "tools/common/utc_time.h"

#include <array>
#include <charconv>
#include <ctime>
#include <string_view>

namespace tools {

using std::chrono::seconds;
using std::chrono::sys_seconds;

std::string to_text(sys_seconds time) {
  const std::time_t value = time.time_since_epoch().count();
  std::tm parts{};
  if (gmtime_r(&value, &parts) == nullptr) return std::to_string(value);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

std::optional<sys_seconds> time_from_text(const std::string& text) {
  if (text == "now") return std::chrono::floor<seconds>(std::chrono::system_clock::now());
  std::int64_t number = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && at == text.data() + text.size() && number >= 0) {
    return sys_seconds(seconds(number));
  }
  for (const char* format :
       {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    std::tm parts{};
    const char* const end = strptime(text.c_str(), format, &parts);
    if (end == nullptr || (*end != '\0' && std::string_view(end) != "Z")) continue;
    return sys_seconds(seconds(timegm(&parts)));
  }
  return std::nullopt;
}

}  // namespace tools
