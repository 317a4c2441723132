#include "dnsd/deadline.h"

#include <algorithm>
#include <utility>

namespace dnsd {

Deadline::Deadline(const boost::asio::any_io_executor& executor, std::function<void()> expired)
    : timer_(executor), expired_(std::move(expired)) {}

void Deadline::set(Clock::time_point at) {
  at_ = at;
  // A later time shows when the timer fires; only for an earlier one it must be set anew.
  if (at_ < timer_.expiry()) timer_.cancel();
}

void Deadline::stop() {
  stopped_ = true;
  timer_.cancel();
}

void Deadline::start(std::shared_ptr<void> owner) {
  constexpr auto LONGEST_WAIT = std::chrono::hours(1);
  if (stopped_) return;
  timer_.expires_at(std::min(at_, Clock::now() + LONGEST_WAIT));
  timer_.async_wait([this, owner = std::move(owner)](const boost::system::error_code&) mutable {
    over();
    start(std::move(owner));
  });
}

void Deadline::over() {
  if (stopped_ || Clock::now() < at_) return;
  at_ = Clock::time_point::max();
  expired_();
}

}  // namespace dnsd
