// `key = { … }` of a provider: TSIG or SIG(0). Private to config.cpp.
#pragma once

#include <filesystem>

#include "keys/exchange.h"
#include "keys/toml_fields.h"

namespace pcp_ddns {

/// Says what is wrong with it; the signer is then of no use.
/// @param base  file that relative paths are relative to
keys::Signer read_signer(const toml::table& table, keys::TomlProblems& problems,
                         const std::filesystem::path& base);

}  // namespace pcp_ddns
