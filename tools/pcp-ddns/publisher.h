// What has to be told to one name server, when, and what has become of it (RFC 2136, RFC 9664). No
// I/O; time and chance are passed in. Used by one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/pcp-ddns/mapping.h"
#include "tools/pcp-ddns/provider.h"
#include "tools/pcp-ddns/reachability.h"
#include "tools/pcp-ddns/records.h"
#include "zones/message.h"

namespace pcp_ddns {

constexpr std::size_t MAX_RECORDS_PER_UPDATE = 200;
/// Of an RRset, that may be on the server; more, of a server that never answers, are left to their
/// leases.
constexpr std::size_t MAX_OURS = 8;
/// A shorter lease is not worth an update: the mapping is nearly over, or about to be renewed.
constexpr std::chrono::seconds MIN_LEASE{2};
constexpr std::chrono::seconds FIRST_RETRY{
    1};  // then doubled, and spread by a quarter either way …
constexpr std::chrono::seconds MAX_RETRY{300};  // … up to this
/// How long a name is left alone that somebody else holds, or that the server refuses.
constexpr std::chrono::seconds NAME_RETRY{60};

/// Keeps one provider's records as they are wanted.
///
/// Each update carries all that has changed, and gives it the lease of what ends first; it adds and
/// removes single records, and only those that are ours. Prerequisites see to it that an RRset in
/// which we have had no record yet does not exist (§2.4.3), or is what we tried to make of it when
/// an answer was lost (§2.4.2), so that nothing of anybody else's is added to; and that no owner is
/// an alias, to which RFC 2136 §3.4.2.2 would silently add nothing. A refusal of one host's records
/// does not keep back those of others: they are sent apart from then on.
class Publisher {
 public:
  /// @param replace  whole RRsets are replaced, whoever made them
  /// @param ours  records that may be on the server from before
  Publisher(zones::Name zone, bool replace, Random random, const std::vector<OwnRecord>& ours);

  /// What there shall be from now on. Of `undecided`, what is there stays.
  void want(Wanted wanted, const std::set<RRsetKey>& undecided, Time now);
  /// RRsets of which records may be on the server.
  std::vector<RRsetKey> known() const;
  /// Records that are, or may be, on the server. After begin() also those that the update adds:
  /// write them down before it is sent.
  std::vector<OwnRecord> ours() const;

  /// When begin() is due; Time::max() while an update is under way, or when all is well.
  Time next() const;
  /// @return true when message() is to be sent
  bool begin(Time now);
  /// The update, anew for each try: its lease gets shorter meanwhile.
  zones::Message message(Time now) const;
  /// The server's answer, whose signature was verified.
  Report answered(const zones::Message& response, std::uint16_t tsig_error, Time now);
  /// There was none.
  Report failed(const std::string& why, Time now);
  /// Sends once more all that is as it is wanted: the server has not seen where it came from.
  void refresh();
  /// What accepted updates have changed since the last call.
  std::vector<PublishedEndpoints> take_news() { return std::exchange(news_, {}); }
  bool is_busy() const { return !plan_.empty(); }
  /// Whether the last records that were taken have a lease; false until some were.
  bool grants_leases() const { return grants_leases_; }
  Progress progress(const RRsetKey& key) const;
  /// True when nothing of ours is left, as far as is known.
  bool is_clean() const;

 private:
  struct Entry {
    std::optional<WantedRRset> wanted;
    bool undecided = false;
    std::vector<zones::Rdata> ours;  // that may be on the server; the latest is the last
    bool owned = false;              // an update of this RRset was accepted
    std::size_t guess =
        0;  // while it is not: the RRset exists, and may be the nth of `ours` from the end
    std::optional<WantedRRset> confirmed{};  // that are on the server, and all of ours
    Time lease_end{};
    Time refresh_at{};
    bool refresh_wanted = false;
    Time held_until{};
    std::string error{};
  };
  enum class Guard : std::uint8_t { NONE, ABSENT, EXACT };  // the prerequisite of an RRset
  struct Part {
    RRsetKey key;
    std::optional<WantedRRset> wanted;  // empty: to be removed
    std::vector<zones::Rdata> ours;     // before
    bool is_change = false;             // else a refresh
    Guard guard{};
    zones::Rdata expected{};  // with EXACT
  };

  Time due(const Entry& entry) const;
  static bool is_as_wanted(const Entry& entry);
  void note_error(const std::string& why);
  void give_up(Time now);
  std::chrono::seconds lease(Time now) const;
  Report refused(const zones::Message& response, std::uint16_t tsig_error, Time now);
  Report accepted(const zones::Message& response);
  std::string describe() const;
  void back_off(Time now);

  const zones::Name zone_;
  const bool replace_;
  const Random random_;
  std::map<RRsetKey, Entry> entries_;
  std::vector<Part> plan_;  // under way
  std::vector<PublishedEndpoints> news_;
  Time begun_{};
  Time not_before_{};
  int failures_ = 0;
  bool apart_ = false;  // one host an update
  bool grants_leases_ = false;
  bool lease_warned_ = false;
};

}  // namespace pcp_ddns
