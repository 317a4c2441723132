// Keys by name and algorithm (RFC 8945 §4.2). Immutable once it is part of a published state.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "keys/secret.h"
#include "zones/name.h"
#include "zones/result.h"

namespace keys {

class KeyringTable;  // keys/keyring_table.h

// RFC 8945 §6. HMAC-MD5 is not offered.
enum class Algorithm : std::uint8_t {
  HMAC_SHA1 = 1,
  HMAC_SHA224,
  HMAC_SHA256,
  HMAC_SHA384,
  HMAC_SHA512
};

/// Octets of the whole MAC: 20 to 64.
std::size_t mac_octets(Algorithm algorithm);
/// "hmac-sha256." as on the wire; also its text form "hmac-sha256".
zones::NameView algorithm_name(Algorithm algorithm);
std::string to_text(Algorithm algorithm);
std::optional<Algorithm> algorithm_from_name(zones::NameView name);
/// In any case, with or without a final dot.
std::optional<Algorithm> algorithm_from_text(std::string_view text);

/// A shared key. Copies share the secret, which is never printed.
struct TsigKey {
  zones::Name name;
  Algorithm algorithm{};
  std::shared_ptr<const Secret> secret;
};

/// A key of a keyring; valid as long as the keyring is.
struct KeyView {
  zones::NameView name;
  Algorithm algorithm{};
  std::span<const std::uint8_t> secret{};  // in protected memory; never printed
};

/// Holds names and secrets packed in protected memory. A handle: copies are the same keyring. Any
/// number of threads may find() while nobody adds.
class Keyring {
 public:
  Keyring();

  /// False when a key of that name is there already, in whatever algorithm (RFC 8945 §10: one
  /// algorithm a name). The key must have a secret, which is copied.
  bool add(const TsigKey& key);
  /// Compares without case; does not allocate. What it gives stays valid after later add()s.
  std::optional<KeyView> find(zones::NameView name) const;
  std::size_t size() const;
  /// True when the predicate is, for one of the keys. In no order.
  bool any_of(const std::function<bool(const KeyView&)>& predicate) const;

 private:
  std::shared_ptr<KeyringTable> table_;
};

}  // namespace keys
