#include "dnsd/update_prereq.h"

#include <algorithm>
#include <vector>

namespace dnsd {

namespace {

using zones::Class;
using zones::Rcode;
using zones::Record;
using zones::RRsetView;
using zones::Type;

// §2.4.1 to §2.4.5: TTL 0 everywhere, no RDATA unless values are compared, and no type that cannot
// be in a zone.
bool is_well_formed(const Record& record) {
  if (record.ttl != 0) return false;
  switch (record.rrclass) {
    case Class::ANY:
    case Class::NONE:
      return record.rdata.empty() && (record.type == Type::ANY || !zones::is_meta(record.type));
    case Class::IN:
      return !zones::is_meta(record.type) && zones::is_valid_rdata(record.type, record.rdata);
    case Class::CH:
    case Class::HS:
      return false;
  }
  return false;  // a class without a name here
}

// §3.2.1 and §3.2.2. "Name is in use" looks at records of the name itself, not at names below it
// (§2.4.4, §2.4.5).
Rcode check_existence(const zones::ZoneSnapshot& zone, const Record& record) {
  const zones::RRsetsView rrsets = zone.rrsets(record.owner.view());
  const bool wanted = record.rrclass == Class::ANY;
  if (record.type == Type::ANY) {
    if (!rrsets.empty() == wanted) return Rcode::NOERROR;
    return wanted ? Rcode::NXDOMAIN : Rcode::YXDOMAIN;
  }
  if (static_cast<bool>(rrsets.find(record.type)) == wanted) return Rcode::NOERROR;
  return wanted ? Rcode::NXRRSET : Rcode::YXRRSET;
}

// The same members, no more, no less; in any order, and one that was given twice counts once
// (§3.2.3).
bool is_same_set(RRsetView rrset, std::span<const Record* const> wanted) {
  if (!rrset || wanted.size() < rrset.count()) return false;
  std::vector<bool> seen(rrset.count());
  for (const Record* record : wanted) {
    std::size_t index = 0;
    for (const zones::RdataView rdata : rrset) {
      if (zones::rdata_equal(record->type, rdata, record->rdata)) break;
      ++index;
    }
    if (index == seen.size()) return false;
    seen[index] = true;
  }
  return std::ranges::find(seen, false) == seen.end();
}

}  // namespace

Rcode check_prerequisites(const zones::ZoneSnapshot& zone, std::span<const Record> prerequisites) {
  std::vector<const Record*> values;
  for (const Record& record : prerequisites) {
    if (!record.owner.is_at_or_below(zone.apex())) return Rcode::NOTZONE;
    if (!is_well_formed(record)) return Rcode::FORMERR;
    if (record.rrclass == Class::IN) {
      values.push_back(&record);
      continue;
    }
    const Rcode rcode = check_existence(zone, record);
    if (rcode != Rcode::NOERROR) return rcode;
  }

  const auto by_rrset = [](const Record* a, const Record* b) {
    if (a->type != b->type) return a->type < b->type;
    return (a->owner <=> b->owner) < 0;
  };
  std::ranges::sort(values, by_rrset);
  for (auto first = values.begin(); first != values.end();) {
    const auto last = std::upper_bound(first, values.end(), *first, by_rrset);
    const RRsetView rrset = zone.rrsets((*first)->owner.view()).find((*first)->type);
    if (!is_same_set(rrset, {first, last})) return Rcode::NXRRSET;
    first = last;
  }
  return Rcode::NOERROR;
}

}  // namespace dnsd
