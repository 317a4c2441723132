#include "tools/common/utc_time.h"

#include <array>
#include <ctime>
#include <string_view>
#include <utility>

#include "zones/number.h"

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
  std::uint64_t number = 0;
  if (zones::read_number(text, number) && std::in_range<std::int64_t>(number)) {
    return sys_seconds(seconds(static_cast<std::int64_t>(number)));
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
