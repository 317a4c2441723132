#include "zones/change_set.h"

#include <algorithm>

namespace zones {

Record to_record(NameView owner, RRsetView rrset, RdataView rdata) {
  Record record;
  record.owner = Name(owner);
  record.type = rrset.type();
  record.ttl = rrset.ttl();
  record.rdata.assign(rdata.begin(), rdata.end());
  return record;
}

void remove_record(std::vector<RRset>& rrsets, const Record& record) {
  const auto rrset = std::ranges::find(rrsets, record.type, &RRset::type);
  if (rrset == rrsets.end()) return;
  const std::ptrdiff_t index = rrset->index_of(record.rdata);
  if (index < 0) return;
  rrset->rdatas.erase(rrset->rdatas.begin() + index);
  if (rrset->rdatas.empty()) rrsets.erase(rrset);
}

void add_record(std::vector<RRset>& rrsets, const Record& record) {
  auto rrset = std::ranges::find(rrsets, record.type, &RRset::type);
  if (rrset == rrsets.end()) {
    rrset = rrsets.insert(std::ranges::upper_bound(rrsets, record.type, {}, &RRset::type),
                          RRset{record.type, record.ttl, {}});
  }
  rrset->ttl = record.ttl;
  const std::ptrdiff_t index = rrset->index_of(record.rdata);
  if (index < 0) {
    rrset->rdatas.push_back(record.rdata);
  } else {
    rrset->rdatas[static_cast<std::size_t>(index)] = record.rdata;  // perhaps in another case
  }
}

bool apply_change_set(const ChangeSet& change, const std::function<RRsetsView(NameView owner)>& get,
                      const std::function<void(NameView owner, RRsetsView rrsets)>& put) {
  struct Step {
    const Record* record;
    bool added;
  };
  std::vector<Step> steps;
  steps.reserve(change.removed.size() + change.added.size());
  for (const Record& record : change.removed) steps.push_back({&record, false});
  for (const Record& record : change.added) steps.push_back({&record, true});
  std::ranges::stable_sort(
      steps, [](const Step& a, const Step& b) { return a.record->owner < b.record->owner; });
  std::vector<std::uint8_t> packed;
  for (std::size_t i = 0; i < steps.size();) {
    const Name& owner = steps[i].record->owner;
    std::vector<RRset> rrsets = unpack(get(owner));
    for (; i < steps.size() && steps[i].record->owner == owner; ++i) {
      (steps[i].added ? add_record : remove_record)(rrsets, *steps[i].record);
    }
    packed.clear();
    if (!pack(rrsets, packed)) return false;
    put(owner, RRsetsView(packed));
  }
  return true;
}

}  // namespace zones
