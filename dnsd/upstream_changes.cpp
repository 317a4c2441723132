#include "dnsd/upstream_changes.h"

#include <algorithm>
#include <utility>

#include "dnsd/update_apply.h"
namespace dnsd {
namespace {

using zones::Class;
using zones::Record;
using zones::Type;

// BIND notes at the apex in records of this type how far it is with signing (sig-signing-type).
constexpr auto BIND_SIGNING = static_cast<Type>(65534);

/// What a server that signs makes itself, and no update should touch (RFC 3007 §4).
bool is_signers_own(Type type) {
  switch (type) {
    case Type::DNSKEY:
    case Type::CDS:
    case Type::CDNSKEY:
    case Type::ZONEMD:
      return true;
    default:
      return type == BIND_SIGNING || is_written_by_server(type);
  }
}

bool contains(const std::vector<Type>& types, Type type) {
  return std::ranges::find(types, type) != types.end();
}

std::size_t octets_of(const Record& record) {
  constexpr std::size_t FIXED_OCTETS = 10;  // TYPE, CLASS, TTL, RDLENGTH
  return record.owner.size() + FIXED_OCTETS + record.rdata.size();
}

/// RFC 2136 §2.5.2
Record deletion(zones::NameView owner, Type type) {
  return {zones::Name(owner), type, Class::ANY, 0, {}};
}

/// What makes the RRsets of one name what they are here.
std::vector<Record> replacement(zones::NameView owner, const std::vector<Type>& types,
                                zones::RRsetsView rrsets) {
  std::vector<Record> group;
  const bool is_whole = contains(types, Type::ANY);
  if (is_whole) group.push_back(deletion(owner, Type::ANY));  // RFC 2136 §2.5.3
  for (const Type type : types) {
    if (!is_whole) group.push_back(deletion(owner, type));
  }
  for (const Type type : types) {
    const zones::RRsetView rrset = rrsets.find(type);
    if (!rrset) continue;
    for (const zones::RdataView rdata : rrset) {
      group.push_back(zones::to_record(owner, rrset, rdata));
    }
  }
  return group;
}

/// The apex never loses its last NS, and RRset and name of it are not deleted (RFC 2136 §3.4.2.3,
/// §3.4.2.4): what is here first, then one by one what may be there and is not here.
std::vector<Record> apex_ns(zones::NameView apex, zones::RRsetView here,
                            const std::vector<Record>& may_go) {
  std::vector<Record> group;
  if (!here) return group;
  for (const zones::RdataView rdata : here) group.push_back(zones::to_record(apex, here, rdata));
  for (const Record& record : may_go) {
    if (here.contains(record.rdata)) continue;
    Record gone = record;  // RFC 2136 §2.5.4
    gone.rrclass = Class::NONE;
    gone.ttl = 0;
    group.push_back(std::move(gone));
  }
  return group;
}

}  // namespace

bool is_never_sent(Type type) {
  return type == Type::SOA || is_signers_own(type) || zones::is_meta(type);
}

bool UpstreamFilter::sends(zones::NameView apex, zones::NameView owner, Type type) const {
  if (is_never_sent(type)) return false;
  if (type == Type::NS && !apex_ns && owner == apex) return false;
  if ((type == Type::A || type == Type::AAAA) &&
      std::ranges::any_of(servers, [&](const zones::Name& server) { return server == owner; })) {
    return false;
  }
  return (types.empty() || contains(types, type)) && !contains(excluded, type);
}

void UpdatePacker::begin_if_full(std::size_t octets, std::size_t records) {
  if (!sections_.empty() && last_octets_ + octets <= limits_.octets &&
      sections_.back().size() + records <= limits_.records) {
    return;
  }
  if (sections_.empty() || !sections_.back().empty()) sections_.emplace_back();
  last_octets_ = 0;
}

void UpdatePacker::add(std::vector<Record> group) {
  if (group.empty()) return;
  std::size_t octets = 0;
  for (const Record& record : group) octets += octets_of(record);
  octets_ += octets;
  begin_if_full(octets, group.size());
  const bool fits = octets <= limits_.octets && group.size() <= limits_.records;
  for (Record& record : group) {
    const std::size_t own = octets_of(record);
    if (!fits) begin_if_full(own, 1);
    last_octets_ += own;
    sections_.back().push_back(std::move(record));
  }
}

std::vector<UpdateSection> UpdatePacker::take() {
  octets_ = last_octets_ = 0;
  return std::exchange(sections_, {});
}

UpdateSection split_between_names(UpdateSection& section) {
  std::size_t cut = 0;
  const auto distance = [&](std::size_t at) {
    const std::size_t middle = section.size() / 2;
    return at > middle ? at - middle : middle - at;
  };
  for (std::size_t at = 1; at < section.size(); ++at) {
    if (section[at].owner == section[at - 1].owner) continue;
    if (cut == 0 || distance(at) < distance(cut)) cut = at;
  }
  if (cut == 0) return {};
  const auto from = section.begin() + static_cast<std::ptrdiff_t>(cut);
  UpdateSection second(std::make_move_iterator(from), std::make_move_iterator(section.end()));
  section.erase(from, section.end());
  return second;
}

void UpstreamChanges::add(const zones::ChangeSet& change) {
  for (const Record& record : change.removed) remove(record);
  for (const Record& record : change.added) touch(record.owner, record.type);
}

void UpstreamChanges::remove(const Record& record) {
  touch(record.owner, record.type);
  if (record.type == Type::NS && record.owner == apex_ && filter_->apex_ns) {
    apex_ns_.push_back(record);
  }
}

void UpstreamChanges::touch(zones::NameView owner, Type type) {
  if (!filter_->sends(apex_, owner, type)) return;
  put(owner, type);
  if (owner == apex_) return;
  for (const Type other : {Type::NS, Type::DS}) {
    const bool is_delegation = type == Type::NS || type == Type::DS;
    if (is_delegation && filter_->sends(apex_, owner, other)) put(owner, other);
  }
}

void UpstreamChanges::put(zones::NameView owner, Type type) {
  std::vector<Type>& types = names_[zones::Name(owner)];
  if (contains(types, type)) return;
  types.insert(std::ranges::upper_bound(types, type), type);
  ++rrsets_;
}

void UpstreamChanges::touch_all(zones::NameView owner, zones::RRsetsView here) {
  for (const zones::RRsetView rrset : here) touch(owner, rrset.type());
  if (owner == apex_ || !filter_->sends(apex_, owner, Type::CNAME)) return;
  put(owner, Type::CNAME);
  if (!here.find(Type::CNAME)) return;
  const bool takes_all =
      filter_->types.empty() && filter_->excluded.empty() && filter_->sends(apex_, owner, Type::A);
  if (takes_all) put(owner, Type::ANY);
  for (const Type type : filter_->types) touch(owner, type);
}

void UpstreamChanges::touch_again(const zones::Name& owner, const std::vector<Type>& types) {
  for (const Type type : types) {
    if (type == Type::ANY) {
      put(owner, type);
    } else {
      touch(owner, type);
    }
  }
}

std::vector<UpdateSection> UpstreamChanges::take(const zones::ZoneSnapshot& zone,
                                                 std::size_t octets, UpstreamMessageLimits limits) {
  UpdatePacker packer(limits);
  while (!names_.empty() && packer.octets() < octets) {
    const auto first = names_.begin();
    const zones::Name& owner = first->first;
    std::vector<Type>& types = first->second;
    rrsets_ -= types.size();
    const zones::RRsetsView rrsets = zone.rrsets(owner);
    std::vector<Record> group;
    if (owner == apex_ && std::erase(types, Type::NS) != 0) {
      group = apex_ns(owner, rrsets.find(Type::NS), apex_ns_);
    }
    for (Record& record : replacement(owner, types, rrsets)) group.push_back(std::move(record));
    packer.add(std::move(group));
    names_.erase(first);
  }
  return packer.take();
}

}  // namespace dnsd
