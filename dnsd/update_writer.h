// The one writer: takes what is waiting, applies message after message, commits the batch,
// publishes, answers.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "dnsd/lease_grant.h"
#include "dnsd/lease_table.h"
#include "dnsd/state.h"
#include "dnsd/update_apply.h"
#include "zones/edns.h"
#include "zones/loader.h"
#include "zones/message.h"
#include "zones/store.h"

namespace dnsd {

/// What an update is answered with.
struct UpdateReply {
  zones::Rcode rcode{};
  std::optional<zones::UpdateLease> granted{};   // RFC 9664 §5
  std::optional<zones::ExtendedError> reason{};  // of a refusal, for a client that speaks EDNS
  bool bad_time = false;                         // with NOTAUTH: the TSIG's error is BADTIME
  bool changed = false;                          // with NOERROR: the zone's records
  bool above_rate = false;                       // with REFUSED: that is why
};

/// Where the answer to an update goes. Called once, from the writer's thread; destroyed without a
/// call only when the server stops.
class Responder {
 public:
  virtual ~Responder() = default;
  /// Encodes, signs and sends; must not block on the peer.
  virtual void reply(const UpdateReply& reply) = 0;
};

/// An authenticated UPDATE. Owns all it needs.
struct UpdateJob {
  zones::Message message;  // opcode UPDATE, parsed whole
  zones::Name key;         // that signed it; the writer checks its grant again
  zones::SignedBy signed_by = zones::SignedBy::TSIG;
  zones::Rdata public_key{};   // KEY RDATA, when signed by SIG(0); the writer looks for it again
  bool source_proven = false;  // TCP, or a valid cookie: the source is not forged
  std::array<std::uint8_t, 32> digest{};  // of key and computed MAC; or what SIG(0) signed
  std::array<std::uint8_t, 16> source{};
  std::uint16_t source_port = 0;
  std::chrono::sys_seconds signed_at{};
  std::unique_ptr<Responder> responder;
};

struct WriterLimits {
  std::size_t queue = 10'000;  // messages that wait; more are answered SERVFAIL at once
  std::size_t batch = 1'000;   // messages in one commit
  /// Names that the checkpoint may be behind; then updates wait for it. Each takes about 60
  /// octets, and a restart replays it.
  std::size_t checkpoint_lag = 200'000;
  std::size_t checkpoint_slice = 500;      // names in one transaction of the checkpoint
  std::uint64_t journal_batches = 50'000;  // kept behind the checkpoint, for IXFR and history …
  std::chrono::milliseconds journal_age = std::chrono::hours(24 * 7);  // … not longer than this …
  std::uint64_t journal_octets = std::uint64_t{1} << 30;               // … and no more than this
  std::size_t replay_window = 1'000'000;  // messages that are known again; 40 to 48 octets each
  UpdateLimits message;
  LeaseLimits lease;
  std::size_t expiry_slice = 500;  // names whose leases end in one batch
};

/// Figures since the start, for metrics and tests; each is exact, together they are of about one
/// moment.
struct WriterStatus {
  std::uint64_t messages = 0;      // answered
  std::uint64_t changed = 0;       // of these: changed a zone and are on disk
  std::uint64_t repeated = 0;      // of these: had been here before, and changed nothing
  std::uint64_t batches = 0;       // appended to the journal
  std::uint64_t checkpoints = 0;   // transactions of the checkpoint
  std::uint64_t expired = 0;       // records whose leases were over
  std::size_t checkpoint_lag = 0;  // names that the checkpoint is behind
  std::size_t leases = 0;          // records that have one
  std::size_t waiting = 0;         // messages that are not answered yet
  zones::Lsn last_lsn = 0;         // the newest batch of the journal
  zones::Lsn applied_lsn = 0;      // up to which the checkpoint is complete
  bool store_writable = true;      // as of the last attempt
};

/// Owns the builder, the store and a thread; that thread alone uses the two, and the publisher's
/// writing side. The publisher must outlive it.
///
/// Each message is judged by the newest policy and by what the messages before it made (RFC 2136
/// §3.1 to §3.4); the grant comes before the prerequisites, so that strangers cannot probe a zone.
/// A message that was answered before, be it in an earlier life of the server, gets that answer
/// again and is not judged.
/// All that were waiting are one row of the journal, those that were refused included. When the
/// store does not take it, nothing of the batch has happened: what would have changed a zone is
/// answered SERVFAIL, everything else by its RCODE, and the next batch tries again.
class UpdateWriter {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;
  /// Called by the writer's thread (and once by the constructor) when batches up to `lsn` are on
  /// disk and published; must be quick and not throw.
  using OnCommit = std::function<void(zones::Lsn lsn)>;
  /// Called by the writer's thread with each update that is answered NOERROR and was not here
  /// before, once the batch is on disk and published and before the answer goes out; must be quick
  /// and not throw.
  /// @param state    the newest
  /// @param touched  names that the update changed
  using OnAccepted = std::function<void(const State& state, const UpdateJob& job,
                                        std::span<const zones::Name> touched)>;

  /// @param builder  what load() filled, frozen; its newest version is what the publisher holds
  /// @param loaded   as load() gave it: the checkpoint is behind by these names. A store whose
  /// newest batch is another
  ///                 one throws std::logic_error.
  /// @param leases   as load() filled it; those that are over end before this returns
  UpdateWriter(std::unique_ptr<zones::Store> store,
               std::unique_ptr<zones::CatalogueBuilder> builder, StatePublisher& publisher,
               zones::Loaded loaded, WriterLimits limits, Clock clock,
               std::unique_ptr<LeaseTable> leases = nullptr, OnCommit on_commit = {},
               OnAccepted on_accepted = {});
  /// Stops as stop() does.
  ~UpdateWriter();

  /// Any thread. False when the queue is full or the writer stops; the caller then answers.
  bool submit(UpdateJob& job);
  /// Any thread: publishes a new policy with the zones as they are, and returns when readers can
  /// see it. Without effect after stop().
  void set_policy(std::shared_ptr<const Policy> policy);
  /// Takes no more jobs, finishes those that wait, completes the checkpoint, ends the thread. Any
  /// thread but the writer's own.
  void stop();
  /// Any thread.
  WriterStatus status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
