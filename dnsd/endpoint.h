// Endpoint: address and port of a socket, as configuration and log spell it.
#pragma once

#include <array>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dnsd {

/// Where to listen, over UDP and TCP alike. Port 0 takes a free one.
using Endpoint = boost::asio::ip::udp::endpoint;
/// "127.0.0.1:5300", "[::1]:5300".
std::string to_text(const Endpoint& endpoint);
/// The same form; the port is required. Empty for anything else.
std::optional<Endpoint> endpoint_from_text(std::string_view text);
/// Octets of an IPv6 address, or of an IPv4 address in its mapped form (RFC 4291 §2.5.5.2).
std::array<std::uint8_t, 16> mapped_octets(const boost::asio::ip::address& address);
/// The IPv4 address of one in that form; any other as it is.
boost::asio::ip::address unmapped(const boost::asio::ip::address& address);

}  // namespace dnsd
