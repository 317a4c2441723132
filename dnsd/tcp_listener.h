// TCP: connections with pipelining, bounded in every direction (RFC 7766).
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dnsd/config.h"
#include "dnsd/counters.h"
#include "dnsd/dispatch.h"
#include "dnsd/state.h"

namespace dnsd {

/// Counts since the start; any thread may read.
struct TcpCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};    // for a limit
  std::atomic<std::uint64_t> displaced{0};  // closed, since another came when there were too many
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> timeouts{0};
  AnswerCounters answers;  // transfers not among them
};

/// One thread accepts and gives connections out in turn to `limits.threads` threads, itself among
/// them. Queries are answered in order; an update is answered when it is on disk, and what comes
/// behind it does not wait (RFC 7766 §6.2.1.1). A transfer holds up only its own connection. When
/// there are too many connections, a new one takes the place of that on which nothing has happened
/// for longest: no whole message came, nothing that was written was taken (RFC 9210 §4.2).
class TcpListener {
 public:
  /// Opens and binds, without listening yet, so that the caller may give up privileges before
  /// start(). Port 0 takes a free one. Throws std::system_error that names the address. The
  /// publisher must outlive it.
  TcpListener(std::span<const boost::asio::ip::tcp::endpoint> listen, StatePublisher& publisher,
              TcpLimits limits);
  /// Stops as stop() does.
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  std::vector<boost::asio::ip::tcp::endpoint> endpoints() const;
  /// The dispatcher must outlive the threads, which stop() ends. Throws std::system_error.
  void start(Dispatcher& dispatcher);
  /// Accepts no more and reads no more; answers to updates that come later are still sent.
  void drain();
  /// Closes all connections and ends the threads. A SendLater that somebody still holds then does
  /// nothing.
  void stop();
  const TcpCounters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
