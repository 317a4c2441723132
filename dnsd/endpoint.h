// Endpoint: address and port of a socket, as configuration and log spell it.
#pragma once

#include <boost/asio/ip/udp.hpp>
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

}  // namespace dnsd
