// The RRsets of one name in packed form: changing them, and telling what differs between two
// versions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "zones/change_set.h"
#include "zones/name.h"
#include "zones/rrset.h"

namespace dnsd {

/// A copy of a name's RRsets that is edited in place; no allocation a record. Types stay ascending.
class RRsetsEditor {
 public:
  explicit RRsetsEditor(zones::RRsetsView rrsets)
      : packed_(rrsets.packed().begin(), rrsets.packed().end()) {}

  /// Valid until the next change.
  zones::RRsetsView view() const { return zones::RRsetsView(packed_); }
  zones::RRsetView find(zones::Type type) const { return view().find(type); }
  std::size_t rrset_count() const;
  const std::vector<std::uint8_t>& packed() const { return packed_; }

  /// Appends a record to its RRset, which gets this TTL as a whole (RFC 2181 §5.2). The caller has
  /// looked that there is no equal one. False, and nothing changed, when the RRset would grow above
  /// what the packed form can hold.
  bool add(zones::Type type, std::uint32_t ttl, zones::RdataView rdata);
  /// The RRset must exist.
  void set_ttl(zones::Type type, std::uint32_t ttl);
  /// Removes the record at an index of its RRset, which must exist; the last one takes the RRset
  /// along.
  void remove(zones::Type type, std::size_t index);
  void remove(zones::Type type);
  void clear() { packed_.clear(); }

 private:
  std::size_t offset_of(zones::RRsetView rrset) const {
    return static_cast<std::size_t>(rrset.packed() - packed_.data());
  }
  void patch(std::size_t offset, std::uint16_t count, std::uint32_t ttl, std::size_t octets);
  std::vector<std::uint8_t> packed_;
};

/// The index of an equal RDATA (zones::rdata_equal), or -1; -1 also for no RRset.
std::ptrdiff_t index_of(zones::RRsetView rrset, zones::RdataView rdata);

/// True for the same types, TTLs and records to the octet, in whatever order.
bool same_records(zones::RRsetsView a, zones::RRsetsView b);

/// Appends what leads from one version of a name to the other. Records that keep their octets and
/// their TTL are in neither list.
void append_difference(zones::NameView owner, zones::RRsetsView before, zones::RRsetsView after,
                       zones::ChangeSet& changes);

}  // namespace dnsd
