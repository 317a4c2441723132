// The sockets of a PCP client: one that asks a server, one that hears announcements.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tools/pcp-ddns/config.h"

namespace pcp_ddns {

constexpr Address PCP_ANYCAST_V6{0x20, 0x01, 0, 1, 0, 0, 0, 0,
                                 0,    0,    0, 0, 0, 0, 0, 1};  // RFC 7723 §4

/// Connected, so that only the server's datagrams come in (RFC 6887 §8.3), and so that the kernel
/// says which address requests come from.
class PcpSocket {
 public:
  using OnDatagram = std::function<void(std::span<const std::uint8_t> octets)>;

  explicit PcpSocket(boost::asio::io_context& context) : socket_(context) {}

  /// @return empty, or what went wrong: "network is unreachable"
  std::string open(const PcpServer& server, OnDatagram on_datagram);
  void close();
  /// The address from which the server would be asked now; empty when there is no way to it.
  static std::optional<Address> local_towards(boost::asio::io_context& context,
                                              const PcpServer& server);
  /// That requests come from. After open().
  Address local() const { return local_; }
  /// A datagram that the network refuses is lost, as others are.
  void send(std::span<const std::uint8_t> octets);

 private:
  void receive();
  void drain(const OnDatagram& on_datagram);

  boost::asio::ip::udp::socket socket_;
  std::shared_ptr<OnDatagram> on_datagram_;
  Address local_{};
  std::array<std::uint8_t, 2048> buffer_{};
};

/// Listens on port 5350 for announcements of all servers (RFC 6887 §14.1.3). Others on this host
/// may do the same.
class AnnounceSocket {
 public:
  using OnDatagram =
      std::function<void(std::span<const std::uint8_t> octets, const PcpServer& from)>;

  explicit AnnounceSocket(boost::asio::io_context& context) : socket_(context) {}
  /// @param local  the address that requests come from: the group is joined on its interface
  /// @return empty, or what went wrong
  std::string open(const Address& local, OnDatagram on_datagram);
  void close();

 private:
  void receive();

  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::endpoint from_;
  std::shared_ptr<OnDatagram> on_datagram_;
  std::array<std::uint8_t, 2048> buffer_{};
};

boost::asio::ip::address to_asio(const Address& address);
Address from_asio(const boost::asio::ip::address& address);

}  // namespace pcp_ddns
