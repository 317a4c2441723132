// Zones for tests, from a few lines of text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "zones/name.h"
#include "zones/rdata.h"
#include "zones/rrset.h"
#include "zones/snapshot.h"
#include "zones/text.h"

namespace dnsd::test {

inline zones::Name name(std::string_view text, zones::NameView origin = {}) {
  auto result = zones::Name::from_text(text, origin);
  if (!result) throw std::invalid_argument("no name: " + std::string(text));
  return *result;
}

/// Adds a zone to `builder`. Lines are "owner TTL TYPE RDATA", names relative to `apex`; empty
/// lines count nothing.
inline void add_zone(zones::CatalogueBuilder& builder, std::string_view apex,
                     std::string_view text) {
  const zones::Name origin = name(apex);
  std::map<zones::Name, std::vector<zones::RRset>> names;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string owner_text;
    std::string type_text;
    std::uint32_t ttl = 0;
    if (!(words >> owner_text)) continue;
    std::string rdata_text;
    zones::Type type{};
    if (!(words >> ttl >> type_text) || !zones::type_from_text(type_text, type)) {
      throw std::invalid_argument("no record: " + line);
    }
    std::getline(words >> std::ws, rdata_text);
    const auto rdata = zones::rdata_from_text(type, rdata_text, origin);
    if (!rdata) throw std::invalid_argument(line + ": " + rdata.error());

    std::vector<zones::RRset>& rrsets = names[name(owner_text, origin)];
    auto rrset = std::find_if(rrsets.begin(), rrsets.end(),
                              [&](const zones::RRset& other) { return other.type == type; });
    if (rrset == rrsets.end()) {
      rrset = rrsets.insert(rrsets.end(), zones::RRset{type, ttl, {}});
    }
    rrset->rdatas.push_back(*rdata);
  }
  if (!builder.add_zone(origin)) throw std::invalid_argument("twice: " + std::string(apex));
  for (auto& [owner, rrsets] : names) {
    std::sort(rrsets.begin(), rrsets.end(),
              [](const zones::RRset& a, const zones::RRset& b) { return a.type < b.type; });
    std::vector<std::uint8_t> packed;
    if (!zones::pack(rrsets, packed)) throw std::invalid_argument("RRset too large");
    builder.put(origin, owner, zones::RRsetsView(packed));
  }
}

}  // namespace dnsd::test
