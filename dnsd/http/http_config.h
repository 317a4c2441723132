// Configuration of [http]: plain structs that hold the defaults.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <vector>

#include "dnsd/endpoint.h"
#include "keys/grant.h"

namespace dnsd::http {

/// The memory that HTTP may take is max_connections times what one holds: some 2 KiB while it is
/// idle, up to max_header, max_body and an answer while it works, and 20 KiB more with TLS.
struct HttpLimits {
  std::size_t max_header_octets = 8 * 1024;  // request line and fields
  std::size_t max_body_octets = 16 * 1024;
  std::size_t max_connections = 2'000;
  std::size_t max_connections_per_client = 50;        // an IPv4 address, or an IPv6 /64
  std::chrono::milliseconds idle_timeout{15'000};     // between requests
  std::chrono::milliseconds request_timeout{10'000};  // from a request's first octet to its last,
                                                      // and for a TLS handshake
  std::chrono::milliseconds write_timeout{10'000};    // for a whole answer
  std::chrono::milliseconds answer_timeout{30'000};   // what a handler may take
  std::size_t threads = 1;

  bool operator==(const HttpLimits&) const = default;
};

struct TlsFiles {
  std::filesystem::path certificate;  // PEM: the chain, the server's own first
  std::filesystem::path key;          // PEM, without a passphrase

  bool operator==(const TlsFiles&) const = default;
};

/// Whom HTTP believes that a connection or request is another one's.
struct ProxyConfig {
  enum class Field : std::uint8_t { NONE, X_FORWARDED_FOR, FORWARDED };
  std::vector<keys::AddressRule> trusted;  // prefixes
  bool protocol = false;                   // PROXY comes first on every connection
  Field field = Field::NONE;               // the one of requests that they write

  bool is_on() const { return protocol || field != Field::NONE; }
  bool trusts(const boost::asio::ip::address& address) const;
  bool operator==(const ProxyConfig& other) const;
};

struct HttpConfig {
  std::vector<Endpoint> listen;
  std::vector<Endpoint> tls_listen;
  TlsFiles tls;  // absolute paths; given when tls_listen is
  HttpLimits limits;
  ProxyConfig proxies;
  unsigned redirect = 301;              // status for GET and HEAD: 301, 302, 307 or 308
  std::filesystem::path page_template;  // absolute; empty: the one that comes with dnsd
  bool dyndns = false;                  // /nic/update, /v3/update, /checkip
  bool dyndns_plain = false;            // without TLS as well
  bool account = false;                 // /account, with TLS
  std::size_t line = 0;                 // of the table

  bool is_on() const { return !listen.empty() || !tls_listen.empty(); }
  bool operator==(const HttpConfig& other) const {
    return listen == other.listen && tls_listen == other.tls_listen && tls == other.tls &&
           limits == other.limits && proxies == other.proxies && redirect == other.redirect &&
           page_template == other.page_template && dyndns == other.dyndns &&
           dyndns_plain == other.dyndns_plain && account == other.account;
  }
};

}  // namespace dnsd::http
