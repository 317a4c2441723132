// The one writer: takes what is waiting, applies message after message, commits the batch, publishes, answers.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "dnsd/state.h"
#include "zones/message.h"
#include "zones/store.h"

namespace dnsd {

/// Where the answer to an update goes. Called once, from the writer's thread; destroyed without a call only
/// when the server stops.
class Responder {
 public:
  virtual ~Responder() = default;
  /// Encodes, signs and sends; must not block on the peer.
  virtual void reply(zones::Rcode rcode) = 0;
};

/// An authenticated UPDATE. Owns all it needs.
struct UpdateJob {
  zones::Message message;               // opcode UPDATE, parsed whole
  zones::Name key;                      // that signed it; the writer checks its grant again
  std::array<std::uint8_t, 32> digest{};// of key and computed MAC
  std::array<std::uint8_t, 16> source{};
  std::uint16_t source_port = 0;
  std::chrono::sys_seconds signed_at{};
  std::unique_ptr<Responder> responder;
};

struct WriterLimits {
  std::size_t queue = 10'000;           // messages that wait; more are answered SERVFAIL at once
  std::size_t batch = 1'000;            // messages in one commit
  std::size_t checkpoint_lag = 50'000;  // names that the checkpoint may be behind, then updates wait for it
  std::size_t checkpoint_slice = 500;   // names in one transaction of the checkpoint
};

/// Owns the builder, the store and a thread. The publisher must outlive it.
class UpdateWriter {
 public:
  using Clock = std::function<std::chrono::sys_seconds()>;

  UpdateWriter(std::unique_ptr<zones::Store> store, std::unique_ptr<zones::CatalogueBuilder> builder,
               StatePublisher& publisher, WriterLimits limits, Clock clock);
  /// Stops as stop() does.
  ~UpdateWriter();

  /// Any thread. False when the queue is full or the writer stops; the caller then answers.
  bool submit(UpdateJob& job);
  /// Any thread: a new policy is published with the next batch, and this call returns after that.
  void set_policy(std::shared_ptr<const Policy> policy);
  /// Takes no more jobs, finishes those that wait, completes the checkpoint, ends the thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
