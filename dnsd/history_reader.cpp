#include "dnsd/history_reader.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "zones/sqlite_store.h"

namespace dnsd {
namespace {

constexpr zones::Lsn CHUNK = 20;  // batches that are read at a time, newest chunk first

std::vector<zones::HistoryEntry> newest_entries(zones::Store& store, const zones::Name& name,
                                                const std::atomic<bool>& stopping) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + HistoryReader::TIME;
  std::vector<zones::HistoryEntry> newest;
  zones::HistoryQuery query{.name = name, .below = true};
  query.to = store.last_lsn() + 1;
  const zones::Lsn oldest =
      query.to > HistoryReader::BATCHES ? query.to - HistoryReader::BATCHES : 1;
  while (query.to > oldest && newest.size() < HistoryReader::ENTRIES && Clock::now() < end &&
         !stopping) {
    query.from = std::max(oldest, query.to > CHUNK ? query.to - CHUNK : 1);
    std::vector<zones::HistoryEntry> chunk;
    zones::read_history(store, query, [&](const zones::HistoryEntry& entry) {
      chunk.push_back(entry);
      return true;
    });
    std::move(chunk.rbegin(), chunk.rend(), std::back_inserter(newest));
    query.to = query.from;
  }
  if (newest.size() > HistoryReader::ENTRIES) newest.resize(HistoryReader::ENTRIES);
  return newest;
}

}  // namespace

struct HistoryReader::Impl {
  struct Question {
    zones::Name name;
    std::function<void(Entries)> done;
  };

  explicit Impl(std::filesystem::path path) : store(std::move(path)), thread([this] { run(); }) {}

  void run() {
    for (;;) {
      Question question;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [this] { return stopping || !questions.empty(); });
        if (questions.empty()) return;
        question = std::move(questions.front());
        questions.pop_front();
      }
      answer(question);
    }
  }

  void answer(const Question& question) {
    try {
      question.done(stopping ? std::nullopt : read(question.name));
    } catch (const std::exception& error) {  // no memory; what `done` holds answers by itself
      spdlog::error("history of {}: {}", question.name.to_text(), error.what());
    }
  }

  Entries read(const zones::Name& name) const {
    try {
      zones::SqliteOptions options;
      options.read_only = true;
      zones::SqliteStore reading(store, options);
      return newest_entries(reading, name, stopping);
    } catch (const std::exception& error) {
      spdlog::error("history of {}: {}", name.to_text(), error.what());
      return std::nullopt;
    }
  }

  const std::filesystem::path store;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Question> questions;
  std::atomic<bool> stopping{false};  // changed under the mutex
  std::thread thread;
};

HistoryReader::HistoryReader(std::filesystem::path store)
    : impl_(std::make_unique<Impl>(std::move(store))) {}

HistoryReader::~HistoryReader() { stop(); }

bool HistoryReader::ask(const zones::Name& name, std::function<void(Entries)> done) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->questions.size() >= QUEUE) return false;
    impl_->questions.push_back({name, std::move(done)});
  }
  impl_->wake.notify_one();
  return true;
}

void HistoryReader::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace dnsd
