// A zone file: an error with a line, or a zone whose every name is well-formed and can be written
// as text; written as a zone file, it reads as the same zone.
#include <cstdlib>
#include <sstream>

#include "fuzz.h"
#include "zones/store.h"
#include "zones/text.h"
#include "zones/zone_file.h"

namespace {

struct Check final : zones::ZoneWriter {
  void node(zones::NameView owner, zones::RRsetsView rrsets) override {
    if (!owner.is_at_or_below(apex) || rrsets.empty() || !zones::is_valid_packed(rrsets.packed()))
      std::abort();
    if (names > 0 && !(last < owner)) std::abort();
    last = zones::Name(owner);
    ++names;
    for (const zones::RRsetView rrset : rrsets) {
      for (const zones::RdataView rdata : rrset) {
        const auto back =
            zones::rdata_from_text(rrset.type(), zones::rdata_to_text(rrset.type(), rdata));
        if (!back || !std::equal(back->begin(), back->end(), rdata.begin(), rdata.end()))
          std::abort();
      }
    }
  }
  zones::Name apex = zones::Name::from_text("example.org.").value();
  zones::Name last;
  std::uint64_t names = 0;
};

std::string export_of(const zones::ZoneFile& zone, zones::NameView apex) {
  zones::CatalogueBuilder builder;
  fuzz::ZoneIntoBuilder writer(builder, apex);
  zone.write_to(writer);
  const zones::Catalogue catalogue = builder.freeze();
  std::ostringstream out;
  zones::write_zone_file(out, *catalogue.zone(apex));
  return out.str();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  Check check;
  const auto zone = zones::ZoneFile::read(in, "fuzz.zone", check.apex);
  if (!zone) {
    if (zone.error().what.empty()) std::abort();
    return 0;
  }
  zone->write_to(check);
  if (check.names != zone->name_count()) std::abort();

  const std::string text = export_of(*zone, check.apex);
  std::istringstream again_in(text);
  const auto again = zones::ZoneFile::read(again_in, "again.zone", check.apex);
  fuzz::require(again.has_value(), "an exported zone can be read");
  fuzz::require(export_of(*again, check.apex) == text, "and is the same zone");
  return 0;
}
