#include <ostream>

#include "zones/snapshot.h"
#include "zones/text.h"
#include "zones/zone_file.h"

namespace zones {
namespace {

void append_rrset(std::string& out, const std::string& owner, RRsetView rrset) {
  const std::string before =
      owner + ' ' + std::to_string(rrset.ttl()) + " IN " + to_text(rrset.type()) + ' ';
  for (const RdataView rdata : rrset) {
    out += before;
    out += rdata_to_text(rrset.type(), rdata);
    out += '\n';
  }
}

}  // namespace

void write_zone_file(std::ostream& out, const ZoneSnapshot& zone) {
  constexpr std::size_t FLUSH_OCTETS = 64 * 1024;
  std::string text;
  zone.for_each([&](NameView owner, RRsetsView rrsets) {
    const std::string name = owner.to_text();
    // The SOA comes first of all, since the apex does (RFC 1035 §5.2).
    if (const RRsetView soa = rrsets.find(Type::SOA)) append_rrset(text, name, soa);
    for (const RRsetView rrset : rrsets) {
      if (rrset.type() != Type::SOA) append_rrset(text, name, rrset);
    }
    if (text.size() >= FLUSH_OCTETS) {
      out << text;
      text.clear();
    }
    return out.good();
  });
  out << text;
}

}  // namespace zones
