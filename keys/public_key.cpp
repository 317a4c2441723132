#include "keys/public_key.h"

#include <fcntl.h>
#include <ldns/ldns.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

#include "zones/wire_writer.h"

namespace keys {
namespace {

using Octets = std::span<const std::uint8_t>;

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using BigNumber = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using File = std::unique_ptr<std::FILE, Deleter<std::fclose>>;
using LdnsKey = std::unique_ptr<ldns_key, Deleter<ldns_key_deep_free>>;
using LdnsRecord = std::unique_ptr<ldns_rr, Deleter<ldns_rr_free>>;

// KEY RDATA: flags, protocol, algorithm, key (RFC 2535 §3.1).
constexpr std::size_t KEY_OCTETS_AT = 4;
constexpr std::uint8_t NO_AUTHENTICATION =
    0x80;  // RFC 2535 §3.1.2: bit 0 set prohibits authentication; both: no key
constexpr std::uint8_t PROTOCOL_DNSSEC = 3;
constexpr std::uint8_t PROTOCOL_ANY = 255;
constexpr std::uint16_t HOST_KEY_FLAGS = 0x0200;  // RFC 2535 §3.1.2: name type "non-zone entity"
constexpr std::size_t ED25519_OCTETS = 32;

/// Octets of each coordinate, and of r and s (RFC 6605 §4).
std::size_t coordinate_octets(Sig0Algorithm algorithm) {
  return algorithm == Sig0Algorithm::ECDSAP256SHA256 ? 32 : 48;
}

bool is_ecdsa(Sig0Algorithm algorithm) {
  return algorithm == Sig0Algorithm::ECDSAP256SHA256 || algorithm == Sig0Algorithm::ECDSAP384SHA384;
}

const EVP_MD* digest(Sig0Algorithm algorithm) {
  switch (algorithm) {
    case Sig0Algorithm::RSASHA256:
    case Sig0Algorithm::ECDSAP256SHA256:
      return EVP_sha256();
    case Sig0Algorithm::ECDSAP384SHA384:
      return EVP_sha384();
    case Sig0Algorithm::RSASHA512:
      return EVP_sha512();
    case Sig0Algorithm::ED25519:
      return nullptr;  // hashes by itself
  }
  return nullptr;
}

std::shared_ptr<evp_pkey_st> own(EVP_PKEY* key) {
  return key == nullptr ? nullptr : std::shared_ptr<evp_pkey_st>(key, EVP_PKEY_free);
}

std::shared_ptr<evp_pkey_st> from_params(const char* kind, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return own(key);
}

BigNumber number(Octets octets) {
  return BigNumber(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
}

/// RFC 3110 §2: exponent length in one octet, or in two after a zero; exponent; modulus.
std::shared_ptr<evp_pkey_st> rsa_key(Octets octets) {
  if (octets.empty()) return nullptr;
  std::size_t exponent_at = 1;
  std::size_t exponent_octets = octets[0];
  if (exponent_octets == 0) {
    if (octets.size() < 3) return nullptr;
    exponent_octets = static_cast<std::size_t>(octets[1] << 8 | octets[2]);
    exponent_at = 3;
  }
  if (exponent_octets == 0 || octets.size() <= exponent_at + exponent_octets) return nullptr;
  const BigNumber exponent = number(octets.subspan(exponent_at, exponent_octets));
  const BigNumber modulus = number(octets.subspan(exponent_at + exponent_octets));
  const auto bits = static_cast<std::size_t>(BN_num_bits(modulus.get()));
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS || BN_is_odd(exponent.get()) == 0 ||
      BN_is_one(exponent.get()) == 1 ||
      static_cast<std::size_t>(BN_num_bits(exponent.get())) > MAX_RSA_EXPONENT_BITS) {
    return nullptr;
  }
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return nullptr;
  }
  return from_params("RSA", builder.get());
}

/// RFC 6605 §4: x | y. OpenSSL refuses a point that is not on the curve.
std::shared_ptr<evp_pkey_st> ecdsa_key(Sig0Algorithm algorithm, Octets octets) {
  if (octets.size() != 2 * coordinate_octets(algorithm)) return nullptr;
  std::vector<std::uint8_t> point{POINT_CONVERSION_UNCOMPRESSED};
  point.insert(point.end(), octets.begin(), octets.end());
  const char* group = algorithm == Sig0Algorithm::ECDSAP256SHA256 ? "P-256" : "P-384";
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return nullptr;
  }
  return from_params("EC", builder.get());
}

std::shared_ptr<evp_pkey_st> public_key(Sig0Algorithm algorithm, Octets octets) {
  switch (algorithm) {
    case Sig0Algorithm::RSASHA256:
    case Sig0Algorithm::RSASHA512:
      return rsa_key(octets);
    case Sig0Algorithm::ECDSAP256SHA256:
    case Sig0Algorithm::ECDSAP384SHA384:
      return ecdsa_key(algorithm, octets);
    case Sig0Algorithm::ED25519:
      if (octets.size() != ED25519_OCTETS) return nullptr;
      return own(
          EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets.data(), octets.size()));
  }
  return nullptr;
}

/// r | s as DNS has them → the DER that OpenSSL reads. Empty when it cannot be.
std::vector<std::uint8_t> to_der(Sig0Algorithm algorithm, Octets signature) {
  const std::size_t half = coordinate_octets(algorithm);
  if (signature.size() != 2 * half) return {};
  const EcdsaSignature ecdsa(ECDSA_SIG_new());
  BigNumber r = number(signature.first(half));
  BigNumber s = number(signature.subspan(half));
  if (!ecdsa || !r || !s || ECDSA_SIG_set0(ecdsa.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release());  // set0 took both
  static_cast<void>(s.release());
  std::uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(ecdsa.get(), &der);
  if (size <= 0) return {};
  std::vector<std::uint8_t> out(der, der + size);
  OPENSSL_free(der);
  return out;
}

std::vector<std::uint8_t> from_der(Sig0Algorithm algorithm, Octets der) {
  const std::uint8_t* at = der.data();
  const EcdsaSignature ecdsa(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!ecdsa) throw std::runtime_error("OpenSSL made no ECDSA signature");
  const int half = static_cast<int>(coordinate_octets(algorithm));
  std::vector<std::uint8_t> out(2 * static_cast<std::size_t>(half));
  BN_bn2binpad(ECDSA_SIG_get0_r(ecdsa.get()), out.data(), half);
  BN_bn2binpad(ECDSA_SIG_get0_s(ecdsa.get()), out.data() + half, half);
  return out;
}

std::string base64(Octets octets) {
  std::string out(sodium_base64_encoded_len(octets.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), octets.data(), octets.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // its terminating zero
  return out;
}

zones::Rdata key_rdata(std::uint16_t flags, Sig0Algorithm algorithm, Octets octets) {
  zones::Rdata rdata{static_cast<std::uint8_t>(flags >> 8), static_cast<std::uint8_t>(flags),
                     PROTOCOL_DNSSEC, static_cast<std::uint8_t>(algorithm)};
  rdata.insert(rdata.end(), octets.begin(), octets.end());
  return rdata;
}

bool write_file(const std::filesystem::path& path, mode_t mode, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return ::close(fd) == 0 && written;
}

}  // namespace

std::optional<Sig0Algorithm> sig0_algorithm(std::uint8_t number) {
  switch (static_cast<Sig0Algorithm>(number)) {
    case Sig0Algorithm::RSASHA256:
    case Sig0Algorithm::RSASHA512:
    case Sig0Algorithm::ECDSAP256SHA256:
    case Sig0Algorithm::ECDSAP384SHA384:
    case Sig0Algorithm::ED25519:
      return static_cast<Sig0Algorithm>(number);
  }
  return std::nullopt;
}

const char* to_text(Sig0Algorithm algorithm) {
  switch (algorithm) {
    case Sig0Algorithm::RSASHA256:
      return "RSASHA256";
    case Sig0Algorithm::RSASHA512:
      return "RSASHA512";
    case Sig0Algorithm::ECDSAP256SHA256:
      return "ECDSAP256SHA256";
    case Sig0Algorithm::ECDSAP384SHA384:
      return "ECDSAP384SHA384";
    case Sig0Algorithm::ED25519:
      return "ED25519";
  }
  return "unknown";
}

std::uint16_t key_tag(zones::RdataView key_rdata) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < key_rdata.size(); ++i) {
    sum += i % 2 == 0 ? static_cast<std::uint32_t>(key_rdata[i] << 8) : key_rdata[i];
  }
  return static_cast<std::uint16_t>(sum + (sum >> 16 & 0xffff));
}

zones::Result<PublicKey, std::string> PublicKey::from_key_rdata(zones::RdataView rdata) {
  if (rdata.size() <= KEY_OCTETS_AT) return tl::unexpected(std::string("the KEY has no key"));
  if ((rdata[0] & NO_AUTHENTICATION) != 0) {
    return tl::unexpected(std::string("the KEY's flags prohibit authentication (RFC 2535 §3.1.2)"));
  }
  if (rdata[2] != PROTOCOL_DNSSEC && rdata[2] != PROTOCOL_ANY) {
    return tl::unexpected("the KEY's protocol is " + std::to_string(rdata[2]) + ", not 3 (DNSSEC)");
  }
  const auto algorithm = sig0_algorithm(rdata[3]);
  if (!algorithm) {
    return tl::unexpected("algorithm " + std::to_string(rdata[3]) +
                          " is not offered; take 8, 10, 13, 14 or 15 (Ed25519)");
  }
  PublicKey key;
  key.algorithm_ = *algorithm;
  key.tag_ = key_tag(rdata);
  key.rdata_.assign(rdata.begin(), rdata.end());
  key.key_ = keys::public_key(*algorithm, rdata.subspan(KEY_OCTETS_AT));
  if (!key.key_) {
    return tl::unexpected(
        std::string("the octets are no ") + to_text(*algorithm) +
        " key, or one outside the limits (RSA: 1024 to 4096 bits, an exponent of up to 32)");
  }
  return key;
}

bool PublicKey::verify(std::span<const std::uint8_t> data,
                       std::span<const std::uint8_t> signature) const {
  std::vector<std::uint8_t> der;
  if (is_ecdsa(algorithm_)) {
    der = to_der(algorithm_, signature);
    if (der.empty()) return false;
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, digest(algorithm_), nullptr, key_.get()) ==
             1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(),
                          data.size()) == 1;
}

zones::Result<PrivateKey, std::string> PrivateKey::from_files(const std::filesystem::path& file) {
  std::filesystem::path private_file = file;
  std::filesystem::path public_file = file;
  private_file.replace_extension(".private");
  public_file.replace_extension(".key");
  const auto fault = [](const std::filesystem::path& path, const std::string& what) {
    return tl::unexpected(path.string() + ": " + what);
  };

  const File in(std::fopen(public_file.c_str(), "re"));
  if (!in) return fault(public_file, "cannot be read; it belongs beside the .private file");
  ldns_rr* read_record = nullptr;
  if (ldns_rr_new_frm_fp(&read_record, in.get(), nullptr, nullptr, nullptr) != LDNS_STATUS_OK) {
    return fault(public_file, "no KEY record in it");
  }
  const LdnsRecord record(read_record);
  if (ldns_rr_get_type(record.get()) != LDNS_RR_TYPE_KEY) {
    return fault(public_file, "not a KEY record: make the key with 'dnssec-keygen -T KEY -n HOST'");
  }
  ldns_buffer* buffer = ldns_buffer_new(LDNS_MAX_PACKETLEN);
  const std::unique_ptr<ldns_buffer, Deleter<ldns_buffer_free>> wire(buffer);
  if (ldns_rr_rdata2buffer_wire(buffer, record.get()) != LDNS_STATUS_OK)
    return fault(public_file, "a bad KEY record");
  const auto rdata = Octets(ldns_buffer_begin(buffer), ldns_buffer_position(buffer));
  auto own_public = PublicKey::from_key_rdata(rdata);
  if (!own_public) return fault(public_file, own_public.error());
  const ldns_rdf* owner = ldns_rr_owner(record.get());
  const auto name = zones::Name::from_wire(Octets(ldns_rdf_data(owner), ldns_rdf_size(owner)));
  if (!name) return fault(public_file, zones::to_text(name.error()));

  const File secret(std::fopen(private_file.c_str(), "re"));
  if (!secret) return fault(private_file, "cannot be read");
  ldns_key* read_key = nullptr;
  int line = 0;
  if (ldns_key_new_frm_fp_l(&read_key, secret.get(), &line) != LDNS_STATUS_OK) {
    return fault(private_file,
                 "line " + std::to_string(line) + ": not a private key as dnssec-keygen writes it");
  }
  const LdnsKey ldns_owned(read_key);
  EVP_PKEY* evp = ldns_key_evp_key(read_key);
  if (evp == nullptr || EVP_PKEY_up_ref(evp) != 1)
    return fault(private_file, "no public-key algorithm");
  PrivateKey key;
  key.name_ = *name;
  key.public_key_ = std::move(*own_public);
  key.key_ = own(evp);
  // Files that were mixed up would make signatures that nobody can verify.
  const std::uint8_t probe[] = {0};
  if (static_cast<int>(ldns_key_algorithm(read_key)) !=
          static_cast<int>(key.public_key_->algorithm()) ||
      !key.public_key_->verify(probe, key.sign(probe))) {
    return fault(private_file, "does not belong to " + public_file.string());
  }
  return key;
}

PrivateKey PrivateKey::generate(zones::NameView name) {
  PrivateKey key;
  key.name_ = zones::Name(name);
  key.key_ = own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key.key_) throw std::runtime_error("OpenSSL made no Ed25519 key");
  std::array<std::uint8_t, ED25519_OCTETS> octets{};
  std::size_t size = octets.size();
  if (EVP_PKEY_get_raw_public_key(key.key_.get(), octets.data(), &size) != 1) {
    throw std::runtime_error("OpenSSL gave no public key");
  }
  key.public_key_ =
      PublicKey::from_key_rdata(key_rdata(HOST_KEY_FLAGS, Sig0Algorithm::ED25519, octets)).value();
  return key;
}

std::vector<std::uint8_t> PrivateKey::sign(std::span<const std::uint8_t> data) const {
  const Sig0Algorithm algorithm = public_key_->algorithm();
  const DigestContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, digest(algorithm), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()) != 1) {
    throw std::runtime_error("OpenSSL cannot sign with this key");
  }
  std::vector<std::uint8_t> signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) != 1) {
    throw std::runtime_error("OpenSSL cannot sign with this key");
  }
  signature.resize(size);
  return is_ecdsa(algorithm) ? from_der(algorithm, signature) : signature;
}

zones::Result<std::filesystem::path, std::string> PrivateKey::write_files(
    const std::filesystem::path& folder) const {
  std::array<std::uint8_t, ED25519_OCTETS> octets{};
  std::size_t size = octets.size();
  if (public_key_->algorithm() != Sig0Algorithm::ED25519 ||
      EVP_PKEY_get_raw_private_key(key_.get(), octets.data(), &size) != 1) {
    return tl::unexpected(std::string("only Ed25519 keys are written"));
  }
  char stem[32];
  std::snprintf(stem, sizeof stem, "+%03d+%05d", static_cast<int>(Sig0Algorithm::ED25519),
                public_key_->tag());
  const std::string name = name_.to_text();
  const std::filesystem::path private_file = folder / ("K" + name + stem + ".private");
  const std::filesystem::path public_file = folder / ("K" + name + stem + ".key");
  std::string text =
      "Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\nPrivateKey: " + base64(octets) + "\n";
  sodium_memzero(octets.data(), octets.size());
  const bool written = write_file(private_file, 0600, text);
  sodium_memzero(text.data(), text.size());
  if (!written)
    return tl::unexpected(private_file.string() + ": cannot be created, or is there already");
  const std::string record = name + " IN KEY 512 3 15 " +
                             base64(Octets(public_key_->rdata()).subspan(KEY_OCTETS_AT)) + "\n";
  if (!write_file(public_file, 0644, record)) {
    return tl::unexpected(public_file.string() + ": cannot be created, or is there already");
  }
  return private_file;
}

}  // namespace keys
