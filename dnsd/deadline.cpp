#include "dnsd/deadline.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

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

boost::asio::awaitable<void> Deadline::run() {
  constexpr auto LONGEST_WAIT = std::chrono::hours(1);
  while (!stopped_) {
    timer_.expires_at(std::min(at_, Clock::now() + LONGEST_WAIT));
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (stopped_ || Clock::now() < at_) continue;
    at_ = Clock::time_point::max();
    expired_();
  }
}

}  // namespace dnsd
