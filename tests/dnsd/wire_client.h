// The client's end of sockets on loopback. Reads wait until something comes or the other end
// closes; a test that waits for ever is ended by ctest.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <span>
#include <vector>

namespace dnsd::test {

class TcpClient {
 public:
  using Octets = std::vector<std::uint8_t>;

  template <class AnyEndpoint>
  explicit TcpClient(const AnyEndpoint& server) : socket_(context_) {
    socket_.connect({server.address(), server.port()});
  }

  static Octets framed(std::span<const std::uint8_t> message) {
    Octets octets = {static_cast<std::uint8_t>(message.size() >> 8),
                     static_cast<std::uint8_t>(message.size())};
    octets.insert(octets.end(), message.begin(), message.end());
    return octets;
  }
  void send_raw(std::span<const std::uint8_t> octets) {
    boost::asio::write(socket_, boost::asio::buffer(octets.data(), octets.size()));
  }
  void send(std::span<const std::uint8_t> message) { send_raw(framed(message)); }
  /// The next message; empty when the other end closed.
  Octets receive() {
    Octets length(2);
    boost::system::error_code error;
    boost::asio::read(socket_, boost::asio::buffer(length), error);
    if (error) return {};
    Octets message(static_cast<std::size_t>(length[0] << 8 | length[1]));
    boost::asio::read(socket_, boost::asio::buffer(message), error);
    return error ? Octets{} : message;
  }
  Octets ask(std::span<const std::uint8_t> message) {
    send(message);
    return receive();
  }
  boost::asio::ip::tcp::socket& socket() { return socket_; }

 private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
};

class UdpClient {
 public:
  using Octets = std::vector<std::uint8_t>;

  explicit UdpClient(const boost::asio::ip::udp::endpoint& server) : socket_(context_) {
    socket_.connect(server);
  }
  Octets ask(std::span<const std::uint8_t> message) {
    socket_.send(boost::asio::buffer(message.data(), message.size()));
    Octets answer(65'535);
    answer.resize(socket_.receive(boost::asio::buffer(answer)));
    return answer;
  }

 private:
  boost::asio::io_context context_;
  boost::asio::ip::udp::socket socket_;
};

}  // namespace dnsd::test
