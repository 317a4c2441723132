#include "tools/dnsd-update/check_names.h"

#include <vector>

#include "tools/common/host_name.h"
#include "zones/host_text.h"

namespace dnsd_update {
namespace {

using zones::NameView;
using zones::Type;

bool owner_is_host(Type type) {
  return type == Type::A || type == Type::AAAA || type == Type::MX || type == Type::WKS ||
         type == Type::A6;
}

/// Where a PTR leads from an address to a host; elsewhere it leads to names of any kind, as it does
/// in the enumeration of services (RFC 6763 §4.1, §11).
bool is_address(NameView owner) {
  static const zones::Name IPV4 = *zones::Name::from_text("in-addr.arpa");
  static const zones::Name IPV6 = *zones::Name::from_text("ip6.arpa");
  if (!owner.is_below(IPV4) && !owner.is_below(IPV6)) return false;
  for (; !owner.is_root(); owner = owner.parent()) {
    if (owner.first_label()[0] == '_') return false;
  }
  return true;
}

/// The names in the RDATA that must be host names: of SOA the first one only.
std::vector<zones::Name> host_names(const zones::Record& record) {
  std::vector<zones::Name> names;
  switch (record.type) {
    case Type::PTR:
      if (!is_address(record.owner)) return names;
      [[fallthrough]];
    case Type::NS:
    case Type::SOA:
    case Type::MX:
    case Type::SRV:
    case Type::AFSDB:
    case Type::RT:
      zones::for_each_name(record.type, record.rdata,
                           [&names](NameView name) { names.emplace_back(name); });
      if (names.size() > 1) names.resize(1);
      return names;
    default:
      return names;
  }
}

}  // namespace

std::optional<std::string> check_names(const zones::Record& record) {
  const NameView owner = record.owner;
  if (owner_is_host(record.type) &&
      !tools::is_host_name(owner.is_wildcard() ? owner.parent() : owner)) {
    return "check-names failed: bad owner '" + zones::host_text(owner) + "'";
  }
  for (const zones::Name& name : host_names(record)) {
    if (!tools::is_host_name(name))
      return "check-names failed: bad name '" + zones::host_text(name) + "'";
  }
  return std::nullopt;
}

}  // namespace dnsd_update
