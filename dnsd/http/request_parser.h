// Reads one request: Beast's parser (RFC 9112) within limits, and what it leaves to its user.
// Private to connection.cpp.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dnsd/http/http_config.h"
#include "dnsd/http/message.h"

namespace dnsd::http {

class RequestParser : private boost::beast::http::basic_parser<true> {
 public:
  enum class Status : std::uint8_t {
    MORE,
    DONE,
    BAD,  // no HTTP, or a form by which two readers might see different requests
    BAD_VERSION,
    HEADER_TOO_LARGE,
    BODY_TOO_LARGE,
  };

  explicit RequestParser(const HttpLimits& limits);

  /// Takes octets of the stream. What is not used must come again, with more behind it; after DONE
  /// it belongs to the next request.
  Status put(std::string_view octets, std::size_t& used);
  /// True once, when the client waits to be told that it may send the body (RFC 9110 §10.1.1).
  bool take_expectation();
  /// After DONE: the target and Host, checked (RFC 9112 §3.2). False: they are not right. The views
  /// are valid as long as the parser is, and lie in it.
  bool read_request(Request& request);

  bool is_head() const { return text_.starts_with("HEAD "); }
  bool is_http_1_0() const { return version_ == 10; }
  bool keep_alive() const { return basic_parser::keep_alive(); }

 private:
  using ErrorCode = boost::beast::error_code;
  using StringView = boost::beast::string_view;
  struct FieldPlace {
    std::size_t name;
    std::size_t value;
    std::size_t end;
  };

  void on_request_impl(boost::beast::http::verb method, StringView method_text, StringView target,
                       int version, ErrorCode& error) override;
  void on_response_impl(int, StringView, int, ErrorCode&) override {}
  void on_field_impl(boost::beast::http::field name, StringView name_text, StringView value,
                     ErrorCode& error) override;
  void on_header_impl(ErrorCode& error) override;
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, ErrorCode& error) override;
  std::size_t on_body_impl(StringView octets, ErrorCode& error) override;
  void on_chunk_header_impl(std::uint64_t, StringView, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t remain, StringView octets,
                                 ErrorCode& error) override;
  void on_finish_impl(ErrorCode&) override {}

  const std::size_t max_line_octets_;
  int version_ = 11;
  bool may_skip_line_ = true;
  bool header_ended_ = false;
  bool expects_continue_ = false;
  std::string text_;  // "METHOD target" and all fields' names and values, one behind the other
  std::size_t target_ = 0;
  std::size_t target_end_ = 0;
  std::vector<FieldPlace> places_;
  std::vector<HeaderField> fields_;
  std::string body_;
};

}  // namespace dnsd::http
