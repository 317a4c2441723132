#include "zones/rrset.h"

#include <algorithm>

namespace zones {
namespace {

constexpr std::size_t MAX_PACKED_RDATAS = 65535;

void append_u16(std::vector<std::uint8_t>& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

std::ptrdiff_t RRset::index_of(RdataView rdata) const {
  const auto found =
      std::ranges::find_if(rdatas, [&](const Rdata& own) { return rdata_equal(type, own, rdata); });
  return found == rdatas.end() ? -1 : found - rdatas.begin();
}

bool RRsetView::contains(RdataView rdata) const {
  if (packed_ == nullptr) return false;
  for (const RdataView own : *this) {
    if (rdata_equal(type(), own, rdata)) return true;
  }
  return false;
}

RRsetView RRsetsView::find(Type type) const {
  const std::uint8_t* at = packed_.data();
  const std::uint8_t* const end = at + packed_.size();
  while (at < end) {
    const RRsetView rrset(at);
    if (rrset.type() == type) return rrset;
    at += rrset.packed_size();
  }
  return {};
}

std::size_t RRsetsView::record_count() const {
  std::size_t count = 0;
  for (const RRsetView rrset : *this) count += rrset.count();
  return count;
}

bool pack(const RRset& rrset, std::vector<std::uint8_t>& out) {
  std::size_t size = 0;
  for (const Rdata& rdata : rrset.rdatas) size += 2 + rdata.size();
  if (size == 0 || size > MAX_PACKED_RDATAS) return false;
  out.reserve(out.size() + RRsetView::HEADER_OCTETS + size);
  append_u16(out, static_cast<std::uint16_t>(rrset.type));
  append_u16(out, rrset.rdatas.size());
  append_u16(out, rrset.ttl >> 16);
  append_u16(out, rrset.ttl & 0xffff);
  append_u16(out, size);
  for (const Rdata& rdata : rrset.rdatas) {
    append_u16(out, rdata.size());
    out.insert(out.end(), rdata.begin(), rdata.end());
  }
  return true;
}

bool pack(std::span<const RRset> rrsets, std::vector<std::uint8_t>& out) {
  std::vector<const RRset*> ordered;
  ordered.reserve(rrsets.size());
  for (const RRset& rrset : rrsets) ordered.push_back(&rrset);
  std::ranges::sort(ordered, {}, [](const RRset* rrset) { return rrset->type; });
  const std::size_t start = out.size();
  for (const RRset* rrset : ordered) {
    if (!pack(*rrset, out)) {
      out.resize(start);
      return false;
    }
  }
  return true;
}

RRset unpack(RRsetView view) {
  RRset rrset{view.type(), view.ttl(), {}};
  rrset.rdatas.reserve(view.count());
  for (const RdataView rdata : view) rrset.rdatas.emplace_back(rdata.begin(), rdata.end());
  return rrset;
}

std::vector<RRset> unpack(RRsetsView view) {
  std::vector<RRset> rrsets;
  for (const RRsetView rrset : view) rrsets.push_back(unpack(rrset));
  return rrsets;
}

bool is_valid_packed(std::span<const std::uint8_t> packed) {
  int last_type = -1;
  while (!packed.empty()) {
    if (packed.size() < RRsetView::HEADER_OCTETS) return false;
    const RRsetView rrset(packed.data());
    if (packed.size() < rrset.packed_size()) return false;
    const int type = static_cast<int>(rrset.type());
    if (type <= last_type || is_meta(rrset.type()) || rrset.count() == 0) return false;
    std::span<const std::uint8_t> rest = rrset.rdatas();
    for (std::size_t i = 0; i < rrset.count(); ++i) {
      if (rest.size() < 2) return false;
      const std::size_t size = static_cast<std::size_t>(rest[0] << 8 | rest[1]);
      if (rest.size() - 2 < size || !is_valid_rdata(rrset.type(), rest.subspan(2, size)))
        return false;
      rest = rest.subspan(2 + size);
    }
    if (!rest.empty()) return false;
    last_type = type;
    packed = packed.subspan(rrset.packed_size());
  }
  return true;
}

}  // namespace zones
