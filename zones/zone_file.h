// Zone files (RFC 1035 §5): import and export through ldns, streaming.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

#include "zones/message.h"
#include "zones/result.h"
#include "zones/snapshot.h"

namespace zones {

struct ZoneFileError {
  std::filesystem::path file;
  std::uint64_t line = 0;  // 0: the file as a whole
  std::string what;
  std::string to_text() const;  // "dyn.zone:12: …"
};

/// Reads records in the order of the file. `visit` gets each; `progress`, when set, is called about every 100,000
/// records with their number. Checks: every owner at or below `apex`, one SOA and at the apex, NS at the apex, CNAME
/// alone at its name (RFC 1034 §3.6.2), one DNAME a name; differing TTLs in an RRset become the first one's
/// (RFC 2181 §5.2). @return the number of records
Result<std::uint64_t, ZoneFileError> read_zone_file(
    const std::filesystem::path& file, NameView apex, const std::function<void(const Record&)>& visit,
    const std::function<void(std::uint64_t)>& progress = {});

/// Writes a zone in canonical order, the SOA first; what is read back is the same zone.
void write_zone_file(std::ostream& out, const ZoneSnapshot& zone);

}  // namespace zones
