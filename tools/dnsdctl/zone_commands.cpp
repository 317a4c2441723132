#include <cerrno>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <ostream>

#include "tools/dnsdctl/commands.h"
#include "tools/dnsdctl/store_access.h"
#include "tools/dnsdctl/zone_check.h"
#include "zones/counted.h"

namespace dnsdctl {
namespace {

/// Writes beside `path` and renames, so that a full disk leaves the old file as it was.
Outcome write_file(const std::filesystem::path& path, const zones::ZoneSnapshot& zone) {
  const std::filesystem::path unfinished = path.string() + ".unfinished";
  std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
  if (file) zones::write_zone_file(file, zone);
  file.close();
  std::error_code ec;
  if (!file) {
    const std::string reason = std::strerror(errno);
    std::filesystem::remove(unfinished, ec);
    return tl::unexpected("cannot write " + unfinished.string() + ": " + reason);
  }
  std::filesystem::rename(unfinished, path, ec);
  if (ec) {
    const std::string reason = ec.message();
    std::filesystem::remove(unfinished, ec);
    return tl::unexpected("cannot write " + path.string() + ": " + reason);
  }
  return 0;
}

}  // namespace

Outcome zone_import(const ZoneImport& options, std::ostream& out, std::ostream& err) {
  const auto apex = zone_name(options.zone);
  if (!apex) return tl::unexpected(apex.error());
  const auto zone = read_zone(options.file, *apex, [&err](std::uint64_t records) {
    err << "read " << records << " records" << std::endl;
  });
  if (!zone) return tl::unexpected(zone.error());
  zones::SqliteStore store(options.store);
  store.create_zone(
      *apex, [&zone](zones::ZoneWriter& writer) { zone->write_to(writer); }, zone->name_count());
  out << apex->to_text() << ": imported " << zone->record_count() << " records of "
      << zone->name_count() << " names\n";
  return 0;
}

Outcome zone_export(const ZoneExport& options, std::ostream& out) {
  const auto apex = zone_name(options.zone);
  if (!apex) return tl::unexpected(apex.error());
  auto store = open_to_read(options.store);
  if (!store) return tl::unexpected(store.error());
  const LoadedZones zones = load_zones(**store);
  store->reset();
  const auto zone = zones.catalogue.zone(*apex);
  if (!zone) {
    return tl::unexpected(options.store.string() + " holds no zone " + apex->to_text() +
                          "; see 'zone list'");
  }
  if (!options.file.empty() && options.file != "-") return write_file(options.file, *zone);
  zones::write_zone_file(out, *zone);
  if (!out.flush()) return tl::unexpected(std::string("cannot write to standard output"));
  return 0;
}

Outcome zone_list(const std::filesystem::path& path, std::ostream& out) {
  auto store = open_to_read(path);
  if (!store) return tl::unexpected(store.error());
  const LoadedZones zones = load_zones(**store);
  store->reset();
  std::size_t width = std::string("zone").size();
  zones.catalogue.for_each([&](const zones::ZoneSnapshot& zone) {
    width = std::max(width, zone.apex().to_text().size());
    return true;
  });
  const auto line = [&](const std::string& zone, const auto& serial, const auto& names,
                        const auto& records) {
    out << std::left << std::setw(static_cast<int>(width)) << zone << std::right << ' '
        << std::setw(10) << serial << ' ' << std::setw(10) << names << ' ' << std::setw(10)
        << records << '\n';
  };
  line("zone", "serial", "names", "records");
  zones.catalogue.for_each([&](const zones::ZoneSnapshot& zone) {
    line(zone.apex().to_text(), zone.serial(), zone.name_count(), zone.record_count());
    return true;
  });
  return 0;
}

Outcome zone_check(const ZoneCheck& options, std::ostream& out) {
  const auto apex = zone_name(options.zone);
  if (!apex) return tl::unexpected(apex.error());
  const auto file = read_zone(options.file, *apex, {});
  if (!file) return tl::unexpected(file.error());
  const LoadedZones zones = to_zones(*file, *apex);
  const auto zone = zones.catalogue.zone(*apex);
  std::size_t errors = 0;
  std::size_t warnings = 0;
  for (const Finding& finding : check_zone(*zone)) {
    const bool is_error = finding.severity == Finding::Severity::ERROR;
    ++(is_error ? errors : warnings);
    out << (is_error ? "error: " : "warning: ") << finding.what << '\n';
  }
  out << apex->to_text() << ": serial " << zone->serial() << ", "
      << zones::counted(file->record_count(), "record") << " of "
      << zones::counted(file->name_count(), "name") << ", " << zones::counted(errors, "error")
      << ", " << zones::counted(warnings, "warning") << "\n";
  return errors > 0 || (options.strict && warnings > 0) ? 1 : 0;
}

}  // namespace dnsdctl
