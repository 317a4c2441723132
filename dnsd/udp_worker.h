// UDP worker: one thread with sockets of its own that takes and answers datagrams in batches.
#pragma once

#include <atomic>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dnsd/counters.h"
#include "dnsd/dispatch.h"
#include "dnsd/state.h"

namespace dnsd {

/// What a worker does with one datagram, as Dispatcher::handle does.
/// @param glimpse  of the name in the first question, in the state's catalogue
/// @return octets of `out` to send now; 0 for nothing, or for later
using DatagramHandler = std::function<std::size_t(
    const State& state, std::span<const std::uint8_t> octets, const zones::Glimpse& glimpse,
    const Peer& peer, std::span<std::uint8_t> out, const std::function<SendLater()>& send_later)>;

/// Counts since the start. Written by the worker and by those who send later, read by anybody.
struct UdpCounters {
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> batches{0};         // recvmmsg calls that brought something
  std::atomic<std::uint64_t> send_errors{0};     // answers that the kernel refused, and so lost
  std::atomic<std::uint64_t> receive_errors{0};  // other than "nothing there"
  std::atomic<std::uint64_t> unanswered{0};      // datagrams that get no answer, now or later
  AnswerCounters answers;                        // by the worker
  AnswerCounters later;                          // by those who send later
};

/// Start as many as there are cores, with the same addresses: the kernel spreads clients over their
/// sockets (SO_REUSEPORT). A worker answers from the address that was asked, also when it listens
/// on 0.0.0.0 or [::].
class UdpWorker {
 public:
  static constexpr std::size_t MAX_ANSWER_OCTETS = 4096;  // what the handler's `out` has room for

  /// Opens and binds a socket for each address, so that the caller may give up privileges before
  /// start(). Port 0 takes a free one: see endpoints(). Throws std::system_error that names the
  /// address. The publisher must outlive the worker; `handler` is called from the worker's thread
  /// only.
  UdpWorker(std::span<const boost::asio::ip::udp::endpoint> listen, StatePublisher& publisher,
            DatagramHandler handler);
  /// Stops as stop() does.
  ~UdpWorker();
  UdpWorker(const UdpWorker&) = delete;
  UdpWorker& operator=(const UdpWorker&) = delete;

  /// What the sockets are bound to, in the order of `listen`.
  std::vector<boost::asio::ip::udp::endpoint> endpoints() const;
  /// Begins to answer. Throws std::system_error when there can be no thread.
  void start();
  /// Finishes the batch at hand and ends the thread. Datagrams that wait are lost. A SendLater that
  /// somebody still holds keeps its socket open and works on.
  void stop();
  const UdpCounters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
