// One TCP connection: reads messages, has them answered, writes answers. Private to
// tcp_listener.cpp.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "dnsd/deadline.h"
#include "dnsd/dispatch.h"
#include "dnsd/tcp_listener.h"

namespace dnsd {

/// How many connections there are, in all and by client. Any thread.
class TcpClients {
 public:
  explicit TcpClients(const TcpLimits& limits) : limits_(limits) {}

  /// What a client may not multiply: its IPv4 address, or the /64 of its IPv6 address.
  using Key = std::array<std::uint8_t, 16>;
  static Key key_of(const boost::asio::ip::address& address);

  class Slot {
   public:
    Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), key_(other.key_) {}
    Slot& operator=(Slot&& other) = delete;
    ~Slot() {
      if (owner_) owner_->release(key_);
    }

   private:
    friend class TcpClients;
    Slot(TcpClients* owner, const Key& key) : owner_(owner), key_(key) {}
    TcpClients* owner_;
    Key key_;
  };
  /// Empty when a limit is reached.
  std::optional<Slot> take(const Key& key);
  /// True when nobody gets a slot until another gives one back; of one client's own limit,
  /// has_too_many() tells.
  bool is_full() const;
  bool has_too_many(const Key& key);
  /// True when three quarters of the connections are in use: idle ones are then given less time
  /// (RFC 7766 §6.2.3).
  bool crowded() const;
  const TcpLimits& limits() const { return limits_; }
  /// How long a connection may be idle, as things are now.
  std::chrono::milliseconds idle_timeout() const;
  /// The same as clients are told it, in units of 100 ms; 0 when there is no room for another
  /// connection, which asks them to leave (RFC 7828 §3.3.2).
  std::uint16_t keepalive() const;

 private:
  void release(const Key& key);
  const TcpLimits limits_;
  std::mutex mutex_;
  std::atomic<std::size_t> total_{0};  // written under the mutex
  std::map<Key, std::size_t> by_client_;
};

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
  static boost::asio::awaitable<void> watch(std::shared_ptr<TcpConnection> self);
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
  bool closed_ = false;
};

}  // namespace dnsd
