#include "dnsd/reading_thread.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace dnsd {
namespace {

constexpr int NICE = 5;  // as the HTTP threads

}  // namespace

struct ReadingThread::Impl {
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Task task;
    Clock::time_point since;
  };

  Impl(std::size_t queue_in, std::chrono::milliseconds patience_in)
      : queue(queue_in), patience(patience_in), thread([this] { run(); }) {}

  void run() {
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), NICE));
    for (;;) {
      Waiting next;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [this] { return stopping || !waiting.empty(); });
        if (waiting.empty()) return;
        next = std::move(waiting.front());
        waiting.pop_front();
      }
      try {
        next.task(!stopping && Clock::now() - next.since <= patience);
      } catch (const std::exception& error) {  // no memory; what the task holds answers by itself
        spdlog::error("a page could not be told what the store has: {}", error.what());
      }
    }
  }

  const std::size_t queue;
  const std::chrono::milliseconds patience;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Waiting> waiting;
  std::atomic<bool> stopping{false};  // changed under the mutex
  std::thread thread;
};

ReadingThread::ReadingThread(std::size_t queue, std::chrono::milliseconds patience)
    : impl_(std::make_unique<Impl>(queue, patience)) {}

ReadingThread::~ReadingThread() { stop(); }

bool ReadingThread::push(Task task) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->waiting.size() >= impl_->queue) return false;
    impl_->waiting.push_back({std::move(task), Impl::Clock::now()});
  }
  impl_->wake.notify_one();
  return true;
}

bool ReadingThread::is_stopping() const { return impl_->stopping; }

void ReadingThread::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace dnsd
