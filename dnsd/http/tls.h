// TLS (RFC 8446): the server's certificate, and its replacement while the server runs.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "dnsd/http/http_config.h"
#include "zones/result.h"

namespace dnsd::http {

/// A certificate with its key, ready for use: TLS 1.2 and 1.3, HTTP/1.1 by ALPN. Any thread.
class TlsContext {
 public:
  struct SslDelete {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  using Session = std::unique_ptr<SSL, SslDelete>;

  /// The error is a sentence that names the file and says what would be right.
  static zones::Result<std::shared_ptr<const TlsContext>, std::string> load(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// The server's side on a socket, which stays the caller's. Null when memory is short.
  Session session(int socket) const;
  /// When the certificate ends.
  std::chrono::sys_seconds not_after() const { return not_after_; }

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  SSL_CTX* context_;
  std::chrono::sys_seconds not_after_{};
};

/// The newest certificate that could be loaded. Any thread.
class TlsStore {
 public:
  /// Loads it. Throws std::runtime_error with the sentence of TlsContext::load().
  explicit TlsStore(TlsFiles files);
  std::shared_ptr<const TlsContext> current() const;
  /// Loads the files again when they are others than those that were tried last. When they are not
  /// right (one of the two may be on its way), what was in use stays; the log says so.
  void reload_if_changed();

 private:
  struct Stamp;
  const TlsFiles files_;
  std::string tried_;  // which files, by device, inode, size and time; of one thread
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsContext> current_;
};

}  // namespace dnsd::http
