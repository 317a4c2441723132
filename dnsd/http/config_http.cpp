#include "dnsd/http/config_http.h"

#include <algorithm>
#include <string>

#include "keys/grant_toml.h"

namespace dnsd {
namespace {

using namespace std::chrono_literals;

const toml::node* read_path(ConfigFields& fields, std::string_view name, const Config& config,
                            std::filesystem::path& path) {
  std::string text;
  const toml::node* node = fields.string(name, text);
  if (node && text.empty()) {
    fields.error(node, name, "is empty");
    return nullptr;
  }
  if (node) path = (config.file.parent_path() / text).lexically_normal();
  return node;
}

void read_tls(ConfigFields& fields, Config& config) {
  http::HttpConfig& http = config.http;
  const toml::node* listen = fields.endpoints("tls-listen", http.tls_listen);
  const toml::node* certificate = read_path(fields, "certificate", config, http.tls.certificate);
  const toml::node* key = read_path(fields, "key", config, http.tls.key);
  if (listen && !fields.has("certificate")) {
    fields.error(listen, "tls-listen",
                 "needs 'certificate', a PEM file as \"fullchain.pem\", and 'key'");
  }
  if (certificate && !fields.has("key")) {
    fields.error(certificate, "certificate", "needs 'key', a PEM file as \"privkey.pem\"");
  }
  if (key && !fields.has("certificate")) {
    fields.error(key, "key", "needs 'certificate', a PEM file as \"fullchain.pem\"");
  }
  if (certificate && key && !fields.has("tls-listen")) {
    fields.warning(certificate, "certificate",
                   "has no effect without 'tls-listen', as \"0.0.0.0:443\"");
  }
  for (const Endpoint& endpoint : http.tls_listen) {
    if (endpoint.port() != 0 && std::ranges::find(http.listen, endpoint) != http.listen.end()) {
      fields.error(listen, "tls-listen", "has " + to_text(endpoint) + ", which 'listen' has, too");
    }
  }
}

void read_limits(ConfigFields& fields, http::HttpLimits& limits) {
  fields.integer("max-header", limits.max_header_octets, 1'024, 64 * 1'024);
  fields.integer("max-body", limits.max_body_octets, 0, 1'024 * 1'024);
  fields.integer("max-connections", limits.max_connections, 1, 100'000);
  fields.integer("max-connections-per-client", limits.max_connections_per_client, 1, 100'000);
  fields.duration("idle-timeout", limits.idle_timeout, 100ms, 1h);
  fields.duration("request-timeout", limits.request_timeout, 100ms, 1h);
  fields.duration("write-timeout", limits.write_timeout, 100ms, 1h);
  fields.duration("answer-timeout", limits.answer_timeout, 100ms, 1h);
  fields.integer("threads", limits.threads, 1, 16);
}

void read_redirect(ConfigFields& fields, unsigned& redirect) {
  const toml::node* node = fields.integer("redirect", redirect, 301, 308);
  if (node && redirect != 301 && redirect != 302 && redirect != 307 && redirect != 308) {
    fields.error(node, "redirect", "must be 301, 302, 307 or 308");
  }
}

void read_dyndns(ConfigFields& fields, http::HttpConfig& http) {
  const toml::node* on = fields.boolean("dyndns", http.dyndns);
  const toml::node* plain = fields.boolean("dyndns-plain", http.dyndns_plain);
  if (http.dyndns_plain && !http.dyndns) {
    fields.warning(plain, "dyndns-plain", "has no effect without 'dyndns = true'");
  }
  if (!http.dyndns) return;
  if (http.tls_listen.empty() && !http.dyndns_plain) {
    fields.warning(on, "dyndns",
                   "lets nobody update: passwords come by TLS only; set 'tls-listen', or "
                   "'dyndns-plain = true' for clients that know no TLS");
  } else if (http.dyndns_plain && !http.listen.empty()) {
    fields.warning(plain, "dyndns-plain",
                   "lets keys' secrets cross the network readable: give such clients keys that may "
                   "change one name only");
  }
}

void read_account(ConfigFields& fields, http::HttpConfig& http) {
  const toml::node* on = fields.boolean("account", http.account);
  if (http.account && http.tls_listen.empty()) {
    fields.error(on, "account", "needs 'tls-listen': passwords come by TLS only");
  }
}

}  // namespace

void read_http(ConfigFields& top, Config& config) {
  const toml::table* table = top.table("http");
  if (!table) return;
  ConfigFields fields(*table, "[http]", top.problems());
  config.http.line = fields.line();
  config.portal = keys::read_portal(fields);
  fields.endpoints("listen", config.http.listen);
  read_tls(fields, config);
  read_redirect(fields, config.http.redirect);
  read_path(fields, "template", config, config.http.page_template);
  read_limits(fields, config.http.limits);
  read_dyndns(fields, config.http);
  read_account(fields, config.http);
  fields.finish();
}

}  // namespace dnsd
