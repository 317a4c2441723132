// The part of the configuration that says what the server tells of itself. Private to config.cpp.
#pragma once

#include "dnsd/config.h"
#include "dnsd/config_fields.h"

namespace dnsd {

/// [identity].
void read_identity(ConfigFields& top, Identity& identity);

}  // namespace dnsd
