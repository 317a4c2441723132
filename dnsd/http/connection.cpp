#include "dnsd/http/connection.h"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dnsd/http/forwarded.h"

namespace dnsd::http {
namespace {

namespace asio = boost::asio;
using Io = Stream::Io;

constexpr auto AS_TUPLE = asio::as_tuple(asio::use_awaitable);
constexpr auto LINGER_TIME = std::chrono::seconds(1);
constexpr std::size_t MAX_LINGER_OCTETS = 256 * 1024;
constexpr std::string_view CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view TIMED_OUT =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

Response error_response(RequestParser::Status status) {
  switch (status) {
    case RequestParser::Status::HEADER_TOO_LARGE:
      return Response::text(431, "the request's header is too large\n");
    case RequestParser::Status::BODY_TOO_LARGE:
      return Response::text(413, "the request's body is too large\n");
    case RequestParser::Status::BAD_VERSION:
      return Response::text(505, "HTTP/1.1 and HTTP/1.0 are spoken here\n");
    case RequestParser::Status::BAD:
    case RequestParser::Status::MORE:
    case RequestParser::Status::DONE:
      break;
  }
  return Response::text(400, "this is no request\n");
}

}  // namespace

std::string_view HttpThread::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_at) {
    date_at = now;
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    date_text.assign(text, size);
  }
  return date_text;
}

Connection::Connection(asio::ip::tcp::socket socket, std::shared_ptr<const TlsContext> tls,
                       const asio::ip::tcp::endpoint& peer, const asio::ip::tcp::endpoint& local,
                       HttpThread& thread, HttpShared shared, TcpClients::Slot slot)
    : stream_(std::move(socket), std::move(tls)),
      peer_(peer),
      local_(local),
      thread_(thread),
      shared_(shared),
      slot_(std::move(slot)),
      deadline_(thread.context.get_executor(), [this] { on_deadline(); }),
      changed_(thread.context.get_executor()) {
  changed_.expires_at(Clock::time_point::max());
  shared_.counters.open.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() { shared_.counters.open.fetch_sub(1, std::memory_order_relaxed); }

asio::awaitable<void> Connection::serve(std::shared_ptr<Connection> self) {
  // Whatever ends this coroutine closes the connection, or its deadline would keep it.
  struct Closer {
    Connection& connection;
    ~Closer() { connection.close(); }
  };
  const Closer closer{*self};
  self->place_ = self->thread_.connections.insert(self->thread_.connections.end(), self.get());
  self->listed_ = true;
  if (self->thread_.draining || !self->stream_.watch(self->thread_.readiness)) co_return;

  self->deadline_.start(self);
  bool more = true;
  if (self->shared_.proxies.protocol) more = co_await self->read_proxy_header();
  if (more) more = co_await self->handshake();
  while (more && !self->closed_ && !self->thread_.draining) more = co_await self->serve_one();
}

/// Takes nothing behind it: TLS reads from the socket itself.
asio::awaitable<bool> Connection::read_proxy_header() {
  expect(Phase::HANDSHAKE, shared_.limits.request_timeout);
  ProxyHeader header;
  for (;;) {
    std::size_t count = 0;
    const Io io = stream_.peek_now(thread_.scratch, count);
    if (io == Io::END) co_return false;
    if (io == Io::DONE) {
      std::size_t used = 0;
      const auto status = header.put({thread_.scratch.data(), count}, used);
      stream_.discard_now(thread_.scratch, used);
      if (status == ProxyHeader::Status::DONE) co_return take_proxy_header(header);
      if (status == ProxyHeader::Status::MORE) continue;
      warn(shared_.proxy_log, [this] {
        return "HTTP connection of the proxy " + to_text(Endpoint(peer_.address(), peer_.port())) +
               " closed: it does not begin with a PROXY header";
      });
      co_return false;
    }
    const auto [error] = co_await stream_.wait(io);
    if (error) co_return false;
  }
}

bool Connection::take_proxy_header(const ProxyHeader& header) {
  if (!header.route()) {
    is_nobodys_ = true;
    return true;
  }
  peer_ = header.route()->client;
  local_ = header.route()->server;
  is_proxied_tls_ = header.is_tls();
  if (slot_->assign(TcpClients::key_of(peer_.address()))) return true;
  shared_.counters.refused.fetch_add(1, std::memory_order_relaxed);
  return false;
}

asio::awaitable<bool> Connection::handshake() {
  if (!stream_.is_tls()) co_return true;
  expect(Phase::HANDSHAKE, shared_.limits.request_timeout);
  for (;;) {
    const Io io = stream_.handshake_now();
    if (io == Io::DONE) co_return true;
    if (io == Io::END) co_return false;
    const auto [error] = co_await stream_.wait(io);
    if (error) co_return false;
  }
}

/// One request and its answer. False when there is no next one.
asio::awaitable<bool> Connection::serve_one() {
  auto status = RequestParser::Status::MORE;
  const bool whole = co_await read_request(status);
  if (!whole) co_return false;
  shared_.counters.requests.fetch_add(1, std::memory_order_relaxed);
  touch();
  response_.reset();
  is_head_ = parser_->is_head();
  is_http_1_0_ = parser_->is_http_1_0();
  if (status == RequestParser::Status::DONE) {
    keep_alive_ = parser_->keep_alive();
    handle();
  } else {
    keep_alive_ = false;
    response_ = error_response(status);
  }
  parser_.reset();
  while (!response_ && !closed_) {
    if (phase_ != Phase::ANSWER) expect(Phase::ANSWER, shared_.limits.answer_timeout);
    co_await changed_.async_wait(AS_TUPLE);
  }
  wants_answer_ = false;
  if (closed_) co_return false;

  const bool goes_on = keep_alive_ && !thread_.draining;
  shared_.counters.count(response_->status);
  std::string octets = serialise(*response_, thread_.date(), is_head_, is_http_1_0_, goes_on);
  response_.reset();
  std::size_t count = 0;
  const Io io = stream_.write_now(octets, count);  // nearly always all of it
  if (io == Io::END) co_return false;
  if (count < octets.size()) {
    const bool written = co_await write(std::move(octets), count);
    if (!written) co_return false;
  }
  if (goes_on) co_return true;
  co_await linger();
  co_return false;
}

/// Reads until there is a whole request, or one that is wrong. False at the end of the stream.
asio::awaitable<bool> Connection::read_request(RequestParser::Status& status) {
  bool waited = false;
  if (!pending_.empty() && parse({}, status)) co_return true;
  for (;;) {
    std::size_t count = 0;
    // After an answer the next request is hardly there yet: waiting first saves a system call. What
    // TLS has read already does not wait at the socket.
    const Io io =
        waited || stream_.is_tls() ? stream_.read_now(thread_.scratch, count) : Io::WANT_READ;
    if (io == Io::END) co_return false;
    if (io == Io::DONE) {
      if (parse({thread_.scratch.data(), count}, status)) co_return true;
      if (parser_ && parser_->take_expectation()) {
        const bool written = co_await write(std::string(CONTINUE));
        if (!written) co_return false;
      }
    }
    if (pending_.empty() && !parser_) {
      if (thread_.draining) co_return false;
      if (phase_ != Phase::IDLE || due_ == Clock::time_point::max() || !waited) {
        expect(Phase::IDLE, shared_.clients.idle_timeout());
      }
    } else if (phase_ != Phase::REQUEST) {
      expect(Phase::REQUEST, shared_.limits.request_timeout);
    }
    if (io == Io::DONE) continue;
    waited = true;
    const auto [error] = co_await stream_.wait(io);
    if (error) co_return false;
  }
}

/// Gives what waits and `octets` to the parser. True when that decides the request.
bool Connection::parse(std::string_view octets, RequestParser::Status& status) {
  if (!parser_) parser_.emplace(shared_.limits);
  const bool had_pending = !pending_.empty();
  if (had_pending) pending_ += octets;
  const std::string_view all = had_pending ? std::string_view(pending_) : octets;
  std::size_t used = 0;
  status = parser_->put(all, used);
  if (had_pending) {
    pending_.erase(0, used);
  } else {
    pending_ = all.substr(used);
  }
  if (pending_.empty()) pending_.shrink_to_fit();
  return status != RequestParser::Status::MORE;
}

void Connection::handle() {
  Request request;
  bool is_right = parser_->read_request(request);
  request.peer = peer_;
  request.local = local_;
  request.is_tls = stream_.is_tls() || is_proxied_tls_;
  if (!is_nobodys_) is_right = is_right && apply_forwarded(request, shared_.proxies);
  if (!is_right) {
    keep_alive_ = false;
    response_ = error_response(RequestParser::Status::BAD);
    return;
  }
  Handler* const handler = shared_.routes.find(request);
  if (!handler) {
    response_ = Response::text(404, "there is nothing here\n");
    return;
  }
  const State& state = thread_.reader.current();
  try {
    handler->handle(request, state, responder());
  } catch (const std::exception& exception) {
    spdlog::error("HTTP request failed: {}", exception.what());
    response_ = Response::text(500, "this went wrong\n");
  }
  thread_.reader.idle();
}

Responder Connection::responder() {
  wants_answer_ = true;
  return Responder([weak = weak_from_this(), executor = thread_.context.get_executor(),
                    exchange = ++exchange_](Response&& response) {
    // The lock is not carried along: a post that never runs would keep the connection, and with it
    // its context.
    if (weak.expired()) return;
    if (executor.running_in_this_thread()) {
      if (const auto self = weak.lock(); self && self->exchange_ == exchange) {
        self->answer(std::move(response));
      }
      return;
    }
    asio::post(executor, [weak, exchange, response = std::move(response)]() mutable {
      if (const auto self = weak.lock(); self && self->exchange_ == exchange) {
        self->answer(std::move(response));
      }
    });
  });
}

void Connection::answer(Response&& response) {
  if (closed_ || !wants_answer_ || response_) return;
  response_ = std::move(response);
  changed_.cancel();
}

/// False when the peer does not take it.
asio::awaitable<bool> Connection::write(std::string octets, std::size_t sent) {
  std::string_view rest = std::string_view(octets).substr(sent);
  bool waited = false;
  while (!rest.empty()) {
    std::size_t count = 0;
    const Io io = stream_.write_now(rest, count);
    if (io == Io::END) co_return false;
    rest.remove_prefix(count);
    if (io == Io::DONE) continue;
    if (!waited) expect(Phase::WRITE, shared_.limits.write_timeout);
    waited = true;
    const auto [error] = co_await stream_.wait(io);
    if (error) co_return false;
  }
  co_return true;
}

/// Octets that were not read would make the kernel reset the connection, and the peer lose the
/// answer.
asio::awaitable<void> Connection::linger() {
  stream_.end_writing();
  expect(Phase::LINGER, LINGER_TIME);
  std::size_t total = 0;
  while (total < MAX_LINGER_OCTETS && !closed_) {
    std::size_t count = 0;
    const Io io = stream_.read_now(thread_.scratch, count);
    total += count;
    if (io == Io::DONE) continue;
    if (io == Io::END) co_return;
    const auto [error] = co_await stream_.wait(io);
    if (error) co_return;
  }
}

void Connection::drain() {
  if (phase_ == Phase::IDLE || phase_ == Phase::HANDSHAKE || phase_ == Phase::LINGER) close();
}

void Connection::give_way() {
  shared_.counters.displaced.fetch_add(1, std::memory_order_relaxed);
  close();
}

/// Something happened: it is the last to give way.
void Connection::touch() {
  if (!listed_) return;
  thread_.connections.splice(thread_.connections.end(), thread_.connections, place_);
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  if (listed_) thread_.connections.erase(place_);
  listed_ = false;
  slot_.reset();
  stream_.close();
  deadline_.stop();
  changed_.cancel();
}

void Connection::expect(Phase phase, std::chrono::milliseconds within) {
  phase_ = phase;
  due_ = Clock::now() + within;
  deadline_.set(due_);
}

void Connection::on_deadline() {
  if (closed_) return;
  if (Clock::now() < due_) {
    deadline_.set(due_);
    return;
  }
  shared_.counters.timeouts.fetch_add(1, std::memory_order_relaxed);
  if (phase_ == Phase::ANSWER && !response_) {
    keep_alive_ = false;
    answer(Response::text(503, "this takes too long; try again later\n"));
    return;
  }
  if (phase_ == Phase::REQUEST) {
    std::size_t ignored = 0;
    stream_.write_now(TIMED_OUT, ignored);
    stream_.end_writing();
  }
  close();
}

}  // namespace dnsd::http
