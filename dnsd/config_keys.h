// The part of the configuration that holds keys. Private to config.cpp.
#pragma once

#include <filesystem>
#include <string>

#include "dnsd/config.h"
#include "dnsd/config_fields.h"

namespace dnsd {

/// Reads a regular file of at most `max_octets`. @return empty, or what went wrong
std::string read_regular_file(const std::filesystem::path& file, std::size_t max_octets,
                              std::string& text);

/// Every [[key]], and the keys of `key-files`.
void read_keys(ConfigFields& top, Config& config);

}  // namespace dnsd
