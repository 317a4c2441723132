// UpdateWriter: a batch, from judgement to answer.
#include <spdlog/spdlog.h>

#include <stdexcept>
#include <utility>

#include "dnsd/update_writer_impl.h"

namespace dnsd {

namespace {

using zones::Rcode;

// Messages of a batch that may throw before those after them are given up as well.
constexpr int MAX_EVALUATIONS = 4;

const UpdateReply SERVFAIL{.rcode = Rcode::SERVFAIL, .granted = {}, .reason = {}};

}  // namespace

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
  const bool may_change = keep_up(jobs.size());
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
  note_progress();
  if (!batch.is_empty()) publish(publisher.newest().policy);
  tell_committed();
  tell_accepted(jobs, outcomes);
  settle(replays, jobs, outcomes);
  answered = true;
  answer(jobs, outcomes);
}

void UpdateWriter::Impl::tell_accepted(std::span<const UpdateJob> jobs,
                                       std::span<const Outcome> outcomes) const {
  if (!on_accepted) return;
  for (std::size_t index = 0; index < jobs.size(); ++index) {
    const Outcome& outcome = outcomes[index];
    if (outcome.is_repeat || outcome.reply.rcode != Rcode::NOERROR) continue;
    on_accepted(publisher.newest(), jobs[index], outcome.touched);
  }
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
      outcomes[index].reply.above_rate = true;
    }
  }
}

// One durable transaction, and the names whose rows it leaves behind.
void UpdateWriter::Impl::append(const zones::JournalBatch& record, const UpdateBatch& batch) {
  publisher.prepare();
  batch.for_each_name([&](zones::NameView apex, zones::NameView owner) {
    checkpoint.add(record.lsn, apex, owner, record.time);
  });
  Leases::for_each_name(record, [&](zones::NameView apex, zones::NameView owner) {
    checkpoint.add(record.lsn, apex, owner);
  });
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
        outcome.reply.changed = outcome.changed;
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

// A line when it changes, not one for each update.
void UpdateWriter::Impl::note_store(bool writable, const std::string& why) {
  if (store_writable.exchange(writable, std::memory_order_relaxed) == writable) return;
  if (writable) {
    spdlog::info("the store can be written again, updates are accepted");
  } else {
    spdlog::error("the store cannot be written, updates are answered SERVFAIL: {}", why);
  }
}

}  // namespace dnsd
