// Brings changes to one upstream, past the names whose changes it refuses. Private to the
// upstreams.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <set>
#include <string>

#include "dnsd/log.h"
#include "dnsd/upstream_changes.h"
#include "dnsd/upstream_failure.h"
#include "dnsd/upstream_refused.h"
#include "dnsd/upstream_requests.h"

namespace dnsd {

/// A message that is refused is halved until it is known which names it is about; these are put
/// aside, so that nobody's records hold back what others change.
///
/// What is not about names fails as a whole, and is tried again: when an update that changes
/// nothing is refused as well (the key, the zone), or when one name after the other is and none was
/// taken.
class UpstreamDelivery {
 public:
  /// @param text  the upstream's name in the log. All must outlive this
  UpstreamDelivery(const zones::Name& zone, const UpstreamFilter& filter, const std::string& text,
                   UpstreamThread& thread, UpstreamRequests& requests)
      : zone_(zone), filter_(filter), text_(text), thread_(thread), requests_(requests) {}

  /// As the zone is now, which is never older than the changes.
  boost::asio::awaitable<MaybeUpstreamFailure> send(UpstreamChanges& changes);
  /// Makes send() return a failure.
  void stop() { stopping_ = true; }
  /// Names were put aside for SERVFAIL, which passes, since this was last called.
  bool take_servfailed() { return std::exchange(put_aside_for_servfail_, false); }
  RefusedNames& refused() { return refused_; }
  const RefusedNames& refused() const { return refused_; }

  /// Called with the number of records of each message that was taken.
  std::function<void(std::size_t)> on_taken = [](std::size_t) {};

 private:
  struct Search;  // for the names that a message is refused for

  boost::asio::awaitable<MaybeUpstreamFailure> send_all(UpstreamChanges& changes);
  boost::asio::awaitable<MaybeUpstreamFailure> send_section(UpdateSection section);
  boost::asio::awaitable<MaybeUpstreamFailure> look_into(Search& search, UpstreamFailure failure);
  boost::asio::awaitable<MaybeUpstreamFailure> probe(Search& search, UpstreamFailure failure);
  void taken(const UpdateSection& section);
  bool refuse(Search& search, const UpdateSection& section, const UpstreamFailure& failure);

  const zones::Name& zone_;
  const UpstreamFilter& filter_;
  const std::string& text_;
  UpstreamThread& thread_;
  UpstreamRequests& requests_;
  RefusedNames refused_;
  std::set<zones::Name> refused_now_;     // in this send()
  std::set<zones::Name> known_taken_;     // in this send(), of those that are refused_
  bool taken_since_ = false;              // something, after a name was refused in this send()
  std::size_t unproven_ = 0;              // names refused in a row, while nothing was taken
  std::size_t servfails_ = 0;             // in a row
  UpdateSection::value_type last_taken_;  // a record of the newest message that was taken
  bool has_taken_ = false;
  bool put_aside_for_servfail_ = false;
  bool stopping_ = false;
  LogLimiter lines_{1};
};

}  // namespace dnsd
