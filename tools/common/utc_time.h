// Moments as operators write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace tools {

/// "2026-11-24T10:30:00Z"
std::string to_text(std::chrono::sys_seconds time);
/// That form, with a space for the T or without the Z as well; a date alone; seconds since 1970; or
/// "now". All in UTC. Empty for anything else.
std::optional<std::chrono::sys_seconds> time_from_text(const std::string& text);

}  // namespace tools
