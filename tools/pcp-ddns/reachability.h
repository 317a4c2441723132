// Whether visitors can come in: when a name server is asked what it saw when it tried an endpoint
// that was published there, and what is said of it. No I/O; time is passed in.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/pcp-ddns/mapping.h"
#include "tools/pcp-ddns/report.h"
#include "zones/message.h"
#include "zones/reachability.h"

namespace pcp_ddns {

/// After the publishing. A server that tries much else takes its time.
constexpr std::array<std::chrono::seconds, 4> REACHABILITY_DELAYS{
    std::chrono::seconds(1), std::chrono::seconds(3), std::chrono::seconds(8),
    std::chrono::seconds(30)};
constexpr std::size_t MAX_REACHABILITY_WAITING = 64;

/// The query about a TCP endpoint that is published at the service's name.
zones::Message reachability_question(const zones::Name& owner, const External& endpoint);
/// What a response says of that endpoint; empty when its server knows no such question.
std::optional<zones::ReachabilityAnswer> read_reachability(const zones::Message& response,
                                                           const External& endpoint);
/// "the server could not connect to 198.51.100.1:8001 (refused): is the service running?"; empty
/// as long as nothing is known.
std::string describe(zones::Reachability reached, const External& endpoint);

/// Of a service, that a server has confirmed.
struct PublishedEndpoints {
  zones::Name owner;                // _http._tcp.h1.dyn.example.
  std::vector<External> endpoints;  // over TCP; none: nothing (any more)
  bool is_refresh = false;          // they were there before
};

/// The questions to one server: one at a time, and few that wait.
class ReachabilityWatch {
 public:
  /// Asks anew about the service. Of a refresh, which may have had the server try again, what is
  /// known stays until then.
  void published(const PublishedEndpoints& news, Time now);
  /// When begin() is due; Time::max() while a question is under way, or when there is none.
  Time next() const;
  /// The question that is due.
  std::optional<zones::Message> begin(Time now);
  /// Its answer. A server that does not know the question is asked nothing more before something
  /// is published again.
  /// @return what the log shall say: only what is not the same as before
  std::optional<Report> answered(const zones::Message& response);
  /// Whether the last answer was that the server has not tried at all.
  bool is_untried() const { return untried_; }
  /// There was none.
  void failed();
  /// UNKNOWN as well while it is not settled.
  zones::Reachability reached(const zones::Name& owner, const External& endpoint) const;

 private:
  struct Subject {
    zones::Name owner;
    External endpoint;
    zones::Reachability reached = zones::Reachability::UNKNOWN;
    zones::Reachability said = zones::Reachability::UNKNOWN;  // in the log
    Time published{};
    std::size_t asked = 0;
    bool waiting = true;

    Time due() const;
    bool is_of(const zones::Name& of, const External& at) const {
      return owner == of && endpoint == at;
    }
  };

  std::vector<Subject> subjects_;
  bool untried_ = false;
  std::optional<std::pair<zones::Name, External>> asking_;
};

}  // namespace pcp_ddns
