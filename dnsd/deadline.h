// Deadline: the one timeout helper for connections. Asio of Boost 1.81 has no cancel_after, and
// `operation || timer` sets up a timer and a parallel group for each read; this is one timer a
// connection.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace dnsd {

/// Calls `expired` each time the time that was set last is over; it may set another. Belongs to one
/// executor; all calls are made there.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  Deadline(const boost::asio::any_io_executor& executor, std::function<void()> expired);

  /// From now on `expired` is due at `at`; costs a store unless it is earlier than before.
  void set(Clock::time_point at);
  /// Waits and calls until stop().
  /// @param owner  of this object, which is kept until then. No coroutine: its frames would be
  ///               2 % of what a connection with one query costs
  void start(std::shared_ptr<void> owner);
  /// Nothing is called any more.
  void stop();

 private:
  void over();

  boost::asio::steady_timer timer_;
  std::function<void()> expired_;
  Clock::time_point at_ = Clock::time_point::max();
  bool stopped_ = false;
};

}  // namespace dnsd
