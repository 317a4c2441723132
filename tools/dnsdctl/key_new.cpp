#include <ostream>

#include "keys/key_file.h"
#include "keys/secret.h"
#include "tools/common/private_file.h"
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
    std::string failure = tools::write_private_file(options.out, text);
    if (!failure.empty()) outcome = tl::unexpected(std::move(failure));
  }
  keys::wipe(text);
  return outcome;
}

}  // namespace dnsdctl
