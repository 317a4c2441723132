// A whole TOML file.
#pragma once

#include <functional>
#include <string_view>

#include "keys/toml.h"
#include "keys/toml_problems.h"

namespace keys {

/// Parses `text` and hands its top level to `read`. What is no TOML is an error with its line, and
/// none of what toml++ throws comes through. No error repeats a line that may hold a secret.
void read_toml(std::string_view text, TomlProblems& problems,
               const std::function<void(const toml::table& top)>& read);

}  // namespace keys
