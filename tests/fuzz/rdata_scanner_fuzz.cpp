// The first octet chooses a type, the rest is text of its RDATA: what the shortcut takes, ldns
// reads as the same octets.
#include <algorithm>
#include <iterator>

#include "fuzz.h"
#include "zones/presentation.h"
#include "zones/rdata_scanner.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using zones::Type;
  constexpr Type TYPES[] = {Type::A,   Type::AAAA, Type::NS,  Type::CNAME, Type::DNAME,
                            Type::PTR, Type::MX,   Type::SRV, Type::TXT};
  if (size == 0) return 0;
  const Type type = TYPES[data[0] % std::size(TYPES)];
  static const zones::Name origin = zones::Name::from_text("example.org.").value();
  zones::EntryReader reader(fuzz::text(data + 1, size - 1));
  zones::Rdata rdata;
  while (reader.next()) {
    if (!zones::scan_rdata(type, reader.entry(), origin, rdata)) continue;
    fuzz::require(zones::is_valid_rdata(type, rdata), "what is taken is well-formed");
    const auto by_ldns = zones::rdata_from_entry(type, reader.entry(), origin);
    fuzz::require(by_ldns.has_value(), "ldns takes it too");
    fuzz::require(*by_ldns == rdata, "and reads the same octets");
  }
  return 0;
}
