// A client's exchange without I/O: what to send, over what, when again, and whether an answer
// counts. NOTIFY, dnsd-update and the agent share it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "keys/client_cookie.h"
#include "keys/public_key.h"
#include "keys/tsig.h"
#include "zones/message.h"

namespace keys {

/// What a client signs with: nothing, a shared key (TSIG), or a private key (SIG(0)).
using Signer = std::variant<std::monostate, TsigKey, PrivateKey>;

struct ExchangeOptions {
  std::chrono::milliseconds try_timeout{3000};      // of one datagram; nsupdate -u
  int udp_tries = 4;                                // nsupdate -r plus one; at least one is made
  std::chrono::milliseconds total_timeout{300000};  // nsupdate -t; also of a TCP exchange
  bool tcp_only = false;                            // nsupdate -v
};

/// After a datagram that the network refused: the next one need not wait for a whole try_timeout.
constexpr std::chrono::milliseconds REFUSED_PAUSE{1000};

/// One request to one server. The caller owns sockets and clock; all times are its monotonic ones.
///
/// A request of up to 512 octets goes by UDP, again after each try_timeout; a longer one, or one
/// whose answer is truncated, by TCP (RFC 1035 §4.2). Answers to earlier tries count as well.
/// A cookie's octets do not count, so that it costs nobody a connection. After BADCOOKIE the
/// request goes once more by UDP with the cookie that came along, and then by TCP (RFC 7873 §5.3).
///
/// With a shared key an answer counts only when its TSIG is valid, or reports an error and is
/// signed (RFC 8945 §5.4); after others that claim to be the answer the client waits on, and the
/// next try goes by TCP, where they end the exchange: nobody off the path can have sent them.
/// With a private key the answer counts unsigned, and a SIG(0) on it is not checked: the client
/// knows no key of the server's (RFC 2931 §3.2 leaves it to both sides). ID and port are then all
/// that keeps others out, as with any unsigned answer.
class Exchange {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// Makes the request anew for each try, with a fresh ID and, after it, a fresh signature: a
  /// server that knows a message again by its MAC must not take a retry for a replay, nor two
  /// signatures be on one message.
  using MakeRequest = std::function<zones::Message()>;

  /// @param cookie  of the server; null: none is sent
  Exchange(MakeRequest make, Signer signer, ExchangeOptions options,
           std::shared_ptr<ClientCookie> cookie = {});
  ~Exchange();
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;

  enum class Action : std::uint8_t {
    SEND_UDP,  // one datagram
    SEND_TCP,  // over a new connection; datagrams that still come are not passed on
    WAIT,      // for the answer
    DONE,      // there is a response(), whatever its RCODE
    FAILED     // there is a failure()
  };
  struct Step {
    Action action{};
    std::span<const std::uint8_t> octets;  // to send, without the length prefix of TCP; valid until
                                           // the next call
    Time until{};                          // WAIT: call next() at this time at the latest
  };
  /// What to do now. Call it at first, after each step taken and each received(), and when a time
  /// is over.
  Step next(Time now, std::chrono::sys_seconds wall_clock);
  /// A datagram or TCP message that came from the server. What is not the answer is ignored.
  void received(std::span<const std::uint8_t> octets, Time now,
                std::chrono::sys_seconds wall_clock);
  /// The connection failed or ended, or the network refused a datagram.
  void transport_failed(Time now);

  /// After DONE.
  const zones::Message& response() const;
  /// The error of the response's TSIG, 0 for none. After FAILED: what an answer that could not be
  /// believed said.
  std::uint16_t tsig_error() const;
  /// After DONE with BADTIME: the server's clock. Say it to the user, do not set a clock by it (RFC
  /// 8945 §5.4.3).
  std::optional<std::chrono::sys_seconds> server_time() const;
  /// After FAILED: what went wrong, as a sentence without a full stop.
  const std::string& failure() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keys
