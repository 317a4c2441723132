#include "dnsd/upstream_stream.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace dnsd {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto AS_TUPLE = asio::as_tuple(asio::use_awaitable);

}  // namespace

struct UpstreamStream::Guard {
  explicit Guard(const asio::any_io_executor& executor) : socket(executor) {}
  asio::ip::tcp::socket socket;
  bool timed_out = false;
};

UpstreamStream::UpstreamStream(const asio::any_io_executor& executor)
    : guard_(std::make_shared<Guard>(executor)), timer_(executor) {}

UpstreamStream::~UpstreamStream() { close(); }

void UpstreamStream::set_deadline(std::chrono::steady_clock::time_point at) {
  timer_.expires_at(at);
  timer_.async_wait([guard = guard_](const error_code& cancelled) {
    if (cancelled) return;
    guard->timed_out = true;
    error_code ignored;
    guard->socket.close(ignored);
  });
}

void UpstreamStream::close() {
  timer_.cancel();
  error_code ignored;
  guard_->socket.close(ignored);
}

bool UpstreamStream::timed_out() const { return guard_->timed_out; }

bool UpstreamStream::failed(const error_code& error) {
  if (!error) return false;
  failure_ = guard_->timed_out           ? "no answer within the time"
             : error == asio::error::eof ? "the connection ended without an answer"
                                         : error.message();
  return true;
}

asio::awaitable<bool> UpstreamStream::connect(Endpoint server) {
  const asio::ip::tcp::endpoint endpoint(server.address(), server.port());
  const auto [error] = co_await guard_->socket.async_connect(endpoint, AS_TUPLE);
  if (failed(error)) co_return false;
  error_code ignored;
  guard_->socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return true;
}

asio::awaitable<bool> UpstreamStream::write(std::vector<std::uint8_t> message) {
  const std::array<std::uint8_t, 2> length = {static_cast<std::uint8_t>(message.size() >> 8),
                                              static_cast<std::uint8_t>(message.size() & 0xff)};
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(length), asio::buffer(message)};
  const auto [error, size] = co_await asio::async_write(guard_->socket, buffers, AS_TUPLE);
  co_return !failed(error);
}

asio::awaitable<bool> UpstreamStream::read(std::vector<std::uint8_t>& message) {
  std::array<std::uint8_t, 2> length{};
  const auto length_buffer = asio::buffer(length);
  const auto [error, size] = co_await asio::async_read(guard_->socket, length_buffer, AS_TUPLE);
  if (failed(error)) co_return false;
  message.resize(static_cast<std::size_t>(length[0] << 8 | length[1]));
  const auto buffer = asio::buffer(message);
  const auto [body_error, body_size] = co_await asio::async_read(guard_->socket, buffer, AS_TUPLE);
  co_return !failed(body_error);
}

}  // namespace dnsd
