#include "dnsd/http/message.h"

#include <algorithm>
#include <cstring>

namespace dnsd::http {
namespace {

char lower(char octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<char>(octet + 32) : octet;
}

bool is_control(std::uint8_t octet) { return (octet < 0x20 && octet != '\t') || octet == 0x7f; }

/// True when some of the eight octets may be a control character, and always when one is: above
/// 0x7f are mistaken for such ones.
bool may_have_control(std::uint64_t octets) {
  constexpr std::uint64_t EACH = 0x0101010101010101;
  return ((octets - EACH * 0x20) | (octets + EACH)) & (EACH * 0x80);
}

/// Nothing that would end the line (RFC 9110 §5.5).
bool is_clean(std::string_view text) {
  const auto is_clean_slowly = [](std::string_view part) {
    return std::ranges::none_of(
        part, [](char octet) { return is_control(static_cast<std::uint8_t>(octet)); });
  };
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, text.data(), sizeof octets);
    if (may_have_control(octets) && !is_clean_slowly(text.substr(0, sizeof octets))) return false;
    text.remove_prefix(sizeof octets);
  }
  return is_clean_slowly(text);
}

}  // namespace

bool iequals(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::string_view> Request::field(std::string_view name) const {
  for (const HeaderField& one : fields) {
    if (iequals(one.name, name)) return one.value;
  }
  return std::nullopt;
}

Response Response::text(unsigned status, std::string body) {
  constexpr std::size_t USUAL_FIELDS = 4;
  Response response{.status = status};
  response.fields.reserve(USUAL_FIELDS);
  response.fields.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.fields.emplace_back("Cache-Control", "no-store");
  response.body = std::move(body);
  return response;
}

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string serialise(const Response& response, std::string_view date, bool is_head,
                      bool is_http_1_0, bool keep_alive) {
  const bool clean = std::ranges::all_of(response.fields, [](const auto& field) {
    return is_clean(field.first) && is_clean(field.second);
  });
  if (!clean) {
    return serialise(Response::text(500, "a field of the answer was not clean\n"), date, is_head,
                     is_http_1_0, keep_alive);
  }
  constexpr std::size_t USUAL_HEAD_OCTETS = 512;
  std::string out;
  out.reserve(USUAL_HEAD_OCTETS + response.body.size());
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += reason_of(response.status);
  out += "\r\nDate: ";
  out += date;
  for (const auto& [name, value] : response.fields) {
    out += "\r\n";
    out += name;
    out += ": ";
    out += value;
  }
  // RFC 9110 §8.6: none with 204.
  const bool has_body = response.status != 204 && response.status != 304;
  if (has_body) {
    out += "\r\nContent-Length: ";
    out += std::to_string(response.body.size());
  }
  if (!keep_alive) {
    out += "\r\nConnection: close";
  } else if (is_http_1_0) {
    out += "\r\nConnection: keep-alive";
  }
  out += "\r\n\r\n";
  if (has_body && !is_head) out += response.body;
  return out;
}

}  // namespace dnsd::http
