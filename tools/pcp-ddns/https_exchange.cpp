#include "tools/pcp-ddns/https_exchange.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <optional>
#include <utility>

#include "keys/grant.h"

namespace pcp_ddns {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds TIME_LIMIT{10};  // of each of: name, connection, exchange
constexpr std::uint32_t MAX_HEADER_OCTETS = 8'192;
constexpr std::uint64_t MAX_BODY_OCTETS = 8'192;

/// "Basic …". It holds the password.
std::string basic_credentials(const HttpsRequest& request) {
  const auto password = request.password->octets();
  std::string plain = request.user + ":";
  plain.append(password.begin(), password.end());
  std::string text(sodium_base64_ENCODED_LEN(plain.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(plain.data()),
                    plain.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the final zero
  keys::wipe(plain);
  std::string field = "Basic " + text;
  keys::wipe(text);
  return field;
}

class HttpsExchange : public std::enable_shared_from_this<HttpsExchange> {
 public:
  HttpsExchange(asio::io_context& context, const HttpsServer& server, OnHttpsOutcome on_outcome)
      : server_(server),
        on_outcome_(std::move(on_outcome)),
        resolver_(context),
        resolve_timer_(context),
        tls_(ssl::context::tls_client),
        context_(context) {}

  void start(const HttpsRequest& request) {
    const std::string wrong = prepare();
    if (!wrong.empty()) {
      return asio::post(context_, [self = shared_from_this(), wrong] { self->fail(wrong); });
    }
    message_.version(11);
    message_.method(http::verb::get);
    message_.target(request.target);
    message_.set(http::field::host, server_.port == 443
                                        ? host_field()
                                        : host_field() + ":" + std::to_string(server_.port));
    // badagent is what dyndns2 servers say to clients without a name.
    message_.set(http::field::user_agent, "pcp-ddns/" DNSD_VERSION);
    std::string credentials = basic_credentials(request);
    message_.set(http::field::authorization, credentials);
    keys::wipe(credentials);
    message_.set(http::field::connection, "close");
    parser_.header_limit(MAX_HEADER_OCTETS);
    parser_.body_limit(MAX_BODY_OCTETS);
    resolve_timer_.expires_after(TIME_LIMIT);
    resolve_timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->resolver_.cancel();
    });
    resolver_.async_resolve(server_.host, std::to_string(server_.port),
                            tcp::resolver::numeric_service,
                            [self = shared_from_this()](const error_code& error,
                                                        const tcp::resolver::results_type& found) {
                              self->resolve_timer_.cancel();
                              if (error)
                                return self->fail(self->server_.host + ": " + reason(error));
                              self->connect(found);
                            });
  }

  void cancel() {
    on_outcome_ = {};
    resolver_.cancel();
    resolve_timer_.cancel();
    if (stream_) beast::get_lowest_layer(*stream_).cancel();
  }

 private:
  /// @return empty, or what is wrong here
  std::string prepare() {
    error_code error;
    tls_.set_options(
        ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
        error);
    tls_.set_verify_mode(ssl::verify_peer, error);
    if (server_.ca_file.empty()) {
      tls_.set_default_verify_paths(error);
    } else {
      tls_.load_verify_file(server_.ca_file.string(), error);
      if (error) return server_.ca_file.string() + ": " + error.message();
    }
    if (error) return "the system's certificates cannot be read: " + error.message();
    stream_.emplace(context_, tls_);
    SSL* const handle = stream_->native_handle();
    const char* const host = server_.host.c_str();
    const bool named =
        keys::address_from_text(server_.host)
            ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), host) == 1
            : SSL_set1_host(handle, host) == 1 && SSL_set_tlsext_host_name(handle, host) == 1;
    if (!named) return "no TLS with " + server_.host;
    return {};
  }

  std::string host_field() const {
    return server_.host.find(':') == std::string::npos ? server_.host : "[" + server_.host + "]";
  }

  void connect(const tcp::resolver::results_type& found) {
    auto& lowest = beast::get_lowest_layer(*stream_);
    lowest.expires_after(TIME_LIMIT);
    lowest.async_connect(
        found, [self = shared_from_this()](const error_code& error, const tcp::endpoint&) {
          if (error)
            return self->fail("no connection with " + self->where() + ": " + reason(error));
          self->shake_hands();
        });
  }

  void shake_hands() {
    beast::get_lowest_layer(*stream_).expires_after(TIME_LIMIT);
    stream_->async_handshake(
        ssl::stream_base::client, [self = shared_from_this()](const error_code& error) {
          if (error) {
            return self->fail("no TLS with " + self->where() + ": " + self->tls_reason(error));
          }
          self->exchange();
        });
  }

  void exchange() {
    http::async_write(*stream_, message_,
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        self->message_.erase(http::field::authorization);
                        if (error) {
                          return self->fail(self->where() + " takes no request: " + reason(error));
                        }
                        self->read();
                      });
  }

  void read() {
    http::async_read(*stream_, buffer_, parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       if (error) {
                         return self->fail(self->where() + " gives no answer: " + reason(error));
                       }
                       HttpsOutcome outcome;
                       outcome.status = self->parser_.get().result_int();
                       outcome.body = std::move(self->parser_.get().body());
                       self->finish(outcome);
                     });
  }

  std::string where() const { return server_.host + " port " + std::to_string(server_.port); }

  static std::string reason(const error_code& error) {
    if (error == beast::error::timeout || error == asio::error::operation_aborted) return "timeout";
    return error.message();
  }

  /// With the certificate's fault, where it is that.
  std::string tls_reason(const error_code& error) {
    const long verdict = SSL_get_verify_result(stream_->native_handle());
    if (verdict != X509_V_OK) return X509_verify_cert_error_string(verdict);
    return reason(error);
  }

  void fail(const std::string& why) {
    HttpsOutcome outcome;
    outcome.failure = why;
    finish(outcome);
  }

  void finish(const HttpsOutcome& outcome) {
    if (const auto on_outcome = std::exchange(on_outcome_, {})) on_outcome(outcome);
  }

  const HttpsServer server_;
  OnHttpsOutcome on_outcome_;
  tcp::resolver resolver_;
  asio::steady_timer resolve_timer_;
  ssl::context tls_;
  asio::io_context& context_;
  std::optional<beast::ssl_stream<beast::tcp_stream>> stream_;
  http::request<http::empty_body> message_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
};

}  // namespace

std::function<void()> run_https_exchange(asio::io_context& context, const HttpsServer& server,
                                         const HttpsRequest& request, OnHttpsOutcome on_outcome) {
  const auto exchange = std::make_shared<HttpsExchange>(context, server, std::move(on_outcome));
  exchange->start(request);
  return [weak = std::weak_ptr(exchange)] {
    if (const auto still = weak.lock()) still->cancel();
  };
}

}  // namespace pcp_ddns
