// UpdateWriter: what can wait for a pause, or must be done without one: the checkpoint, the
// journal's end, leases that are over.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "dnsd/update_writer_impl.h"
#include "keys/tsig.h"

namespace dnsd {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds FIRST_CHECKPOINT_RETRY{500};
constexpr std::chrono::milliseconds LAST_CHECKPOINT_RETRY{60'000};
// How often memory is asked for that readers held on to, while nothing else happens.
constexpr std::chrono::milliseconds COLLECT_EVERY{100};
constexpr std::uint64_t PRUNE_EVERY_BATCHES = 200;
// Far behind, the checkpoint's transactions are up to this much longer, so that updates that do not
// pause share the disk with fewer of them: as much as comes at a time, for few would wait longer.
constexpr std::size_t LONG_SLICE = 4;
constexpr std::size_t MESSAGES_PER_SLICE = 8;
// How often the clock is asked whether a lease is over: it may be set meanwhile.
constexpr std::chrono::seconds LOOK_AT_CLOCK_EVERY{1};

}  // namespace

SteadyTime UpdateWriter::Impl::next_chore() const {
  SteadyTime next = next_expiry();
  if (!checkpoint.is_complete() || store->last_lsn() >= pruned_at + PRUNE_EVERY_BATCHES) {
    next = std::min(next, std::max(idle_at, retry_at));
  }
  if (states_wait) next = std::min(next, std::chrono::steady_clock::now() + COLLECT_EVERY);
  return next;
}

// One piece of what can wait for a pause, small enough for an update that comes meanwhile.
void UpdateWriter::Impl::do_chore() {
  if (states_wait) {
    states_wait = publisher.collect() != 0;
    builder->reclaim(publisher.oldest_in_use());
  }
  if (expire_leases()) return;
  if (std::chrono::steady_clock::now() < std::max(idle_at, retry_at)) return;
  if (!checkpoint.is_complete()) {
    try_slice(limits.checkpoint_slice);
    return;
  }
  if (store->last_lsn() >= pruned_at + PRUNE_EVERY_BATCHES) prune();
}

void UpdateWriter::Impl::prune() {
  const std::chrono::sys_seconds now = clock();
  try {
    if (!checkpoint.prune(
            {.batches = limits.journal_batches,
             .since = now - std::chrono::floor<std::chrono::seconds>(limits.journal_age),
             .replay_since = now - 2 * keys::MAX_FUDGE,
             .octets = limits.journal_octets})) {
      pruned_at = store->last_lsn();
    }
  } catch (const std::exception& error) {
    spdlog::warn("old journal entries cannot be removed, will try again later: {}", error.what());
    pruned_at = store->last_lsn();
  }
}

// Before a batch: the checkpoint takes its share when it is far behind, in names or in what a
// restart would have to replay. False when it is too far behind and cannot be written: then nothing
// may be added to that.
bool UpdateWriter::Impl::keep_up(std::size_t coming) {
  if (leases.owes() && !expire_leases()) return false;
  const std::size_t limit = limits.checkpoint_lag;
  const std::size_t slice =
      limits.checkpoint_slice * std::clamp<std::size_t>(coming / MESSAGES_PER_SLICE, 1, LONG_SLICE);
  const bool waits_for_retry =
      retry_delay.count() != 0 && std::chrono::steady_clock::now() < retry_at;
  const bool is_far = checkpoint.lag() > limit / 4 * 3 || checkpoint.replay_length() > 2 * limit;
  if (is_far && !waits_for_retry) try_slice(slice);
  while (checkpoint.lag() >= limit || checkpoint.replay_length() >= 4 * limit) {
    if (!try_slice(slice)) return false;
  }
  if (store->last_lsn() >= pruned_at + 4 * PRUNE_EVERY_BATCHES) prune();  // there was no pause
  return true;
}

// What other threads may see of it.
void UpdateWriter::Impl::note_progress() {
  lag.store(checkpoint.lag(), std::memory_order_relaxed);
  lease_count.store(leases.table().lease_count(), std::memory_order_relaxed);
  last_lsn.store(store->last_lsn(), std::memory_order_relaxed);
  applied_lsn.store(store->applied_lsn(), std::memory_order_relaxed);
}

bool UpdateWriter::Impl::try_slice(std::size_t names) {
  // Rows may be newer than the journal's end only by what the journal will have.
  if (leases.owes() && !expire_leases()) return false;
  try {
    checkpoint.write_slice(publisher.newest().catalogue, names);
  } catch (const std::exception& error) {
    if (retry_delay.count() == 0) {
      spdlog::error("records cannot be written, their journal is kept and used instead: {}",
                    error.what());
    }
    retry_delay = std::clamp(2 * retry_delay, FIRST_CHECKPOINT_RETRY, LAST_CHECKPOINT_RETRY);
    retry_at = std::chrono::steady_clock::now() + retry_delay;
    return false;
  }
  if (retry_delay.count() != 0) spdlog::info("records can be written again");
  retry_delay = {};
  retry_at = {};
  checkpoints.fetch_add(1, std::memory_order_relaxed);
  note_progress();
  return true;
}

// Ends leases that are over: a slice of names, in a batch of the server's own behind the clients'.
// False when nothing was over, or the store does not take it.
bool UpdateWriter::Impl::expire_leases() {
  const std::chrono::sys_seconds now = clock();
  const auto next = leases.next();
  if (!next || *next > now || !leases.is_plausible(now)) return false;
  const zones::Lsn lsn = store->last_lsn() + 1;
  std::size_t records = 0;
  try {
    UpdateBatch batch(*builder, publisher.newest());
    zones::JournalBatch record = leases.expire(batch, *builder, now, limits.expiry_slice);
    record.lsn = lsn;
    append(record, batch);
    leases.commit_expired(now);
    if (record.messages.empty()) return false;
    for (const zones::JournalMessage& message : record.messages) records += message.leases.size();
  } catch (const std::exception& error) {
    undo(lsn, error);
    hide_leases();
    return false;
  }
  note_progress();
  publish(publisher.newest().policy);
  tell_committed();
  builder->reclaim(publisher.oldest_in_use());
  expired.fetch_add(records, std::memory_order_relaxed);
  return true;
}

// RFC 9664 §7: a record whose lease is over is not answered, whatever the disk does.
void UpdateWriter::Impl::hide_leases() noexcept {
  expiry_retry_at = std::chrono::steady_clock::now() + LOOK_AT_CLOCK_EVERY;
  try {
    publisher.prepare();
    if (leases.hide(*builder, clock())) publish(publisher.newest().policy);
  } catch (const std::exception&) {  // no memory
    builder->rollback();
  }
}

SteadyTime UpdateWriter::Impl::next_expiry() const {
  const auto next = leases.next();
  if (!next) return SteadyTime::max();
  const std::chrono::sys_seconds now = clock();
  const auto wait = leases.is_plausible(now) ? *next - now : std::chrono::seconds::max();
  return std::max(expiry_retry_at,
                  std::chrono::steady_clock::now() +
                      std::clamp(wait, std::chrono::seconds(0), LOOK_AT_CLOCK_EVERY));
}

void UpdateWriter::Impl::finish() {
  while (!checkpoint.is_complete() && try_slice(LONG_SLICE * limits.checkpoint_slice)) {
  }
  if (!checkpoint.is_complete()) {
    spdlog::warn("stopped with {} names in the journal only; the next start replays them",
                 checkpoint.lag());
  }
  {
    const std::lock_guard lock(mutex);
    stopped = true;
  }
  published.notify_all();
}

}  // namespace dnsd
