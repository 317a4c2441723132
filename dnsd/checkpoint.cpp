#include "dnsd/checkpoint.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "zones/name_key.h"

namespace dnsd {

namespace {

// At a time, so that updates do not wait long.
constexpr std::size_t MAX_PRUNED_BATCHES = 1'000;
constexpr std::uint64_t MAX_PRUNED_OCTETS = 4 << 20;

}  // namespace

zones::NameView Checkpoint::Waiting::owner() const {
  return {reinterpret_cast<const std::uint8_t*>(octets.data()) + order_octets,
          octets.size() - order_octets};
}

zones::NameView Checkpoint::Waiting::apex() const {
  return {owner().data() + owner().size() - apex_octets, apex_octets};
}

Checkpoint::Checkpoint(zones::Store& store, const zones::Loaded& loaded)
    : store_(store), next_(waiting_.end()) {
  for (const zones::DirtyName& dirty : loaded.dirty) {
    add(dirty.lsn, dirty.apex.view(), dirty.owner.view());
  }
}

void Checkpoint::add(zones::Lsn lsn, zones::NameView apex, zones::NameView owner) {
  if (lsn != added_lsn_) added_.clear();
  added_lsn_ = lsn;
  ++since_pass_;
  order_.clear();
  zones::append_name_key(owner, {}, order_);
  const KeyView key{order_, apex.size()};
  const auto at = waiting_.lower_bound(key);
  if (at != waiting_.end() && !Less()(key, *at)) return;
  added_.reserve(added_.size() + 1);
  std::string octets = order_;
  octets.append(reinterpret_cast<const char*>(owner.data()), owner.size());
  added_.push_back(
      waiting_.insert(at, {std::move(octets), static_cast<std::uint16_t>(order_.size()),
                           static_cast<std::uint8_t>(apex.size())}));
}

void Checkpoint::forget(zones::Lsn lsn) noexcept {
  if (lsn != added_lsn_) return;
  for (const Names::iterator name : added_) {
    if (next_ == name) ++next_;
    waiting_.erase(name);
  }
  added_.clear();
}

bool Checkpoint::is_complete() const {
  return waiting_.empty() && store_.applied_lsn() == store_.last_lsn();
}

void Checkpoint::write_slice(const zones::Catalogue& newest, std::size_t names) {
  if (next_ == waiting_.end()) {
    next_ = waiting_.begin();
    pass_lsn_ = store_.last_lsn();
    before_pass_ += std::exchange(since_pass_, 0);
  }
  std::vector<zones::RowChange> rows;
  rows.reserve(std::min(names, waiting_.size()));
  auto end = next_;
  std::size_t count = 0;
  for (; end != waiting_.end() && count < names; ++end, ++count) {
    const std::optional<zones::ZoneSnapshot> zone = newest.zone(end->apex());
    if (!zone) continue;
    const std::span<const std::uint8_t> packed = zone->rrsets(end->owner()).packed();
    rows.push_back(
        {zones::Name(end->apex()), zones::Name(end->owner()), {packed.begin(), packed.end()}});
  }
  zones::Lsn complete = store_.applied_lsn();
  if (count == waiting_.size()) {
    complete = store_.last_lsn();
  } else if (end == waiting_.end()) {
    complete = std::max(complete, pass_lsn_);
  }
  store_.checkpoint(rows, complete);

  added_.clear();  // they are part of a batch that was appended
  waiting_.erase(next_, end);
  next_ = end;
  if (waiting_.empty()) since_pass_ = 0;
  if (next_ == waiting_.end()) before_pass_ = 0;
}

bool Checkpoint::prune(const JournalBounds& keep) {
  const zones::Lsn applied = store_.applied_lsn();
  const zones::Lsn last = store_.last_lsn();
  std::uint64_t octets = store_.journal_octets();
  std::uint64_t pruned_octets = 0;
  std::size_t count = 0;
  bool is_all = true;
  zones::Lsn before = 0;
  std::optional<zones::JournalRow> row;  // waits until it is known what comes after it
  store_.journal_rows([&](const zones::JournalRow& next) {
    if (row) {
      const bool is_beyond = row->lsn + keep.batches <= last || row->time < keep.since;
      // With one batch from before the window the journal tells by itself that it is whole.
      const bool is_of_window = next.time >= keep.replay_since;
      const bool goes = (is_beyond && !is_of_window) || octets > keep.octets;
      if (!goes || row->lsn > applied) return false;
      if (count == MAX_PRUNED_BATCHES || pruned_octets >= MAX_PRUNED_OCTETS) {
        is_all = false;
        return false;
      }
      ++count;
      pruned_octets += row->octets;
      before = row->lsn + 1;
      octets -= row->octets;
    }
    row = next;
    return true;
  });
  if (before != 0) store_.prune(before);
  return !is_all;
}

}  // namespace dnsd
