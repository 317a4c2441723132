// Request and response of HTTP as handlers see them: no sockets, no parser.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dnsd::http {

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

/// Equal but for the case of letters A-Z.
bool iequals(std::string_view a, std::string_view b);
/// Without spaces and tabs at both ends (OWS, RFC 9110 §5.6.3).
std::string_view trimmed(std::string_view text);

/// A whole request whose form was checked; views into the connection's memory, valid during
/// Handler::handle() only.
struct Request {
  std::string_view method;  // "GET"; case counts (RFC 9110 §9.1)
  std::string_view target;  // "/path?query" in whichever form it came (RFC 9112 §3.2); or "*"
  std::string_view path;    // of the target, up to the "?"; never decoded
  std::string_view query;   // behind the "?"; empty when there is none
  std::string_view host;  // who is asked: "h1.dyn.example", "192.0.2.1", "2001:db8::1", as spelled;
                          // without port, brackets and final dot; empty: HTTP/1.0 without Host
  std::optional<std::uint16_t> host_port{};  // what stood behind it
  std::span<const HeaderField> fields{};     // all of them, in order
  std::string_view body;
  boost::asio::ip::tcp::endpoint peer{};
  boost::asio::ip::tcp::endpoint local{};  // where it came in
  bool is_tls = false;

  /// The value of the first field of this name (case does not count); empty when there is none.
  std::optional<std::string_view> field(std::string_view name) const;
  /// GET or HEAD: nothing is to change.
  bool is_read() const { return method == "GET" || method == "HEAD"; }
};

/// Content-Length, Date and Connection are added; a HEAD gets no body. A field with control
/// characters in it turns the whole into status 500.
struct Response {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string body{};

  static Response text(unsigned status, std::string body);
};

/// "Not Found"; "Status" for one that is not in use here.
std::string_view reason_of(unsigned status);

/// What is sent of a response. @param date  as RFC 9110 §5.6.7 writes it
std::string serialise(const Response& response, std::string_view date, bool is_head,
                      bool is_http_1_0, bool keep_alive);

}  // namespace dnsd::http
