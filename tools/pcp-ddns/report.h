// What a publisher has to say of an exchange.
#pragma once

#include <cstdint>
#include <string>

namespace pcp_ddns {

/// A line for the log.
struct Report {
  enum class Level : std::uint8_t { DEBUG, INFO, WARNING };
  Level level{};
  std::string text;
};

/// @param provider  its name
void log_report(const std::string& provider, const Report& report);

}  // namespace pcp_ddns
