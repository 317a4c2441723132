#include "dnsd/commit_pace.h"

#include <functional>
#include <string_view>

namespace dnsd {

bool CommitPace::is_new(const UpdateJob& job) {
  const std::string_view address(reinterpret_cast<const char*>(job.source.data()),
                                 job.source.size());
  const std::uint64_t hash =
      std::hash<std::string_view>()(address) * 0x9E3779B97F4A7C15U + job.source_port;
  Sender& place = senders_[(hash ^ hash >> 32) % senders_.size()];
  ++messages_;
  const bool is_known = place.hash == hash && messages_ - place.message <= RECENT;
  place = {hash, messages_};
  return !is_known;
}

void CommitPace::begin(std::span<const UpdateJob> jobs, Time now) {
  begun_ = now;
  for (const UpdateJob& job : jobs) {
    ++in_window_;
    new_in_window_ += is_new(job) ? 1 : 0;
  }
  if (now - window_ < WINDOW) return;
  // A window that was over long ago tells of few messages.
  const bool is_recent = now - window_ < 2 * WINDOW;
  gathers_ = is_recent && in_window_ >= MANY && new_in_window_ * 4 >= in_window_ * 3;
  window_ = now;
  in_window_ = 0;
  new_in_window_ = 0;
}

}  // namespace dnsd
