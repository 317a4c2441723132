// Dispatch: parse, verify, opcode, sign, encode; the one place where errors become RCODEs.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dnsd/auth_pool.h"
#include "dnsd/counters.h"
#include "dnsd/query.h"
#include "dnsd/state.h"
#include "dnsd/update_writer.h"

namespace dnsd {

/// The other end, as policy and logs need it.
struct Peer {
  std::array<std::uint8_t, 16> address{};  // IPv6, or IPv4 mapped into it
  std::uint16_t port = 0;
  Transport transport = Transport::UDP;
  // Over TCP: how long the connection may be idle; 0: it shall end soon (RFC 7828 §3.3.2).
  std::uint16_t idle_timeout_100ms = 0;
};

/// Sends octets to the peer of one request, later and from another thread. Copyable.
using SendLater = std::function<void(std::vector<std::uint8_t>)>;

class TransferOut;

/// Counts since the start; any thread may read.
struct DispatchCounters {
  ShardedCounter limited_dropped;    // answers that a rate limit held back
  ShardedCounter limited_truncated;  // of which the limit left no more than the header
};

class Dispatcher {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;
  /// @param max_transfers  at once, over all threads
  Dispatcher(UpdateWriter& writer, Clock clock, std::size_t max_transfers = 10,
             const AuthLimits& sig0 = {});
  /// Stops as stop() does. The writer must outlive it, and have answered all or been stopped:
  /// answers are signed here.
  ~Dispatcher();

  /// Handles one message. A plain query is answered straight into `out` without allocation or lock;
  /// the rest (signatures, updates, errors in them) may allocate. Any thread.
  /// @param state  as StateReader::current() gave it
  /// @param send_later  makes the function by which a later answer (to an UPDATE) is sent; called
  ///        only if needed
  /// @param transfer  where an allowed zone transfer goes, which the caller then runs; null over
  ///        UDP, where there is none (RFC 5936 §4.2)
  /// @param reader  pins the state for a transfer; not null when `transfer` is not
  /// @param glimpse  of the name in the first question, in this state's catalogue
  /// @return octets to send now; 0 for nothing, or for later
  std::size_t handle(const State& state, std::span<const std::uint8_t> octets, const Peer& peer,
                     std::span<std::uint8_t> out, const std::function<SendLater()>& send_later,
                     std::unique_ptr<TransferOut>* transfer = nullptr,
                     StateReader* reader = nullptr, const zones::Glimpse& glimpse = {});

  /// Hands to the writer what waits for the check of its signature; what comes later is answered
  /// SERVFAIL.
  void stop();
  const DispatchCounters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
