#include "dnsd/http/stream.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

namespace dnsd::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

int clamp(std::size_t size) {
  return static_cast<int>(
      std::min<std::size_t>(size, static_cast<std::size_t>(std::numeric_limits<int>::max())));
}

bool is_blocked() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Stream::Stream(tcp::socket socket, std::shared_ptr<const TlsContext> tls) : tls_(std::move(tls)) {
  boost::system::error_code error;
  socket.native_non_blocking(true, error);
  socket.set_option(tcp::no_delay(true), error);
  socket_ = socket.release(error);
  if (tls_) session_ = tls_->session(socket_);
}

Stream::~Stream() { close(); }

Stream::Io Stream::blocked(Side side) {
  watch_.would_block(side);
  return side == Side::READ ? Io::WANT_READ : Io::WANT_WRITE;
}

Stream::Io Stream::outcome_of(int result) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return blocked(Side::READ);
    case SSL_ERROR_WANT_WRITE:
      return blocked(Side::WRITE);
    case SSL_ERROR_ZERO_RETURN:
      break;
    default:
      failed_ = true;
  }
  ERR_clear_error();
  return Io::END;
}

Stream::Io Stream::handshake_now() {
  if (!tls_) return Io::DONE;
  if (!session_ || failed_ || !is_open()) return Io::END;
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  return result == 1 ? Io::DONE : outcome_of(result);
}

Stream::Io Stream::read_now(std::span<char> out, std::size_t& count) {
  count = 0;
  if (failed_ || !is_open()) return Io::END;
  if (tls_) {
    ERR_clear_error();
    const int result = SSL_read(session_.get(), out.data(), clamp(out.size()));
    if (result <= 0) return outcome_of(result);
    count = static_cast<std::size_t>(result);
    return Io::DONE;
  }
  return receive(out, count, 0);
}

Stream::Io Stream::receive(std::span<char> out, std::size_t& count, int flags) {
  const ssize_t result = ::recv(socket_, out.data(), out.size(), flags);
  if (result < 0) return is_blocked() ? blocked(Side::READ) : Io::END;
  if (result == 0) return Io::END;
  count = static_cast<std::size_t>(result);
  if (count < out.size() && flags == 0) watch_.was_emptied();
  return Io::DONE;
}

Stream::Io Stream::peek_now(std::span<char> out, std::size_t& count) {
  count = 0;
  if (!is_open()) return Io::END;
  return receive(out, count, MSG_PEEK);
}

void Stream::discard_now(std::span<char> scratch, std::size_t count) {
  std::size_t ignored = 0;
  receive(scratch.first(count), ignored, 0);
}

Stream::Io Stream::write_now(std::string_view octets, std::size_t& count) {
  count = 0;
  if (failed_ || !is_open()) return Io::END;
  if (tls_) {
    ERR_clear_error();
    const int result = SSL_write(session_.get(), octets.data(), clamp(octets.size()));
    if (result <= 0) return outcome_of(result);
    count = static_cast<std::size_t>(result);
    return Io::DONE;
  }
  const ssize_t result = ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
  if (result < 0) return is_blocked() ? blocked(Side::WRITE) : Io::END;
  count = static_cast<std::size_t>(result);
  return Io::DONE;
}

void Stream::end_writing() {
  if (!is_open()) return;
  if (session_ && !failed_ && SSL_is_init_finished(session_.get())) {
    ERR_clear_error();
    if (SSL_shutdown(session_.get()) < 0) ERR_clear_error();
  }
  ::shutdown(socket_, SHUT_WR);
}

void Stream::close() {
  if (!is_open()) return;
  watch_.close();
  ::close(std::exchange(socket_, -1));
}

}  // namespace dnsd::http
