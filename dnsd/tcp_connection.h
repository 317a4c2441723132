// One TCP connection: reads messages, has them answered, writes answers. Private to
// tcp_listener.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "dnsd/deadline.h"
#include "dnsd/dispatch.h"
#include "dnsd/tcp_clients.h"
#include "dnsd/tcp_listener.h"

namespace dnsd {

class TcpConnection;

/// One thread and what it works with.
struct TcpThread {
  explicit TcpThread(StatePublisher& publisher) : reader(publisher), scratch(MAX_ANSWER_OCTETS) {}

  static constexpr std::size_t MAX_ANSWER_OCTETS = 65'535;
  boost::asio::io_context context{1};
  StateReader reader;
  std::vector<std::uint8_t> scratch;      // where an answer is written first
  std::list<TcpConnection*> connections;  // open ones; first that on which nothing happened longest
  bool draining = false;                  // reads no more
  bool stopping = false;                  // and waits for nobody
};

/// Lives on one thread's context; only later answers come from elsewhere, as posts.
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(boost::asio::ip::tcp::socket socket, const Peer& peer, TcpThread& thread,
                Dispatcher& dispatcher, TcpClients& clients, TcpClients::Slot slot,
                TcpCounters& counters);
  ~TcpConnection();

  /// Runs until the connection is closed. `self` keeps the object.
  static boost::asio::awaitable<void> serve(std::shared_ptr<TcpConnection> self);
  /// Reads no more; what is asked already is answered.
  void drain();
  /// Writes what waits, but waits for nothing else.
  void stop();
  /// Closes it for the sake of another one.
  void give_way();

 private:
  using Clock = Deadline::Clock;

  boost::asio::awaitable<void> read_and_answer();
  boost::asio::awaitable<bool> read_some();
  boost::asio::awaitable<void> run_transfer(std::unique_ptr<TransferOut> transfer);
  boost::asio::awaitable<void> wait_for_change();
  boost::asio::awaitable<void> finish();
  static boost::asio::awaitable<void> write_rest(std::shared_ptr<TcpConnection> self);

  std::unique_ptr<TransferOut> answer_messages();
  std::span<const std::uint8_t> next_message() const;
  void append(std::span<const std::uint8_t> octets);
  void answer_later(std::span<const std::uint8_t> octets);
  void flush();
  void close();
  void on_deadline();
  void set_deadline();
  bool has_room() const;
  bool has_message() const { return next_message().data() != nullptr; }
  void touch();

  boost::asio::ip::tcp::socket socket_;
  const Peer peer_;
  TcpThread& thread_;
  Dispatcher& dispatcher_;
  TcpClients& clients_;
  std::optional<TcpClients::Slot> slot_;  // until it is closed
  TcpCounters& counters_;
  std::list<TcpConnection*>::iterator place_;  // in the thread's list
  bool listed_ = false;

  Deadline deadline_;
  Clock::time_point read_by_ = Clock::time_point::max();   // a whole message
  Clock::time_point write_by_ = Clock::time_point::max();  // what was given to the kernel
  boost::asio::steady_timer changed_;                      // cancelled to wake read_and_answer()

  std::vector<std::uint8_t> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::vector<std::uint8_t> out_;      // with length prefixes; waits
  std::vector<std::uint8_t> writing_;  // of write_rest()
  std::size_t in_flight_ = 0;          // updates that will be answered later
  bool write_active_ = false;
  bool flush_posted_ = false;
  bool read_no_more_ = false;
  bool peer_ended_ = false;  // and all that it sent was read
  bool closed_ = false;
};

}  // namespace dnsd
