#include "dnsd/http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <ctime>
#include <stdexcept>
#include <string_view>

#include "dnsd/config_keys.h"

namespace dnsd::http {
namespace {

constexpr std::size_t MAX_PEM_OCTETS = 256 * 1024;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct CertificateFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, BioFree>;
using Certificate = std::unique_ptr<X509, CertificateFree>;
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;

std::string tls_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return text ? text : "unknown reason";
}

Bio bio_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Nobody is there to be asked for a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

/// The chain, the server's own first. Empty, or what is wrong.
std::string use_certificate(SSL_CTX* context, const std::filesystem::path& file,
                            std::chrono::sys_seconds& not_after) {
  std::string text;
  if (std::string failure = read_regular_file(file, MAX_PEM_OCTETS, text); !failure.empty()) {
    return "certificate " + file.string() + " " + failure;
  }
  const Bio bio = bio_of(text);
  const Certificate own(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr));
  if (!own) {
    ERR_clear_error();
    return "certificate " + file.string() +
           " holds none in PEM (-----BEGIN CERTIFICATE-----), the server's own first";
  }
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return "certificate " + file.string() + " cannot be used: " + tls_reason();
  }
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) == 1) continue;
    X509_free(next);
    return "certificate " + file.string() + " has a chain that cannot be used: " + tls_reason();
  }
  ERR_clear_error();
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(own.get()), &end) == 1) {
    not_after = std::chrono::sys_seconds(std::chrono::seconds(timegm(&end)));
  }
  return {};
}

std::string use_key(SSL_CTX* context, const TlsFiles& files) {
  std::string text;
  if (std::string failure = read_regular_file(files.key, MAX_PEM_OCTETS, text); !failure.empty()) {
    return "key " + files.key.string() + " " + failure;
  }
  const Bio bio = bio_of(text);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  sodium_memzero(text.data(), text.size());
  if (!key) {
    ERR_clear_error();
    return "key " + files.key.string() +
           " holds no private key in PEM without a passphrase (-----BEGIN PRIVATE KEY-----)";
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return "key " + files.key.string() + " is not the key of " + files.certificate.string();
  }
  return {};
}

/// HTTP/1.1, or 1.0, for whoever asks by ALPN (RFC 7301); who offers only others is told so.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  static constexpr unsigned char OURS[] = "\x08http/1.1\x08http/1.0";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, OURS, sizeof(OURS) - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// Tells files apart without reading them.
std::string stamp_of(const TlsFiles& files) {
  std::string stamp;
  for (const std::filesystem::path& file : {files.certificate, files.key}) {
    struct stat status {};
    if (stat(file.c_str(), &status) != 0) {
      stamp += "none;";
      continue;
    }
    for (const auto part :
         {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
          static_cast<std::int64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec),
          static_cast<std::int64_t>(status.st_mtim.tv_nsec)}) {
      stamp += std::to_string(part) + ",";
    }
  }
  return stamp;
}

void log_end(const TlsFiles& files, const TlsContext& context) {
  const auto days = std::chrono::floor<std::chrono::days>(context.not_after());
  const std::chrono::year_month_day date(days);
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (context.not_after() < std::chrono::system_clock::now()) {
    spdlog::warn("certificate {} ended on {}", files.certificate.string(), text);
  } else {
    spdlog::info("certificate {} loaded, good until {}", files.certificate.string(), text);
  }
}

}  // namespace

zones::Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::load(
    const TlsFiles& files) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (!context) return tl::unexpected("TLS cannot be used: " + tls_reason());
  const std::shared_ptr<TlsContext> result(new TlsContext(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // An idle connection keeps no buffers; tickets resume sessions, so none are kept here.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (std::string wrong = use_certificate(context, files.certificate, result->not_after_);
      !wrong.empty()) {
    return tl::unexpected(std::move(wrong));
  }
  if (std::string wrong = use_key(context, files); !wrong.empty()) {
    return tl::unexpected(std::move(wrong));
  }
  return std::shared_ptr<const TlsContext>(result);
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

TlsContext::Session TlsContext::session(int socket) const {
  Session ssl(SSL_new(context_));
  if (!ssl || SSL_set_fd(ssl.get(), socket) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_accept_state(ssl.get());
  return ssl;
}

TlsStore::TlsStore(TlsFiles files) : files_(std::move(files)), tried_(stamp_of(files_)) {
  auto loaded = TlsContext::load(files_);
  if (!loaded) throw std::runtime_error(loaded.error());
  current_ = *loaded;
  log_end(files_, *current_);
}

std::shared_ptr<const TlsContext> TlsStore::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void TlsStore::reload_if_changed() {
  std::string stamp = stamp_of(files_);
  if (stamp == tried_) return;
  tried_ = std::move(stamp);
  auto loaded = TlsContext::load(files_);
  if (!loaded) {
    spdlog::error("the certificate is as before: {}", loaded.error());
    return;
  }
  log_end(files_, **loaded);
  const std::lock_guard lock(mutex_);
  current_ = *loaded;
}

}  // namespace dnsd::http
