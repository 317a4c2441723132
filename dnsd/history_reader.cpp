#include "dnsd/history_reader.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "dnsd/reading_thread.h"
#include "zones/sqlite_store.h"

namespace dnsd {
namespace {

constexpr zones::Lsn CHUNK = 20;  // batches that are read at a time, newest chunk first

std::vector<zones::HistoryEntry> newest_entries(zones::Store& store, const zones::Name& name,
                                                const ReadingThread& thread) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + HistoryReader::TIME;
  std::vector<zones::HistoryEntry> newest;
  zones::HistoryQuery query{.name = name, .below = true};
  query.to = store.last_lsn() + 1;
  const zones::Lsn oldest =
      query.to > HistoryReader::BATCHES ? query.to - HistoryReader::BATCHES : 1;
  while (query.to > oldest && newest.size() < HistoryReader::ENTRIES && Clock::now() < end &&
         !thread.is_stopping()) {
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
  explicit Impl(std::filesystem::path path) : store(std::move(path)) {}

  Entries read(const zones::Name& name) const {
    try {
      zones::SqliteOptions options;
      options.read_only = true;
      zones::SqliteStore reading(store, options);
      return newest_entries(reading, name, thread);
    } catch (const std::exception& error) {
      spdlog::error("history of {}: {}", name.to_text(), error.what());
      return std::nullopt;
    }
  }

  std::vector<PublishedTime> read_times(const zones::Name& apex,
                                        std::span<const PublishedRecord> records) const {
    if (records.empty()) return {};
    try {
      zones::SqliteRows rows(store);
      return dnsd::read_times(rows, apex, records);
    } catch (const std::exception& error) {
      spdlog::error("times of records in {}: {}", apex.to_text(), error.what());
      return {};
    }
  }

  const std::filesystem::path store;
  ReadingThread thread{QUEUE};
};

HistoryReader::HistoryReader(std::filesystem::path store)
    : impl_(std::make_unique<Impl>(std::move(store))) {}

HistoryReader::~HistoryReader() { stop(); }

bool HistoryReader::ask(const zones::Name& name, const zones::Name& apex,
                        std::vector<PublishedRecord> records, std::function<void(Answer)> done) {
  return impl_->thread.push([impl = impl_.get(), name, apex, records = std::move(records),
                             done = std::move(done)](bool may_read) {
    if (!may_read) return done({});
    Entries entries = impl->read(name);
    done({std::move(entries), impl->read_times(apex, records)});
  });
}

void HistoryReader::stop() { impl_->thread.stop(); }

}  // namespace dnsd
