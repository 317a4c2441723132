// UpdateWriter: its thread, what it publishes, and what other threads call.
#include "dnsd/update_writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "dnsd/update_writer_impl.h"
#include "keys/tsig.h"

namespace dnsd {

namespace {

// The checkpoint begins after a pause this long: a client that sends one update after the other
// must not meet a transaction of the checkpoint between two of its own.
constexpr std::chrono::milliseconds IDLE_BEFORE_CHECKPOINT{20};

// A batch or a slice of none would never end.
WriterLimits at_least_one(WriterLimits limits) {
  limits.batch = std::max<std::size_t>(limits.batch, 1);
  limits.checkpoint_slice = std::max<std::size_t>(limits.checkpoint_slice, 1);
  limits.checkpoint_lag = std::max<std::size_t>(limits.checkpoint_lag, 1);
  return limits;
}

}  // namespace

UpdateWriter::Impl::Impl(std::unique_ptr<zones::Store> store_in,
                         std::unique_ptr<zones::CatalogueBuilder> builder_in,
                         StatePublisher& publisher_in, const zones::Loaded& loaded,
                         WriterLimits limits_in, Clock clock_in,
                         std::unique_ptr<LeaseTable> lease_table, OnCommit on_commit_in,
                         OnAccepted on_accepted_in)
    : store(std::move(store_in)),
      builder(std::move(builder_in)),
      publisher(publisher_in),
      limits(at_least_one(limits_in)),
      clock(std::move(clock_in)),
      on_commit(std::move(on_commit_in)),
      on_accepted(std::move(on_accepted_in)),
      leases(std::move(lease_table), limits.lease, *store),
      checkpoint(*store, loaded, &leases.table()),
      replays(limits.replay_window, keys::MAX_FUDGE) {
  if (store->last_lsn() != loaded.last_lsn || builder->version() != publisher.newest().version) {
    throw std::logic_error("store, zones and published state are not of one moment");
  }
  while (expire_leases()) {
  }
  note_progress();
  tell_committed();
  thread = std::thread([this] { run(); });
}

void UpdateWriter::Impl::run() {
  restore_replays();
  while (wait_for_work()) {
    publish_new_policy();
    if (taken.empty()) {
      do_chore();
      continue;
    }
    const std::span<UpdateJob> jobs(taken);
    pace.begin(jobs, std::chrono::steady_clock::now());
    for (std::size_t first = 0; first < jobs.size(); first += limits.batch) {
      run_batch(jobs.subspan(first, std::min(limits.batch, jobs.size() - first)));
    }
    expire_leases();  // also when clients never pause
    idle_at = std::chrono::steady_clock::now() + IDLE_BEFORE_CHECKPOINT;
    const std::size_t answered = taken.size();
    taken.clear();  // before the lock is taken
    const std::lock_guard lock(mutex);
    unanswered -= answered;
  }
  finish();
}

// Here, so that queries need not wait for it.
void UpdateWriter::Impl::restore_replays() {
  const std::chrono::sys_seconds now = clock();
  try {
    read_replay_window(*store, now, replays);
  } catch (const std::exception& error) {
    spdlog::error(
        "messages that were answered before the start cannot be known, so that updates are "
        "answered BADTIME for {} s: {}",
        keys::MAX_FUDGE.count(), error.what());
    replays.vouch_only_from(now + keys::MAX_FUDGE + std::chrono::seconds(1));
  }
}

// Takes the jobs that wait. False when the writer is to stop and there are none.
bool UpdateWriter::Impl::wait_for_work() {
  const SteadyTime until = next_chore();
  std::unique_lock lock(mutex);
  const auto has_work = [this] {
    return !waiting.empty() || stopping || policies_set != policies_published;
  };
  if (until == SteadyTime::max()) {
    work.wait(lock, has_work);
  } else {
    work.wait_until(lock, until, has_work);
  }
  if (!waiting.empty() && pace.next() > std::chrono::steady_clock::now()) {
    gathers = true;
    work.wait_until(lock, pace.next(), [this] {
      return waiting.size() >= CommitPace::ENOUGH || stopping || policies_set != policies_published;
    });
    gathers = false;
  }
  taken.swap(waiting);
  return !(stopping && taken.empty() && policies_set == policies_published);
}

// Once a batch is on disk it must become visible; if it cannot, ending here and loading it anew is
// the only truth.
void UpdateWriter::Impl::publish(std::shared_ptr<const Policy> policy) noexcept {
  const zones::Catalogue catalogue = builder->freeze();
  states_wait = publisher.publish({builder->version(), catalogue, std::move(policy)}) != 0;
}

void UpdateWriter::Impl::publish_new_policy() {
  std::shared_ptr<const Policy> policy;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex);
    if (policies_set == policies_published) return;
    policy = std::move(new_policy);
    number = policies_set;
  }
  const State& newest = publisher.newest();
  states_wait = publisher.publish({newest.version, newest.catalogue, std::move(policy)}) != 0;
  {
    const std::lock_guard lock(mutex);
    policies_published = number;
  }
  published.notify_all();
}

UpdateWriter::UpdateWriter(std::unique_ptr<zones::Store> store,
                           std::unique_ptr<zones::CatalogueBuilder> builder,
                           StatePublisher& publisher, zones::Loaded loaded, WriterLimits limits,
                           Clock clock, std::unique_ptr<LeaseTable> leases, OnCommit on_commit,
                           OnAccepted on_accepted)
    : impl_(std::make_unique<Impl>(std::move(store), std::move(builder), publisher, loaded, limits,
                                   std::move(clock), std::move(leases), std::move(on_commit),
                                   std::move(on_accepted))) {}

UpdateWriter::~UpdateWriter() { stop(); }

bool UpdateWriter::submit(UpdateJob& job) {
  bool is_wanted = true;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->unanswered >= impl_->limits.queue) return false;
    impl_->waiting.push_back(std::move(job));
    ++impl_->unanswered;
    is_wanted = !impl_->gathers || impl_->waiting.size() >= CommitPace::ENOUGH;
  }
  if (is_wanted) impl_->work.notify_one();
  return true;
}

void UpdateWriter::set_policy(std::shared_ptr<const Policy> policy) {
  std::unique_lock lock(impl_->mutex);
  if (impl_->stopping) return;
  impl_->new_policy = std::move(policy);
  const std::uint64_t number = ++impl_->policies_set;
  impl_->work.notify_one();
  impl_->published.wait(lock,
                        [&] { return impl_->policies_published >= number || impl_->stopped; });
}

void UpdateWriter::stop() {
  const std::lock_guard stopping(impl_->stop_mutex);
  if (!impl_->thread.joinable()) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->work.notify_one();
  impl_->thread.join();
}

WriterStatus UpdateWriter::status() const {
  WriterStatus status;
  status.messages = impl_->messages.load(std::memory_order_relaxed);
  status.changed = impl_->changed.load(std::memory_order_relaxed);
  status.repeated = impl_->repeated.load(std::memory_order_relaxed);
  status.batches = impl_->batches.load(std::memory_order_relaxed);
  status.checkpoints = impl_->checkpoints.load(std::memory_order_relaxed);
  status.expired = impl_->expired.load(std::memory_order_relaxed);
  status.checkpoint_lag = impl_->lag.load(std::memory_order_relaxed);
  status.leases = impl_->lease_count.load(std::memory_order_relaxed);
  status.last_lsn = impl_->last_lsn.load(std::memory_order_relaxed);
  status.applied_lsn = impl_->applied_lsn.load(std::memory_order_relaxed);
  status.store_writable = impl_->store_writable.load(std::memory_order_relaxed);
  const std::lock_guard lock(impl_->mutex);
  status.waiting = impl_->unanswered;
  return status;
}

}  // namespace dnsd
