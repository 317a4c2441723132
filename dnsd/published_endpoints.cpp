#include "dnsd/published_endpoints.h"

#include <algorithm>

#include "zones/rrset.h"
#include "zones/wire_reader.h"

namespace dnsd {
namespace {

using zones::Lookup;
using zones::NameView;
using zones::Type;

using Address = std::array<std::uint8_t, 16>;

/// `_service._tcp.name`, with a name of one label at least.
bool is_tcp_service(NameView owner) {
  static const zones::Name TCP = *zones::Name::from_text("_tcp.");
  if (owner.label_count() < 3) return false;
  const auto service = owner.first_label();
  if (service.size() < 2 || service[0] != '_') return false;
  const auto protocol = owner.parent().first_label();
  return std::ranges::equal(protocol, TCP.view().first_label(), {}, zones::lower);
}

zones::RRsetsView records_of(const zones::Catalogue& catalogue, NameView name) {
  const auto zone = catalogue.enclosing(name);
  if (!zone) return {};
  const Lookup lookup = zone->find(name);
  if (lookup.cut_size != 0) return {};
  return lookup.kind == Lookup::Kind::ABSENT ? lookup.wildcard : lookup.rrsets;
}

}  // namespace

std::vector<Address> zone_addresses(const zones::Catalogue& catalogue, NameView host) {
  constexpr Address MAPPED{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};  // RFC 4291 §2.5.5.2
  std::vector<Address> addresses;
  const zones::RRsetsView rrsets = records_of(catalogue, host);
  for (const Type type : {Type::A, Type::AAAA}) {
    const zones::RRsetView rrset = rrsets.find(type);
    if (!rrset) continue;
    for (const zones::RdataView rdata : rrset) {
      Address address = MAPPED;
      std::ranges::copy(rdata, address.end() - static_cast<std::ptrdiff_t>(rdata.size()));
      addresses.push_back(address);
    }
  }
  return addresses;
}

std::vector<PublishedEndpoint> published_endpoints(const zones::Catalogue& catalogue,
                                                   const zones::Message& update,
                                                   std::span<const zones::Name> touched) {
  std::vector<PublishedEndpoint> endpoints;
  const auto is_touched = [&](NameView name) {
    return std::ranges::any_of(touched, [&](const zones::Name& one) { return one.view() == name; });
  };
  std::size_t looked_at = 0;
  for (const zones::Record& record : update.authority) {
    if (record.type != Type::SRV || record.rrclass != zones::Class::IN) continue;
    if (!is_tcp_service(record.owner)) continue;
    if (++looked_at > MAX_PUBLISHED_ENDPOINTS) return endpoints;
    const zones::RRsetView present = records_of(catalogue, record.owner).find(Type::SRV);
    if (!present || !present.contains(record.rdata)) continue;
    zones::WireReader reader(record.rdata);
    reader.skip(4);  // priority and weight
    zones::TransportEndpoint endpoint{.protocol = zones::ip_protocol::TCP, .port = reader.u16()};
    const zones::Name target = reader.name();
    // RFC 2782: "." as target says that there is no such service.
    if (reader.failed() || target.is_root() || endpoint.port == 0) continue;
    const bool is_new = is_touched(record.owner) || is_touched(target);
    for (const Address& address : zone_addresses(catalogue, target)) {
      if (endpoints.size() == MAX_PUBLISHED_ENDPOINTS) return endpoints;
      endpoint.address = address;
      endpoints.push_back({target, endpoint, is_new});
    }
  }
  return endpoints;
}

}  // namespace dnsd
