#include "tools/pcp-ddns/report.h"

#include "tools/pcp-ddns/log.h"

namespace pcp_ddns {
namespace {

spdlog::level::level_enum level_of(Report::Level level) {
  switch (level) {
    case Report::Level::DEBUG:
      return spdlog::level::debug;
    case Report::Level::INFO:
      return spdlog::level::info;
    case Report::Level::WARNING:
      return spdlog::level::warn;
  }
  return spdlog::level::info;
}

}  // namespace

void log_report(const std::string& provider, const Report& report) {
  spdlog::log(level_of(report.level), "{}: {}", provider, report.text);
}

}  // namespace pcp_ddns
