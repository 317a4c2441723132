// Help for tests of snapshots: records without ado, and a model of a zone that is too simple to be
// wrong.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/snapshot.h"

namespace zones {

inline Name name(std::string_view text) {
  const auto parsed = Name::from_text(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value_or(Name());
}

/// RDATA of which nothing but the number matters.
inline Rdata sample_rdata(Type type, std::uint32_t number) {
  Rdata four = {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
                static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  switch (type) {
    case Type::NS:
    case Type::DNAME:
    case Type::CNAME:
      return {1, 'x', 0};
    case Type::SOA: {
      Rdata soa = {0, 0};
      soa.insert(soa.end(), four.begin(), four.end());
      soa.resize(22);
      return soa;
    }
    case Type::TXT:
      four.insert(four.begin(), 4);
      return four;
    default:
      return four;
  }
}

/// Packed RRsets of these types (ascending), one record each.
inline std::vector<std::uint8_t> packed(const std::vector<Type>& types, std::uint32_t number = 0) {
  std::vector<std::uint8_t> out;
  for (const Type type : types) {
    EXPECT_TRUE(pack(RRset{.type = type, .ttl = 300, .rdatas = {sample_rdata(type, number)}}, out));
  }
  return out;
}

inline bool same(RRsetsView view, const std::vector<std::uint8_t>& octets) {
  return std::ranges::equal(view.packed(), octets);
}

/// A zone as a map; every answer by the definition of the RFCs, however slow.
class ZoneModel {
 public:
  using Names = std::map<Name, std::vector<std::uint8_t>>;

  explicit ZoneModel(NameView apex) : apex_(apex) {}

  NameView apex() const { return apex_; }
  const Names& names() const { return names_; }
  void put(NameView owner, const std::vector<std::uint8_t>& rrsets) {
    names_.erase(Name(owner));  // the new owner's case counts
    if (!rrsets.empty()) names_.emplace(Name(owner), rrsets);
  }
  std::vector<std::uint8_t> rrsets(NameView owner) const {
    const auto found = names_.find(Name(owner));
    return found == names_.end() ? std::vector<std::uint8_t>() : found->second;
  }
  bool exists(NameView owner) const {
    const auto next = names_.lower_bound(Name(owner));
    return owner == apex() || (next != names_.end() && next->first.is_at_or_below(owner));
  }
  bool has(NameView owner, Type type) const {
    const auto octets = rrsets(owner);
    return static_cast<bool>(RRsetsView(octets).find(type));
  }

  /// Compares all that a snapshot says of one name.
  void expect_same_lookup(const ZoneSnapshot& zone, NameView asked) const {
    SCOPED_TRACE(asked.to_text());
    const Lookup got = zone.find(asked);
    const auto own = rrsets(asked);
    const bool known = exists(asked);
    const auto kind = !own.empty() ? Lookup::Kind::EXACT
                      : known      ? Lookup::Kind::EMPTY_NON_TERMINAL
                                   : Lookup::Kind::ABSENT;
    ASSERT_EQ(got.kind, kind);
    EXPECT_EQ(zone.exists(asked), known);
    EXPECT_TRUE(same(got.rrsets, own));
    EXPECT_TRUE(same(zone.rrsets(asked), own));

    std::size_t cut = 0;
    std::size_t dname = 0;
    for (std::size_t up = 0; asked.without(up).size() >= apex().size(); ++up) {
      const NameView ancestor = asked.without(up);
      if (ancestor != apex() && has(ancestor, Type::NS)) cut = ancestor.size();
      if (up > 0 && has(ancestor, Type::DNAME)) dname = ancestor.size();
      if (ancestor == apex()) break;
    }
    EXPECT_EQ(got.cut_size, cut);
    EXPECT_EQ(got.dname_size, dname);
    EXPECT_TRUE(same(got.cut, cut == 0 ? std::vector<std::uint8_t>() : rrsets(suffix(asked, cut))));
    EXPECT_TRUE(
        same(got.dname, dname == 0 ? std::vector<std::uint8_t>() : rrsets(suffix(asked, dname))));

    if (known) {
      EXPECT_EQ(got.encloser_size, 0);
      EXPECT_FALSE(got.wildcard_exists);
      EXPECT_TRUE(got.wildcard.empty());
      return;
    }
    NameView encloser = asked.parent();
    while (!exists(encloser)) encloser = encloser.parent();
    EXPECT_EQ(got.encloser_size, encloser.size());
    const auto wildcard = Name::join(name("*"), encloser);
    const bool fits = wildcard.has_value();
    EXPECT_EQ(got.wildcard_exists, fits && exists(*wildcard));
    EXPECT_TRUE(same(got.wildcard, fits ? rrsets(*wildcard) : std::vector<std::uint8_t>()));
  }

  void expect_same_zone(const ZoneSnapshot& zone) const {
    EXPECT_EQ(zone.name_count(), names_.size());
    std::uint64_t records = 0;
    auto next = names_.begin();
    zone.for_each([&](NameView owner, RRsetsView rrsets) {
      if (next == names_.end() || !owner.identical(next->first) || !same(rrsets, next->second)) {
        ADD_FAILURE() << "met " << owner.to_text() << " instead of "
                      << (next == names_.end() ? "the end" : next->first.to_text());
        return false;
      }
      for (const RRsetView set : rrsets) records += set.count();
      ++next;
      return true;
    });
    EXPECT_TRUE(next == names_.end());
    EXPECT_EQ(zone.record_count(), records);
    EXPECT_TRUE(same(zone.apex_rrsets(), rrsets(apex())));
    EXPECT_EQ(static_cast<bool>(zone.soa()), has(apex(), Type::SOA));
  }

 private:
  static NameView suffix(NameView of, std::size_t size) {
    return {of.data() + of.size() - size, size};
  }

  Name apex_;
  Names names_;
};

}  // namespace zones
