#include "dnsd/upstream_thread.h"

#include <spdlog/spdlog.h>

namespace dnsd {

void UpstreamThread::save(bool now) {
  using std::chrono::steady_clock;
  if (!positions.is_changed()) return;
  if (!now && steady_clock::now() < saved_at + SAVE_EVERY) return;
  saved_at = steady_clock::now();
  const std::string problem = positions.save();
  if (!problem.empty() && !save_fails) {
    spdlog::error("upstreams: their positions cannot be written, so that a restart sends again: {}",
                  problem);
  }
  save_fails = !problem.empty();
}

}  // namespace dnsd
