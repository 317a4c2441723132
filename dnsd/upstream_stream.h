// DNS messages over one TCP connection to an upstream, each step with a deadline.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dnsd/endpoint.h"

namespace dnsd {

/// Used on one executor. Each function is over at the deadline at the latest, and after close().
class UpstreamStream {
 public:
  explicit UpstreamStream(const boost::asio::any_io_executor& executor);
  ~UpstreamStream();
  UpstreamStream(const UpstreamStream&) = delete;
  UpstreamStream& operator=(const UpstreamStream&) = delete;

  void set_deadline(std::chrono::steady_clock::time_point at);
  boost::asio::awaitable<bool> connect(Endpoint server);
  /// With its length before it.
  boost::asio::awaitable<bool> write(std::vector<std::uint8_t> message);
  boost::asio::awaitable<bool> read(std::vector<std::uint8_t>& message);
  void close();
  /// Why the last step failed: "connection refused", "no answer within the time".
  const std::string& failure() const { return failure_; }
  bool timed_out() const;

 private:
  struct Guard;  // shared with the timer, which may fire after this is gone
  bool failed(const boost::system::error_code& error);

  std::shared_ptr<Guard> guard_;
  boost::asio::steady_timer timer_;
  std::string failure_;
};

}  // namespace dnsd
