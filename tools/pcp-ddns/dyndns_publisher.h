// What has to be told to a provider that speaks dyndns2, when, and what has become of it. No I/O;
// time and chance are passed in. Used by one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/pcp-ddns/mapping.h"
#include "tools/pcp-ddns/provider.h"
#include "tools/pcp-ddns/records.h"
#include "tools/pcp-ddns/report.h"

namespace pcp_ddns {

/// After "911", "dnserr" and what is no word of the protocol, unless Retry-After says better …
constexpr std::chrono::minutes DYNDNS_RETRY{30};
/// … which is at least this, at most DYNDNS_MAX_WAIT, and put off by up to a quarter.
constexpr std::chrono::seconds DYNDNS_MIN_RETRY_AFTER{5};
/// When there was no answer: then doubled, and spread by a quarter either way …
constexpr std::chrono::seconds DYNDNS_FIRST_RETRY{10};
constexpr std::chrono::minutes DYNDNS_MAX_RETRY{10};  // … up to this
/// Between two updates of a host, where not even ports are known: providers block who asks often.
constexpr std::chrono::seconds DYNDNS_MIN_BETWEEN{30};
/// The longest that a provider can have a client wait ("w1h").
constexpr std::chrono::hours DYNDNS_MAX_WAIT{24};

struct DyndnsOptions {
  std::string path;                // "/nic/update"
  bool ports = false;              // the provider knows `service` and `port`, as dnsd does
  std::chrono::seconds refresh{};  // what has not changed is told again after that
};

/// Keeps the hosts of one provider as they are wanted: one host a request.
///
/// dyndns2 has words for the addresses of a host. With `ports`, the services whose SRV lead to it
/// go along, those that are not wanted any more with port 0, and a host that is not wanted any more
/// is taken away (offline=YES); else it stays as it is. What has not changed is not sent. A host
/// that the provider refuses ("nohost") is left alone until a restart, and so are all after a
/// refused login ("badauth") or a block ("abuse").
class DyndnsPublisher {
 public:
  /// @param ours  records that may be at the provider from before
  DyndnsPublisher(DyndnsOptions options, Random random, const std::vector<OwnRecord>& ours);

  void want(Wanted wanted, const std::set<RRsetKey>& undecided, Time now);
  std::vector<RRsetKey> known() const;
  std::vector<OwnRecord> ours() const;
  Progress progress(const RRsetKey& key) const;
  bool is_clean() const;

  /// When begin() is due; Time::max() while a request is under way, or when all is well.
  Time next() const;
  /// @return true when target() is to be asked for
  bool begin(Time now);
  /// Path and query of the request that is under way.
  std::string target() const;
  bool is_busy() const { return asked_.has_value(); }
  /// @param retry_after  of the answer's field of that name
  Report answered(unsigned status, std::string_view body,
                  std::optional<std::chrono::seconds> retry_after, Time now);
  /// There was no answer.
  Report failed(const std::string& why, Time now);

 private:
  using Content = std::map<RRsetKey, std::vector<zones::Rdata>>;
  struct Entry {
    Content wanted;           // A, AAAA, and with ports SRV
    std::set<RRsetKey> keys;  // all that is wanted of the host; not all of it can be told
    bool undecided = false;
    Content published;  // as the provider has said
    Content tried;      // may be there
    Time published_at{};
    Time held_until{};
    bool refused = false;
    std::string error{};
  };
  struct Asked {
    zones::Name host;
    Content content;            // empty: it is taken away
    std::set<RRsetKey> gone{};  // services that are taken away while the host stays
  };

  Content tellable(const Wanted& wanted, const zones::Name& host) const;
  Time due(const Entry& entry) const;
  bool is_as_wanted(const Entry& entry) const;
  /// What is there, or may be, and shall not be.
  std::set<RRsetKey> surplus(const Entry& entry) const;
  Report accepted(Entry& entry, bool changed, Time now);
  /// The host is left alone until `until`; everything, when that is of all.
  Report refused(Entry& entry, const std::string& why, Time until, bool all);
  /// Until the next try after a refusal.
  Duration wait_of_retry(std::optional<std::chrono::seconds> retry_after) const;

  const DyndnsOptions options_;
  const Random random_;
  std::map<zones::Name, Entry> entries_;
  std::optional<Asked> asked_;
  Time not_before_{};
  std::string stopped_;  // why nothing is asked any more
  int failures_ = 0;
};

}  // namespace pcp_ddns
