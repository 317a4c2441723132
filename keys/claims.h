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

/// Addresses of A, AAAA, A6-free hints of SVCB and HTTPS and of URI; ports of SRV, SVCB, HTTPS and
/// URI (the scheme's own where none is given); every name in RDATA, and the host of a URI. A target
/// "." claims nothing, but for SVCB and HTTPS in ServiceMode, where it means the owner (RFC 9460
/// §2.5.2).
Claims claims_of(zones::NameView owner, zones::Type type, zones::RdataView rdata);

}  // namespace keys
