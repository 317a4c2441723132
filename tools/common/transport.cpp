#include "tools/common/transport.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "zones/rfc.h"

namespace tools {
namespace {

using Clock = std::chrono::steady_clock;

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string error_text(int error) {
  std::string text = std::strerror(error);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

/// A socket that is connected, or on its way there, or none.
class Socket {
 public:
  Socket() = default;
  ~Socket() { close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Non-blocking. False, with errno, when it cannot even begin.
  bool connect(const Endpoint& server, const std::optional<Endpoint>& local, int type) {
    close();
    fd_ = ::socket(server.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return false;
    if (local && local->family() == server.family()) {
      const int on = 1;  // a TCP port that was used a moment ago is free for us again
      setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      if (::bind(fd_, local->address(), local->size()) != 0) return false;
    }
    return ::connect(fd_, server.address(), server.size()) == 0 || errno == EINPROGRESS;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

/// The loop's state: at most one UDP and one TCP socket.
class Loop {
 public:
  Loop(keys::Exchange& exchange, const Endpoint& server, const std::optional<Endpoint>& local,
       const OnSend& on_send)
      : exchange_(exchange), server_(server), local_(local), on_send_(on_send) {}

  std::optional<std::string> run() {
    using Action = keys::Exchange::Action;
    for (;;) {
      const keys::Exchange::Step step = exchange_.next(Clock::now(), wall_clock());
      switch (step.action) {
        case Action::SEND_UDP:
          send_udp(step.octets);
          break;
        case Action::SEND_TCP:
          send_tcp(step.octets);
          break;
        case Action::WAIT:
          wait(step.until);
          break;
        case Action::DONE:
          return std::nullopt;
        case Action::FAILED:
          return failure_.empty() ? exchange_.failure() : failure_;
      }
    }
  }

 private:
  void failed(int error) {
    failure_ = error_text(error);
    exchange_.transport_failed(Clock::now());
  }

  void send_udp(std::span<const std::uint8_t> octets) {
    failure_.clear();  // an earlier try's trouble is over
    if (!udp_.is_open() && !udp_.connect(server_, local_, SOCK_DGRAM)) return failed(errno);
    if (on_send_) on_send_(octets);
    if (::send(udp_.fd(), octets.data(), octets.size(), 0) < 0 && errno != EAGAIN) failed(errno);
  }

  /// A connection for each message: a server may close one at any time (RFC 7766 §6.2.1).
  void send_tcp(std::span<const std::uint8_t> octets) {
    failure_.clear();
    udp_.close();
    in_.clear();
    out_.assign({static_cast<std::uint8_t>(octets.size() >> 8),
                 static_cast<std::uint8_t>(octets.size() & 0xff)});
    out_.insert(out_.end(), octets.begin(), octets.end());
    if (on_send_) on_send_(octets);
    if (!tcp_.connect(server_, local_, SOCK_STREAM)) fail_tcp(errno);
  }

  void fail_tcp(int error) {
    tcp_.close();
    failed(error);
  }

  void wait(Clock::time_point until) {
    pollfd sockets[2] = {{udp_.fd(), POLLIN, 0}, {tcp_.fd(), POLLIN, 0}};
    if (!out_.empty()) sockets[1].events = POLLOUT;  // also tells that the connection stands
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    const auto timeout = std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 60'000);
    if (::poll(sockets, 2, static_cast<int>(timeout)) <= 0) return;  // EINTR: next() is asked anew
    if (sockets[0].revents != 0) read_udp();
    if (sockets[1].revents != 0 && tcp_.is_open()) {
      if (out_.empty()) {
        read_tcp();
      } else {
        write_tcp();
      }
    }
  }

  void read_udp() {
    std::uint8_t buffer[zones::MAX_MESSAGE_OCTETS];
    const ssize_t size = ::recv(udp_.fd(), buffer, sizeof buffer, 0);
    if (size >= 0) {
      return exchange_.received({buffer, static_cast<std::size_t>(size)}, Clock::now(),
                                wall_clock());
    }
    if (errno != EAGAIN && errno != EINTR) failed(errno);
  }

  void write_tcp() {
    const ssize_t size = ::send(tcp_.fd(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (size >= 0) {
      out_.erase(out_.begin(), out_.begin() + size);
    } else if (errno != EAGAIN && errno != EINTR) {
      fail_tcp(errno);
    }
  }

  void read_tcp() {
    std::uint8_t buffer[4096];
    const ssize_t size = ::recv(tcp_.fd(), buffer, sizeof buffer, 0);
    if (size < 0) {
      if (errno != EAGAIN && errno != EINTR) fail_tcp(errno);
      return;
    }
    if (size == 0) {
      tcp_.close();
      failure_ = "end of file";
      return exchange_.transport_failed(Clock::now());
    }
    in_.insert(in_.end(), buffer, buffer + size);
    while (in_.size() >= 2) {
      const std::size_t length = static_cast<std::size_t>(in_[0]) << 8 | in_[1];
      if (in_.size() < 2 + length) return;
      exchange_.received(std::span(in_).subspan(2, length), Clock::now(), wall_clock());
      in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(2 + length));
    }
  }

  keys::Exchange& exchange_;
  const Endpoint& server_;
  const std::optional<Endpoint>& local_;
  const OnSend& on_send_;
  Socket udp_;
  Socket tcp_;
  std::vector<std::uint8_t> out_;  // not yet written to the connection
  std::vector<std::uint8_t> in_;   // not yet a whole message
  std::string failure_;            // of the network, since the last send
};

}  // namespace

std::optional<std::string> run_exchange(keys::Exchange& exchange, const Endpoint& server,
                                        const std::optional<Endpoint>& local,
                                        const OnSend& on_send) {
  return Loop(exchange, server, local, on_send).run();
}

}  // namespace tools
