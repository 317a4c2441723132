#include "dnsd/http/config_http.h"

#include <algorithm>
#include <string>

#include "dnsd/http/message.h"
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

void read_proxies(ConfigFields& fields, http::ProxyConfig& proxies) {
  constexpr std::size_t MAX_TRUSTED = 64;  // each request looks at all of them
  const auto* wrong = "must be addresses or prefixes of proxies, as \"192.0.2.0/24\", not ";
  fields.strings("trusted-proxies", [&](const toml::node& node, const std::string& text) {
    const auto rule = keys::AddressRule::from_text(text);
    if (rule && rule->kind == keys::AddressRule::Kind::PREFIX) {
      proxies.trusted.push_back(*rule);
    } else {
      fields.error(&node, "trusted-proxies", wrong + ('"' + keys::printable(text)) + '"');
    }
  });
  const toml::node* trusted = fields.node("trusted-proxies");
  if (proxies.trusted.size() > MAX_TRUSTED) {
    fields.error(trusted, "trusted-proxies",
                 "has more than " + std::to_string(MAX_TRUSTED) + " prefixes");
  }
  const toml::node* protocol = fields.boolean("proxy-protocol", proxies.protocol);
  std::string name;
  const toml::node* field = fields.string("forwarded-header", name);
  if (http::iequals(name, "X-Forwarded-For")) {
    proxies.field = http::ProxyConfig::Field::X_FORWARDED_FOR;
  } else if (http::iequals(name, "Forwarded")) {
    proxies.field = http::ProxyConfig::Field::FORWARDED;
  } else if (field) {
    fields.error(field, "forwarded-header", R"(must be "X-Forwarded-For" or "Forwarded")");
  }
  constexpr const char* WHOM = "needs 'trusted-proxies', whom to believe";
  if (proxies.protocol && !trusted) fields.error(protocol, "proxy-protocol", WHOM);
  if (field && !trusted) fields.error(field, "forwarded-header", WHOM);
  if (trusted && !field && !proxies.protocol) {
    fields.warning(trusted, "trusted-proxies",
                   "has no effect without 'proxy-protocol' or 'forwarded-header'");
  }
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
  if (http.tls_listen.empty() && !http.dyndns_plain && !http.proxies.is_on()) {
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
  if (http.account && http.tls_listen.empty() && !http.proxies.is_on()) {
    fields.error(on, "account",
                 "needs 'tls-listen', or a proxy that has TLS: passwords come by TLS only");
  }
}

}  // namespace

namespace http {

bool ProxyConfig::trusts(const boost::asio::ip::address& address) const {
  const keys::Address octets = mapped_octets(address);
  return std::ranges::any_of(trusted,
                             [&](const keys::AddressRule& rule) { return rule.contains(octets); });
}

bool ProxyConfig::operator==(const ProxyConfig& other) const {
  const auto is_same = [](const keys::AddressRule& a, const keys::AddressRule& b) {
    return a.prefix == b.prefix && a.bits == b.bits;
  };
  return protocol == other.protocol && field == other.field &&
         std::ranges::equal(trusted, other.trusted, is_same);
}

}  // namespace http

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
  read_proxies(fields, config.http.proxies);
  read_dyndns(fields, config.http);
  read_account(fields, config.http);
  fields.finish();
}

}  // namespace dnsd
