#include "dnsd/http/target.h"

#include <algorithm>
#include <string>

#include "dnsd/http/message.h"
#include "zones/number.h"

namespace dnsd::http {
namespace {

constexpr std::size_t MAX_HOST_OCTETS = 253;

bool is_host_octet(char octet) {
  return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
         (octet >= '0' && octet <= '9') || octet == '-' || octet == '_' || octet == '.';
}

bool is_target_octet(char octet) { return octet > ' ' && octet < 0x7f && octet != '#'; }

bool is_ipv6(std::string_view text) {
  const auto address = parse_address(text);
  return address && address->is_v6();
}

/// "" or ":8080"; an empty port counts as none (RFC 3986 §3.2.3).
bool parse_port(std::string_view text, std::optional<std::uint16_t>& port) {
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  text.remove_prefix(1);
  if (text.empty()) return true;
  port = zones::number_from_text<std::uint16_t>(text);
  return port.has_value();
}

}  // namespace

std::optional<boost::asio::ip::address> parse_address(std::string_view text) {
  // The library would take what is in front of a NUL.
  if (text.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) {
    return std::nullopt;
  }
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(text), error);
  return error ? std::nullopt : std::optional(address);
}

std::optional<Authority> parse_authority(std::string_view text) {
  Authority authority;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    authority.host = text.substr(1, end - 1);
    if (!is_ipv6(authority.host) || !parse_port(text.substr(end + 1), authority.port)) {
      return std::nullopt;
    }
    return authority;
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  authority.host = text.substr(0, colon);
  if (!parse_port(text.substr(colon), authority.port)) return std::nullopt;
  if (authority.host.find("..") != std::string_view::npos) return std::nullopt;
  if (authority.host.size() > 1 && authority.host.ends_with('.')) authority.host.remove_suffix(1);
  if (authority.host.empty() || authority.host.starts_with('.') ||
      authority.host.size() > MAX_HOST_OCTETS ||
      !std::ranges::all_of(authority.host, is_host_octet)) {
    return std::nullopt;
  }
  return authority;
}

std::optional<Target> parse_target(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, is_target_octet)) return std::nullopt;
  Target result;
  if (text == "*") {
    result.target = result.path = text;
    return result;
  }
  if (text.front() != '/') {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos ||
        !(iequals(text.substr(0, scheme), "http") || iequals(text.substr(0, scheme), "https"))) {
      return std::nullopt;
    }
    text.remove_prefix(scheme + 3);
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    result.authority = parse_authority(text.substr(0, end));
    if (!result.authority) return std::nullopt;
    text.remove_prefix(end);
    if (text.empty()) {
      text = "/";
    } else if (text.front() == '?') {
      return std::nullopt;  // a path that is not there cannot be told to anybody as it came
    }
  }
  result.target = text;
  const std::size_t mark = text.find('?');
  result.path = text.substr(0, mark);
  if (mark != std::string_view::npos) result.query = text.substr(mark + 1);
  return result;
}

}  // namespace dnsd::http
