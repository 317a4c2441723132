// A socket of the file system beside the state file, on which a running agent tells its status.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <string>

#include "zones/result.h"

namespace pcp_ddns {

/// The socket of the agent with this state file.
std::filesystem::path status_socket_path(const std::filesystem::path& state);

/// Whoever connects gets one text, and that was all: nothing is read. One at a time, for five
/// seconds at most. Only its owner (and root) may connect.
class StatusSocket {
 public:
  using MakeText = std::function<std::string()>;

  explicit StatusSocket(boost::asio::io_context& context)
      : acceptor_(context), peer_(context), timer_(context) {}
  ~StatusSocket();
  StatusSocket(const StatusSocket&) = delete;
  StatusSocket& operator=(const StatusSocket&) = delete;

  /// Takes the place of a socket that nobody listens at.
  /// @return empty, or what went wrong
  std::string open(const std::filesystem::path& path, MakeText make_text);

 private:
  void accept();
  void finish();

  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::local::stream_protocol::socket peer_;
  boost::asio::steady_timer timer_;
  std::filesystem::path path_;  // that is to be removed
  MakeText make_text_;
  std::string text_;  // that is being sent
};

/// What the agent at this socket says; it blocks for up to ten seconds. The error is a sentence.
zones::Result<std::string, std::string> read_status(const std::filesystem::path& path);

}  // namespace pcp_ddns
