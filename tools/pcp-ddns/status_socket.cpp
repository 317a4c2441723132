#include "tools/pcp-ddns/status_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>

namespace pcp_ddns {
namespace {

using boost::asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::chrono::seconds SEND_TIME{5};
constexpr long READ_SECONDS = 10;

/// A connected socket; negative, and errno, when nobody listens there.
int connect_to(const std::filesystem::path& path) {
  sockaddr_un address{};
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, text.c_str(), text.size());
  const int peer = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (peer < 0) return peer;
  if (::connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    ::close(peer);
    errno = error;
    return -1;
  }
  return peer;
}

}  // namespace

std::filesystem::path status_socket_path(const std::filesystem::path& state) {
  return state.string() + ".socket";
}

StatusSocket::~StatusSocket() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

std::string StatusSocket::open(const std::filesystem::path& path, MakeText make_text) {
  make_text_ = std::move(make_text);
  const int other = connect_to(path);
  if (other >= 0) {
    ::close(other);
    return path.string() + ": another agent with this state file runs already";
  }
  if (errno == ENAMETOOLONG) return path.string() + " is too long for a socket";
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
  error_code error;
  acceptor_.open(stream_protocol(), error);
  const mode_t before = ::umask(0177);
  if (!error) acceptor_.bind(stream_protocol::endpoint(path.string()), error);
  ::umask(before);
  if (!error) path_ = path;
  if (!error) acceptor_.listen(4, error);
  if (error) {
    error_code ignored;
    acceptor_.close(ignored);
    return path.string() + ": " + error.message();
  }
  accept();
  return {};
}

void StatusSocket::accept() {
  acceptor_.async_accept(peer_, [this](const error_code& error) {
    if (error == boost::asio::error::operation_aborted) return;
    if (error) return finish();
    text_ = make_text_();
    timer_.expires_after(SEND_TIME);
    timer_.async_wait([this](const error_code& stopped) {
      error_code ignored;
      if (!stopped) peer_.close(ignored);
    });
    boost::asio::async_write(peer_, boost::asio::buffer(text_),
                             [this](const error_code&, std::size_t) { finish(); });
  });
}

void StatusSocket::finish() {
  error_code ignored;
  peer_.close(ignored);
  text_ = {};
  // A moment's rest: an error of accept() (no descriptors left) must not go round in a circle.
  timer_.expires_after(std::chrono::milliseconds(20));
  timer_.async_wait([this](const error_code& stopped) {
    if (!stopped) accept();
  });
}

zones::Result<std::string, std::string> read_status(const std::filesystem::path& path) {
  const int peer = connect_to(path);
  if (peer < 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) {
      return tl::unexpected(std::string("no agent with this configuration runs"));
    }
    return tl::unexpected(path.string() + ": " + std::strerror(errno));
  }
  const timeval limit{READ_SECONDS, 0};
  ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::string text;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = ::read(peer, buffer, sizeof buffer)) != 0) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  const int error = errno;
  ::close(peer);
  if (count < 0)
    return tl::unexpected("the agent does not answer: " + std::string(std::strerror(error)));
  if (text.empty()) return tl::unexpected(std::string("the agent has ended"));
  return text;
}

}  // namespace pcp_ddns
