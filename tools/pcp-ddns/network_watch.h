// Tells when this machine's addresses or routes change (rtnetlink(7)).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

namespace pcp_ddns {

class NetworkWatch {
 public:
  explicit NetworkWatch(boost::asio::io_context& context) : descriptor_(context), timer_(context) {}

  /// @param on_change  called once for changes that come together
  /// @return empty, or what went wrong
  std::string open(std::function<void()> on_change);
  void close();

 private:
  void wait();

  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer timer_;
  std::function<void()> on_change_;
};

}  // namespace pcp_ddns
