// New files that nobody else can read.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace tools {

/// Creates it with mode 0600, writes and syncs it; one that exists is left as it is.
/// @return empty, or what went wrong, with the file's name
std::string write_private_file(const std::filesystem::path& path, std::string_view text);

}  // namespace tools
