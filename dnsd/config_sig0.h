// The parts of the configuration that SIG(0) and cookies bring. Private to config.cpp and
// config_keys.cpp.
#pragma once

#include <optional>
#include <span>

#include "dnsd/config.h"
#include "dnsd/config_fields.h"

namespace dnsd {

/// [sig0].
void read_sig0(ConfigFields& top, Config& config);

/// [cookies].
void read_cookies(ConfigFields& top, Config& config);
std::shared_ptr<const Cookies> make_cookies(const Config& config);

/// `public-key` or `public-key-file` of the [[key]] of that name; says what is wrong.
std::optional<keys::PublicKey> read_public_key(ConfigFields& fields, zones::NameView name,
                                               const std::filesystem::path& config_file);

/// True when a key that this grant names can exist: it is configured, or a zone that is served
/// could hold a KEY record of that name.
bool can_have_key(const keys::Grant& grant, const Config& config,
                  std::span<const zones::Name> zones);

}  // namespace dnsd
