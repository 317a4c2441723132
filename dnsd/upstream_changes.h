// What an upstream is to be told: the RRsets that changed, as they are now, in update sections (RFC
// 2136 §2.5). Pure.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "zones/change_set.h"
#include "zones/message.h"
#include "zones/name.h"
#include "zones/snapshot.h"

namespace dnsd {

/// Which records of a zone an upstream gets. Never: the SOA, whose serial is the upstream's own,
/// and what a server that signs makes by itself (RRSIG, NSEC, NSEC3, DNSKEY, CDS, …).
struct UpstreamFilter {
  bool apex_ns = false;                 // NS records of the apex
  std::vector<zones::Type> types{};     // these alone; empty: all …
  std::vector<zones::Type> excluded{};  // … but these
  std::vector<zones::Name> servers{};   // its own name servers in the zone: their A and AAAA stay

  bool sends(zones::NameView apex, zones::NameView owner, zones::Type type) const;
  bool operator==(const UpstreamFilter&) const = default;
};

/// SOA, what a server that signs makes by itself, and what is no type of records.
bool is_never_sent(zones::Type type);

/// Bounds of one message's update section; as it would be without compression.
struct UpstreamMessageLimits {
  std::size_t octets = 60'000;  // leaves room for header, zone and TSIG in 65,535
  std::size_t records = 1'000;
};

using UpdateSection = std::vector<zones::Record>;

/// Cuts a section between two names, as near to the middle as that goes.
/// @return the second part, empty when there is only one name
UpdateSection split_between_names(UpdateSection& section);

/// Puts groups of records into messages: in order, and a group, which is what one name needs, into
/// one message unless it alone is too large.
class UpdatePacker {
 public:
  explicit UpdatePacker(UpstreamMessageLimits limits = {}) : limits_(limits) {}
  void add(std::vector<zones::Record> group);
  /// The octets of all that was added.
  std::size_t octets() const { return octets_; }
  std::vector<UpdateSection> take();

 private:
  void begin_if_full(std::size_t octets, std::size_t records);

  UpstreamMessageLimits limits_;
  std::vector<UpdateSection> sections_;
  std::size_t octets_ = 0;
  std::size_t last_octets_ = 0;  // of the last section
};

/// Which RRsets of a zone an upstream may have otherwise. Each is sent whole, as it is by then: in
/// place of the one that is there, whatever that is. So nothing of it depends on what an upstream
/// has taken already, or on what its server makes of records with differing TTLs in an RRset (RFC
/// 2181 §5.2; Knot keeps the old one, BIND takes the new one).
///
/// NS and DS of a name go together: DS without NS is ignored, or taken away (BIND).
///
/// An RRset that changed after these changes is newer than they are, and comes again with its own.
class UpstreamChanges {
 public:
  UpstreamChanges(const zones::Name& apex, const UpstreamFilter& filter)
      : apex_(apex), filter_(&filter) {}

  void add(const zones::ChangeSet& change);
  /// A record that goes, or is not as it should be there.
  void remove(const zones::Record& record);
  void touch(zones::NameView owner, zones::Type type);
  /// All that is here, and what is there and would keep a record out: beside a CNAME any other, and
  /// beside any other a CNAME (RFC 2136 §3.4.2.2).
  void touch_all(zones::NameView owner, zones::RRsetsView here);
  /// As RefusedNames keeps them: types that were touched before.
  void touch_again(const zones::Name& owner, const std::vector<zones::Type>& types);
  bool touches(const zones::Name& owner) const { return names_.contains(owner); }
  bool empty() const { return names_.empty(); }
  std::size_t rrsets() const { return rrsets_; }

  /// Takes names out, in canonical order, until their messages have `octets` or nothing is left.
  /// @param zone  which has all of these changes
  std::vector<UpdateSection> take(const zones::ZoneSnapshot& zone, std::size_t octets,
                                  UpstreamMessageLimits limits = {});

 private:
  void put(zones::NameView owner, zones::Type type);

  zones::Name apex_;
  const UpstreamFilter* filter_;
  std::map<zones::Name, std::vector<zones::Type>> names_;  // with ANY: all that is there goes
  std::vector<zones::Record> apex_ns_;                     // that may go
  std::size_t rrsets_ = 0;
};

}  // namespace dnsd
