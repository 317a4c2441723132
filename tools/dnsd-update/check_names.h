// Names that must be host names (RFC 952, RFC 1123 §2.1), checked by the client as nsupdate does.
#pragma once

#include <optional>
#include <string>

#include "zones/message.h"

namespace dnsd_update {

/// Checks the owner of addresses and mail exchangers (a wildcard's "*" aside) and the names that
/// NS, MX, SRV and their like lead to. @return a sentence when a name is bad
std::optional<std::string> check_names(const zones::Record& record);

}  // namespace dnsd_update
