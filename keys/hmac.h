// HMAC with the keyed state prepared once a key (RFC 2104 §4): a MAC costs the message's blocks and
// two more, not four.
#pragma once

#include <openssl/evp.h>
#include <sodium.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "keys/keyring.h"

namespace keys {

constexpr std::size_t MAX_MAC_OCTETS = 64;  // HMAC-SHA512

/// A key made ready. Immutable; any thread may start runs from it.
/// SHA-256 and SHA-512 are libsodium's, with the state in protected memory; the others are
/// OpenSSL's, in its heap.
class Hmac {
 public:
  static std::shared_ptr<const Hmac> make(Algorithm algorithm,
                                          std::span<const std::uint8_t> secret);
  ~Hmac();
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;

  Algorithm algorithm() const { return algorithm_; }

 private:
  friend class HmacRun;
  Hmac(Algorithm algorithm, std::span<const std::uint8_t> secret);
  Algorithm algorithm_;
  union {
    crypto_auth_hmacsha256_state* sha256_;
    crypto_auth_hmacsha512_state* sha512_;
    EVP_MAC_CTX* evp_;
  };
};

/// One MAC in the making. Used by one thread; the Hmac may go before it.
class HmacRun {
 public:
  explicit HmacRun(const Hmac& hmac);
  ~HmacRun();
  HmacRun(const HmacRun&) = delete;
  HmacRun& operator=(const HmacRun&) = delete;

  void update(std::span<const std::uint8_t> octets);
  /// Once. Writes the whole MAC. @return its octets
  std::size_t finish(std::span<std::uint8_t, MAX_MAC_OCTETS> mac);

 private:
  Algorithm algorithm_;
  union {
    crypto_auth_hmacsha256_state sha256_;
    crypto_auth_hmacsha512_state sha512_;
    EVP_MAC_CTX* evp_;
  };
};

}  // namespace keys
