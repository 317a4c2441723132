#include "dnsd/tcp_acceptor.h"

#include <boost/asio/ip/v6_only.hpp>
#include <cerrno>
#include <string>
#include <system_error>

#include "dnsd/endpoint.h"

namespace dnsd {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

void check(const error_code& error, const char* what, const tcp::endpoint& endpoint) {
  if (!error) return;
  throw std::system_error(
      error.value(), std::generic_category(),
      std::string(what) + " TCP " + to_text(Endpoint(endpoint.address(), endpoint.port())));
}

}  // namespace

tcp::acceptor bind_tcp(asio::io_context& context, const tcp::endpoint& endpoint) {
  error_code error;
  tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  check(error, "cannot open", endpoint);
  // Connections of a server before this one may linger in TIME_WAIT; a second server is still
  // noticed.
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  check(error, "cannot open", endpoint);
  if (endpoint.address().is_v6()) {  // so that 0.0.0.0 and [::] can stand side by side
    acceptor.set_option(asio::ip::v6_only(true), error);
    check(error, "cannot open", endpoint);
  }
  acceptor.bind(endpoint, error);
  check(error, "cannot bind", endpoint);
  return acceptor;
}

void listen_tcp(tcp::acceptor& acceptor) {
  error_code error;
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  check(error, "cannot listen on", acceptor.local_endpoint());
}

bool is_shortage(const error_code& error) {
  return error.value() == EMFILE || error.value() == ENFILE || error.value() == ENOBUFS ||
         error.value() == ENOMEM;
}

}  // namespace dnsd
