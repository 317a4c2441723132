// The way to one upstream: what it lacks, from the journal or by a full synchronisation, until it
// has all. Private to upstream.cpp.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dnsd/upstream.h"
#include "dnsd/upstream_compare.h"
#include "dnsd/upstream_failure.h"
#include "dnsd/upstream_position.h"
#include "dnsd/upstream_stream.h"
#include "keys/keyring.h"
#include "zones/sqlite_journal.h"

namespace dnsd {

/// What the links of a thread share; on its executor, except `committed`.
struct UpstreamThread {
  UpstreamThread(StatePublisher& publisher, std::filesystem::path positions_file)
      : reader(publisher), positions(std::move(positions_file)) {}

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

class UpstreamLink {
 public:
  UpstreamLink(const zones::Name& zone, UpstreamConfig config, UpstreamThread& thread);

  /// Until stop().
  boost::asio::awaitable<void> run();
  void committed();
  void retry_now();
  void stop();
  /// Any thread.
  UpstreamStatus status() const;

 private:
  using Failure = std::optional<UpstreamFailure>;  // none: all is well

  boost::asio::awaitable<Failure> feed(bool& idle);
  boost::asio::awaitable<Failure> synchronise();
  boost::asio::awaitable<Failure> compare();
  boost::asio::awaitable<Failure> replace();
  boost::asio::awaitable<Failure> transfer(UpstreamComparison& comparison);
  boost::asio::awaitable<Failure> send_changes(UpstreamChanges& changes);
  boost::asio::awaitable<Failure> send_all(std::vector<UpdateSection> sections);
  boost::asio::awaitable<Failure> send(UpdateSection section);
  boost::asio::awaitable<void> wait_for_commit();
  boost::asio::awaitable<void> pause();
  void start_over(const std::string& why);
  bool is_sound();
  void acknowledge(const UpstreamPosition& position);
  void note(const Failure& failure);
  std::optional<keys::TsigKey> key();
  std::optional<std::uint32_t> serial_at(zones::Lsn lsn);
  template <class Change>
  void update_status(const Change& change) {
    const std::lock_guard lock(mutex_);
    change(status_);
  }

  const zones::Name zone_;
  const UpstreamConfig config_;
  const std::string name_;  // in the file of positions
  const std::string text_;  // in the log
  UpstreamThread& thread_;
  boost::asio::steady_timer timer_;
  std::optional<UpstreamPosition> position_;  // none: to be synchronised
  UpstreamStream* stream_ = nullptr;          // in use
  bool stopping_ = false;
  bool waits_for_commit_ = false;
  bool hurry_ = false;
  std::size_t failures_ = 0;  // since the last success
  bool slow_ = false;         // the last one is for an operator to mend
  std::string logged_;        // the failure that was logged
  mutable std::mutex mutex_;
  UpstreamStatus status_;
};

}  // namespace dnsd
