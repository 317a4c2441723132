// Claims: the endpoints that a record publishes, whatever its type hides them in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keys/grant.h"

namespace keys {

struct Claims {
  std::vector<Address> addresses;
  std::vector<std::uint16_t> ports;
  std::vector<zones::Name> targets;
  /// Set when the record leads somewhere that cannot be told: a sentence. A grant that limits
  /// anything refuses it.
  std::optional<std::string> unclear;
};

/// Addresses of A, AAAA, WKS, hints of SVCB and HTTPS and of URI; ports of SRV, WKS, SVCB, HTTPS
/// and URI (the scheme's own where none is given); every name in RDATA, and the host of a URI. A
/// target
/// "." claims nothing, but for SVCB and HTTPS in ServiceMode, where it means the owner (RFC 9460
/// §2.5.2). A DNAME leads to all names below its target, so it claims "*.target".
/// @param rdata  valid for the type
Claims claims_of(zones::NameView owner, zones::Type type, zones::RdataView rdata);

/// Why every record of this type is unclear: it hands the name to another server, hides an address
/// in a form of its own, or is of a type that is not known here. nullptr for all others.
const char* why_unclear(zones::Type type);

}  // namespace keys
