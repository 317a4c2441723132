// [admin] of the configuration. Private to config.cpp.
#pragma once

#include "dnsd/config_fields.h"

namespace dnsd {

void read_admin(ConfigFields& top, Config& config);

}  // namespace dnsd
