// The inside of UpdateWriter, for its own files only: update_writer.cpp has the thread and what
// others call, update_commit.cpp a batch from judgement to answer, update_chores.cpp what can wait.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dnsd/checkpoint.h"
#include "dnsd/commit_pace.h"
#include "dnsd/leases.h"
#include "dnsd/replay_window.h"
#include "dnsd/update_batch.h"
#include "dnsd/update_log.h"
#include "dnsd/update_outcome.h"
#include "dnsd/update_rate.h"
#include "dnsd/update_writer.h"

namespace dnsd {

struct UpdateWriter::Impl {
  using SteadyTime = std::chrono::steady_clock::time_point;

  Impl(std::unique_ptr<zones::Store> store_in, std::unique_ptr<zones::CatalogueBuilder> builder_in,
       StatePublisher& publisher_in, const zones::Loaded& loaded, WriterLimits limits_in,
       Clock clock_in, std::unique_ptr<LeaseTable> lease_table, OnCommit on_commit_in,
       OnAccepted on_accepted_in);

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
  bool keep_up(std::size_t coming);
  void note_progress();
  void tell_committed() const {
    if (on_commit) on_commit(store->last_lsn());
  }
  void tell_accepted(std::span<const UpdateJob> jobs, std::span<const Outcome> outcomes) const;
  bool try_slice(std::size_t names);
  void note_store(bool writable, const std::string& why);
  void finish();

  std::unique_ptr<zones::Store> store;
  std::unique_ptr<zones::CatalogueBuilder> builder;
  StatePublisher& publisher;
  const WriterLimits limits;
  const Clock clock;
  const OnCommit on_commit;
  const OnAccepted on_accepted;
  Leases leases;
  Checkpoint checkpoint;
  UpdateRates rates;
  UpdateLog log;
  ReplayWindow replays;
  CommitPace pace;
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
  bool gathers = false;        // the writer wants to be woken when CommitPace::ENOUGH wait only
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
  std::atomic<std::size_t> lease_count{0};
  std::atomic<zones::Lsn> last_lsn{0};
  std::atomic<zones::Lsn> applied_lsn{0};
  std::atomic<bool> store_writable{true};

  std::mutex stop_mutex;  // for those who call stop(), the first of whom joins
  std::thread thread;
};

}  // namespace dnsd
