#include "dnsd/http/request_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include "dnsd/http/target.h"

namespace dnsd::http {
namespace {

namespace beast_http = boost::beast::http;

constexpr std::size_t MAX_FIELDS = 100;
constexpr std::size_t USUAL_FIELDS = 16;
constexpr std::size_t USUAL_HEAD_OCTETS = 512;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

RequestParser::RequestParser(const HttpLimits& limits)
    : max_line_octets_(limits.max_header_octets) {
  header_limit(static_cast<std::uint32_t>(limits.max_header_octets));
  body_limit(limits.max_body_octets);
  eager(true);
}

RequestParser::Status RequestParser::put(std::string_view octets, std::size_t& used) {
  used = 0;
  if (may_skip_line_) {  // an empty line before the request (RFC 9112 §2.2)
    if (octets == "\r") return Status::MORE;
    may_skip_line_ = octets.empty();
    if (octets.starts_with("\r\n")) used = 2;
  }
  ErrorCode error;
  while (!is_done() && used < octets.size()) {
    const std::string_view rest = octets.substr(used);
    const std::size_t taken = basic_parser::put(boost::asio::buffer(rest), error);
    used += taken;
    if (error == beast_http::error::need_more) {
      // Lines of a chunk's header have no limit of Beast's.
      if (octets.size() - used > max_line_octets_) return Status::HEADER_TOO_LARGE;
      if (taken == 0) return Status::MORE;
      error = {};
      continue;
    }
    if (error == beast_http::error::header_limit) return Status::HEADER_TOO_LARGE;
    if (error == beast_http::error::body_limit) return Status::BODY_TOO_LARGE;
    if (error == beast_http::error::bad_version) return Status::BAD_VERSION;
    if (error) return Status::BAD;
    if (taken == 0) break;
  }
  return is_done() ? Status::DONE : Status::MORE;
}

bool RequestParser::take_expectation() {
  return header_ended_ && !is_done() && std::exchange(expects_continue_, false) && !is_http_1_0();
}

bool RequestParser::read_request(Request& request) {
  const std::string_view text = text_;
  const auto target = http::parse_target(text.substr(target_, target_end_ - target_));
  if (!target) return false;
  fields_.clear();
  fields_.reserve(places_.size());
  for (const FieldPlace& place : places_) {
    fields_.push_back({text.substr(place.name, place.value - place.name),
                       text.substr(place.value, place.end - place.value)});
  }
  // Exactly one Host since HTTP/1.1, and none that is not one (RFC 9112 §3.2); the absolute form's
  // authority is what counts (§3.2.2).
  std::optional<Authority> authority;
  std::size_t hosts = 0;
  for (const HeaderField& field : fields_) {
    if (!iequals(field.name, "Host")) continue;
    ++hosts;
    authority = parse_authority(field.value);
    if (!authority) return false;
  }
  if (hosts > 1 || (hosts == 0 && !is_http_1_0())) return false;
  if (target->authority) authority = target->authority;

  request.method = text.substr(0, target_ - 1);
  request.target = target->target;
  request.path = target->path;
  request.query = target->query;
  if (authority) {
    request.host = authority->host;
    request.host_port = authority->port;
  }
  request.fields = fields_;
  request.body = body_;
  return true;
}

void RequestParser::on_request_impl(beast_http::verb, StringView method_text, StringView target,
                                    int version, ErrorCode& error) {
  if (version / 10 != 1) {
    error = beast_http::error::bad_version;
    return;
  }
  version_ = version;
  text_.reserve(USUAL_HEAD_OCTETS);
  places_.reserve(USUAL_FIELDS);
  text_ += view(method_text);
  text_ += ' ';
  target_ = text_.size();
  text_ += view(target);
  target_end_ = text_.size();
}

void RequestParser::on_field_impl(beast_http::field, StringView name_text, StringView value,
                                  ErrorCode& error) {
  if (header_ended_) return;  // of the trailer: nothing in it may change what was decided
  if (places_.size() == MAX_FIELDS) {
    error = beast_http::error::header_limit;
    return;
  }
  FieldPlace place{};
  place.name = text_.size();
  text_ += view(name_text);
  place.value = text_.size();
  text_ += view(value);
  place.end = text_.size();
  places_.push_back(place);
  if (iequals(view(name_text), "Expect") && iequals(view(value), "100-continue")) {
    expects_continue_ = true;
  }
}

void RequestParser::on_header_impl(ErrorCode&) { header_ended_ = true; }

void RequestParser::on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) {}

std::size_t RequestParser::on_body_impl(StringView octets, ErrorCode&) {
  body_ += view(octets);
  return octets.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, StringView octets, ErrorCode& error) {
  return on_body_impl(octets, error);
}

}  // namespace dnsd::http
