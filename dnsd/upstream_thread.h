// What the links of the upstreams' thread share. Private to the upstreams.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>

#include "dnsd/state.h"
#include "dnsd/upstream_position.h"
#include "zones/sqlite_journal.h"

namespace dnsd {

/// As TSIG and the status tell it.
inline std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// On the thread's executor, except `committed`.
struct UpstreamThread {
  UpstreamThread(StatePublisher& publisher, std::filesystem::path positions_file)
      : reader(publisher), positions(std::move(positions_file)) {}

  /// A position that is too old costs sending again; one that is written each time, a disk's
  /// patience.
  static constexpr std::chrono::milliseconds SAVE_EVERY{500};

  /// Writes the positions when that was not done a moment ago. A failure is logged, once.
  void save(bool now);

  boost::asio::io_context context{1};
  StateReader reader;
  std::unique_ptr<zones::SqliteJournal> journal;  // opened by the thread
  UpstreamPositions positions;
  std::chrono::steady_clock::time_point saved_at{};
  bool save_fails = false;
  std::atomic<zones::Lsn> committed{0};
};

}  // namespace dnsd
