#include "dnsd/config_reachability.h"

namespace dnsd {

void read_reachability(ConfigFields& top, ReachabilityRules& rules) {
  const toml::table* table = top.table("reachability");
  if (!table) return;
  ConfigFields fields(*table, "[reachability]", top.problems());
  fields.boolean("enabled", rules.enabled);
  fields.strings("networks", [&](const toml::node& node, const std::string& text) {
    const auto rule = keys::AddressRule::from_text(text);
    if (rule && rule->kind == keys::AddressRule::Kind::PREFIX) {
      rules.networks.push_back(*rule);
    } else {
      fields.error(
          &node, "networks",
          "must be addresses or prefixes, as \"198.51.100.0/22\" or \"2001:db8::/32\", not \"" +
              keys::printable(text) + "\"");
    }
  });
  std::string ports;
  if (const toml::node* node = fields.string("ports", ports)) {
    auto ranges = keys::ports_from_text(ports);
    if (ranges) {
      rules.ports = std::move(*ranges);
    } else {
      fields.error(node, "ports", ranges.error());
    }
  }
  fields.integer("rate", rules.rate, 1, 1'000);
  fields.integer("address-rate", rules.address_rate, 1, 60'000);
  fields.finish();
}

std::vector<keys::Address> own_addresses(const Config& config) {
  std::vector<keys::Address> own = interface_addresses();
  for (const auto* listen :
       {&config.listen, &config.http.listen, &config.http.tls_listen, &config.admin_listen}) {
    for (const Endpoint& endpoint : *listen) own.push_back(mapped_octets(endpoint.address()));
  }
  own.insert(own.end(), config.portal.addresses.begin(), config.portal.addresses.end());
  return own;
}

}  // namespace dnsd
