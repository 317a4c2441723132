#include "dnsd/config_sig0.h"

#include <sodium.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "dnsd/config_keys.h"
#include "keys/key_file.h"
#include "zones/text.h"

namespace dnsd {
namespace {

constexpr std::size_t MAX_KEY_FILE_OCTETS = 64 * 1024;

std::filesystem::path beside(const std::filesystem::path& config_file, const std::string& path) {
  return (config_file.parent_path() / path).lexically_normal();
}

using KeyResult = zones::Result<keys::PublicKey, std::string>;

/// "512 3 15 <base64>": flags, protocol, algorithm, key.
KeyResult from_rdata_text(std::string_view text) {
  const auto rdata = zones::rdata_from_text(zones::Type::KEY, text);
  if (!rdata) {
    return tl::unexpected(
        std::string("is not the RDATA of a KEY record, \"512 3 15 <base64>\": flags, protocol, "
                    "algorithm, key"));
  }
  auto key = keys::PublicKey::from_key_rdata(*rdata);
  if (!key) return tl::unexpected("cannot be used: " + key.error());
  return key;
}

/// The KEY record in a file as dnssec-keygen writes it: comments, then "owner [TTL] [IN] KEY
/// rdata".
KeyResult from_key_file(const std::filesystem::path& file, zones::NameView name) {
  std::string text;
  if (std::string failure = read_regular_file(file, MAX_KEY_FILE_OCTETS, text); !failure.empty()) {
    return tl::unexpected(file.string() + " " + failure);
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find(';')));
    std::string owner;
    std::string word;
    if (!(words >> owner)) continue;
    while (words >> word && word != "KEY" && word != "DNSKEY") {
    }
    if (word == "DNSKEY") {
      return tl::unexpected(file.string() +
                            " holds a DNSKEY; make the key with 'dnssec-keygen -T KEY -n HOST'");
    }
    if (!words) break;
    const auto owner_name = zones::Name::from_text(owner);
    if (!owner_name || !(owner_name->view() == name)) {
      return tl::unexpected(file.string() + " holds the key of " + owner + ", not of " +
                            name.to_text());
    }
    std::string rdata;
    std::getline(words, rdata);
    KeyResult key = from_rdata_text(rdata);
    if (!key) return tl::unexpected(file.string() + ": what it holds " + key.error());
    return key;
  }
  return tl::unexpected(file.string() +
                        " holds no KEY record, as in K<name>.+<algorithm>+<tag>.key");
}

}  // namespace

void read_sig0(ConfigFields& top, Config& config) {
  const toml::table* table = top.table("sig0");
  if (!table) return;
  ConfigFields fields(*table, "[sig0]", top.problems());
  fields.integer("threads", config.sig0.threads, 1, 16);
  fields.integer("queue", config.sig0.queue, 1, 100'000);
  fields.integer("rate", config.sig0.rate, 1, 1'000'000);
  fields.integer("udp-rate", config.sig0.udp_rate, 1, 1'000'000);
  std::string file;
  if (const toml::node* node = fields.string("key-file", file)) {
    const auto path = beside(config.file, file);
    if (auto key = keys::PrivateKey::from_files(path)) {
      config.sig0_key = std::make_shared<const keys::PrivateKey>(std::move(*key));
    } else {
      fields.error(node, "key-file", key.error());
    }
    if (const auto open = keys::key_file_warning(path)) fields.warning(node, "key-file", *open);
  }
  fields.finish();
}

void read_cookies(ConfigFields& top, Config& config) {
  const toml::table* table = top.table("cookies");
  if (!table) return;
  ConfigFields fields(*table, "[cookies]", top.problems());
  std::string file;
  if (const toml::node* node = fields.string("secret-file", file)) {
    const auto path = beside(config.file, file);
    std::string text;
    if (const std::string failure = read_regular_file(path, MAX_KEY_FILE_OCTETS, text);
        !failure.empty()) {
      fields.error(node, "secret-file", path.string() + " " + failure);
    } else if (auto secrets = Cookies::secrets_from_text(text)) {
      config.cookie_secrets = std::move(*secrets);
    } else {
      fields.error(node, "secret-file", path.string() + ": " + secrets.error());
    }
    sodium_memzero(text.data(), text.size());
    if (const auto open = keys::key_file_warning(path)) fields.warning(node, "secret-file", *open);
  }
  fields.finish();
}

std::shared_ptr<const Cookies> make_cookies(const Config& config) {
  // Cookies that clients have outlive a reload.
  static const Cookies::Secret made_at_start = Cookies::random_secret();
  return std::make_shared<const Cookies>(config.cookie_secrets.empty() ? std::vector{made_at_start}
                                                                       : config.cookie_secrets);
}

std::optional<keys::PublicKey> read_public_key(ConfigFields& fields, zones::NameView name,
                                               const std::filesystem::path& config_file) {
  std::string text;
  std::string file;
  const toml::node* in_line = fields.string("public-key", text);
  const toml::node* in_file = fields.string("public-key-file", file);
  if (!in_line && !in_file) return std::nullopt;
  KeyResult key = in_line ? from_rdata_text(text) : from_key_file(beside(config_file, file), name);
  if (key) return std::move(*key);
  fields.error(in_line ? in_line : in_file, in_line ? "public-key" : "public-key-file",
               key.error());
  return std::nullopt;
}

bool can_have_key(const keys::Grant& grant, const Config& config,
                  std::span<const zones::Name> zones) {
  // Of a million keys that of one name is found, not looked for.
  const bool has_secret =
      grant.key.is_wildcard()
          ? config.keyring.any_of([&](const auto& key) { return grant.is_for(key.name); })
          : config.keyring.find(grant.key).has_value();
  const bool configured =
      has_secret || std::ranges::any_of(config.public_keys,
                                        [&](const auto& key) { return grant.is_for(key.name); });
  if (configured) return true;
  const bool pattern = grant.key.is_wildcard();
  const zones::Name name = pattern ? grant.key.parent() : grant.key;
  return std::ranges::any_of(zones, [&](const zones::Name& apex) {
    return name.is_at_or_below(apex) || (pattern && apex.is_at_or_below(name));
  });
}

}  // namespace dnsd
