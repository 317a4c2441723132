#include "keys/hmac.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <new>
#include <stdexcept>

#include "keys/protected_memory.h"

namespace keys {
namespace {

const char* openssl_digest(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::HMAC_SHA1:
      return "SHA1";
    case Algorithm::HMAC_SHA224:
      return "SHA224";
    case Algorithm::HMAC_SHA384:
      return "SHA384";
    case Algorithm::HMAC_SHA256:
    case Algorithm::HMAC_SHA512:
      break;
  }
  throw std::logic_error("libsodium has this algorithm");
}

EVP_MAC_CTX* prepare_openssl(Algorithm algorithm, std::span<const std::uint8_t> secret) {
  struct Free {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };
  static EVP_MAC* const MAC = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);  // for ever
  std::unique_ptr<EVP_MAC_CTX, Free> context(MAC != nullptr ? EVP_MAC_CTX_new(MAC) : nullptr);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                       const_cast<char*>(openssl_digest(algorithm)), 0),
      OSSL_PARAM_construct_end()};
  if (!context || EVP_MAC_init(context.get(), secret.data(), secret.size(), parameters) != 1) {
    throw std::runtime_error("OpenSSL offers no " + to_text(algorithm));
  }
  return context.release();
}

}  // namespace

std::shared_ptr<const Hmac> Hmac::make(Algorithm algorithm, std::span<const std::uint8_t> secret) {
  return std::shared_ptr<const Hmac>(new Hmac(algorithm, secret));
}

Hmac::Hmac(Algorithm algorithm, std::span<const std::uint8_t> secret) : algorithm_(algorithm) {
  if (algorithm_ == Algorithm::HMAC_SHA256) {
    sha256_ = new (protected_allocate(sizeof *sha256_)) crypto_auth_hmacsha256_state;
    crypto_auth_hmacsha256_init(sha256_, secret.data(), secret.size());
  } else if (algorithm_ == Algorithm::HMAC_SHA512) {
    sha512_ = new (protected_allocate(sizeof *sha512_)) crypto_auth_hmacsha512_state;
    crypto_auth_hmacsha512_init(sha512_, secret.data(), secret.size());
  } else {
    evp_ = prepare_openssl(algorithm_, secret);
  }
}

Hmac::~Hmac() {
  if (algorithm_ == Algorithm::HMAC_SHA256) {
    protected_free(sha256_, sizeof *sha256_);
  } else if (algorithm_ == Algorithm::HMAC_SHA512) {
    protected_free(sha512_, sizeof *sha512_);
  } else {
    EVP_MAC_CTX_free(evp_);
  }
}

HmacRun::HmacRun(const Hmac& hmac) : algorithm_(hmac.algorithm_) {
  if (algorithm_ == Algorithm::HMAC_SHA256) {
    sha256_ = *hmac.sha256_;
  } else if (algorithm_ == Algorithm::HMAC_SHA512) {
    sha512_ = *hmac.sha512_;
  } else {
    evp_ = EVP_MAC_CTX_dup(hmac.evp_);
    if (evp_ == nullptr) throw std::bad_alloc();
  }
}

HmacRun::~HmacRun() {
  // finish() leaves libsodium's state wiped, but a run may end without it.
  if (algorithm_ == Algorithm::HMAC_SHA256) {
    sodium_memzero(&sha256_, sizeof sha256_);
  } else if (algorithm_ == Algorithm::HMAC_SHA512) {
    sodium_memzero(&sha512_, sizeof sha512_);
  } else {
    EVP_MAC_CTX_free(evp_);
  }
}

void HmacRun::update(std::span<const std::uint8_t> octets) {
  if (algorithm_ == Algorithm::HMAC_SHA256) {
    crypto_auth_hmacsha256_update(&sha256_, octets.data(), octets.size());
  } else if (algorithm_ == Algorithm::HMAC_SHA512) {
    crypto_auth_hmacsha512_update(&sha512_, octets.data(), octets.size());
  } else if (EVP_MAC_update(evp_, octets.data(), octets.size()) != 1) {
    throw std::runtime_error("EVP_MAC_update failed");
  }
}

std::size_t HmacRun::finish(std::span<std::uint8_t, MAX_MAC_OCTETS> mac) {
  if (algorithm_ == Algorithm::HMAC_SHA256) {
    crypto_auth_hmacsha256_final(&sha256_, mac.data());
  } else if (algorithm_ == Algorithm::HMAC_SHA512) {
    crypto_auth_hmacsha512_final(&sha512_, mac.data());
  } else {
    std::size_t size = 0;
    if (EVP_MAC_final(evp_, mac.data(), &size, mac.size()) != 1 || size != mac_octets(algorithm_)) {
      throw std::runtime_error("EVP_MAC_final failed");
    }
  }
  return mac_octets(algorithm_);
}

}  // namespace keys
