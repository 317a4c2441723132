// An HTTP listener on loopback with its routes, and a client that says exactly what a test wants.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <string_view>

#include "dnsd/http/listener.h"

namespace dnsd::test {

class HttpClient {
 public:
  explicit HttpClient(const Endpoint& server) : socket_(context_) {
    socket_.connect({server.address(), server.port()});
  }
  void send(std::string_view text) {
    boost::system::error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(text), ignored);
  }
  /// The next response: head, and a body of its Content-Length. Empty when the other end closed.
  std::string receive(bool has_body = true) {
    std::string::size_type end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_some()) return {};
    }
    end += 4;
    std::size_t body = 0;
    const std::string::size_type length = buffer_.find("Content-Length: ");
    if (has_body && length < end) body = std::stoul(buffer_.substr(length + 16));
    while (buffer_.size() < end + body) {
      if (!read_some()) return {};
    }
    std::string response = buffer_.substr(0, end + body);
    buffer_.erase(0, end + body);
    return response;
  }
  /// Says nothing more, and goes on listening.
  void end() {
    boost::system::error_code ignored;
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  }
  std::string ask(std::string_view text, bool has_body = true) {
    send(text);
    return receive(has_body);
  }
  /// True when nothing more comes and the other end has closed.
  bool is_at_end() { return buffer_.empty() && !read_some(); }

 private:
  bool read_some() {
    char octets[4096];
    boost::system::error_code error;
    const std::size_t count = socket_.read_some(boost::asio::buffer(octets), error);
    buffer_.append(octets, count);
    return !error;
  }
  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
  std::string buffer_;
};

/// Starts at once; the handlers are `routes`'.
struct HttpServer {
  explicit HttpServer(const http::Routes& routes, const http::HttpLimits& limits = {},
                      http::TlsStore* tls = nullptr, http::ProxyConfig proxies = {})
      : publisher(State{.version = 0, .catalogue = {}, .policy = std::make_shared<Policy>()}),
        listener({Endpoint(boost::asio::ip::address_v4::loopback(), 0)},
                 tls ? std::vector<Endpoint>{Endpoint(boost::asio::ip::address_v4::loopback(), 0)}
                     : std::vector<Endpoint>{},
                 tls, publisher, limits, std::move(proxies)) {
    listener.start(routes);
  }
  Endpoint endpoint() const { return listener.endpoints().at(0); }

  StatePublisher publisher;
  http::Listener listener;
};

}  // namespace dnsd::test
