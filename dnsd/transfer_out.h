// Transfers out: a zone as a stream of messages (RFC 5936). No I/O: the listener asks for one
// message after another.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "dnsd/query.h"
#include "dnsd/state.h"
#include "keys/tsig.h"
#include "zones/name.h"
#include "zones/rrset.h"

namespace dnsd {

/// How many transfers run at once, over all threads.
class TransferSlots {
 public:
  explicit TransferSlots(std::size_t limit) : limit_(limit) {}

  class Slot {
   public:
    Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Slot& operator=(Slot&& other) = delete;
    ~Slot() {
      if (owner_) owner_->used_.fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    friend class TransferSlots;
    explicit Slot(TransferSlots* owner) : owner_(owner) {}
    TransferSlots* owner_;
  };
  /// Empty when all are taken.
  std::optional<Slot> take();

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

/// The answer to an IXFR from a client that is up to date, or that came over UDP: the newest SOA
/// alone (RFC 1995 §2). Unsigned. @return its size; 0 when it does not fit
std::size_t answer_soa(std::span<const std::uint8_t> octets, const Request& request,
                       zones::NameView apex, zones::RRsetView soa, const AnswerLimits& limits,
                       std::span<std::uint8_t> out);

/// One AXFR, or the AXFR-style answer to an IXFR (RFC 1995 §4): SOA, everything else in canonical
/// order, SOA. Every message is signed (RFC 8945 §5.3.1). Holds a pin, so all messages are of one
/// version. Used by one thread at a time.
class TransferOut {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;

  /// Messages stay below this, except for a record that is larger: what compression can point to,
  /// and a size at which other connections of the thread get their turn.
  static constexpr std::size_t MESSAGE_OCTETS = 16 * 1024;

  /// @param request  as parsed from `octets`, which are copied as far as the answer repeats them
  /// @param pin      the zone is taken from its state, and must be there
  /// @param options  of the OPT of the first message, when the request has one; copied
  TransferOut(std::span<const std::uint8_t> octets, const Request& request, StatePin pin,
              zones::NameView apex, TransferSlots::Slot slot,
              std::optional<keys::TsigExchange> tsig, Clock clock,
              std::span<const std::uint8_t> options = {});
  ~TransferOut();

  enum class Status : std::uint8_t {
    MORE,     // a message, and more to come
    LAST,     // the last message
    EXPIRED,  // the pin's time is over: nothing was written; close the connection
    FAILED,   // a record does not fit a message: nothing was written; close the connection
  };
  struct Step {
    Status status{};
    std::size_t octets = 0;
  };
  /// Writes the next message into `out`, which must have room for 65,535 octets.
  Step next(std::span<std::uint8_t> out);

  zones::NameView apex() const;
  std::uint64_t messages() const;
  std::uint64_t records() const;
  std::uint32_t serial() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
