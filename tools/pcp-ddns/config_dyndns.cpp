#include "tools/pcp-ddns/config_dyndns.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "keys/key_file.h"
#include "keys/secret.h"

namespace pcp_ddns {
namespace {

constexpr std::size_t MAX_PASSWORD_OCTETS = 1024;

bool is_printable(const std::string& text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// @param text  wiped
void take_password(keys::TomlFields& fields, const toml::node* node, const char* field,
                   std::string& text, DyndnsConfig& config) {
  if (!is_printable(text) || text.size() > MAX_PASSWORD_OCTETS) {
    fields.error(node, field, "must be one line of at most 1,024 octets");
  } else {
    config.password = std::make_shared<const keys::Secret>(
        std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }
  keys::wipe(text);
}

void read_password_file(keys::TomlFields& fields, const std::filesystem::path& base,
                        DyndnsConfig& config) {
  std::string name;
  const toml::node* node = fields.string("password-file", name);
  if (!node) return;
  const auto path = (base.parent_path() / name).lexically_normal();
  if (const auto open = keys::key_file_warning(path)) fields.warning(node, "password-file", *open);
  std::string text(MAX_PASSWORD_OCTETS + 2, '\0');
  std::ifstream in(path, std::ios::binary);
  if (!in || !std::filesystem::is_regular_file(path)) {
    return fields.error(node, "password-file",
                        path.string() + " cannot be read: " +
                            (in ? "it is not a regular file" : std::strerror(errno)));
  }
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  take_password(fields, node, "password-file", text, config);
}

}  // namespace

DyndnsConfig read_dyndns(keys::TomlFields& fields, const std::filesystem::path& base) {
  DyndnsConfig config;
  if (const toml::node* node = fields.string("login", config.login)) {
    // RFC 7617 §2: the password begins after the first colon.
    if (!is_printable(config.login) || config.login.find(':') != std::string::npos) {
      fields.error(node, "login", "must be a user name, without a colon");
    }
  } else if (!fields.has("login")) {
    fields.missing("login", "the user name at the provider; at dnsd, the key's name");
  }
  if (fields.has("password") == fields.has("password-file")) {
    fields.missing("password-file",
                   "a provider of dyndns2 has either password-file = \"<path>\" or password");
  } else if (fields.has("password-file")) {
    read_password_file(fields, base, config);
  } else {
    std::string text;
    if (const toml::node* node = fields.string("password", text)) {
      take_password(fields, node, "password", text, config);
    }
  }
  if (const toml::node* node = fields.string("path", config.path)) {
    const bool is_path =
        config.path.starts_with('/') && std::ranges::all_of(config.path, [](char c) {
          return c > 0x20 && c < 0x7f && c != '?' && c != '#';
        });
    if (!is_path) fields.error(node, "path", "must be a path, as \"/nic/update\"");
  }
  fields.boolean("ports", config.ports);
  std::chrono::milliseconds refresh = config.refresh;
  if (fields.duration("refresh", refresh, std::chrono::minutes(5), std::chrono::hours(8784))) {
    config.refresh = std::chrono::duration_cast<std::chrono::seconds>(refresh);
  }
  std::string ca_file;
  if (fields.string("ca-file", ca_file)) {
    config.ca_file = (base.parent_path() / ca_file).lexically_normal();
  }
  return config;
}

}  // namespace pcp_ddns
