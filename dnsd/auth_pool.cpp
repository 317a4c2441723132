#include "dnsd/auth_pool.h"

#include <pthread.h>
#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "dnsd/source_budget.h"
#include "keys/public_key.h"
#include "zones/rdata.h"

namespace dnsd {
namespace {

constexpr std::uint32_t BAD_SIGNATURE_UNITS = 10;
// Under load the scheduler gives a query worker three times the time of one of these threads.
constexpr int NICENESS = 5;

/// Keys read of late, by a hash of their RDATA: reading an ECDSA key costs half of what using it
/// does. One a thread.
class KeyCache {
 public:
  /// nullptr: these octets are no key. Valid until the next call.
  const keys::PublicKey* read(zones::RdataView rdata) {
    std::uint64_t hash = 0;
    crypto_generichash(reinterpret_cast<std::uint8_t*>(&hash), sizeof hash, rdata.data(),
                       rdata.size(), nullptr, 0);
    std::optional<keys::PublicKey>& entry = entries_[hash % entries_.size()];
    if (!entry || !std::ranges::equal(entry->rdata(), rdata)) {
      auto read = keys::PublicKey::from_key_rdata(rdata);
      if (!read) return nullptr;
      entry = std::move(*read);
    }
    return &*entry;
  }

 private:
  std::vector<std::optional<keys::PublicKey>> entries_ =
      std::vector<std::optional<keys::PublicKey>>(256);
};

zones::Result<Sig0Identity, keys::Sig0Error> check(const AuthJob& job, std::chrono::sys_seconds now,
                                                   KeyCache& cache) {
  const auto sig = keys::read_sig0(job.octets, job.signature_offset, now);
  if (!sig) return tl::unexpected(sig.error());
  std::vector<keys::PublicKey> candidates;
  for (const zones::Rdata& rdata : job.candidates) {
    if (const keys::PublicKey* key = cache.read(rdata)) candidates.push_back(*key);
  }
  const std::vector<std::uint8_t> data =
      keys::sig0_signed_data(job.octets, job.signature_offset, *sig);
  const auto signed_by = keys::verify_sig0(data, *sig, candidates);
  if (!signed_by) return tl::unexpected(signed_by.error());
  return Sig0Identity{.signer = sig->signer,
                      .key = candidates[*signed_by].rdata(),
                      .digest = keys::sig0_digest(data, *sig),
                      .signed_at = keys::sig0_signed_at(*sig, now)};
}

}  // namespace

struct AuthPool::Impl {
  Impl(const AuthLimits& limits_in, Clock clock_in)
      : limits(limits_in),
        clock(std::move(clock_in)),
        proven_budgets(limits.rate),
        unproven_budget(limits.udp_rate) {}

  std::size_t room(bool proven) const {
    return proven ? limits.queue : std::max<std::size_t>(1, limits.queue / 4);
  }
  /// One of the two; neither: the pool is to stop, and nothing waits.
  struct Task {
    std::function<void()> work;
    std::optional<AuthJob> job;
  };
  void run();
  Task next();
  void work(AuthJob& job, KeyCache& cache);

  const AuthLimits limits;
  const Clock clock;
  SourceBudget proven_budgets;
  Budget unproven_budget;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> posted;
  std::deque<AuthJob> waiting[2];               // by whether the source is proven
  std::atomic<std::size_t> waiting_count[2]{};  // written under the mutex
  bool stopping = false;
  std::vector<std::thread> threads;
};

void AuthPool::Impl::run() {
  pthread_setname_np(pthread_self(), "dnsd-sig0");
  // On Linux this is the thread's own. Where it is refused, so be it.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()),
                                std::max(getpriority(PRIO_PROCESS, 0), NICENESS)));
  KeyCache cache;
  for (;;) {
    Task task = next();
    if (task.work) {
      task.work();
    } else if (task.job) {
      work(*task.job, cache);
    } else {
      return;
    }
  }
}

AuthPool::Impl::Task AuthPool::Impl::next() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] {
    return stopping || !posted.empty() || !waiting[0].empty() || !waiting[1].empty();
  });
  Task task;
  if (!posted.empty()) {
    task.work = std::move(posted.front());
    posted.pop_front();
    return task;
  }
  const std::size_t which = waiting[1].empty() ? 0 : 1;
  if (waiting[which].empty()) return task;
  task.job = std::move(waiting[which].front());
  waiting[which].pop_front();
  waiting_count[which].store(waiting[which].size(), std::memory_order_relaxed);
  return task;
}

void AuthPool::Impl::work(AuthJob& job, KeyCache& cache) {
  try {
    auto identity = check(job, clock(), cache);
    if (identity) {
      job.waiter->accepted(std::move(*identity));
      return;
    }
    if (identity.error() == keys::Sig0Error::BADSIG) {
      Budget& budget = job.source_proven ? proven_budgets.of(job.source) : unproven_budget;
      budget.charge(BAD_SIGNATURE_UNITS - 1, std::chrono::steady_clock::now());
    }
    job.waiter->refused(identity.error());
  } catch (const std::exception& error) {
    try {
      job.waiter->failed(error.what());
    } catch (const std::exception&) {  // the answer is lost, as a datagram may be
    }
  }
}

AuthPool::AuthPool(const AuthLimits& limits, Clock clock)
    : impl_(std::make_unique<Impl>(limits, std::move(clock))) {
  for (std::size_t i = 0; i < std::max<std::size_t>(limits.threads, 1); ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->run(); });
  }
}

AuthPool::~AuthPool() { stop(); }

AuthPool::Admission AuthPool::admit(const std::array<std::uint8_t, 16>& source,
                                    bool source_proven) {
  const auto now = std::chrono::steady_clock::now();
  Budget& budget = source_proven ? impl_->proven_budgets.of(source) : impl_->unproven_budget;
  if (impl_->waiting_count[source_proven].load(std::memory_order_relaxed) >=
      impl_->room(source_proven)) {
    return Admission::BUSY;
  }
  return budget.take(now) ? Admission::ADMITTED : Admission::OVER_RATE;
}

bool AuthPool::submit(AuthJob& job) {
  const std::size_t which = job.source_proven ? 1 : 0;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->waiting[which].size() >= impl_->room(job.source_proven))
      return false;
    impl_->waiting[which].push_back(std::move(job));
    impl_->waiting_count[which].store(impl_->waiting[which].size(), std::memory_order_relaxed);
  }
  impl_->changed.notify_one();
  return true;
}

bool AuthPool::post(const std::function<void()>& work) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping) return false;
    impl_->posted.push_back(work);
  }
  impl_->changed.notify_one();
  return true;
}

void AuthPool::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  for (std::thread& thread : impl_->threads) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace dnsd
