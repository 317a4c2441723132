#include "keys/grant_file.h"

#include <algorithm>

#include "keys/grant_toml.h"
#include "keys/toml_file.h"

namespace keys {
namespace {

void read_all(TomlFields& top, GrantFile& file) {
  if (const toml::table* table = top.table("http")) {
    TomlFields fields(*table, "[http]", top.problems());
    file.portal = read_portal(fields);
  }
  file.has_key_files = top.has("key-files");
  for (const toml::table* table : top.tables("key")) {
    TomlFields fields(*table, "[[key]]", top.problems());
    zones::Name name;
    if (fields.domain_name("name", name)) file.keys.push_back(name);
  }
  for (const toml::table* table : top.tables("zone")) {
    TomlFields fields(*table, "[[zone]]", top.problems());
    GrantFile::Zone zone;
    const bool is_named = fields.domain_name("name", zone.name) != nullptr;
    for (const toml::table* grant : fields.tables("grant")) {
      TomlFields grant_fields(*grant, "[[zone.grant]]", top.problems());
      zone.grants.add(read_grant(grant_fields, zone.name, file.portal));
    }
    if (is_named) file.zones.push_back(std::move(zone));
  }
}

}  // namespace

const GrantFile::Zone* GrantFile::zone_of(zones::NameView name) const {
  const Zone* closest = nullptr;
  for (const Zone& zone : zones) {
    if (!name.is_at_or_below(zone.name)) continue;
    if (!closest || zone.name.size() > closest->name.size()) closest = &zone;
  }
  return closest;
}

bool GrantFile::has_key(zones::NameView name) const {
  return std::ranges::any_of(keys, [name](const zones::Name& key) { return key.view() == name; });
}

GrantFile read_grant_file(std::string_view text, const std::filesystem::path& file) {
  TomlProblems problems(file);
  GrantFile grants;
  read_toml(text, problems, [&](const toml::table& table) {
    TomlFields top(table, "", problems);
    read_all(top, grants);
  });
  grants.errors = problems.take_errors();
  return grants;
}

}  // namespace keys
