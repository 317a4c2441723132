// TSIG keys in files and on command lines, as other programs write them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/keyring.h"
#include "zones/result.h"

namespace keys {

/// Never shows a secret or a part of one.
struct KeyFileError {
  std::string file;
  std::size_t line = 0;         // from 1; 0 when it is about the whole file
  std::string message;          // what is wrong and what would be right
  bool is_sig0_key = false;     // the file holds a key pair: PrivateKey::from_files() reads those
  std::string to_text() const;  // "FILE:LINE: message"
};

/// The algorithm when an option or a line names none, as nsupdate has it.
constexpr Algorithm DEFAULT_ALGORITHM = Algorithm::HMAC_SHA256;

/// Reads all keys of a file, at least one, in one of these forms, which is told from the contents:
///  - named.conf's, from tsig-keygen, ddns-confgen: key "name" { algorithm hmac-sha256; secret
///  "..."; };
///  - knot.conf's, from keymgr -t: a section "key:" with a list of id, algorithm and secret
///  - lines of [algorithm:]name:secret, from knsupdate's -k
///  - K<name>.+<algorithm>+<id>.private of dnssec-keygen with an HMAC; the name of the .key file or
///  the common part of
///    both will do
zones::Result<std::vector<TsigKey>, KeyFileError> read_key_file(const std::filesystem::path& file);
/// The same from octets that the caller has read; `file` gives errors their place and a K file its
/// name.
zones::Result<std::vector<TsigKey>, KeyFileError> parse_key_file(std::string_view text,
                                                                 const std::filesystem::path& file);
/// nsupdate's and dig's -y: [algorithm:]name:secret. The error says what would be right.
zones::Result<TsigKey, std::string> parse_key_option(std::string_view text);

/// What to warn of when everybody may read or change the file; nullopt when all is well.
std::optional<std::string> key_file_warning(const std::filesystem::path& file);

/// The form that tsig-keygen writes and BIND's programs read. Holds the secret: wipe() it after
/// use.
std::string to_named_conf(const TsigKey& key);

}  // namespace keys
