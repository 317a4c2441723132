#include "dnsd/checkpoint.h"

#include <algorithm>
#include <vector>

namespace dnsd {

namespace {

constexpr std::size_t MAX_PRUNED_BATCHES = 1'000;  // at a time, so that updates do not wait long

// Reads the journal from its beginning for as long as batches may go.
class OldBatches final : public zones::JournalSink {
 public:
  OldBatches(zones::Lsn applied, zones::Lsn last, std::uint64_t keep_batches,
             std::chrono::sys_seconds keep_since)
      : applied_(applied), last_(last), keep_batches_(keep_batches), keep_since_(keep_since) {}

  bool batch(const zones::JournalBatch& batch) override {
    const bool is_kept = batch.lsn + keep_batches_ > last_ && batch.time >= keep_since_;
    if (is_kept || batch.lsn > applied_ || count_ == MAX_PRUNED_BATCHES) return false;
    ++count_;
    before_ = batch.lsn + 1;
    return true;
  }

  zones::Lsn before() const { return before_; }
  bool there_may_be_more() const { return count_ == MAX_PRUNED_BATCHES; }

 private:
  const zones::Lsn applied_;
  const zones::Lsn last_;
  const std::uint64_t keep_batches_;
  const std::chrono::sys_seconds keep_since_;
  std::size_t count_ = 0;
  zones::Lsn before_ = 0;
};

}  // namespace

Checkpoint::Checkpoint(zones::Store& store, const zones::Loaded& loaded) : store_(store) {
  for (const zones::DirtyName& dirty : loaded.dirty) {
    add(dirty.lsn, dirty.apex.view(), dirty.owner.view());
  }
}

void Checkpoint::add(zones::Lsn lsn, zones::NameView apex, zones::NameView owner) {
  if (keys_.contains(KeyView{owner, apex.size()})) return;
  waiting_.push_back({lsn, nullptr});
  try {
    const auto [key, is_new] =
        keys_.insert({std::string(reinterpret_cast<const char*>(owner.data()), owner.size()),
                      static_cast<std::uint8_t>(apex.size())});
    waiting_.back().key = &*key;
  } catch (...) {
    waiting_.pop_back();
    throw;
  }
}

void Checkpoint::forget(zones::Lsn lsn) noexcept {
  while (!waiting_.empty() && waiting_.back().lsn == lsn) {
    keys_.erase(keys_.find(*waiting_.back().key));
    waiting_.pop_back();
  }
}

bool Checkpoint::is_complete() const {
  return waiting_.empty() && store_.applied_lsn() == store_.last_lsn();
}

void Checkpoint::write_slice(const zones::Catalogue& newest, std::size_t names) {
  const std::size_t count = std::min(names, waiting_.size());
  std::vector<zones::RowChange> rows;
  rows.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    const Key& key = *waiting_[index].key;
    const std::optional<zones::ZoneSnapshot> zone = newest.zone(key.apex());
    if (!zone) continue;
    const std::span<const std::uint8_t> packed = zone->rrsets(key.name()).packed();
    rows.push_back(
        {zones::Name(key.apex()), zones::Name(key.name()), {packed.begin(), packed.end()}});
  }
  // All batches before that of the first name which still waits are in the rows.
  const zones::Lsn complete =
      count == waiting_.size() ? store_.last_lsn() : waiting_[count].lsn - 1;
  store_.checkpoint(rows, std::max(complete, store_.applied_lsn()));

  for (std::size_t index = 0; index < count; ++index) {
    keys_.erase(keys_.find(*waiting_[index].key));
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
}

bool Checkpoint::prune(std::uint64_t keep_batches, std::chrono::sys_seconds keep_since) {
  OldBatches old(store_.applied_lsn(), store_.last_lsn(), keep_batches, keep_since);
  store_.journal(1, old);
  if (old.before() != 0) store_.prune(old.before());
  return old.there_may_be_more();
}

}  // namespace dnsd
