#include "tools/pcp-ddns/pcp_socket.h"

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
  const udp::endpoint to(to_asio(server.address), server.port);
  error_code error;
  socket_.open(to.protocol(), error);
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
  const udp::endpoint to(to_asio(server.address), server.port);
  udp::socket socket(context);
  error_code error;
  socket.open(to.protocol(), error);
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
          (*on_datagram)(std::span(buffer_).first(size),
                         {from_asio(from_.address()), from_.port()});
        }
        if (on_datagram == on_datagram_) receive();
      });
}

}  // namespace pcp_ddns
