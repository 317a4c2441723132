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

#include "dnsd/http/readiness.h"
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

  /// Takes the socket from Asio, which would watch it as well. @param tls  null: plain
  Stream(boost::asio::ip::tcp::socket socket, std::shared_ptr<const TlsContext> tls);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool is_tls() const { return tls_ != nullptr; }
  /// Before any wait, on the thread of `readiness`. @return false when that fails
  bool watch(Readiness& readiness) { return watch_.open(readiness, socket_); }
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
    return watch_.async_wait(wanted == Io::WANT_WRITE ? Side::WRITE : Side::READ,
                             boost::asio::as_tuple(boost::asio::deferred));
  }
  /// Says that no more is written.
  void end_writing();
  void close();
  bool is_open() const { return socket_ >= 0; }

 private:
  using Side = Readiness::Watch::Side;

  Io outcome_of(int result);
  Io receive(std::span<char> out, std::size_t& count, int flags);

  Io blocked(Side side);

  int socket_ = -1;
  Readiness::Watch watch_;
  std::shared_ptr<const TlsContext> tls_;
  TlsContext::Session session_;
  bool failed_ = false;  // the TLS connection; nothing more may be said on it
};

}  // namespace dnsd::http
