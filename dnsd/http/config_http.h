// [http] of the configuration. Private to config.cpp.
#pragma once

#include "dnsd/config_fields.h"

namespace dnsd {

/// Reads [http] whole: `config.http`, and `config.portal`, which grants refer to.
void read_http(ConfigFields& top, Config& config);

}  // namespace dnsd
