// PROXY protocol: what a proxy says of the client in front of all else on a connection (HAProxy's
// proxy-protocol.txt, versions 1 and 2). Pure.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dnsd::http {

class ProxyHeader {
 public:
  enum class Status : std::uint8_t { MORE, DONE, BAD };
  struct Route {
    boost::asio::ip::tcp::endpoint client;
    boost::asio::ip::tcp::endpoint server;  // where the client went to
  };

  /// Takes octets of the stream, none behind the header: these belong to TLS or HTTP.
  Status put(std::string_view octets, std::size_t& used);
  /// After DONE. Empty: the connection is the proxy's own (LOCAL), or it does not tell whose
  /// (UNKNOWN, families that are no TCP).
  const std::optional<Route>& route() const { return route_; }
  /// After DONE: the client came to the proxy with TLS (PP2_TYPE_SSL).
  bool is_tls() const { return is_tls_; }

 private:
  Status look();
  bool read_line(std::string_view line);
  bool read_binary();
  bool read_extensions(std::string_view octets);

  std::string text_;
  std::optional<Route> route_;
  bool is_tls_ = false;
};

}  // namespace dnsd::http
