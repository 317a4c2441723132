#include "tools/pcp-ddns/config_key.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>

#include "keys/key_file.h"

namespace pcp_ddns {
namespace {

constexpr std::size_t MAX_KEY_FILE_OCTETS = 64 * 1024;

class KeyReader {
 public:
  KeyReader(const toml::table& table, keys::TomlProblems& problems,
            const std::filesystem::path& base)
      : fields_(table, "key", problems), base_(base) {}

  keys::Signer read();

 private:
  void read_algorithm();
  void read_inline();
  keys::Signer read_file();
  void take_from(std::vector<keys::TsigKey> found);

  keys::TomlFields fields_;
  const std::filesystem::path& base_;
  keys::TsigKey key_;
  bool has_name_ = false;
  bool has_algorithm_ = false;
  const toml::node* file_node_ = nullptr;
};

keys::Signer KeyReader::read() {
  has_name_ = fields_.domain_name("name", key_.name) != nullptr;
  read_algorithm();
  keys::Signer signer;
  if (fields_.has("secret") == fields_.has("secret-file")) {
    fields_.missing("secret-file",
                    "a key has either secret-file = \"<path>\" or secret = \"<base64>\"");
    fields_.finish();
    return signer;
  }
  if (fields_.has("secret")) {
    read_inline();
  } else {
    signer = read_file();
  }
  fields_.finish();
  if (key_.secret) signer = std::move(key_);
  return signer;
}

void KeyReader::read_algorithm() {
  key_.algorithm = keys::DEFAULT_ALGORITHM;
  std::string text;
  const toml::node* node = fields_.string("algorithm", text);
  if (!node) return;
  has_algorithm_ = true;
  if (const auto algorithm = keys::algorithm_from_text(text)) {
    key_.algorithm = *algorithm;
  } else {
    fields_.error(node, "algorithm",
                  "must be hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224 or hmac-sha1");
  }
}

void KeyReader::read_inline() {
  std::string text;
  const toml::node* node = fields_.string("secret", text);
  if (!node) return;
  auto secret = keys::Secret::from_base64(text);
  keys::wipe(text);
  if (!secret) return fields_.error(node, "secret", "is not base64, or empty");
  if (!has_name_) return fields_.missing("name", "the server knows the key by it");
  key_.secret = std::make_shared<const keys::Secret>(std::move(*secret));
}

keys::Signer KeyReader::read_file() {
  std::string name;
  file_node_ = fields_.string("secret-file", name);
  if (!file_node_) return {};
  const auto path = (base_.parent_path() / name).lexically_normal();
  if (const auto open = keys::key_file_warning(path)) {
    fields_.warning(file_node_, "secret-file", *open);
  }
  std::string text(MAX_KEY_FILE_OCTETS + 1, '\0');
  std::ifstream in(path, std::ios::binary);
  if (!in || !std::filesystem::is_regular_file(path)) {
    fields_.error(file_node_, "secret-file",
                  path.string() + " cannot be read: " +
                      (in ? "it is not a regular file" : std::strerror(errno)));
    return {};
  }
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > MAX_KEY_FILE_OCTETS) {
    fields_.error(file_node_, "secret-file", path.string() + " is too large for a key");
    return {};
  }
  keys::Signer signer;
  if (auto secret = keys::Secret::from_base64(text)) {
    if (has_name_) {
      key_.secret = std::make_shared<const keys::Secret>(std::move(*secret));
    } else {
      fields_.missing("name",
                      "the file holds a secret alone; the server knows the key by its name");
    }
  } else if (auto found = keys::parse_key_file(text, path)) {
    take_from(std::move(*found));
  } else if (found.error().is_sig0_key) {
    auto pair = keys::PrivateKey::from_files(path);
    if (!pair) {
      fields_.error(file_node_, "secret-file", pair.error());
    } else if (has_name_ && !(pair->name() == key_.name)) {
      fields_.error(file_node_, "secret-file", "is the key of " + pair->name().to_text());
    } else {
      signer = std::move(*pair);
    }
  } else {
    fields_.error(file_node_, "secret-file",
                  "holds neither a secret in base64 nor a key: " + found.error().to_text());
  }
  keys::wipe(text);
  return signer;
}

void KeyReader::take_from(std::vector<keys::TsigKey> found) {
  if (!has_name_ && found.size() > 1) {
    fields_.missing("name", "the file holds several keys");
    return;
  }
  for (keys::TsigKey& candidate : found) {
    if (has_name_ && !(candidate.name == key_.name)) continue;
    if (has_algorithm_ && candidate.algorithm != key_.algorithm) {
      return fields_.error(file_node_, "secret-file",
                           "has this key for " + keys::to_text(candidate.algorithm) +
                               ", but 'algorithm' here says " + keys::to_text(key_.algorithm));
    }
    key_ = std::move(candidate);
    return;
  }
  fields_.error(file_node_, "secret-file", "has no key " + key_.name.to_text());
}

}  // namespace

keys::Signer read_signer(const toml::table& table, keys::TomlProblems& problems,
                         const std::filesystem::path& base) {
  return KeyReader(table, problems, base).read();
}

}  // namespace pcp_ddns
