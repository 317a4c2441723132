#include "dnsd/server_zones.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "dnsd/server.h"
#include "zones/counted.h"
#include "zones/zone_file.h"

namespace dnsd {
namespace {

bool contains(const std::vector<ZoneConfig>& zones, zones::NameView apex) {
  return std::ranges::any_of(zones, [&](const ZoneConfig& zone) { return zone.name == apex; });
}

void import_zone(zones::Store& store, const ZoneConfig& zone) {
  const std::string name = zone.name.to_text();
  if (zone.file.empty()) {
    throw StartError("zone " + name + " is not in the store and has no 'file' to import it from");
  }
  spdlog::info("zone {}: importing {}", name, zone.file.string());
  const auto file = zones::ZoneFile::read(zone.file, zone.name, [&](std::uint64_t records) {
    spdlog::info("zone {}: {} read", name, zones::counted(records, "record"));
  });
  if (!file) throw StartError("zone " + name + " cannot be imported: " + file.error().to_text());
  store.create_zone(zone.name, [&](zones::ZoneWriter& writer) { file->write_to(writer); });
  spdlog::info("zone {}: {} of {} imported; from now on the store is the truth", name,
               zones::counted(file->record_count(), "record"),
               zones::counted(file->name_count(), "name"));
}

}  // namespace

void import_zones(zones::Store& store, const std::vector<ZoneConfig>& zones) {
  const std::vector<zones::Name> stored = store.zones();
  for (const ZoneConfig& zone : zones) {
    if (std::ranges::find(stored, zone.name) == stored.end()) {
      import_zone(store, zone);
    } else if (!zone.file.empty()) {
      spdlog::info("zone {}: taken from the store; {} is ignored", zone.name.to_text(),
                   zone.file.string());
    }
  }
}

void rest_zones(zones::Store& store, zones::CatalogueBuilder& builder, zones::Loaded& loaded,
                LeaseTable& leases, const std::vector<ZoneConfig>& zones) {
  constexpr std::size_t SLICE = 500;
  const auto rests = [&](const zones::DirtyName& name) { return !contains(zones, name.apex); };
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
                    leases.leases_of(name.apex, name.owner, rrsets)});
    if (rows.size() == SLICE) write();
  }
  write();
  std::erase_if(loaded.dirty, rests);
  for (const zones::Name& apex : store.zones()) {
    if (contains(zones, apex)) continue;
    spdlog::warn("zone {}: in the store but not in the configuration: kept, not served",
                 apex.to_text());
    builder.remove_zone(apex);
    leases.forget_zone(apex);
  }
}

}  // namespace dnsd
