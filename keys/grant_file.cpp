#include "keys/grant_file.h"

#include <algorithm>

#include "keys/grant_toml.h"
#include "keys/toml_file.h"
#include "zones/number.h"

namespace keys {
namespace {

/// Of "198.51.100.10:80"; 0 when it has none. dnsd itself judges the rest.
std::uint16_t port_of(std::string_view endpoint) {
  return zones::number_from_text<std::uint16_t>(endpoint.substr(endpoint.rfind(':') + 1))
      .value_or(0);
}

void read_ports(TomlFields& fields, GrantFile& file) {
  if (fields.has("trusted-proxies")) return;  // then it is the proxy's, which is not known here
  for (const char* name : {"listen", "tls-listen"}) {
    fields.strings(name, [&](const toml::node&, const std::string& text) {
      const std::uint16_t port = port_of(text);
      if (port == 0) return;
      const bool is_tls = name[0] == 't';
      // Who is told a port takes 443 for https, and all others for http.
      if (file.portal_port == 0 && is_tls == (port == 443)) file.portal_port = port;
    });
  }
}

void read_all(TomlFields& top, GrantFile& file) {
  if (const toml::table* table = top.table("http")) {
    TomlFields fields(*table, "[http]", top.problems());
    file.portal = read_portal(fields);
    read_ports(fields, file);
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
