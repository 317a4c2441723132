#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ostream>

#include "keys/key_file.h"
#include "keys/secret.h"
#include "tools/dnsdctl/commands.h"
#include "zones/name.h"

namespace dnsdctl {
namespace {

/// Whatever needs an escape in a name, in TOML or in named.conf would be read differently by one of
/// the programs that share the key.
bool is_plain(const std::string& name) {
  return name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*") ==
         std::string::npos;
}

std::string to_toml(const keys::TsigKey& key) {
  return "[[key]]\nname = \"" + key.name.to_text() + "\"\nalgorithm = \"" +
         keys::to_text(key.algorithm) + "\"\nsecret = \"" + key.secret->to_base64() + "\"\n";
}

/// A new file that nobody else can read; an existing one is somebody's key.
Outcome write_private(const std::filesystem::path& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    const std::string hint = errno == EEXIST ? "; it is not overwritten, choose another name" : "";
    return tl::unexpected(path.string() + ": " + std::strerror(errno) + hint);
  }
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t size = ::write(file, text.data() + written, text.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    written += static_cast<std::size_t>(size);
  }
  const bool good = written == text.size() && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (good) return 0;
  ::unlink(path.c_str());
  return tl::unexpected(path.string() + ": " + std::strerror(error));
}

}  // namespace

Outcome key_new(const KeyNew& options, std::ostream& out) {
  const auto algorithm = keys::algorithm_from_text(options.algorithm);
  if (!algorithm) {
    return tl::unexpected("unknown algorithm '" + options.algorithm +
                          "'; choose hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224 or "
                          "hmac-sha1");
  }
  const auto name = zones::Name::from_text(options.name);
  if (options.name.empty() || !name || name->is_root() || !is_plain(options.name)) {
    return tl::unexpected("'" + options.name +
                          "' is no name for a key; use one like a host's: h1.dyn.example.");
  }
  // As long as the MAC: shorter is weaker, longer gains little (RFC 2104 §3).
  const keys::TsigKey key{
      *name, *algorithm,
      std::make_shared<const keys::Secret>(keys::Secret::random(keys::mac_octets(*algorithm)))};
  std::string text = options.toml ? to_toml(key) : keys::to_named_conf(key);
  Outcome outcome = 0;
  if (options.out.empty()) {
    out << text << std::flush;
  } else {
    outcome = write_private(options.out, text);
  }
  keys::wipe(text);
  return outcome;
}

}  // namespace dnsdctl
