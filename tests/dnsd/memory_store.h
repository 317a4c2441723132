// A store in memory, for tests of what stands above it; may be told to wait or to fail.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "zones/store.h"

namespace dnsd::test {

/// Holds up append() while it is shut. Any thread.
class Gate {
 public:
  void shut() { set(false); }
  void open() { set(true); }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  void set(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
};

class MemoryStore final : public zones::Store {
 public:
  explicit MemoryStore(Gate* gate = nullptr) : gate_(gate) {}

  zones::Lsn load(zones::StateSink&) override { return last_; }
  void append(const zones::JournalBatch& batch) override {
    if (gate_) gate_->wait();
    last_ = batch.lsn;
  }
  void checkpoint(std::span<const zones::RowChange>, zones::Lsn applied) override {
    applied_ = applied;
  }
  zones::Lsn applied_lsn() const override { return applied_; }
  zones::Lsn last_lsn() const override { return last_; }
  zones::Lsn journal(zones::Lsn, zones::JournalSink&) override { return last_ + 1; }
  zones::Lsn newest_batch_before(std::chrono::sys_seconds) override { return 0; }
  void journal_rows(const std::function<bool(const zones::JournalRow&)>&) override {}
  std::uint64_t journal_octets() override { return 0; }
  void prune(zones::Lsn) override {}
  void create_zones(std::span<const zones::NewZone>) override {}
  void remove_zone(zones::NameView) override {}
  std::vector<zones::Name> zones() const override { return {}; }

 private:
  Gate* gate_;
  zones::Lsn last_ = 0;
  zones::Lsn applied_ = 0;
};

}  // namespace dnsd::test
