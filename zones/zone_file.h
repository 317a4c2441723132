// Zone files (RFC 1035 §5): import and export; records go through ldns.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "zones/name.h"
#include "zones/result.h"

namespace zones {

class CatalogueBuilder;
class ZoneSnapshot;
class ZoneWriter;

struct ZoneFileError {
  std::filesystem::path file;
  std::uint64_t line = 0;  // 0: the file as a whole
  std::string what;
  std::string to_text() const;  // "dyn.zone:12: …"
};

/// Called about every 100,000 records with their number.
using ZoneFileProgress = std::function<void(std::uint64_t records)>;

struct ZoneFileSize {
  std::uint64_t records = 0;
  std::uint64_t names = 0;
};

/// Reads a zone file into a new zone of the builder: the one way to import a zone.
///
/// Reads $ORIGIN, $TTL, relative names, records over several lines and RFC 3597 forms; $INCLUDE is
/// refused. Names are relative to `apex` until the file says otherwise. Checks: class IN, every
/// owner at or below `apex`, one SOA and at the apex, NS at the apex, CNAME alone at its name (RFC
/// 1034 §3.6.2), one DNAME a name (RFC 6672 §2.4), no meta types, RRsets of at most 65,535 octets.
/// Equal records count once (RFC 2181 §5); differing TTLs in an RRset become the first one's (RFC
/// 2181 §5.2). After an error the builder holds part of the zone: roll back, or remove it.
Result<ZoneFileSize, ZoneFileError> read_zone_file(const std::filesystem::path& file, NameView apex,
                                                   CatalogueBuilder& builder,
                                                   const ZoneFileProgress& progress = {});
/// Every name in canonical order, the apex first.
void write_zone(const ZoneSnapshot& zone, ZoneWriter& writer);

/// A zone file in memory of its own, read as read_zone_file() does.
///
///     auto zone = ZoneFile::read("dyn.zone", apex);
///     if (!zone) return complain(zone.error().to_text());
///     store.create_zone(apex, [&](ZoneWriter& writer) { zone->write_to(writer); });
class ZoneFile {
 public:
  static Result<ZoneFile, ZoneFileError> read(const std::filesystem::path& file, NameView apex,
                                              const ZoneFileProgress& progress = {});
  /// The same from a stream; `file` is what errors call it.
  static Result<ZoneFile, ZoneFileError> read(std::istream& in, const std::filesystem::path& file,
                                              NameView apex, const ZoneFileProgress& progress = {});

  ZoneFile(ZoneFile&&) noexcept;
  ZoneFile& operator=(ZoneFile&&) noexcept;
  ~ZoneFile();

  /// Every name in canonical order, the apex first.
  void write_to(ZoneWriter& writer) const;
  std::uint64_t record_count() const;
  std::uint64_t name_count() const;

 private:
  struct Impl;
  explicit ZoneFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Writes a zone in canonical order, the SOA first; what is read back is the same zone.
void write_zone_file(std::ostream& out, const ZoneSnapshot& zone);

}  // namespace zones
