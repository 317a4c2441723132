#include "dnsd/checkpoint.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace dnsd {

namespace {

// At a time, so that updates do not wait long.
constexpr std::size_t MAX_PRUNED_BATCHES = 1'000;
constexpr std::uint64_t MAX_PRUNED_OCTETS = 4 << 20;

}  // namespace

Checkpoint::Checkpoint(zones::Store& store, const zones::Loaded& loaded, const LeaseTable* leases)
    : store_(store), leases_(leases) {
  for (const zones::DirtyName& dirty : loaded.dirty) {
    add(dirty.lsn, dirty.apex.view(), dirty.owner.view(), dirty.changed);
  }
}

void Checkpoint::add(zones::Lsn lsn, zones::NameView apex, zones::NameView owner,
                     std::chrono::sys_seconds changed) {
  if (lsn != added_lsn_) {
    added_ = 0;
    replaced_.clear();
  }
  added_lsn_ = lsn;
  ++since_pass_;
  const std::optional<std::size_t> place = pass_.find(apex, owner);
  if (place && *place >= next_) return note_change(pass_, *place, changed);
  if (waiting_.add(apex, owner)) {
    ++added_;
    waiting_.set_changed(waiting_.size() - 1, changed);
  } else if (changed != std::chrono::sys_seconds()) {
    note_change(waiting_, *waiting_.find(apex, owner), changed);
  }
}

void Checkpoint::note_change(WaitingNames& names, std::size_t place,
                             std::chrono::sys_seconds changed) {
  const std::chrono::sys_seconds before = names.changed(place);
  if (changed == std::chrono::sys_seconds() || changed == before) return;
  replaced_.push_back({&names, place, before});
  names.set_changed(place, changed);
}

void Checkpoint::forget(zones::Lsn lsn) noexcept {
  if (lsn != added_lsn_) return;
  for (auto one = replaced_.rbegin(); one != replaced_.rend(); ++one) {
    one->names->set_changed(one->place, one->changed);
  }
  replaced_.clear();
  for (; added_ > 0; --added_) waiting_.remove_last();
}

bool Checkpoint::is_complete() const {
  return lag() == 0 && store_.applied_lsn() == store_.last_lsn();
}

void Checkpoint::write_slice(const zones::Catalogue& newest, std::size_t names) {
  if (next_ == pass_.size()) {
    waiting_.sort();
    pass_ = std::exchange(waiting_, {});
    next_ = 0;
    added_ = 0;  // they are part of a batch that was appended
    replaced_.clear();
    pass_lsn_ = store_.last_lsn();
    before_pass_ += std::exchange(since_pass_, 0);
  }
  std::vector<zones::RowChange> rows;
  const std::size_t end = next_ + std::min(names, pass_.size() - next_);
  rows.reserve(end - next_);
  for (std::size_t place = next_; place < end; ++place) {
    const zones::NameView apex = pass_.apex(place);
    const zones::NameView owner = pass_.owner(place);
    const std::optional<zones::ZoneSnapshot> zone = newest.zone(apex);
    if (!zone) continue;
    const zones::RRsetsView rrsets = zone->rrsets(owner);
    rows.push_back(
        {zones::Name(apex), zones::Name(owner), {rrsets.packed().begin(), rrsets.packed().end()}});
    rows.back().changed = pass_.changed(place);
    if (leases_) rows.back().leases = leases_->leases_of(apex, owner, rrsets);
  }
  const bool ends_pass = end == pass_.size();
  zones::Lsn complete = store_.applied_lsn();
  if (ends_pass) complete = waiting_.empty() ? store_.last_lsn() : std::max(complete, pass_lsn_);
  store_.checkpoint(rows, complete);

  next_ = end;
  if (!ends_pass) return;
  pass_ = {};
  next_ = 0;
  before_pass_ = 0;
  if (waiting_.empty()) since_pass_ = 0;
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
