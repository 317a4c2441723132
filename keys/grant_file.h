// The grants of a configuration file, for programs other than dnsd.
#pragma once

#include <string_view>
#include <vector>

#include "keys/grant.h"
#include "keys/toml_problems.h"

namespace keys {

struct GrantFile {
  struct Zone {
    zones::Name name;
    ZoneGrants grants;
  };
  std::vector<Zone> zones;
  std::vector<zones::Name> keys;  // names of [[key]]
  bool has_key_files = false;     // with more keys, which are not looked at
  Portal portal;
  std::uint16_t portal_port = 0;    // that visitors come to: HTTP's, or 443; 0: there is no portal
  std::vector<TomlProblem> errors;  // in the order of the file; of the rest of it nothing is said

  /// The zone that a name belongs to: the closest at or above it. nullptr when there is none.
  const Zone* zone_of(zones::NameView name) const;
  bool has_key(zones::NameView name) const;
};

/// Reads names of keys, zones and their grants, and the portal; secrets are not looked at.
GrantFile read_grant_file(std::string_view text, const std::filesystem::path& file);

}  // namespace keys
