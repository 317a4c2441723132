#include "dnsd/config_keys.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <unordered_map>

#include "dnsd/config_sig0.h"
#include "keys/key_file.h"
#include "keys/key_list.h"
#include "zones/counted.h"

namespace dnsd {
namespace {

constexpr std::size_t MAX_SECRET_FILE_OCTETS = 64 * 1024;
// RFC 2104 §3 discourages keys shorter than the hash; below this they are guessed.
constexpr std::size_t WEAK_SECRET_OCTETS = 16;

std::string system_error() { return std::strerror(errno); }

/// Octets that held a secret. An std::string may have moved; what it holds at its end is wiped.
class SecretText {
 public:
  ~SecretText() { sodium_memzero(text.data(), text.size()); }
  std::string text;
};

/// The secret of `key` from a file: base64 alone, or a key file of whatever program, with this key
/// in it.
/// @return empty, or what is wrong
std::string read_secret_file(const std::filesystem::path& file, keys::TsigKey& key,
                             bool algorithm_given) {
  SecretText contents;
  if (std::string failure = read_regular_file(file, MAX_SECRET_FILE_OCTETS, contents.text);
      !failure.empty()) {
    return file.string() + " " + failure;
  }
  if (auto secret = keys::Secret::from_base64(contents.text)) {
    key.secret = std::make_shared<const keys::Secret>(std::move(*secret));
    return {};
  }
  auto found = keys::parse_key_file(contents.text, file);
  if (!found) return "holds neither a secret in base64 nor a key file: " + found.error().to_text();
  for (keys::TsigKey& candidate : *found) {
    if (!(candidate.name == key.name)) continue;
    if (algorithm_given && candidate.algorithm != key.algorithm) {
      return file.string() + " has this key for " + keys::to_text(candidate.algorithm) +
             ", but 'algorithm' here says " + keys::to_text(key.algorithm);
    }
    key.algorithm = candidate.algorithm;
    key.secret = std::move(candidate.secret);
    return {};
  }
  std::string names;
  for (const keys::TsigKey& candidate : *found) names += " " + candidate.name.to_text();
  return file.string() + " has no key " + key.name.to_text() + ", but:" + names;
}

std::string algorithms() {
  return "hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224 or hmac-sha1";
}

class KeyReader {
 public:
  KeyReader(const toml::table& table, ConfigProblems& problems, const std::filesystem::path& base)
      : table_(table), fields_(table, "[[key]]", problems), base_(base) {}

  /// Says what is wrong with the key; what could be read of it is there all the same.
  keys::TsigKey read();
  /// When the key is one of SIG(0), and read() found nothing wrong with it.
  const std::optional<keys::PublicKey>& public_key() const { return public_key_; }
  bool is_public() const {
    return table_.contains("public-key") || table_.contains("public-key-file");
  }
  const toml::node* name_node() const { return name_; }
  ConfigFields& fields() { return fields_; }

 private:
  void read_public();
  void read_algorithm();
  void read_secret();

  const toml::table& table_;
  ConfigFields fields_;
  const std::filesystem::path& base_;
  const toml::node* name_ = nullptr;
  keys::TsigKey key_;
  std::optional<keys::PublicKey> public_key_;
};

keys::TsigKey KeyReader::read() {
  name_ = fields_.domain_name("name", key_.name);
  if (!table_.contains("name")) {
    fields_.missing("name", "clients name the key they sign with, as \"h1.dyn.example.\"");
  }
  if (is_public()) {
    read_public();
  } else {
    read_algorithm();
    read_secret();
  }
  fields_.finish();
  return std::move(key_);
}

void KeyReader::read_public() {
  const std::size_t given = table_.contains("public-key") + table_.contains("public-key-file") +
                            table_.contains("secret") + table_.contains("secret-file");
  if (given != 1) {
    fields_.problems().error(fields_.line(),
                             "this [[key]] has more than one key: it takes one of public-key and "
                             "public-key-file (SIG(0)), secret and secret-file (TSIG)");
  }
  public_key_ = read_public_key(fields_, key_.name, base_);
}

void KeyReader::read_algorithm() {
  key_.algorithm = keys::DEFAULT_ALGORITHM;
  std::string text;
  const toml::node* node = fields_.string("algorithm", text);
  if (!node) return;
  if (const auto algorithm = keys::algorithm_from_text(text)) {
    key_.algorithm = *algorithm;
  } else if (text.starts_with("hmac-md5")) {
    fields_.error(
        node, "algorithm",
        "is MD5, which is never accepted (RFC 8945 §6): make a new key with " + algorithms());
  } else {
    fields_.error(node, "algorithm", "must be " + algorithms());
  }
}

void KeyReader::read_secret() {
  SecretText inline_secret;
  std::string file;
  const toml::node* secret = fields_.string("secret", inline_secret.text);
  const toml::node* secret_file = fields_.string("secret-file", file);
  if (table_.contains("secret") == table_.contains("secret-file")) {
    fields_.missing("secret", "a key has either secret = \"<base64>\" or secret-file = \"<path>\"");
    return;
  }
  if (secret) {
    if (auto octets = keys::Secret::from_base64(inline_secret.text)) {
      key_.secret = std::make_shared<const keys::Secret>(std::move(*octets));
    } else {
      fields_.error(secret, "secret", "is not base64, or empty");
    }
  }
  if (secret_file && name_) {
    const auto path = (base_.parent_path() / file).lexically_normal();
    const std::string failure = read_secret_file(path, key_, table_.contains("algorithm"));
    if (!failure.empty()) fields_.error(secret_file, "secret-file", failure);
    if (const auto open = keys::key_file_warning(path)) {
      fields_.warning(secret_file, "secret-file", *open);
    }
  }
  if (key_.secret && key_.secret->octets().size() < WEAK_SECRET_OCTETS) {
    fields_.warning(secret ? secret : secret_file, secret ? "secret" : "secret-file",
                    "is short: make one of " + std::to_string(keys::mac_octets(key_.algorithm)) +
                        " random octets (dnsdctl key new)");
  }
  if (key_.secret && key_.algorithm == keys::Algorithm::HMAC_SHA1) {
    const toml::node* named = table_.get("algorithm");
    fields_.warning(named ? named : secret_file, named ? "algorithm" : "secret-file",
                    "is SHA-1, which is for clients that know nothing better: take hmac-sha256 "
                    "(RFC 8945 §6)");
  }
}

using KeyLines =
    std::unordered_map<zones::Name, std::size_t, zones::NameHash, zones::NameEqual>;  // of [[key]]

/// A file of `key-files`. What is odd about keys is said once a file.
void read_key_list(ConfigFields& fields, const toml::node* node, const std::filesystem::path& file,
                   const KeyLines& configured, keys::Keyring& keyring) {
  constexpr std::size_t MOST_ERRORS = 20;
  std::size_t errors = 0;
  std::size_t weak = 0;
  std::size_t sha1 = 0;
  const auto wrong = [&](std::size_t line, const std::string& what) {
    fields.error(node, "key-files", file.string() + ":" + std::to_string(line) + ": " + what);
    return ++errors < MOST_ERRORS;
  };
  const auto take = [&](const keys::TsigKey& key, std::size_t line) {
    weak += key.secret->octets().size() < WEAK_SECRET_OCTETS;
    sha1 += key.algorithm == keys::Algorithm::HMAC_SHA1;
    if (!configured.contains(key.name) && keyring.add(key)) return;
    if (errors < MOST_ERRORS) wrong(line, "repeats key " + key.name.to_text());
  };
  if (const auto failure = keys::read_key_list(file, take, wrong)) {
    fields.error(node, "key-files", file.string() + " " + *failure);
  }
  if (const auto open = keys::key_file_warning(file)) fields.warning(node, "key-files", *open);
  if (weak != 0) {
    fields.warning(node, "key-files",
                   file.string() + " has " + zones::counted(weak, "key") +
                       " with a short secret: make new ones (dnsdctl key new)");
  }
  if (sha1 != 0) {
    fields.warning(node, "key-files",
                   file.string() + " has " + zones::counted(sha1, "key") +
                       " for SHA-1, which is for clients that know nothing better (RFC 8945 §6)");
  }
}

class File {
 public:
  explicit File(const std::filesystem::path& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

}  // namespace

std::string read_regular_file(const std::filesystem::path& path, std::size_t max_octets,
                              std::string& text) {
  const File file(path);
  struct stat status {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0) {
    return "cannot be read: " + system_error();
  }
  if (!S_ISREG(status.st_mode)) return "is not a regular file";
  std::size_t size = 0;
  text.resize(std::min(max_octets, static_cast<std::size_t>(status.st_size)) + 1);
  for (;;) {
    const ssize_t count = read(file.descriptor(), text.data() + size, text.size() - size);
    if (count < 0) return "cannot be read: " + system_error();
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
    if (size > max_octets) return "is larger than " + std::to_string(max_octets) + " octets";
    if (size == text.size()) text.resize(size * 2);
  }
  text.resize(size);
  return {};
}

void read_keys(ConfigFields& top, Config& config) {
  KeyLines lines;
  for (const toml::table* table : top.tables("key")) {
    KeyReader reader(*table, top.problems(), config.file);
    keys::TsigKey key = reader.read();
    if (!reader.name_node()) continue;
    const auto [first, added] = lines.emplace(key.name, reader.fields().line());
    if (!added) {
      reader.fields().error(
          reader.name_node(), "name",
          "repeats the key of line " + std::to_string(first->second) + ": " + key.name.to_text());
      continue;
    }
    if (reader.public_key()) {
      config.public_keys.push_back({key.name, *reader.public_key()});
    } else if (!reader.is_public() && key.secret) {
      config.keyring.add(key);
    }
  }
  std::vector<std::filesystem::path> files;
  const toml::node* const lists =
      top.strings("key-files", [&](const toml::node&, const std::string& file) {
        files.push_back((config.file.parent_path() / file).lexically_normal());
      });
  for (const auto& file : files) read_key_list(top, lists, file, lines, config.keyring);
}

}  // namespace dnsd
