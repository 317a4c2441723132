// Queries over TCP: on connections that stay open, with several queries on their way on each; or on
// a connection for each query, from addresses that change, so that no port is used twice within a
// minute.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "load_question.h"

namespace load {
namespace {

constexpr std::size_t LENGTH_OCTETS = 2;  // RFC 1035 §4.2.2
constexpr std::uint32_t SOURCES = 200;    // 127.1.0.1 and up
constexpr std::size_t RECEIVE_OCTETS = 1 << 16;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// A connection and the questions that are on their way on it, oldest first.
struct Connection {
  int fd = -1;
  std::deque<Question> asked;
  std::vector<std::uint8_t> received;  // what is not a whole message yet
  std::uint16_t next_id = 0;
  bool is_connected = false;
};

class TcpLoad {
 public:
  explicit TcpLoad(const Options& options)
      : options_(options),
        server_(address_of(options.server)),
        questions_(options),
        poll_(epoll_create1(EPOLL_CLOEXEC)),
        connections_(options.connection_each ? options.window : options.connections) {
    if (poll_ < 0) fail("load: epoll_create1");
    for (Connection& connection : connections_) open(connection);
  }
  ~TcpLoad() {
    for (const Connection& connection : connections_) close(connection.fd);
    close(poll_);
  }
  TcpLoad(const TcpLoad&) = delete;
  TcpLoad& operator=(const TcpLoad&) = delete;

  Figures run() {
    measure(options_, figures_, [this](double seconds) { run_for(seconds); });
    return figures_;
  }

 private:
  void run_for(double seconds) {
    const auto start = Clock::now();
    do {
      std::array<epoll_event, 64> events;
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 100);
      for (int i = 0; i < count; ++i) {
        serve(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
      }
    } while (seconds_since(start) < seconds);
  }

  std::size_t window() const {
    return options_.connection_each ? 1 : options_.window / options_.connections;
  }

  void open(Connection& connection) {
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl((127U << 24 | 1U << 16) + 1 + source_++ % SOURCES);
    setsockopt(connection.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto* to = reinterpret_cast<const sockaddr*>(&server_);
    if (connection.fd < 0 ||
        bind(connection.fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0 ||
        (connect(connection.fd, to, sizeof server_) != 0 && errno != EINPROGRESS)) {
      fail("load: connect");
    }
    connection.is_connected = false;
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.ptr = &connection;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, connection.fd, &event) != 0) fail("load: epoll_ctl");
  }

  void reopen(Connection& connection) {
    figures_.lost += connection.asked.size();
    connection.asked.clear();
    connection.received.clear();
    close(connection.fd);
    open(connection);
  }

  void serve(Connection& connection) {
    if (!connection.is_connected) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) {
        wrong("the connection was refused");
        return reopen(connection);
      }
      connection.is_connected = true;
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &connection;
      epoll_ctl(poll_, EPOLL_CTL_MOD, connection.fd, &event);
      return ask(connection);
    }
    std::vector<std::uint8_t>& received = connection.received;
    const std::size_t before = received.size();
    received.resize(before + RECEIVE_OCTETS);
    const ssize_t count = recv(connection.fd, received.data() + before, RECEIVE_OCTETS, 0);
    received.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return reopen(connection);
    std::size_t at = 0;
    while (received.size() - at >= LENGTH_OCTETS) {
      const std::size_t size = u16_at(received, at);
      if (received.size() - at - LENGTH_OCTETS < size) break;
      take(connection, std::span(received).subspan(at + LENGTH_OCTETS, size));
      at += LENGTH_OCTETS + size;
    }
    received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(at));
    if (!options_.connection_each) return ask(connection);
    if (connection.asked.empty()) reopen(connection);
  }

  /// Fills the connection's share of the window, by one write.
  void ask(Connection& connection) {
    out_.clear();
    while (connection.asked.size() < window()) {
      Question& question = connection.asked.emplace_back();
      questions_.make(connection.next_id++, question);
      out_.u16(static_cast<std::uint16_t>(question.query.size()));
      const auto& octets = question.query.octets();
      out_.octets().insert(out_.octets().end(), octets.begin(), octets.end());
    }
    if (out_.size() == 0) return;
    const ssize_t sent = send(connection.fd, out_.octets().data(), out_.size(), MSG_NOSIGNAL);
    // A window fits any socket's buffer.
    if (sent != static_cast<ssize_t>(out_.size())) reopen(connection);
  }

  void take(Connection& connection, std::span<const std::uint8_t> answer) {
    if (answer.size() < 12) return wrong("shorter than a header");
    // Answers may come in any order (RFC 7766 §6.2.1.1).
    for (auto asked = connection.asked.begin(); asked != connection.asked.end(); ++asked) {
      if (std::memcmp(asked->query.octets().data(), answer.data(), 2) != 0) continue;
      const char* const fault = questions_.fault_of(answer, *asked);
      connection.asked.erase(asked);
      if (fault != nullptr) return wrong(fault);
      ++figures_.answers;
      return;
    }
    wrong("an ID that was not asked");
  }

  void wrong(const char* what) {
    if (figures_.wrong++ == 0) figures_.first_wrong = what;
  }

  const Options& options_;
  const sockaddr_in server_;
  Questions questions_;
  int poll_;
  std::uint32_t source_ = 0;
  std::vector<Connection> connections_;
  Packet out_;
  Figures figures_;
};

}  // namespace

Figures run_tcp_queries(const Options& options) { return TcpLoad(options).run(); }

}  // namespace load
