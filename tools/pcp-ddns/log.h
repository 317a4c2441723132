// The log: spdlog to stderr, in a form for terminals and for the journal. Secrets never go in.
#pragma once

#include <spdlog/spdlog.h>

#include "tools/pcp-ddns/config.h"

namespace pcp_ddns {

/// Makes spdlog's default logger. When stderr is the journal, which has a clock of its own, lines
/// carry a priority instead of time and level (sd-daemon(3)).
void start_log(LogLevel level);
void set_log_level(LogLevel level);

}  // namespace pcp_ddns
