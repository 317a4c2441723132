// [[zone.upstream]] of the configuration. Private to config.cpp.
#pragma once

#include "dnsd/config_fields.h"

namespace dnsd {

/// Every one of a zone, into `zone.upstreams`; `config` has keys and listeners already.
void read_upstreams(ConfigFields& zone_fields, ZoneConfig& zone, const Config& config);

}  // namespace dnsd
