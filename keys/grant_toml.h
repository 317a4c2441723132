// Grants in a configuration file: [[zone.grant]] and what of [http] they refer to.
#pragma once

#include "keys/grant.h"
#include "keys/toml_fields.h"

namespace keys {

/// Reads `addresses` and `names` among the fields of [http]: what the portal is reached by. The
/// caller finishes the table.
Portal read_portal(TomlFields& fields);

/// Reads a whole [[zone.grant]]. Wrong is also what could never permit or limit anything: names and
/// keys that cannot lie in the zone, fields without those they belong to. Whether there is a key
/// for it is the caller's question. A grant that limits addresses or ports and names no targets
/// gets its own names and the portal as targets.
/// @param apex  of its zone; the root when that is not known
Grant read_grant(TomlFields& fields, zones::NameView apex, const Portal& portal);

}  // namespace keys
