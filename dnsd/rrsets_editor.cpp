#include "dnsd/rrsets_editor.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace dnsd {

namespace {

using zones::RdataView;
using zones::RRsetsView;
using zones::RRsetView;
using zones::Type;

constexpr std::size_t MAX_PACKED_OCTETS = std::numeric_limits<std::uint16_t>::max();

void put_u16(std::uint8_t* at, std::size_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

bool octets_less(RdataView a, RdataView b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}
bool octets_equal(RdataView a, RdataView b) { return std::ranges::equal(a, b); }

std::vector<RdataView> sorted_rdatas(RRsetView rrset) {
  std::vector<RdataView> rdatas;
  if (!rrset) return rdatas;
  rdatas.reserve(rrset.count());
  for (const RdataView rdata : rrset) rdatas.push_back(rdata);
  std::ranges::sort(rdatas, octets_less);
  return rdatas;
}

bool same_packed(RRsetView a, RRsetView b) {
  return std::ranges::equal(std::span(a.packed(), a.packed_size()),
                            std::span(b.packed(), b.packed_size()));
}

bool same_records(RRsetView a, RRsetView b) {
  if (same_packed(a, b)) return true;
  if (a.type() != b.type() || a.ttl() != b.ttl() || a.count() != b.count() ||
      a.packed_size() != b.packed_size()) {
    return false;
  }
  return std::ranges::equal(sorted_rdatas(a), sorted_rdatas(b), octets_equal);
}

void append(zones::NameView owner, RRsetView rrset, std::span<const RdataView> rdatas,
            std::vector<zones::Record>& out) {
  for (const RdataView rdata : rdatas) out.push_back(zones::to_record(owner, rrset, rdata));
}

// Of one type; either may be missing. A new TTL concerns every record (RFC 2181 §5.2).
void append_difference(zones::NameView owner, RRsetView before, RRsetView after,
                       zones::ChangeSet& changes) {
  if (before && after && same_packed(before, after)) return;
  const std::vector<RdataView> old_rdatas = sorted_rdatas(before);
  const std::vector<RdataView> new_rdatas = sorted_rdatas(after);
  if (!before || !after || before.ttl() != after.ttl()) {
    append(owner, before, old_rdatas, changes.removed);
    append(owner, after, new_rdatas, changes.added);
    return;
  }
  std::vector<RdataView> gone;
  std::vector<RdataView> come;
  std::ranges::set_difference(old_rdatas, new_rdatas, std::back_inserter(gone), octets_less);
  std::ranges::set_difference(new_rdatas, old_rdatas, std::back_inserter(come), octets_less);
  append(owner, before, gone, changes.removed);
  append(owner, after, come, changes.added);
}

}  // namespace

std::size_t RRsetsEditor::rrset_count() const {
  std::size_t count = 0;
  for (auto at = view().begin(); at != view().end(); ++at) ++count;
  return count;
}

void RRsetsEditor::patch(std::size_t offset, std::uint16_t count, std::uint32_t ttl,
                         std::size_t octets) {
  std::uint8_t* const header = packed_.data() + offset;
  put_u16(header + 2, count);
  put_u16(header + 4, ttl >> 16);
  put_u16(header + 6, ttl & 0xffff);
  put_u16(header + 8, octets);
}

bool RRsetsEditor::add(Type type, std::uint32_t ttl, RdataView rdata) {
  const std::size_t record_octets = 2 + rdata.size();
  const RRsetView rrset = find(type);
  const std::size_t old_octets = rrset ? rrset.rdatas().size() : 0;
  if (old_octets + record_octets > MAX_PACKED_OCTETS) return false;

  std::size_t offset = 0;  // of the RRset
  std::uint16_t count = 0;
  if (rrset) {
    offset = offset_of(rrset);
    count = rrset.count();
  } else {
    for (const RRsetView other : view()) {
      if (other.type() > type) break;
      offset += other.packed_size();
    }
    packed_.insert(packed_.begin() + static_cast<std::ptrdiff_t>(offset), RRsetView::HEADER_OCTETS,
                   0);
    put_u16(packed_.data() + offset, static_cast<std::uint16_t>(type));
  }
  const std::size_t at = offset + RRsetView::HEADER_OCTETS + old_octets;
  packed_.insert(packed_.begin() + static_cast<std::ptrdiff_t>(at), record_octets, 0);
  put_u16(packed_.data() + at, rdata.size());
  std::ranges::copy(rdata, packed_.begin() + static_cast<std::ptrdiff_t>(at) + 2);
  patch(offset, static_cast<std::uint16_t>(count + 1), ttl, old_octets + record_octets);
  return true;
}

void RRsetsEditor::set_ttl(Type type, std::uint32_t ttl) {
  const RRsetView rrset = find(type);
  patch(offset_of(rrset), rrset.count(), ttl, rrset.rdatas().size());
}

void RRsetsEditor::remove(Type type, std::size_t index) {
  const RRsetView rrset = find(type);
  if (rrset.count() == 1) return remove(type);
  auto record = rrset.begin();
  for (std::size_t skipped = 0; skipped < index; ++skipped) ++record;
  const RdataView rdata = *record;
  const std::size_t record_octets = 2 + rdata.size();
  const auto first = packed_.begin() + (rdata.data() - 2 - packed_.data());
  const std::size_t offset = offset_of(rrset);
  const auto count = static_cast<std::uint16_t>(rrset.count() - 1);
  const std::uint32_t ttl = rrset.ttl();
  const std::size_t octets = rrset.rdatas().size() - record_octets;
  packed_.erase(first, first + static_cast<std::ptrdiff_t>(record_octets));
  patch(offset, count, ttl, octets);
}

void RRsetsEditor::remove(Type type) {
  const RRsetView rrset = find(type);
  if (!rrset) return;
  const auto first = packed_.begin() + static_cast<std::ptrdiff_t>(offset_of(rrset));
  packed_.erase(first, first + static_cast<std::ptrdiff_t>(rrset.packed_size()));
}

std::ptrdiff_t index_of(RRsetView rrset, RdataView rdata) {
  if (!rrset) return -1;
  std::ptrdiff_t index = 0;
  for (const RdataView own : rrset) {
    if (zones::rdata_equal(rrset.type(), own, rdata)) return index;
    ++index;
  }
  return -1;
}

bool same_records(RRsetsView a, RRsetsView b) {
  if (std::ranges::equal(a.packed(), b.packed())) return true;
  if (a.packed().size() != b.packed().size()) return false;
  auto left = a.begin();
  auto right = b.begin();
  for (; left != a.end() && right != b.end(); ++left, ++right) {
    if (!same_records(*left, *right)) return false;
  }
  return left == a.end() && right == b.end();
}

void append_difference(zones::NameView owner, RRsetsView before, RRsetsView after,
                       zones::ChangeSet& changes) {
  auto old_rrset = before.begin();
  auto new_rrset = after.begin();
  while (old_rrset != before.end() || new_rrset != after.end()) {
    if (new_rrset == after.end() ||
        (old_rrset != before.end() && (*old_rrset).type() < (*new_rrset).type())) {
      append_difference(owner, *old_rrset, RRsetView(), changes);
      ++old_rrset;
    } else if (old_rrset == before.end() || (*new_rrset).type() < (*old_rrset).type()) {
      append_difference(owner, RRsetView(), *new_rrset, changes);
      ++new_rrset;
    } else {
      append_difference(owner, *old_rrset, *new_rrset, changes);
      ++old_rrset;
      ++new_rrset;
    }
  }
}

}  // namespace dnsd
