#include "tools/pcp-ddns/pcp_socket.h"

#include <linux/in6.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <utility>

namespace pcp_ddns {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

constexpr const char* ALL_HOSTS = "224.0.0.1";  // RFC 6887 §14.1.3
constexpr const char* ALL_NODES = "ff02::1";

udp::endpoint endpoint(const PcpServer& server) {
  asio::ip::address address = to_asio(server.address);
  if (server.interface != 0) {
    address = asio::ip::address_v6(address.to_v6().to_bytes(), server.interface);
  }
  return {address, server.port};
}

/// No temporary address (RFC 8981), since visitors are to find what comes from it.
void prefer_public_address(udp::socket& socket) {
  const int preference = 0x0002;  // IPV6_PREFER_SRC_PUBLIC (RFC 5014), which glibc has no name for
  setsockopt(socket.native_handle(), IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, &preference,
             sizeof preference);
}

}  // namespace

asio::ip::address to_asio(const Address& address) {
  if (keys::is_ipv4(address)) {
    asio::ip::address_v4::bytes_type octets{};
    std::copy(address.begin() + 12, address.end(), octets.begin());
    return asio::ip::address_v4(octets);
  }
  asio::ip::address_v6::bytes_type octets{};
  std::ranges::copy(address, octets.begin());
  return asio::ip::address_v6(octets);
}

Address from_asio(const asio::ip::address& address) {
  Address octets{};
  const auto v6 = address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4())
                                  : address.to_v6();
  std::ranges::copy(v6.to_bytes(), octets.begin());
  return octets;
}

std::string PcpSocket::open(const PcpServer& server, OnDatagram on_datagram) {
  close();
  const udp::endpoint to = endpoint(server);
  error_code error;
  socket_.open(to.protocol(), error);
  if (!error && to.address().is_v6()) prefer_public_address(socket_);
  if (!error && server.interface != 0) {
    const auto own =
        local_towards(static_cast<asio::io_context&>(socket_.get_executor().context()), server);
    if (own) socket_.bind(udp::endpoint(to_asio(*own), 0), error);
  }
  if (!error) socket_.connect(to, error);
  if (!error) socket_.non_blocking(true, error);
  if (error) {
    close();
    return error.message();
  }
  local_ = from_asio(socket_.local_endpoint(error).address());
  on_datagram_ = std::make_shared<OnDatagram>(std::move(on_datagram));
  receive();
  return {};
}

std::optional<Address> PcpSocket::local_towards(asio::io_context& context,
                                                const PcpServer& server) {
  if (server.interface != 0) {
    // A mapping is for the address that asks; the one beside a link-local router's is of no use.
    return local_towards(context, {PCP_ANYCAST_V6, PCP_SERVER_PORT});
  }
  const udp::endpoint to = endpoint(server);
  udp::socket socket(context);
  error_code error;
  socket.open(to.protocol(), error);
  if (!error && to.address().is_v6()) prefer_public_address(socket);
  if (!error) socket.connect(to, error);
  if (error) return std::nullopt;
  return from_asio(socket.local_endpoint(error).address());
}

void PcpSocket::close() {
  error_code ignored;
  socket_.close(ignored);
  on_datagram_.reset();
}

void PcpSocket::send(std::span<const std::uint8_t> octets) {
  error_code ignored;
  socket_.send(asio::buffer(octets.data(), octets.size()), 0, ignored);
}

void PcpSocket::receive() {
  // The handler of a socket that was closed, and perhaps opened anew, does nothing.
  socket_.async_receive(asio::buffer(buffer_), [this, weak = std::weak_ptr(on_datagram_)](
                                                   const error_code& error, std::size_t size) {
    const auto on_datagram = weak.lock();
    if (!on_datagram || error == asio::error::operation_aborted) return;
    if (!error) (*on_datagram)(std::span(buffer_).first(size));
    if (on_datagram != on_datagram_) return;
    drain(*on_datagram);
    receive();
  });
}

/// What waits as well, so that many answers are taken in together.
void PcpSocket::drain(const OnDatagram& on_datagram) {
  constexpr int MOST = 100;
  for (int i = 0; i < MOST; ++i) {
    error_code error;
    const std::size_t size = socket_.receive(asio::buffer(buffer_), 0, error);
    if (error) return;
    on_datagram(std::span(buffer_).first(size));
  }
}

std::string AnnounceSocket::open(const Address& local, OnDatagram on_datagram) {
  close();
  const asio::ip::address address = to_asio(local);
  const bool v4 = address.is_v4();
  error_code error;
  const auto good = [&error] { return !error; };
  socket_.open(v4 ? udp::v4() : udp::v6(), error);
  if (good()) socket_.set_option(udp::socket::reuse_address(true), error);
  if (good() && !v4) socket_.set_option(asio::ip::v6_only(true), error);
  if (good()) {
    socket_.bind(udp::endpoint(v4 ? udp::v4() : udp::v6(), PCP_CLIENT_PORT), error);
  }
  if (good()) {
    socket_.set_option(
        v4 ? asio::ip::multicast::join_group(asio::ip::make_address_v4(ALL_HOSTS), address.to_v4())
           : asio::ip::multicast::join_group(asio::ip::make_address_v6(ALL_NODES)),
        error);
  }
  if (error) {
    close();
    return error.message();
  }
  on_datagram_ = std::make_shared<OnDatagram>(std::move(on_datagram));
  receive();
  return {};
}

void AnnounceSocket::close() {
  error_code ignored;
  socket_.close(ignored);
  on_datagram_.reset();
}

void AnnounceSocket::receive() {
  socket_.async_receive_from(
      asio::buffer(buffer_), from_,
      [this, weak = std::weak_ptr(on_datagram_)](const error_code& error, std::size_t size) {
        const auto on_datagram = weak.lock();
        if (!on_datagram || error == asio::error::operation_aborted) return;
        if (!error) {
          const auto address = from_.address();
          const auto interface =
              address.is_v6() ? static_cast<std::uint32_t>(address.to_v6().scope_id()) : 0;
          (*on_datagram)(std::span(buffer_).first(size),
                         {from_asio(address), from_.port(), interface});
        }
        if (on_datagram == on_datagram_) receive();
      });
}

}  // namespace pcp_ddns
