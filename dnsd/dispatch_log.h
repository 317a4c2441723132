// What dispatch tells the operator: each refusal with its reason, and no more lines than a disk can
// bear.
#pragma once

#include <array>
#include <span>
#include <string>

#include "dnsd/auth_pool.h"
#include "dnsd/dispatch.h"
#include "dnsd/log.h"
#include "dnsd/rate_limit.h"
#include "keys/tsig.h"
#include "zones/wire_reader.h"

namespace dnsd {

/// "192.0.2.1:4711", "[2001:db8::1]:4711".
std::string to_text(const Peer& peer);

/// Any thread. Each kind of line has a limit of its own, so that a flood of one kind does not hide
/// another.
class DispatchLog {
 public:
  void bad_signature(const State& state, std::span<const std::uint8_t> octets,
                     const Request& request, std::size_t tsig_offset, const Peer& peer,
                     keys::TsigError error);
  void malformed_update(const Peer& peer, const char* what);
  void unsigned_update(const Peer& peer, zones::NameView zone);
  /// @param signer  as the SIG(0) claims; the root when that could not be read
  void sig0_refused(const Peer& peer, zones::NameView zone, zones::NameView signer,
                    const char* why);
  /// @param source_proven  by TCP, or a cookie
  void sig0_busy(const Peer& peer, bool source_proven, AuthPool::Admission why);
  void update_not_served(const Peer& peer, zones::NameView zone, zones::NameView key);
  void update_not_granted(const Peer& peer, zones::NameView zone, zones::NameView key);
  void queue_full();
  /// @param key  nullptr: not signed
  void transfer_refused(const Peer& peer, zones::NameView zone, const zones::NameView* key);
  void too_many_transfers(const Peer& peer, zones::NameView zone);
  void failed(const Peer& peer, const char* what);
  /// One line a second at most: such a flood may last for days.
  void rate_limited(const ResponseLimiter& limiter, const Peer& peer, ResponseLimiter::Kind kind,
                    zones::NameView name);

 private:
  enum Kind : std::size_t {
    BAD_SIGNATURE,
    MALFORMED_UPDATE,
    UNSIGNED_UPDATE,
    SIG0_REFUSED,
    SIG0_BUSY,
    UPDATE_NOT_SERVED,
    UPDATE_NOT_GRANTED,
    QUEUE_FULL,
    TRANSFER_REFUSED,
    TOO_MANY_TRANSFERS,
    FAILED,
    KINDS,
  };
  template <class MakeLine>
  void write(Kind kind, const MakeLine& make_line);

  std::array<LogLimiter, KINDS> limiters_;
  LogLimiter rate_limit_lines_{1};
};

}  // namespace dnsd
