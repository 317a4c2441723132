// The forms of key files that have a syntax of their own. Private to key_file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/key_file.h"

namespace keys {

/// What a form says of one key; views into the text, since secrets are not copied about.
struct KeyText {
  std::string name;
  std::optional<std::string_view> algorithm;
  std::optional<std::string_view> secret;
};

/// @return the key, or what is wrong, as a sentence without the secret
zones::Result<TsigKey, std::string> make_key(const KeyText& text);

using KeysOrError = zones::Result<std::vector<TsigKey>, KeyFileError>;
KeysOrError parse_named_conf_keys(std::string_view text, const std::string& file);
KeysOrError parse_knot_conf_keys(std::string_view text, const std::string& file);

/// The next line without its end; takes it from `rest`.
std::string_view take_line(std::string_view& rest);
/// Without white space at both ends.
std::string_view trimmed(std::string_view text);
/// Equal without case.
bool same_word(std::string_view a, std::string_view b);

}  // namespace keys
