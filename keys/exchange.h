// A client's exchange without I/O: what to send, over what, when again, and whether an answer
// counts. NOTIFY, dnsd-update and the agent share it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "keys/tsig.h"
#include "zones/message.h"

namespace keys {

struct ExchangeOptions {
  std::chrono::milliseconds try_timeout{3000};      // of one datagram; nsupdate -u
  int udp_tries = 4;                                // nsupdate -r plus one
  std::chrono::milliseconds total_timeout{300000};  // nsupdate -t; also of a TCP exchange
  bool tcp_only = false;                            // nsupdate -v
};

/// One request to one server. The caller owns sockets and clock; all times are its monotonic ones.
class Exchange {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// Makes the request anew for each try, with a fresh ID and, after it, a fresh MAC: a server that
  /// knows a message again by its MAC must not take a retry for a replay, nor two TSIGs be on one
  /// message.
  using MakeRequest = std::function<zones::Message()>;

  Exchange(MakeRequest make, std::optional<TsigKey> key, ExchangeOptions options);
  ~Exchange();

  enum class Action : std::uint8_t { SEND_UDP, SEND_TCP, WAIT, DONE, FAILED };
  struct Step {
    Action action{};
    std::span<const std::uint8_t>
        octets;    // to send, without the length prefix of TCP; valid until the next call
    Time until{};  // WAIT: call next() at this time at the latest
  };
  /// What to do now. Call it at first, after each received(), and when a time is over.
  Step next(Time now, std::chrono::sys_seconds wall_clock);
  /// A datagram or TCP message that came from the server. What is not the answer is ignored.
  void received(std::span<const std::uint8_t> octets, Time now,
                std::chrono::sys_seconds wall_clock);
  /// The connection failed or ended, or the network refused a datagram.
  void transport_failed(Time now);

  /// After DONE.
  const zones::Message& response() const;
  /// After DONE: the error of the response's TSIG, 0 for none. After FAILED: what went wrong, as a
  /// sentence.
  std::uint16_t tsig_error() const;
  const std::string& failure() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keys
