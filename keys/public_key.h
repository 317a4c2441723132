// Public keys of SIG(0): KEY RDATA in, signatures checked and made (RFC 2535 §3, RFC 3110, 5702,
// 6605, 8080).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zones/name.h"
#include "zones/rdata.h"
#include "zones/result.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace keys {

// IANA "DNS Security Algorithm Numbers"; the others are not offered (RFC 8624 §3.1).
enum class Sig0Algorithm : std::uint8_t {
  RSASHA256 = 8,
  RSASHA512 = 10,
  ECDSAP256SHA256 = 13,
  ECDSAP384SHA384 = 14,
  ED25519 = 15,
};
std::optional<Sig0Algorithm> sig0_algorithm(std::uint8_t number);
const char* to_text(Sig0Algorithm algorithm);

constexpr std::size_t MIN_RSA_BITS = 1024;  // RFC 5702 §2.1 allows 512 for SHA-256; nobody should
constexpr std::size_t MAX_RSA_BITS = 4096;  // RFC 3110 §2; verification costs grow with it
constexpr std::size_t MAX_RSA_EXPONENT_BITS = 32;  // a long exponent is a way to make a server work

/// RFC 4034 Appendix B over KEY RDATA: finds a candidate, proves nothing.
std::uint16_t key_tag(zones::RdataView key_rdata);

/// A public key that may sign requests. Immutable; copies share the key, any thread may verify with
/// it.
class PublicKey {
 public:
  /// From KEY RDATA: flags must not say "no key" or "no authentication" (RFC 2535 §3.1.2), protocol
  /// 3 or 255, an algorithm of the list, octets that are a key within the limits above. The error
  /// is a sentence.
  static zones::Result<PublicKey, std::string> from_key_rdata(zones::RdataView rdata);

  Sig0Algorithm algorithm() const { return algorithm_; }
  std::uint16_t tag() const { return tag_; }
  const zones::Rdata& rdata() const { return rdata_; }
  /// One public-key operation, 15 to 100 microseconds.
  bool verify(std::span<const std::uint8_t> data, std::span<const std::uint8_t> signature) const;

 private:
  PublicKey() = default;
  Sig0Algorithm algorithm_{};
  std::uint16_t tag_ = 0;
  zones::Rdata rdata_;
  std::shared_ptr<evp_pkey_st> key_;
};

/// A private key with its public half, as `dnssec-keygen -T KEY` writes them into
/// K<name>.+<alg>+<tag>.private and .key. The private octets live in OpenSSL's memory and are wiped
/// with it.
class PrivateKey {
 public:
  /// `file` is either of the two. The error names the file and what would be right.
  static zones::Result<PrivateKey, std::string> from_files(const std::filesystem::path& file);
  /// A new Ed25519 key for `name`.
  static PrivateKey generate(zones::NameView name);

  const zones::Name& name() const { return name_; }
  const PublicKey& public_key() const { return *public_key_; }
  std::vector<std::uint8_t> sign(std::span<const std::uint8_t> data) const;
  /// Writes both files, the private one with mode 0600; returns the .private file's path.
  zones::Result<std::filesystem::path, std::string> write_files(
      const std::filesystem::path& folder) const;

 private:
  PrivateKey() = default;
  zones::Name name_;
  std::optional<PublicKey> public_key_;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace keys
