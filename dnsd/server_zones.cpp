#include "dnsd/server_zones.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_set>

#include "dnsd/server.h"
#include "zones/counted.h"
#include "zones/zone_file.h"

namespace dnsd {
namespace {

using Names = std::unordered_set<zones::Name, zones::NameHash, zones::NameEqual>;

zones::ZoneFileSize read_into(zones::CatalogueBuilder& builder, const ZoneConfig& zone) {
  const std::string name = zone.name.to_text();
  if (zone.file.empty()) {
    throw StartError("zone " + name + " is not in the store and has no 'file' to import it from");
  }
  spdlog::info("zone {}: importing {}", name, zone.file.string());
  const auto size =
      zones::read_zone_file(zone.file, zone.name, builder, [&](std::uint64_t records) {
        spdlog::info("zone {}: {} read", name, zones::counted(records, "record"));
      });
  if (!size) throw StartError("zone " + name + " cannot be imported: " + size.error().to_text());
  return *size;
}

// Passes names on to a store, and says now and then how many.
class ReportingWriter final : public zones::ZoneWriter {
 public:
  ReportingWriter(zones::ZoneWriter& writer, const std::string& zone)
      : writer_(writer), zone_(zone) {}
  void node(zones::NameView owner, zones::RRsetsView rrsets) override {
    constexpr std::uint64_t STEP = 500'000;
    writer_.node(owner, rrsets);
    if (++names_ % STEP == 0) {
      spdlog::info("zone {}: {} stored", zone_, zones::counted(names_, "name"));
    }
  }

 private:
  zones::ZoneWriter& writer_;
  const std::string zone_;
  std::uint64_t names_ = 0;
};

}  // namespace

void import_zones(zones::Store& store, zones::CatalogueBuilder& builder,
                  const std::vector<ZoneConfig>& zones) {
  const std::vector<zones::Name> stored = store.zones();
  const Names known(stored.begin(), stored.end());
  std::vector<zones::NewZone> missing;
  std::vector<zones::ZoneFileSize> sizes;
  for (const ZoneConfig& zone : zones) {
    if (!known.contains(zone.name)) {
      sizes.push_back(read_into(builder, zone));
      const auto write = [&builder, &zone](zones::ZoneWriter& writer) {
        ReportingWriter reporting(writer, zone.name.to_text());
        zones::write_zone(*builder.working().zone(zone.name), reporting);
      };
      missing.push_back({zone.name, sizes.back().names, write});
    } else if (!zone.file.empty()) {
      spdlog::info("zone {}: taken from the store; {} is ignored", zone.name.to_text(),
                   zone.file.string());
    }
  }
  store.create_zones(missing);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    spdlog::info("zone {}: {} of {} imported; from now on the store is the truth",
                 missing[i].apex.to_text(), zones::counted(sizes[i].records, "record"),
                 zones::counted(sizes[i].names, "name"));
  }
}

void rest_zones(zones::Store& store, zones::CatalogueBuilder& builder, zones::Loaded& loaded,
                LeaseTable& leases, const std::vector<ZoneConfig>& zones) {
  constexpr std::size_t SLICE = 500;
  Names served;
  for (const ZoneConfig& zone : zones) served.insert(zone.name);
  const auto rests = [&](const zones::DirtyName& name) { return !served.contains(name.apex); };
  std::vector<zones::RowChange> rows;
  const auto write = [&] {
    // Rows may be newer than what the checkpoint says of itself: replay is idempotent.
    if (!rows.empty()) store.checkpoint(rows, store.applied_lsn());
    rows.clear();
  };
  for (const zones::DirtyName& name : loaded.dirty) {
    const auto zone = rests(name) ? builder.working().zone(name.apex) : std::nullopt;
    if (!zone) continue;
    const zones::RRsetsView rrsets = zone->rrsets(name.owner);
    rows.push_back({name.apex,
                    name.owner,
                    {rrsets.packed().begin(), rrsets.packed().end()},
                    leases.leases_of(name.apex, name.owner, rrsets),
                    name.changed});
    if (rows.size() == SLICE) write();
  }
  write();
  std::erase_if(loaded.dirty, rests);
  for (const zones::Name& apex : store.zones()) {
    if (served.contains(apex)) continue;
    spdlog::warn("zone {}: in the store but not in the configuration: kept, not served",
                 apex.to_text());
    builder.remove_zone(apex);
    leases.forget_zone(apex);
  }
}

}  // namespace dnsd
