#include "tools/pcp-ddns/https_exchange.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "keys/grant.h"
#include "zones/number.h"

namespace pcp_ddns {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds RESOLVE_TIME{10};
constexpr std::chrono::seconds CONNECT_TIME{12};  // with TLS, of all addresses together
constexpr std::chrono::seconds EXCHANGE_TIME{8};
constexpr std::size_t MAX_ADDRESSES = 4;
constexpr std::uint32_t MAX_HEADER_OCTETS = 8'192;
constexpr std::size_t MAX_BODY_OCTETS = 8'192;

/// What is sent. It holds the password, so it is made without copies: not by Beast, whose fields
/// and buffers are freed as they are. wipe() it after use.
std::string request_text(const HttpsRequest& request, const std::string& host) {
  const auto password = request.password->octets();
  std::string plain;
  plain.reserve(request.user.size() + 1 + password.size());
  plain.append(request.user).append(":").append(password.begin(), password.end());
  const std::size_t encoded_octets =
      sodium_base64_ENCODED_LEN(plain.size(), sodium_base64_VARIANT_ORIGINAL);
  // badagent is what dyndns2 servers say to clients without a name.
  const std::string head = "GET " + request.target + " HTTP/1.1\r\nHost: " + host +
                           "\r\nUser-Agent: pcp-ddns/" DNSD_VERSION
                           "\r\nConnection: close\r\nAuthorization: Basic ";
  constexpr std::string_view END = "\r\n\r\n";
  std::string text;
  text.reserve(head.size() + encoded_octets + END.size());  // never moved
  text.append(head).append(encoded_octets, '\0');
  sodium_bin2base64(text.data() + head.size(), encoded_octets,
                    reinterpret_cast<const unsigned char*>(plain.data()), plain.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  keys::wipe(plain);
  text.pop_back();  // the final zero
  return text.append(END);
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

  ~HttpsExchange() { keys::wipe(request_); }
  HttpsExchange(const HttpsExchange&) = delete;
  HttpsExchange& operator=(const HttpsExchange&) = delete;

  void start(const HttpsRequest& request) {
    const std::string wrong = prepare();
    if (!wrong.empty()) {
      return asio::post(context_, [self = shared_from_this(), wrong] { self->fail(wrong); });
    }
    request_ = request_text(request, server_.port == 443
                                         ? host_field()
                                         : host_field() + ":" + std::to_string(server_.port));
    resolve_timer_.expires_after(RESOLVE_TIME);
    resolve_timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->resolver_.cancel();
    });
    resolver_.async_resolve(
        server_.host, std::to_string(server_.port), tcp::resolver::numeric_service,
        [self = shared_from_this()](const error_code& error,
                                    const tcp::resolver::results_type& found) {
          self->resolve_timer_.cancel();
          if (error) return self->fail(self->server_.host + ": " + reason(error));
          for (const auto& entry : found) {
            if (self->addresses_.size() < MAX_ADDRESSES) self->addresses_.push_back(entry);
          }
          self->share_ = CONNECT_TIME / std::max<std::size_t>(self->addresses_.size(), 1);
          self->connect();
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
    return begin_stream() ? "" : "no TLS with " + server_.host;
  }

  /// For one address.
  bool begin_stream() {
    stream_.emplace(context_, tls_);
    SSL* const handle = stream_->native_handle();
    const char* const host = server_.host.c_str();
    return keys::address_from_text(server_.host)
               ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), host) == 1
               : SSL_set1_host(handle, host) == 1 && SSL_set_tlsext_host_name(handle, host) == 1;
  }

  std::string host_field() const {
    return server_.host.find(':') == std::string::npos ? server_.host : "[" + server_.host + "]";
  }

  /// With the next address.
  void connect() {
    const tcp::endpoint address = addresses_.front();
    addresses_.erase(addresses_.begin());
    if (!begin_stream()) return fail("no TLS with " + server_.host);
    auto& lowest = beast::get_lowest_layer(*stream_);
    lowest.expires_after(share_);
    lowest.async_connect(address, [self = shared_from_this()](const error_code& error) {
      if (error) {
        return self->connect_failed("no connection with " + self->where() + ": " + reason(error));
      }
      self->shake_hands();
    });
  }

  void connect_failed(const std::string& why) {
    if (!on_outcome_) return;
    if (addresses_.empty()) return fail(why);
    connect();
  }

  void shake_hands() {
    stream_->async_handshake(
        ssl::stream_base::client, [self = shared_from_this()](const error_code& error) {
          if (!error) return self->write();
          const std::string why = "no TLS with " + self->where() + ": " + self->tls_reason(error);
          // A wrong certificate is no matter of the address.
          if (self->is_certificate_wrong()) return self->fail(why);
          self->connect_failed(why);
        });
  }

  void write() {
    beast::get_lowest_layer(*stream_).expires_after(EXCHANGE_TIME);
    asio::async_write(*stream_, asio::buffer(request_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        keys::wipe(self->request_);
                        if (error) {
                          return self->fail(self->where() + " takes no request: " + reason(error));
                        }
                        self->read();
                      });
  }

  void read() {
    parser_.header_limit(MAX_HEADER_OCTETS);
    parser_.body_limit(boost::none);  // what does not fit is not read
    body_.resize(MAX_BODY_OCTETS);
    parser_.get().body().data = body_.data();
    parser_.get().body().size = body_.size();
    http::async_read(*stream_, buffer_, parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       self->answered(error);
                     });
  }

  void answered(const error_code& error) {
    HttpsOutcome outcome;
    if (parser_.is_header_done()) {
      const auto& answer = parser_.get();
      outcome.status = answer.result_int();
      body_.resize(body_.size() - answer.body().size);
      outcome.body = std::move(body_);
      outcome.retry_after = read_retry_after(
          answer[http::field::retry_after],
          std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    }
    // Of an answer that does not end, or not as it should, the first line is enough.
    const bool is_whole = !error || error == http::error::need_buffer;
    const bool is_enough = outcome.status != 0 &&
                           (outcome.status != 200 || outcome.body.find('\n') != std::string::npos);
    if (!is_whole && !is_enough) return fail(where() + " gives no answer: " + reason(error));
    finish(outcome);
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

  bool is_certificate_wrong() {
    return SSL_get_verify_result(stream_->native_handle()) != X509_V_OK;
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
  std::string request_;                          // holds the password
  std::vector<tcp::endpoint> addresses_;         // that are still to be tried …
  std::chrono::steady_clock::duration share_{};  // … each for so long
  http::response_parser<http::buffer_body> parser_;
  std::string body_;
  beast::flat_buffer buffer_;
};

}  // namespace

std::optional<std::chrono::seconds> read_retry_after(std::string_view value,
                                                     std::chrono::sys_seconds now) {
  using std::chrono::seconds;
  constexpr seconds MOST = std::chrono::hours(24 * 365);
  if (const auto number = zones::number_from_text<std::uint32_t>(value)) {
    return std::min(seconds(*number), MOST);
  }
  std::tm date{};
  const std::string text(value);
  const char* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const seconds wait = std::chrono::sys_seconds(seconds(::timegm(&date))) - now;
  return std::clamp(wait, seconds(0), MOST);
}

std::function<void()> run_https_exchange(asio::io_context& context, const HttpsServer& server,
                                         const HttpsRequest& request, OnHttpsOutcome on_outcome) {
  const auto exchange = std::make_shared<HttpsExchange>(context, server, std::move(on_outcome));
  exchange->start(request);
  return [weak = std::weak_ptr(exchange)] {
    if (const auto still = weak.lock()) still->cancel();
  };
}

}  // namespace pcp_ddns
