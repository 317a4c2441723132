// The way to one upstream: what it lacks, from the journal or by a full synchronisation, until it
// has all. Private to upstream.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "dnsd/upstream.h"
#include "dnsd/upstream_delivery.h"
#include "dnsd/upstream_failure.h"
#include "dnsd/upstream_position.h"
#include "dnsd/upstream_requests.h"
#include "dnsd/upstream_thread.h"

namespace dnsd {

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
  using Failure = MaybeUpstreamFailure;
  using Time = std::chrono::steady_clock::time_point;

  boost::asio::awaitable<Failure> step(bool& idle);
  boost::asio::awaitable<Failure> learn_servers();
  boost::asio::awaitable<Failure> feed(bool& idle);
  boost::asio::awaitable<Failure> send_refused();
  boost::asio::awaitable<Failure> synchronise();
  boost::asio::awaitable<Failure> compare(UpstreamPosition& start);
  boost::asio::awaitable<Failure> replace();
  boost::asio::awaitable<void> wait_for_commit();
  boost::asio::awaitable<void> pause(std::size_t failures, bool slow);
  void start_over(const std::string& why);
  bool is_sound();
  void acknowledge(const UpstreamPosition& position);
  UpstreamPosition position_now();
  void note_refused();
  void note(const Failure& failure);
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
  UpstreamFilter filter_;  // with the servers
  UpstreamRequests requests_;
  UpstreamDelivery delivery_;
  boost::asio::steady_timer timer_;
  std::optional<UpstreamPosition> position_;  // none: to be synchronised
  Time servers_due_{};                        // when they are asked for again
  Time refused_due_ = Time::max();            // when what was refused is sent again
  std::chrono::hours whole_again_{1};  // until a synchronisation that was not complete is repeated
  std::size_t syncs_ = 0;              // full ones since all was told the last time
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
