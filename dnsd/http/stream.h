// Stream: octets over TCP, or TLS on it. OpenSSL works on the socket itself: asio::ssl::stream
// keeps 70 KiB of buffers for each connection, also for one that is idle.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "dnsd/http/tls.h"

namespace dnsd::http {

/// Belongs to one thread, on which SIGPIPE must be blocked.
class Stream {
 public:
  enum class Io : std::uint8_t {
    DONE,
    WANT_READ,   // would block until the socket can be read …
    WANT_WRITE,  // … or written; wait(), then call again
    END,         // the peer's end, or a failure
  };

  /// @param tls  null: plain
  Stream(boost::asio::ip::tcp::socket socket, std::shared_ptr<const TlsContext> tls);

  bool is_tls() const { return tls_ != nullptr; }
  /// Before the handshake, of what comes in front of it: octets that stay where they are, and their
  /// removal.
  Io peek_now(std::span<char> out, std::size_t& count);
  void discard_now(std::span<char> scratch, std::size_t count);
  Io handshake_now();
  Io read_now(std::span<char> out, std::size_t& count);
  Io write_now(std::string_view octets, std::size_t& count);
  /// To be awaited: until what an operation wanted is so; an error when the stream was closed.
  /// Deferred, for it is done for each request and then needs no coroutine of its own.
  auto wait(Io wanted) {
    using Socket = boost::asio::ip::tcp::socket;
    return socket_.async_wait(wanted == Io::WANT_WRITE ? Socket::wait_write : Socket::wait_read,
                              boost::asio::as_tuple(boost::asio::deferred));
  }
  /// Says that no more is written.
  void end_writing();
  void close();
  bool is_open() const { return socket_.is_open(); }
  auto executor() { return socket_.get_executor(); }

 private:
  Io outcome_of(int result);
  Io receive(std::span<char> out, std::size_t& count, int flags);

  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<const TlsContext> tls_;
  TlsContext::Session session_;
  bool failed_ = false;  // the TLS connection; nothing more may be said on it
};

}  // namespace dnsd::http
