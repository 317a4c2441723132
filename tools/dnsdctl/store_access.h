// What the commands on stores and zone files share.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "zones/loader.h"
#include "zones/result.h"
#include "zones/snapshot.h"
#include "zones/sqlite_store.h"
#include "zones/zone_file.h"

namespace dnsdctl {

/// Opens a store that exists, to be read only: also while a server has it open, and as it is at
/// this moment. Throws StoreError.
zones::Result<std::unique_ptr<zones::SqliteStore>, std::string> open_to_read(
    const std::filesystem::path& path);

/// A zone's name as typed, with or without the final dot.
zones::Result<zones::Name, std::string> zone_name(const std::string& text);

/// Reads a zone file, "-" for standard input; `progress` is called now and then.
zones::Result<zones::ZoneFile, std::string> read_zone(
    const std::filesystem::path& file, zones::NameView apex,
    const std::function<void(std::uint64_t records)>& progress);

/// Zones in memory, and what keeps them there.
struct LoadedZones {
  std::unique_ptr<zones::CatalogueBuilder> builder;  // keeps the catalogue alive
  zones::Catalogue catalogue;
  zones::Loaded loaded;  // of a store
};
/// All zones of a store, with the journal's changes. Throws StoreError.
LoadedZones load_zones(zones::Store& store);
/// The zone of a zone file, alone.
LoadedZones to_zones(const zones::ZoneFile& file, zones::NameView apex);

}  // namespace dnsdctl
