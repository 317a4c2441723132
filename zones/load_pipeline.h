// LoadPipeline: while one thread reads and checks a store's rows, another one builds the zones of
// them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "zones/store.h"

namespace zones {

/// Hands rows on, in order, to a sink that a thread of its own calls; a few megabytes may be on
/// their way. What fits in one piece needs no thread. Batches of the journal are passed on by the
/// caller, once all rows have arrived. Used by one thread.
class LoadPipeline final : public StateSink {
 public:
  /// `sink` must outlive it.
  explicit LoadPipeline(StateSink& sink) : sink_(sink) {}
  ~LoadPipeline() override;
  LoadPipeline(const LoadPipeline&) = delete;
  LoadPipeline& operator=(const LoadPipeline&) = delete;

  /// Like batch() and drain(), they throw what the sink threw, at the latest when drain() does.
  void zone(NameView apex) override;
  void node(NameView owner, RRsetsView rrsets) override;
  void leases(NameView owner, RRsetsView rrsets, std::span<const RecordLease> leases) override;
  void batch(const JournalBatch& batch) override;
  /// Waits until the sink has had all of it.
  void drain();

 private:
  enum class Kind : std::uint8_t { ZONE, NODE, LEASES };
  using Piece = std::vector<std::uint8_t>;

  void put(Kind kind, NameView name, RRsetsView rrsets, std::span<const RecordLease> leases);
  void hand_over();
  void run();
  void pass_on(const Piece& piece);

  StateSink& sink_;
  Piece filling_;
  std::thread thread_;  // from the first full piece on
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> waiting_;  // with the one that the thread is at
  bool ends_ = false;
  std::exception_ptr failure_;  // of the sink; what comes after it is dropped
};

}  // namespace zones
