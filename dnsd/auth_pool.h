// Checks SIG(0) signatures on threads of their own: a public-key operation costs as much as fifty
// queries, and anybody can ask for one.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "keys/sig0.h"
#include "zones/name.h"
#include "zones/rdata.h"

namespace dnsd {

/// Each field of [sig0] that has to do with load.
struct AuthLimits {
  std::size_t threads = 1;
  std::size_t queue =
      256;  // messages that wait, of senders whose address is proven; of the others a quarter
  std::uint32_t rate = 100;      // checks a second for one source whose address is proven
  std::uint32_t udp_rate = 500;  // checks a second for all others together

  bool operator==(const AuthLimits&) const = default;
};

/// A signature that is good.
struct Sig0Identity {
  zones::Name signer;
  zones::Rdata key;                       // KEY RDATA of the key that signed
  std::array<std::uint8_t, 32> digest{};  // of what was signed: no octet that the sender can vary
  std::chrono::sys_seconds
      signed_at{};  // 300 s before the signature expires, as TSIG's fudge has it
};

/// Where the result of a check goes; one of the functions is called once, from a thread of the
/// pool.
class AuthWaiter {
 public:
  virtual ~AuthWaiter() = default;
  virtual void accepted(Sig0Identity identity) = 0;
  virtual void refused(keys::Sig0Error error) = 0;
  /// Something threw: no memory, or a bug.
  virtual void failed(const char* what) = 0;
};

/// A message whose signature is to be checked. Owns all it needs.
struct AuthJob {
  std::vector<std::uint8_t> octets;  // the whole message
  std::size_t signature_offset = 0;
  std::vector<zones::Rdata> candidates;  // KEY RDATA; no more than are to be tried
  std::array<std::uint8_t, 16> source{};
  bool source_proven = false;
  std::unique_ptr<AuthWaiter> waiter;
};

/// Bounded in everything. Senders whose address is proven (TCP, or a valid cookie) have a queue of
/// their own that goes first, and a budget each; all others, whose addresses may be forged, share
/// one small queue and one budget. A bad signature counts as ten checks. The threads run at a lower
/// priority than those that answer queries.
class AuthPool {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;

  AuthPool(const AuthLimits& limits, Clock clock);
  /// Stops as stop() does.
  ~AuthPool();

  enum class Admission : std::uint8_t {
    ADMITTED,
    OVER_RATE,  // this source has had its share
    BUSY,       // too many wait
  };
  /// Before anything is allocated for a message; takes one check from the budget. Any thread, no
  /// lock.
  Admission admit(const std::array<std::uint8_t, 16>& source, bool source_proven);
  /// Any thread. False when the queue is full or the pool stops; the job is then the caller's as
  /// before.
  bool submit(AuthJob& job);
  /// What an admitted message has to be answered with may take an operation of that kind as well:
  /// it goes before all checks. `work` throws nothing. Any thread. False when the pool stops: the
  /// caller does it.
  bool post(const std::function<void()>& work);
  /// Takes no more jobs, checks those that wait, ends the threads.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
