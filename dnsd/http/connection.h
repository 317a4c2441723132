// One HTTP connection: reads a request, has it answered, writes the answer, and again. Private to
// listener.cpp.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <ctime>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "dnsd/deadline.h"
#include "dnsd/http/listener.h"
#include "dnsd/http/proxy_protocol.h"
#include "dnsd/http/readiness.h"
#include "dnsd/http/request_parser.h"
#include "dnsd/http/stream.h"
#include "dnsd/log.h"
#include "dnsd/state.h"
#include "dnsd/tcp_clients.h"

namespace dnsd::http {

class Connection;

/// One thread and what it works with.
struct HttpThread {
  explicit HttpThread(StatePublisher& publisher) : reader(publisher) {}
  /// Now, as RFC 9110 §5.6.7 writes it.
  std::string_view date();

  boost::asio::io_context context{1};
  Readiness readiness{context};
  StateReader reader;
  std::array<char, 16 * 1024> scratch;  // what was just read; of no use after a co_await
  std::list<Connection*> connections;   // open ones; first that on which nothing happened longest
  bool draining = false;                // takes no more requests
  std::time_t date_at = -1;
  std::string date_text;
};

/// What all connections of a listener share.
struct HttpShared {
  const HttpLimits& limits;
  const Routes& routes;
  TcpClients& clients;
  HttpCounters& counters;
  const ProxyConfig& proxies;
  LogLimiter& proxy_log;
};

/// Lives on one thread's context; only answers come from elsewhere, as posts.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// @param tls  null: plain
  Connection(boost::asio::ip::tcp::socket socket, std::shared_ptr<const TlsContext> tls,
             const boost::asio::ip::tcp::endpoint& peer,
             const boost::asio::ip::tcp::endpoint& local, HttpThread& thread, HttpShared shared,
             TcpClients::Slot slot);
  ~Connection();

  /// Runs until the connection is closed. `self` keeps the object.
  static boost::asio::awaitable<void> serve(std::shared_ptr<Connection> self);
  /// Takes no more requests; what is asked already is answered.
  void drain();
  /// Closes it for the sake of another one.
  void give_way();
  void close();

 private:
  using Clock = Deadline::Clock;
  enum class Phase : std::uint8_t { IDLE, HANDSHAKE, REQUEST, ANSWER, WRITE, LINGER };

  boost::asio::awaitable<bool> read_proxy_header();
  bool take_proxy_header(const ProxyHeader& header);
  boost::asio::awaitable<bool> handshake();
  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<bool> read_request(RequestParser::Status& status);
  boost::asio::awaitable<bool> write(std::string octets, std::size_t sent = 0);
  boost::asio::awaitable<void> linger();
  bool parse(std::string_view octets, RequestParser::Status& status);
  void handle();
  Responder responder();
  void answer(Response&& response);
  void touch();
  void expect(Phase phase, std::chrono::milliseconds within);
  void on_deadline();

  Stream stream_;
  boost::asio::ip::tcp::endpoint peer_;  // both as a PROXY header says, when there is one
  boost::asio::ip::tcp::endpoint local_;
  bool is_proxied_tls_ = false;
  bool is_nobodys_ = false;  // the PROXY header names nobody: the request's fields count nothing
  HttpThread& thread_;
  const HttpShared shared_;
  std::optional<TcpClients::Slot> slot_;
  Deadline deadline_;
  boost::asio::steady_timer changed_;  // never expires: cancelled when there is an answer
  std::list<Connection*>::iterator place_;
  bool listed_ = false;
  bool closed_ = false;

  Phase phase_ = Phase::IDLE;
  Clock::time_point due_ = Clock::time_point::max();
  std::string pending_;                  // octets that were read and not parsed
  std::optional<RequestParser> parser_;  // of the request that is being read
  bool is_head_ = false;                 // of the one that is being answered, like the next two
  bool is_http_1_0_ = false;
  bool keep_alive_ = false;
  std::uint64_t exchange_ = 0;  // which one; an answer to an earlier one counts no more
  bool wants_answer_ = false;
  std::optional<Response> response_;
};

}  // namespace dnsd::http
