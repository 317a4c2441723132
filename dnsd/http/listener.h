// HTTP: listens, and gives connections to threads of its own, apart from those of DNS.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "dnsd/endpoint.h"
#include "dnsd/http/handler.h"
#include "dnsd/http/http_config.h"
#include "dnsd/http/tls.h"
#include "dnsd/state.h"

namespace dnsd::http {

/// Counts since the start; any thread may read.
struct HttpCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};    // for a limit
  std::atomic<std::uint64_t> displaced{0};  // closed, since another came when there were too many
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> timeouts{0};
  std::array<std::atomic<std::uint64_t>, 6> by_class{};  // responses 1xx to 5xx; [0]: none

  void count(unsigned status) {
    by_class[status / 100 < by_class.size() ? status / 100 : 0].fetch_add(
        1, std::memory_order_relaxed);
  }
};

/// One thread accepts and gives connections out in turn to `limits.threads` threads, itself among
/// them. Persistent connections, pipelining, HTTP/1.0; all that a client can make large or slow is
/// bounded (HttpLimits). When there are too many connections, a new one takes the place of that
/// which has sent no whole request for longest.
class Listener {
 public:
  /// Opens and binds, without listening yet, so that the caller may give up privileges before
  /// start(). Port 0 takes a free one. Throws std::system_error that names the address. The
  /// publisher must outlive it.
  /// @param tls  null when `tls_listen` is empty; must outlive it
  /// @param proxies  whose connections count in all only, until they say whose they are
  Listener(const std::vector<Endpoint>& listen, const std::vector<Endpoint>& tls_listen,
           TlsStore* tls, StatePublisher& publisher, const HttpLimits& limits,
           ProxyConfig proxies = {});
  /// Stops as stop() does.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// What the sockets are bound to, plain ones first, each in the order of its list.
  std::vector<Endpoint> endpoints() const;
  std::vector<Endpoint> tls_endpoints() const;
  /// Routes and their handlers must outlive the threads, which stop() ends. Throws
  /// std::system_error.
  void start(const Routes& routes);
  /// Looks after the certificate's files at once; any thread. They are looked after every few
  /// seconds anyway.
  void check_certificate();
  /// Accepts no more and takes no more requests; answers that come later are still sent.
  void drain();
  /// Closes all connections and ends the threads. Who may still hold a Responder must have ended
  /// before that.
  void stop();
  const HttpCounters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd::http
