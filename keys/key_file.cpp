#include "keys/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <utility>

#include "keys/key_file_parsers.h"
#include "zones/host_text.h"

namespace keys {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t MAX_FILE_OCTETS = std::size_t{16} << 20;  // a hundred thousand keys
constexpr std::string_view PRIVATE_KEY_FORMAT = "Private-key-format:";

/// What dnssec-keygen calls the algorithms of keys that TSIG uses; ISC's own numbers.
struct PrivateAlgorithm {
  unsigned number;
  std::string_view text;
};
constexpr std::array<PrivateAlgorithm, 6> PRIVATE_ALGORITHMS = {{
    {157, "hmac-md5"},
    {161, "hmac-sha1"},
    {162, "hmac-sha224"},
    {163, "hmac-sha256"},
    {164, "hmac-sha384"},
    {165, "hmac-sha512"},
}};

tl::unexpected<KeyFileError> wrong(const std::string& file, std::size_t line, std::string message) {
  return tl::unexpected(KeyFileError{file, line, std::move(message)});
}

/// K<name>.+<algorithm>+<id>.private: the name, with its final dot.
std::optional<std::string> name_from_k_file(const fs::path& file) {
  const std::string stem = file.stem().string();
  constexpr std::size_t TAIL = 10;  // "+163+12345"
  if (stem.size() < TAIL + 2 || stem[0] != 'K') return std::nullopt;
  const std::string tail = stem.substr(stem.size() - TAIL);
  const bool digits = tail.find_first_not_of("0123456789", 5) == std::string::npos &&
                      tail.substr(1, 3).find_first_not_of("0123456789") == std::string::npos;
  if (tail[0] != '+' || tail[4] != '+' || !digits) return std::nullopt;
  return stem.substr(1, stem.size() - TAIL - 1);
}

/// The owner of the KEY record in the .key file beside a renamed .private file.
std::optional<std::string> name_from_key_record(fs::path file) {
  std::ifstream stream(file.replace_extension(".key"));
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line[0] == ';') continue;
    const std::size_t end = line.find_first_of(" \t");
    if (end != std::string::npos && end > 0) return line.substr(0, end);
  }
  return std::nullopt;
}

KeysOrError parse_private_key(std::string_view text, const fs::path& path) {
  const std::string file = path.string();
  KeyText key;
  std::size_t line_number = 0;
  std::size_t key_line = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = take_line(rest);
    ++line_number;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view field = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (field == "Key" && !key.secret) {
      key.secret = value;
      key_line = line_number;
    } else if (field == "Algorithm" && !key.algorithm) {
      unsigned number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);
      const auto* const found =
          std::ranges::find(PRIVATE_ALGORITHMS, number, &PrivateAlgorithm::number);
      if (found == PRIVATE_ALGORITHMS.end()) {
        KeyFileError error{
            file, line_number,
            "this is the private key of a pair, for SIG(0), where a shared key belongs; make one "
            "with: tsig-keygen -a hmac-sha256 NAME",
            true};
        return tl::unexpected(std::move(error));
      }
      key.algorithm = found->text;
    }
  }
  if (!key.algorithm)
    return wrong(file, line_number, "expected a line \"Algorithm: 163 (HMAC_SHA256)\"");
  if (!key.secret) return wrong(file, line_number, "expected a line \"Key: BASE64\"");
  auto name = name_from_k_file(path);
  if (!name) name = name_from_key_record(path);
  if (!name) {
    return wrong(file, 0,
                 "the key's name is unknown: name the file K<name>.+<algorithm>+<id>.private as "
                 "dnssec-keygen does, or put the .key file beside it");
  }
  key.name = *name;
  auto made = make_key(key);
  if (!made) return wrong(file, key_line, made.error());
  return std::vector<TsigKey>{std::move(*made)};
}

KeysOrError parse_lines(std::string_view text, const std::string& file) {
  std::vector<TsigKey> keys;
  std::size_t line_number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = trimmed(take_line(rest));
    ++line_number;
    if (line.empty() || line.starts_with('#')) continue;
    auto key = parse_key_option(line);
    if (!key) return wrong(file, line_number, key.error());
    keys.push_back(std::move(*key));
  }
  return keys;
}

/// The first line that is neither blank nor a comment, from where it begins.
std::string_view first_statement(std::string_view text) {
  while (!text.empty()) {
    std::string_view rest = text;
    const std::string_view line = trimmed(take_line(rest));
    if (line.starts_with("/*")) {
      const std::size_t end = text.find("*/", text.find("/*") + 2);
      if (end == std::string_view::npos) return line;
      text.remove_prefix(end + 2);
    } else if (line.empty() || line.starts_with('#') || line.starts_with("//")) {
      text = rest;
    } else {
      return line;
    }
  }
  return {};
}

bool begins_named_conf(std::string_view line) {
  return line.starts_with("/*") ||
         (line.size() >= 3 && same_word(line.substr(0, 3), "key") &&
          (line.size() == 3 ||
           std::string_view(" \t\"{/#").find(line[3]) != std::string_view::npos));
}

/// What the user meant: K<name>.+163+12345, or its .key file, stand for the .private file.
fs::path private_file_of(const fs::path& file) {
  fs::path candidate = file;
  if (file.extension() == ".key") candidate.replace_extension(".private");
  std::error_code ignored;
  if (!fs::exists(file, ignored)) candidate += ".private";
  return fs::exists(candidate, ignored) && file.filename().string().starts_with('K') ? candidate
                                                                                     : file;
}

/// Without stdio's or iostream's buffers, which nobody would wipe. @return what went wrong
std::optional<std::string> read_whole(const fs::path& file, std::string& text) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::string("cannot be opened: ") + std::strerror(errno);
  struct stat status {};
  const bool sized = ::fstat(descriptor, &status) == 0 && status.st_size > 0;
  const std::size_t expected = sized ? static_cast<std::size_t>(status.st_size) + 1 : 4096;
  // One allocation, as growing would leave copies behind.
  text.reserve(std::min(expected, MAX_FILE_OCTETS + 1));
  std::string block(4096, '\0');
  std::optional<std::string> failure;
  for (;;) {
    const ssize_t got = ::read(descriptor, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failure = std::string("cannot be read: ") + std::strerror(errno);
    if (got <= 0) break;
    text.append(block.data(), static_cast<std::size_t>(got));
    if (text.size() > MAX_FILE_OCTETS) {
      failure = "is too large for a key file";
      break;
    }
  }
  wipe(block);
  ::close(descriptor);
  return failure;
}

}  // namespace

std::string KeyFileError::to_text() const {
  return file + (line == 0 ? "" : ":" + std::to_string(line)) + ": " + message;
}

zones::Result<TsigKey, std::string> make_key(const KeyText& text) {
  auto name = zones::Name::from_text(text.name);
  if (!name) {
    return tl::unexpected("\"" + text.name + "\" is no domain name (" +
                          zones::to_text(name.error()) + "), as a key's name has to be");
  }
  if (name->is_root()) return tl::unexpected(std::string("the key has no name"));
  if (!text.algorithm)
    return tl::unexpected(std::string("the key has no algorithm; hmac-sha256 is usual"));
  const auto algorithm = algorithm_from_text(*text.algorithm);
  if (!algorithm) {
    const bool md5 = same_word(text.algorithm->substr(0, 8), "hmac-md5");
    return tl::unexpected(
        md5 ? std::string("hmac-md5 is not safe and not offered; make a new key with: tsig-keygen "
                          "-a hmac-sha256 NAME")
            : "unknown algorithm \"" + std::string(*text.algorithm) +
                  "\"; known are hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512");
  }
  auto secret = text.secret ? Secret::from_base64(*text.secret) : std::nullopt;
  if (!secret) {
    return tl::unexpected("the secret of key " + name->to_text() + " is " +
                          (text.secret ? "not base64" : "missing"));
  }
  return TsigKey{*name, *algorithm, std::make_shared<const Secret>(std::move(*secret))};
}

zones::Result<TsigKey, std::string> parse_key_option(std::string_view text) {
  const std::size_t first = text.find(':');
  if (first == std::string_view::npos) {
    return tl::unexpected(
        std::string("expected [ALGORITHM:]NAME:SECRET, such as hmac-sha256:h1.example:BASE64"));
  }
  const std::size_t second = text.find(':', first + 1);
  KeyText key;
  if (second == std::string_view::npos) {
    const std::string algorithm = to_text(DEFAULT_ALGORITHM);
    key.name = text.substr(0, first);
    key.algorithm = algorithm;
    key.secret = text.substr(first + 1);
    return make_key(key);
  }
  key.algorithm = text.substr(0, first);
  key.name = text.substr(first + 1, second - first - 1);
  key.secret = text.substr(second + 1);
  return make_key(key);
}

KeysOrError parse_key_file(std::string_view text, const fs::path& file) {
  const std::string file_text = file.string();
  const std::string_view statement = first_statement(text);
  KeysOrError keys = statement.starts_with(PRIVATE_KEY_FORMAT) ? parse_private_key(text, file)
                     : statement == "key:"          ? parse_knot_conf_keys(text, file_text)
                     : begins_named_conf(statement) ? parse_named_conf_keys(text, file_text)
                     : statement.find(':') != std::string_view::npos
                         ? parse_lines(text, file_text)
                         : KeysOrError(std::vector<TsigKey>());
  if (keys && keys->empty()) {
    return wrong(
        file_text, 0,
        "holds no key; expected what tsig-keygen, keymgr -t or dnssec-keygen write, or a line "
        "[ALGORITHM:]NAME:SECRET");
  }
  return keys;
}

KeysOrError read_key_file(const fs::path& file) {
  const fs::path actual = private_file_of(file);
  std::string text;
  if (auto message = read_whole(actual, text)) {
    wipe(text);
    return wrong(actual.string(), 0, *message);
  }
  KeysOrError keys = parse_key_file(text, actual);
  wipe(text);
  return keys;
}

std::optional<std::string> key_file_warning(const fs::path& file) {
  const fs::path actual = private_file_of(file);
  struct stat status {};
  if (::stat(actual.c_str(), &status) != 0) return std::nullopt;
  if ((status.st_mode & (S_IROTH | S_IWOTH)) == 0) return std::nullopt;
  return actual.string() + " holds a secret and everybody may " +
         ((status.st_mode & S_IWOTH) != 0 ? "change" : "read") + " it: chmod o-rwx " +
         actual.string();
}

std::string to_named_conf(const TsigKey& key) {
  const std::string name = zones::host_text(key.name);  // as tsig-keygen writes it
  std::string secret = key.secret->to_base64();
  std::string text = "key \"" + name + "\" {\n\talgorithm " + keys::to_text(key.algorithm) +
                     ";\n\tsecret \"" + secret + "\";\n};\n";
  wipe(secret);
  return text;
}

}  // namespace keys
