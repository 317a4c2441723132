// Fields of one TOML table, those of dnsd alone included. Private to config.cpp and its parts.
#pragma once

#include <string_view>
#include <vector>

#include "dnsd/config.h"
#include "keys/toml_fields.h"

namespace dnsd {

using ConfigProblems = keys::TomlProblems;
using keys::line_of;
using keys::type_of;

class ConfigFields : public keys::TomlFields {
 public:
  using TomlFields::TomlFields;
  /// An array of "address:port", or one of them.
  const toml::node* endpoints(std::string_view name, std::vector<Endpoint>& value);
};

}  // namespace dnsd
