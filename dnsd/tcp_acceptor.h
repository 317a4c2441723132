// What all listeners for TCP connections do alike.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace dnsd {

/// Opens and binds, without listening yet: fails where another server has the port, not where
/// connections of one before it linger. Throws std::system_error that names the address.
boost::asio::ip::tcp::acceptor bind_tcp(boost::asio::io_context& context,
                                        const boost::asio::ip::tcp::endpoint& endpoint);
/// Throws std::system_error that names the address.
void listen_tcp(boost::asio::ip::tcp::acceptor& acceptor);
/// True when the process or the machine is out of something that others may give back.
bool is_shortage(const boost::system::error_code& error);

}  // namespace dnsd
