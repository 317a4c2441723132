// The part of a [[provider]] that is for dyndns2.
#pragma once

#include <filesystem>

#include "keys/toml_fields.h"
#include "tools/pcp-ddns/config.h"

namespace pcp_ddns {

/// Reads the password's file as well.
/// @param base  the configuration, to which paths are relative
DyndnsConfig read_dyndns(keys::TomlFields& fields, const std::filesystem::path& base);

}  // namespace pcp_ddns
