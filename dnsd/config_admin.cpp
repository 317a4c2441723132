#include "dnsd/config_admin.h"

#include <algorithm>

namespace dnsd {

void read_admin(ConfigFields& top, Config& config) {
  const toml::table* table = top.table("admin");
  if (!table) return;
  ConfigFields fields(*table, "[admin]", top.problems());
  const toml::node* listen = fields.endpoints("listen", config.admin_listen);
  for (const Endpoint& endpoint : config.admin_listen) {
    const auto listens_too = [&](const std::vector<Endpoint>& others) {
      return endpoint.port() != 0 && std::ranges::find(others, endpoint) != others.end();
    };
    if (listens_too(config.http.listen) || listens_too(config.http.tls_listen)) {
      fields.error(listen, "listen", "has " + to_text(endpoint) + ", which [http] has, too");
    }
  }
  fields.finish();
}

}  // namespace dnsd
