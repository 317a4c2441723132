#include "dnsd/update_writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dnsd/checkpoint.h"
#include "dnsd/leases.h"
#include "dnsd/update_batch.h"
#include "dnsd/update_log.h"
#include "dnsd/update_outcome.h"
#include "dnsd/update_rate.h"
#include "keys/tsig.h"

namespace dnsd {

namespace {

using zones::Rcode;
using SteadyTime = std::chrono::steady_clock::time_point;

// The checkpoint begins after a pause this long: a client that sends one update after the other
// must not meet a transaction of the checkpoint between two of its own.
constexpr std::chrono::milliseconds IDLE_BEFORE_CHECKPOINT{20};
constexpr std::chrono::milliseconds FIRST_CHECKPOINT_RETRY{500};
constexpr std::chrono::milliseconds LAST_CHECKPOINT_RETRY{60'000};
// How often memory is asked for that readers held on to, while nothing else happens.
constexpr std::chrono::milliseconds COLLECT_EVERY{100};
constexpr std::uint64_t PRUNE_EVERY_BATCHES = 200;
// Far behind, the checkpoint's transactions are this much longer, so that updates that do not pause
// share the disk with fewer of them.
constexpr std::size_t LONG_SLICE = 4;
// How often the clock is asked whether a lease is over: it may be set meanwhile.
constexpr std::chrono::seconds LOOK_AT_CLOCK_EVERY{1};
// Messages of a batch that may throw before those after them are given up as well.
constexpr int MAX_EVALUATIONS = 4;

const UpdateReply SERVFAIL{.rcode = Rcode::SERVFAIL, .granted = {}, .reason = {}};

// A batch or a slice of none would never end.
WriterLimits at_least_one(WriterLimits limits) {
  limits.batch = std::max<std::size_t>(limits.batch, 1);
  limits.checkpoint_slice = std::max<std::size_t>(limits.checkpoint_slice, 1);
  limits.checkpoint_lag = std::max<std::size_t>(limits.checkpoint_lag, 1);
  return limits;
}

}  // namespace

struct UpdateWriter::Impl {
  Impl(std::unique_ptr<zones::Store> store_in, std::unique_ptr<zones::CatalogueBuilder> builder_in,
       StatePublisher& publisher_in, const zones::Loaded& loaded, WriterLimits limits_in,
       Clock clock_in, std::unique_ptr<LeaseTable> lease_table)
      : store(std::move(store_in)),
        builder(std::move(builder_in)),
        publisher(publisher_in),
        limits(at_least_one(limits_in)),
        clock(std::move(clock_in)),
        leases(std::move(lease_table), limits.lease, *store),
        checkpoint(*store, loaded, &leases.table()),
        replays(limits.replay_window, keys::MAX_FUDGE) {
    if (store->last_lsn() != loaded.last_lsn || builder->version() != publisher.newest().version) {
      throw std::logic_error("store, zones and published state are not of one moment");
    }
    while (expire_leases()) {
    }
    lag = checkpoint.lag();
    thread = std::thread([this] { run(); });
  }

  // --- the writer's thread ---
  void run();
  void restore_replays();
  bool wait_for_work();
  SteadyTime next_chore() const;
  void do_chore();
  void prune();
  void publish(std::shared_ptr<const Policy> policy) noexcept;
  void publish_new_policy();
  void run_batch(std::span<UpdateJob> jobs);
  void commit(std::span<UpdateJob> jobs, bool& answered);
  void refuse_above_rate(std::span<const UpdateJob> jobs, std::span<Outcome> outcomes);
  void append(const zones::JournalBatch& record, const UpdateBatch& batch);
  void undo(zones::Lsn lsn, const std::exception& error);
  bool expire_leases();
  void hide_leases() noexcept;
  SteadyTime next_expiry() const;
  UpdateBatch evaluate(std::span<const UpdateJob> jobs, std::vector<Outcome>& outcomes);
  zones::JournalBatch journal_batch(std::span<const UpdateJob> jobs,
                                    std::span<const Outcome> outcomes,
                                    const UpdateBatch& batch) const;
  void judge_again(std::span<const UpdateJob> jobs, std::span<Outcome> outcomes) const;
  void answer(std::span<UpdateJob> jobs, std::span<const Outcome> outcomes);
  bool keep_up();
  bool try_slice(std::size_t names);
  void note_store(bool writable, const std::string& why);
  void finish();

  std::unique_ptr<zones::Store> store;
  std::unique_ptr<zones::CatalogueBuilder> builder;
  StatePublisher& publisher;
  const WriterLimits limits;
  const Clock clock;
  Leases leases;
  Checkpoint checkpoint;
  UpdateRates rates;
  UpdateLog log;
  ReplayWindow replays;
  std::vector<UpdateJob> taken;  // from `waiting`, being worked on
  SteadyTime idle_at{};          // when the pause after the last batch is long enough for chores
  SteadyTime retry_at{};         // of the checkpoint, after a failure
  std::chrono::milliseconds retry_delay{0};  // 0: the checkpoint's last slice was written
  SteadyTime expiry_retry_at{};
  bool states_wait = false;  // some reader still holds an older state
  zones::Lsn pruned_at = 0;  // the newest batch when the journal was cut last

  // --- shared ---
  std::mutex mutex;
  std::condition_variable work;       // for the writer
  std::condition_variable published;  // for set_policy()
  std::vector<UpdateJob> waiting;
  std::size_t unanswered = 0;  // those that wait and those that were taken
  std::shared_ptr<const Policy> new_policy;
  std::uint64_t policies_set = 0;
  std::uint64_t policies_published = 0;
  bool stopping = false;
  bool stopped = false;

  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> changed{0};
  std::atomic<std::uint64_t> repeated{0};
  std::atomic<std::uint64_t> batches{0};
  std::atomic<std::uint64_t> checkpoints{0};
  std::atomic<std::uint64_t> expired{0};
  std::atomic<std::size_t> lag{0};
  std::atomic<bool> store_writable{true};

  std::mutex stop_mutex;  // for those who call stop(), the first of whom joins
  std::thread thread;
};

void UpdateWriter::Impl::run() {
  restore_replays();
  while (wait_for_work()) {
    publish_new_policy();
    if (taken.empty()) {
      do_chore();
      continue;
    }
    const std::span<UpdateJob> jobs(taken);
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
  taken.swap(waiting);
  return !(stopping && taken.empty() && policies_set == policies_published);
}

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

void UpdateWriter::Impl::run_batch(std::span<UpdateJob> jobs) {
  bool answered = false;
  try {
    commit(jobs, answered);
    builder->reclaim(publisher.oldest_in_use());
  } catch (const std::exception& error) {  // no memory left, or a bug
    spdlog::error("a batch of {} updates failed: {}", jobs.size(), error.what());
    if (answered) return;
    builder->rollback();
    leases.rollback();
    answer(jobs, {});
  }
}

void UpdateWriter::Impl::commit(std::span<UpdateJob> jobs, bool& answered) {
  const bool may_change = keep_up();
  replays.expire(clock());
  std::vector<Outcome> outcomes = recognise(replays, jobs);
  refuse_above_rate(jobs, outcomes);
  const UpdateBatch batch = evaluate(jobs, outcomes);
  const zones::Lsn lsn = store->last_lsn() + 1;
  try {
    if (!may_change && !batch.is_empty()) {
      throw std::runtime_error("the records are too far behind the journal");
    }
    const zones::JournalBatch record = journal_batch(jobs, outcomes, batch);
    append(record, batch);
    leases.commit(record.time);
  } catch (const std::exception& error) {
    undo(lsn, error);
    judge_again(jobs, outcomes);
    settle(replays, jobs, outcomes);
    answered = true;
    answer(jobs, outcomes);
    return;
  }
  lag.store(checkpoint.lag(), std::memory_order_relaxed);
  if (!batch.is_empty()) publish(publisher.newest().policy);
  settle(replays, jobs, outcomes);
  answered = true;
  answer(jobs, outcomes);
}

void UpdateWriter::Impl::refuse_above_rate(std::span<const UpdateJob> jobs,
                                           std::span<Outcome> outcomes) {
  const Policy* const policy = publisher.newest().policy.get();
  const auto now = std::chrono::steady_clock::now();
  for (std::size_t index = 0; index < jobs.size(); ++index) {
    if (outcomes[index].is_repeat) continue;
    if (auto refusal = refusal_by_rate(rates, policy, jobs[index], now)) {
      outcomes[index].reply = std::move(*refusal);
      outcomes[index].above_rate = true;
    }
  }
}

// One durable transaction, and the names whose rows it leaves behind.
void UpdateWriter::Impl::append(const zones::JournalBatch& record, const UpdateBatch& batch) {
  const auto add = [&](zones::NameView apex, zones::NameView owner) {
    checkpoint.add(record.lsn, apex, owner);
  };
  publisher.prepare();
  batch.for_each_name(add);
  Leases::for_each_name(record, add);
  if (record.messages.empty()) return;
  store->append(record);
  batches.fetch_add(1, std::memory_order_relaxed);
  note_store(true, {});
}

void UpdateWriter::Impl::undo(zones::Lsn lsn, const std::exception& error) {
  checkpoint.forget(lsn);
  builder->rollback();
  leases.rollback();
  note_store(false, error.what());
}

// A message during which something is thrown (no memory left, or a bug) is left out, and the others
// are done anew, so that it does not take them along.
UpdateBatch UpdateWriter::Impl::evaluate(std::span<const UpdateJob> jobs,
                                         std::vector<Outcome>& outcomes) {
  const std::chrono::sys_seconds now = clock();
  for (int attempt = 1;; ++attempt) {
    UpdateBatch batch(*builder, publisher.newest());
    std::size_t index = 0;
    try {
      for (; index < jobs.size(); ++index) {
        Outcome& outcome = outcomes[index];
        if (outcome.threw || outcome.is_repeat || outcome.above_rate) continue;
        Judgement judgement = judge_update(builder->working(), publisher.newest().policy.get(),
                                           limits.message, jobs[index]);
        outcome.reply = {.rcode = judgement.rcode, .granted = {}, .reason = judgement.reason};
        leases.accept(jobs[index], judgement, builder->working(), publisher.newest().policy.get(),
                      now, outcome);
        outcome.changed = judgement.changes();
        outcome.zone = judgement.apex;
        outcome.touched.clear();
        for (const NameChange& change : judgement.update.names) {
          outcome.touched.push_back(change.owner);
        }
        batch.accept(std::move(judgement));
      }
      return batch;
    } catch (const std::exception& error) {
      spdlog::error("an update for {} failed: {}", jobs[index].key.to_text(), error.what());
      builder->rollback();
      leases.rollback();
      const std::size_t end = attempt < MAX_EVALUATIONS ? index + 1 : jobs.size();
      for (; index < end; ++index) {
        Outcome& outcome = outcomes[index];
        if (!outcome.is_repeat && !outcome.above_rate) outcome = {.threw = true};
      }
    }
  }
}

zones::JournalBatch UpdateWriter::Impl::journal_batch(std::span<const UpdateJob> jobs,
                                                      std::span<const Outcome> outcomes,
                                                      const UpdateBatch& batch) const {
  zones::JournalBatch record;
  record.lsn = store->last_lsn() + 1;
  record.time = clock();
  record.changes = batch.changes();
  record.messages.reserve(jobs.size());
  for (std::size_t index = 0; index < jobs.size(); ++index) {
    const Outcome& outcome = outcomes[index];
    if (!outcome.is_remembered()) continue;
    record.messages.push_back(journal_message(jobs[index], outcome));
  }
  return record;
}

// After a batch was undone: a message that changed nothing may have seen what others did, so it is
// judged by the zones as they are.
void UpdateWriter::Impl::judge_again(std::span<const UpdateJob> jobs,
                                     std::span<Outcome> outcomes) const {
  for (std::size_t index = 0; index < jobs.size(); ++index) {
    Outcome& outcome = outcomes[index];
    const bool has_changed = std::exchange(outcome.changed, false) || !outcome.leases.empty();
    if (has_changed) outcome.reply = SERVFAIL;
    if (!outcome.is_remembered() || outcome.above_rate) continue;
    try {
      const State& state = publisher.newest();
      const Judgement judgement =
          judge_update(state.catalogue, state.policy.get(), limits.message, jobs[index]);
      outcome.reply.rcode = judgement.changes() ? Rcode::SERVFAIL : judgement.rcode;
      outcome.reply.reason = judgement.reason;
      // What is granted is written down, and was not.
      if (outcome.reply.granted) outcome.reply = SERVFAIL;
    } catch (const std::exception&) {
      outcome.reply = SERVFAIL;
    }
  }
}

// Without outcomes all are answered SERVFAIL.
void UpdateWriter::Impl::answer(std::span<UpdateJob> jobs, std::span<const Outcome> outcomes) {
  std::uint64_t changes = 0;
  std::uint64_t repeats = 0;
  for (const Outcome& outcome : outcomes) {
    changes += outcome.changed ? 1 : 0;
    repeats += outcome.is_repeat ? 1 : 0;
  }
  messages.fetch_add(jobs.size(), std::memory_order_relaxed);
  changed.fetch_add(changes, std::memory_order_relaxed);
  repeated.fetch_add(repeats, std::memory_order_relaxed);
  for (std::size_t index = 0; index < jobs.size(); ++index) {
    if (!outcomes.empty()) log.answered(jobs[index], outcomes[index].reply);
    try {
      jobs[index].responder->reply(outcomes.empty() ? SERVFAIL : outcomes[index].reply);
    } catch (const std::exception& error) {
      spdlog::error("the answer to an update was lost: {}", error.what());
    }
  }
}

// Before a batch: the checkpoint takes its share when it is far behind, in names or in what a
// restart would have to replay. False when it is too far behind and cannot be written: then nothing
// may be added to that.
bool UpdateWriter::Impl::keep_up() {
  if (leases.owes() && !expire_leases()) return false;
  const std::size_t limit = limits.checkpoint_lag;
  const bool waits_for_retry =
      retry_delay.count() != 0 && std::chrono::steady_clock::now() < retry_at;
  const bool is_far = checkpoint.lag() > limit / 4 * 3 || checkpoint.replay_length() > 2 * limit;
  if (is_far && !waits_for_retry) try_slice(LONG_SLICE * limits.checkpoint_slice);
  while (checkpoint.lag() >= limit || checkpoint.replay_length() >= 4 * limit) {
    if (!try_slice(LONG_SLICE * limits.checkpoint_slice)) return false;
  }
  if (store->last_lsn() >= pruned_at + 4 * PRUNE_EVERY_BATCHES) prune();  // there was no pause
  return true;
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
  lag.store(checkpoint.lag(), std::memory_order_relaxed);
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
  lag.store(checkpoint.lag(), std::memory_order_relaxed);
  publish(publisher.newest().policy);
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

// A line when it changes, not one for each update.
void UpdateWriter::Impl::note_store(bool writable, const std::string& why) {
  if (store_writable.exchange(writable, std::memory_order_relaxed) == writable) return;
  if (writable) {
    spdlog::info("the store can be written again, updates are accepted");
  } else {
    spdlog::error("the store cannot be written, updates are answered SERVFAIL: {}", why);
  }
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

UpdateWriter::UpdateWriter(std::unique_ptr<zones::Store> store,
                           std::unique_ptr<zones::CatalogueBuilder> builder,
                           StatePublisher& publisher, zones::Loaded loaded, WriterLimits limits,
                           Clock clock, std::unique_ptr<LeaseTable> leases)
    : impl_(std::make_unique<Impl>(std::move(store), std::move(builder), publisher, loaded, limits,
                                   std::move(clock), std::move(leases))) {}

UpdateWriter::~UpdateWriter() { stop(); }

bool UpdateWriter::submit(UpdateJob& job) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->unanswered >= impl_->limits.queue) return false;
    impl_->waiting.push_back(std::move(job));
    ++impl_->unanswered;
  }
  impl_->work.notify_one();
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
  status.store_writable = impl_->store_writable.load(std::memory_order_relaxed);
  return status;
}

}  // namespace dnsd
