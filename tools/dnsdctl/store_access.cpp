#include "tools/dnsdctl/store_access.h"

#include <iostream>
#include <utility>

namespace dnsdctl {
namespace {

class BuilderWriter final : public zones::ZoneWriter {
 public:
  BuilderWriter(zones::CatalogueBuilder& builder, zones::NameView apex)
      : builder_(builder), apex_(apex) {}
  void node(zones::NameView owner, zones::RRsetsView rrsets) override {
    builder_.put(apex_, owner, rrsets);
  }

 private:
  zones::CatalogueBuilder& builder_;
  zones::Name apex_;
};

}  // namespace

zones::Result<std::unique_ptr<zones::SqliteStore>, std::string> open_to_read(
    const std::filesystem::path& path) {
  std::error_code ec;
  if (!std::filesystem::exists(path, ec)) {
    return tl::unexpected(path.string() +
                          ": there is no such store; 'zone import' makes one from a zone file");
  }
  zones::SqliteOptions options;
  options.read_only = true;
  return std::make_unique<zones::SqliteStore>(path, options);
}

zones::Result<zones::Name, std::string> zone_name(const std::string& text) {
  const auto name = zones::Name::from_text(text);
  if (text.empty() || !name) {
    return tl::unexpected("'" + text + "' is no zone name: " +
                          (text.empty() ? "it is empty" : zones::to_text(name.error())));
  }
  return *name;
}

zones::Result<zones::ZoneFile, std::string> read_zone(
    const std::filesystem::path& file, zones::NameView apex,
    const std::function<void(std::uint64_t records)>& progress) {
  auto zone = file == "-" ? zones::ZoneFile::read(std::cin, "standard input", apex, progress)
                          : zones::ZoneFile::read(file, apex, progress);
  if (!zone) return tl::unexpected(zone.error().to_text());
  return std::move(*zone);
}

LoadedZones load_zones(zones::Store& store) {
  LoadedZones zones{
      .builder = std::make_unique<zones::CatalogueBuilder>(), .catalogue = {}, .loaded = {}};
  zones.loaded = zones::load(store, *zones.builder);
  zones.catalogue = zones.builder->freeze();
  return zones;
}

LoadedZones to_zones(const zones::ZoneFile& file, zones::NameView apex) {
  LoadedZones zones{
      .builder = std::make_unique<zones::CatalogueBuilder>(), .catalogue = {}, .loaded = {}};
  zones.builder->add_zone(apex);
  BuilderWriter writer(*zones.builder, apex);
  file.write_to(writer);
  zones.catalogue = zones.builder->freeze();
  return zones;
}

}  // namespace dnsdctl
