// A file of many keys, a line each: read piece by piece, so that a million take no memory of their
// own.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "keys/keyring.h"

namespace keys {

using TakeKey = std::function<void(const TsigKey& key, std::size_t line)>;
using TakeFault = std::function<bool(std::size_t line, const std::string& what)>;

/// Reads lines of [algorithm:]name:secret, as knsupdate's -k takes them; blank ones and those that
/// begin with # are passed over. A long file is read by several threads: lines come in any order
/// then, but one after the other.
///
/// @param take   gets each key with the number of its line
/// @param wrong  gets what is wrong with a line, a sentence without the secret; false ends it
/// @return what went wrong with the file as a whole
std::optional<std::string> read_key_list(const std::filesystem::path& file, const TakeKey& take,
                                         const TakeFault& wrong);

}  // namespace keys
