// A zone file: an error with a line, or a zone whose every name is well-formed and can be written
// as text.
#include <cstdlib>
#include <sstream>

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

}  // namespace

// ldns 1.8 forgets a few octets of some texts that it refuses. That its objects are freed here is
// for the unit tests under AddressSanitizer to find.
extern "C" const char* __lsan_default_suppressions() { return "leak:libldns"; }

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
  return 0;
}
