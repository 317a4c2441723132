// Who and what a request is for: the request target and the Host field (RFC 9112 §3.2).
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dnsd::http {

/// "host", "host:port", "[2001:db8::1]:port" (RFC 3986 §3.2.2, §3.2.3).
struct Authority {
  std::string_view host;  // without brackets and final dot
  std::optional<std::uint16_t> port{};
};
/// Letters, digits, "-", "_" and "." only (A-labels of IDNA are made of them), or an address; at
/// most 253 octets. Empty for anything else, user information included.
std::optional<Authority> parse_authority(std::string_view text);

/// "192.0.2.1" or "2001:db8::1", without a scope. Empty for anything else.
std::optional<boost::asio::ip::address> parse_address(std::string_view text);

struct Target {
  std::string_view target;               // origin form: begins with "/"; or "*"
  std::string_view path;                 // up to the "?"
  std::string_view query;                // behind it
  std::optional<Authority> authority{};  // of the absolute form
};
/// Origin form, absolute form with http or https, or "*" (RFC 9112 §3.2). Empty for anything else,
/// and for octets that do not belong there: controls, spaces, "#", what is not ASCII.
std::optional<Target> parse_target(std::string_view text);

}  // namespace dnsd::http
