#include "tools/dnsd-update/check_names.h"

#include <vector>

#include "tools/common/host_name.h"

namespace dnsd_update {
namespace {

using zones::NameView;
using zones::Type;

bool owner_is_host(Type type) {
  return type == Type::A || type == Type::AAAA || type == Type::MX || type == Type::WKS ||
         type == Type::A6;
}

/// A service or its enumeration (RFC 6763 §4, RFC 8552): a label with an underscore.
bool has_underscore_label(NameView name) {
  for (; !name.is_root(); name = name.parent()) {
    if (name.first_label()[0] == '_') return true;
  }
  return false;
}

/// Text without the final dot, as nsupdate writes names in its messages.
std::string without_dot(NameView name) {
  std::string text = name.to_text();
  if (text.size() > 1) text.pop_back();
  return text;
}

/// The names in the RDATA that must be host names: of SOA the first one only.
std::vector<zones::Name> host_names(const zones::Record& record) {
  std::vector<zones::Name> names;
  switch (record.type) {
    case Type::PTR:  // instances of services have names of any kind (RFC 6763 §4.1.1)
      if (has_underscore_label(record.owner)) return names;
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
    return "check-names failed: bad owner '" + without_dot(owner) + "'";
  }
  for (const zones::Name& name : host_names(record)) {
    if (!tools::is_host_name(name))
      return "check-names failed: bad name '" + without_dot(name) + "'";
  }
  return std::nullopt;
}

}  // namespace dnsd_update
