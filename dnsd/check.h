// dnsd --check: judges a configuration without touching store or network.
#pragma once

#include <filesystem>
#include <iosfwd>

namespace dnsd {

/// Reads the configuration and the zone files. While there is no store, every zone file must be
/// there and right, for it will be imported. With a store, what is wrong with them are warnings: a
/// zone that was imported does without. Each problem is a line on `errors`; success is one line on
/// `out`. @return the exit status
int check(const std::filesystem::path& file, std::ostream& out, std::ostream& errors);

}  // namespace dnsd
