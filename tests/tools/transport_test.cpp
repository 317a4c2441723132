// run_exchange() against servers on the loopback interface. They answer at once; what takes time
// (retries, time-outs) is tested with keys/exchange, which has no clock.
#include "tools/common/transport.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "zones/message.h"

namespace tools {
namespace {

using zones::Message;
using zones::Name;

keys::Exchange::MakeRequest request() {
  return [] {
    Message message;
    message.question.push_back({*Name::from_text("dyn.example"), zones::Type::SOA});
    return message;
  };
}

std::vector<std::uint8_t> answer(std::span<const std::uint8_t> octets, bool truncated) {
  auto message = *zones::parse_message(octets);
  message.header.qr = true;
  message.header.tc = truncated;
  return zones::to_wire(message);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(fd_); }
  void reset(int fd) {
    close(fd_);
    fd_ = fd;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return fd_; }  // NOLINT: it stands for the number

 private:
  int fd_;
};

/// UDP and TCP on the same free port of 127.0.0.1.
class Server {
 public:
  Server() {
    for (int i = 0; i < 100; ++i) {
      const Endpoint any = *Endpoint::numeric("127.0.0.1", 0);
      udp.reset(socket(AF_INET, SOCK_DGRAM, 0));  // one that is bound stays so
      tcp.reset(socket(AF_INET, SOCK_STREAM, 0));
      if (bind(tcp, any.address(), any.size()) != 0 || listen(tcp, 5) != 0) continue;
      sockaddr_storage bound{};
      socklen_t size = sizeof bound;
      getsockname(tcp, reinterpret_cast<sockaddr*>(&bound), &size);
      endpoint = Endpoint(reinterpret_cast<sockaddr*>(&bound), size);
      if (bind(udp, endpoint.address(), endpoint.size()) == 0) return;
    }
    throw std::runtime_error("no free port");
  }

  /// The next datagram is answered.
  void serve_udp(bool truncated) {
    std::uint8_t buffer[65535];
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        recvfrom(udp, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got <= 0) return;
    peer = Endpoint(reinterpret_cast<sockaddr*>(&from), size).to_text();
    const auto reply = answer({buffer, static_cast<std::size_t>(got)}, truncated);
    sendto(udp, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
  }
  /// The next connection gets its answer in single octets, or none.
  void serve_tcp(bool silent) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const Descriptor connection(accept(tcp, reinterpret_cast<sockaddr*>(&from), &size));
    peer = Endpoint(reinterpret_cast<sockaddr*>(&from), size).to_text();
    std::uint8_t length[2];
    if (recv(connection, length, 2, MSG_WAITALL) != 2) return;
    std::vector<std::uint8_t> octets(static_cast<std::size_t>(length[0] << 8 | length[1]));
    recv(connection, octets.data(), octets.size(), MSG_WAITALL);
    if (silent) return;
    std::vector<std::uint8_t> reply = answer(octets, false);
    reply.insert(reply.begin(), {static_cast<std::uint8_t>(reply.size() >> 8),
                                 static_cast<std::uint8_t>(reply.size() & 0xff)});
    for (const std::uint8_t octet : reply) send(connection, &octet, 1, MSG_NOSIGNAL);
  }

  Descriptor udp{-1};
  Descriptor tcp{-1};
  Endpoint endpoint;
  std::string peer;
};

keys::ExchangeOptions patient() {
  return {.try_timeout = std::chrono::seconds(60), .udp_tries = 2};
}

TEST(Transport, Udp) {
  Server server;
  std::thread thread([&] { server.serve_udp(false); });
  keys::Exchange exchange(request(), {}, patient());
  int sent = 0;
  const auto failure =
      run_exchange(exchange, server.endpoint, std::nullopt, [&sent](auto) { ++sent; });
  thread.join();
  EXPECT_FALSE(failure) << *failure;
  EXPECT_EQ(sent, 1);
  EXPECT_EQ(exchange.response().question.at(0).name.to_text(), "dyn.example.");
}

TEST(Transport, TruncatedGoesToTcp) {
  Server server;
  std::thread thread([&] {
    server.serve_udp(true);
    server.serve_tcp(false);
  });
  keys::Exchange exchange(request(), {}, patient());
  std::vector<std::vector<std::uint8_t>> sent;
  const auto failure = run_exchange(exchange, server.endpoint, std::nullopt, [&sent](auto octets) {
    sent.emplace_back(octets.begin(), octets.end());
  });
  thread.join();
  EXPECT_FALSE(failure) << *failure;
  EXPECT_FALSE(exchange.response().header.tc);
  EXPECT_EQ(sent.size(), 2U);
}

TEST(Transport, TcpOnlyFromALocalAddress) {
  Server server;
  std::thread thread([&] { server.serve_tcp(false); });
  keys::ExchangeOptions options = patient();
  options.tcp_only = true;
  keys::Exchange exchange(request(), {}, options);
  const auto failure = run_exchange(exchange, server.endpoint, Endpoint::numeric("127.0.0.9", 0));
  thread.join();
  EXPECT_FALSE(failure) << *failure;
  EXPECT_EQ(server.peer.substr(0, 10), "127.0.0.9#");
}

TEST(Transport, UdpFromALocalAddress) {
  Server server;
  std::thread thread([&] { server.serve_udp(false); });
  keys::Exchange exchange(request(), {}, patient());
  const auto failure = run_exchange(exchange, server.endpoint, Endpoint::numeric("127.0.0.9", 0));
  thread.join();
  EXPECT_FALSE(failure) << *failure;
  EXPECT_EQ(server.peer.substr(0, 10), "127.0.0.9#");
}

TEST(Transport, AConnectionThatEndsWithoutAnAnswer) {
  Server server;
  std::thread thread([&] { server.serve_tcp(true); });
  keys::ExchangeOptions options = patient();
  options.tcp_only = true;
  keys::Exchange exchange(request(), {}, options);
  const auto failure = run_exchange(exchange, server.endpoint, std::nullopt);
  thread.join();
  EXPECT_TRUE(failure);
}

TEST(Transport, NobodyListens) {
  Endpoint closed;
  {
    const Server server;
    closed = server.endpoint;
  }
  keys::ExchangeOptions options{.udp_tries = 1};
  keys::Exchange udp(request(), {}, options);
  EXPECT_EQ(run_exchange(udp, closed, std::nullopt), "connection refused");
  options.tcp_only = true;
  keys::Exchange tcp(request(), {}, options);
  EXPECT_EQ(run_exchange(tcp, closed, std::nullopt), "connection refused");
}

TEST(Endpoint, Text) {
  EXPECT_EQ(Endpoint::numeric("192.0.2.1", 53)->to_text(), "192.0.2.1#53");
  EXPECT_EQ(Endpoint::numeric("2001:db8::1", 5353)->to_text(), "2001:db8::1#5353");
  EXPECT_EQ(Endpoint::numeric("2001:db8::1", 5353)->port(), 5353);
  for (const char* text : {"", "localhost", "192.0.2.256", "192.0.2.1.2", "2001:db8:::1"}) {
    EXPECT_FALSE(Endpoint::numeric(text, 53)) << text;
  }
}

TEST(Endpoint, Resolve) {
  const auto four = Endpoint::resolve("127.0.0.1", 53, Family::IPV4);
  ASSERT_TRUE(four);
  EXPECT_EQ(four->front().to_text(), "127.0.0.1#53");
  const auto none = Endpoint::resolve("127.0.0.1", 53, Family::IPV6);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error(), "not found");
}

TEST(Endpoint, ResolvConf) {
  const struct {
    const char* text;
    Family family;
    std::vector<std::string> servers;
  } rows[] = {
      {"# x\nnameserver 192.0.2.1\n search a b\nnameserver\t2001:db8::1 # y\nnameserver x\n",
       Family::ANY,
       {"192.0.2.1#53", "2001:db8::1#53"}},
      {"nameserver 192.0.2.1\nnameserver 2001:db8::1\n", Family::IPV6, {"2001:db8::1#53"}},
      {"nameserver 192.0.2.1\nnameserver 2001:db8::1\n", Family::IPV4, {"192.0.2.1#53"}},
      {"; nameserver 192.0.2.1\n", Family::ANY, {"127.0.0.1#53"}},
      {"", Family::IPV6, {"::1#53"}},
  };
  const std::string file = testing::TempDir() + "resolv.conf." + std::to_string(::getpid());
  for (const auto& row : rows) {
    std::ofstream(file) << row.text;
    std::vector<std::string> servers;
    for (const Endpoint& server : resolvers(file, 53, row.family)) {
      servers.push_back(server.to_text());
    }
    EXPECT_EQ(servers, row.servers);
  }
  std::filesystem::remove(file);
  EXPECT_EQ(resolvers(file, 5353, Family::ANY).at(0).to_text(), "127.0.0.1#5353");
}

}  // namespace
}  // namespace tools
