// Times as the pages and their JSON tell them: UTC, to the second.
#pragma once

#include <spdlog/fmt/chrono.h>

#include <chrono>
#include <string>

namespace dnsd::http {

/// For people: "2026-11-30 23:00:00 UTC".
inline std::string time_text(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

/// For programs, as ISO 8601 has it: "2026-11-30T23:00:00Z".
inline std::string iso_time(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace dnsd::http
