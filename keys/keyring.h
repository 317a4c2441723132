// Keys by name and algorithm (RFC 8945 §4.2). Immutable once it is part of a published state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "keys/secret.h"
#include "zones/name.h"
#include "zones/result.h"

namespace keys {

class Hmac;  // keys/hmac.h

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
  std::shared_ptr<const Hmac>
      hmac{};  // made from the secret by Keyring::add() and TsigClient; leave it empty
};

class Keyring {
 public:
  /// False when a key of that name is there already, in whatever algorithm (RFC 8945 §10: one
  /// algorithm a name). The key must have a secret.
  bool add(TsigKey key);
  /// nullptr when there is none. Compares without case; does not allocate. Valid as long as the
  /// keyring is, and after later add()s.
  const TsigKey* find(zones::NameView name) const;
  std::size_t size() const { return keys_.size(); }
  void for_each(const auto& visit) const {
    for (const TsigKey& key : keys_) visit(key);
  }

 private:
  struct Hash : zones::NameHash {
    using is_transparent = void;
    using zones::NameHash::operator();
    std::size_t operator()(const TsigKey& key) const { return (*this)(key.name.view()); }
  };
  struct Equal {
    using is_transparent = void;
    static zones::NameView name(const TsigKey& key) { return key.name; }
    static zones::NameView name(zones::NameView name) { return name; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return name(a) == name(b);
    }
  };
  std::unordered_set<TsigKey, Hash, Equal> keys_;
};

}  // namespace keys
