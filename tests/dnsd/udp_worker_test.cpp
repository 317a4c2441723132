#include "dnsd/udp_worker.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace dnsd {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using Octets = std::vector<std::uint8_t>;

udp::endpoint any_port(const std::string& address) { return {asio::ip::make_address(address), 0}; }

State state_of_version(std::uint64_t version) {
  State state;
  state.version = version;
  state.policy = std::make_shared<const Policy>();
  return state;
}

/// A client on a loopback address of its own. A connected socket takes answers from the address
/// asked only.
class Client {
 public:
  explicit Client(const udp::endpoint& server) : socket_(context_, server.protocol()) {
    socket_.connect(server);
  }
  void send(const Octets& octets) { socket_.send(asio::buffer(octets)); }
  /// Nothing when nothing comes; no test waits for that to pass.
  std::optional<Octets> receive() {
    pollfd wait{socket_.native_handle(), POLLIN, 0};
    if (poll(&wait, 1, 10'000) != 1) return std::nullopt;
    Octets octets(70'000);
    octets.resize(socket_.receive(asio::buffer(octets)));
    return octets;
  }
  std::optional<Octets> exchange(const Octets& octets) {
    send(octets);
    return receive();
  }
  udp::endpoint endpoint() const { return socket_.local_endpoint(); }

 private:
  asio::io_context context_;
  udp::socket socket_;
};

/// Answers with the octets and "!"; keeps silent about "silence".
std::size_t echo(const State&, std::span<const std::uint8_t> octets, const zones::Glimpse&,
                 const Peer&, std::span<std::uint8_t> out, const std::function<SendLater()>&) {
  const std::string_view silence = "silence";
  if (std::equal(octets.begin(), octets.end(), silence.begin(), silence.end())) return 0;
  std::copy(octets.begin(), octets.end(), out.begin());
  out[octets.size()] = '!';
  return octets.size() + 1;
}

class UdpWorkerTest : public testing::Test {
 protected:
  UdpWorker make(std::initializer_list<udp::endpoint> listen, DatagramHandler handler = echo) {
    const std::vector<udp::endpoint> addresses(listen);
    return UdpWorker(addresses, publisher_, std::move(handler));
  }
  StatePublisher publisher_{state_of_version(1)};
};

TEST_F(UdpWorkerTest, AnswersOnEachAddress) {
  UdpWorker worker = make({any_port("127.0.0.1"), any_port("::1"), any_port("127.0.0.2")});
  worker.start();
  const std::vector<udp::endpoint> endpoints = worker.endpoints();
  ASSERT_EQ(endpoints.size(), 3U);
  for (const udp::endpoint& endpoint : endpoints) {
    EXPECT_NE(endpoint.port(), 0);
    Client client(endpoint);
    EXPECT_EQ(client.exchange({'a'}), (Octets{'a', '!'}));
    EXPECT_EQ(client.exchange({'b', 'c'}), (Octets{'b', 'c', '!'}));
  }
  worker.stop();
  EXPECT_EQ(worker.counters().received, 6U);
}

TEST_F(UdpWorkerTest, AnswersFromTheAddressAsked) {
  UdpWorker worker = make({any_port("0.0.0.0"), any_port("::")});
  worker.start();
  const std::uint16_t port4 = worker.endpoints()[0].port();
  for (const char* address : {"127.0.0.1", "127.0.0.2", "127.1.2.3"}) {
    Client client({asio::ip::make_address(address), port4});
    EXPECT_EQ(client.exchange({'4'}), (Octets{'4', '!'})) << address;
  }
  Client client6({asio::ip::make_address("::1"), worker.endpoints()[1].port()});
  EXPECT_EQ(client6.exchange({'6'}), (Octets{'6', '!'}));
}

TEST_F(UdpWorkerTest, TellsTheHandlerThePeer) {
  const struct {
    const char* address;
    std::array<std::uint8_t, 16> want;
  } rows[] = {
      {"127.0.0.1", {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1}},
      {"::1", {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.address);
    Peer seen;
    UdpWorker worker = make(
        {any_port(row.address)},
        [&seen](const State&, std::span<const std::uint8_t>, const zones::Glimpse&,
                const Peer& peer, std::span<std::uint8_t> out, const std::function<SendLater()>&) {
          seen = peer;
          out[0] = '!';
          return std::size_t{1};
        });
    worker.start();
    Client client(worker.endpoints()[0]);
    EXPECT_TRUE(client.exchange({'?'}));
    worker.stop();
    EXPECT_EQ(seen.address, row.want);
    EXPECT_EQ(seen.port, client.endpoint().port());
    EXPECT_EQ(seen.transport, Transport::UDP);
  }
}

TEST_F(UdpWorkerTest, TakesWhatWaitsInBatches) {
  UdpWorker worker = make({any_port("127.0.0.1")});
  Client client(worker.endpoints()[0]);
  // Sent before anybody takes them, so the worker finds more than one batch.
  for (std::uint8_t i = 0; i < 100; ++i) client.send({i});
  worker.start();
  for (std::uint8_t i = 0; i < 100; ++i) ASSERT_EQ(client.receive(), (Octets{i, '!'}));
  worker.stop();
  EXPECT_EQ(worker.counters().received, 100U);
  EXPECT_EQ(worker.counters().sent, 100U);
  EXPECT_EQ(worker.counters().batches, 2U);
  EXPECT_EQ(worker.counters().send_errors, 0U);
}

TEST_F(UdpWorkerTest, SilenceIsAnAnswerToo) {
  UdpWorker worker = make({any_port("127.0.0.1")});
  Client client(worker.endpoints()[0]);
  client.send({'1'});
  client.send({'s', 'i', 'l', 'e', 'n', 'c', 'e'});
  client.send({});
  client.send({'2'});
  worker.start();
  EXPECT_EQ(client.receive(), (Octets{'1', '!'}));
  EXPECT_EQ(client.receive(), (Octets{'!'}));
  EXPECT_EQ(client.receive(), (Octets{'2', '!'}));
  worker.stop();
  EXPECT_EQ(worker.counters().sent, 3U);
}

TEST_F(UdpWorkerTest, TakesTheLargestDatagram) {
  std::size_t seen = 0;
  UdpWorker worker =
      make({any_port("127.0.0.1")},
           [&seen](const State&, std::span<const std::uint8_t> octets, const zones::Glimpse&,
                   const Peer&, std::span<std::uint8_t> out, const std::function<SendLater()>&) {
             seen = octets.size();
             return out.size();
           });
  worker.start();
  Client client(worker.endpoints()[0]);
  const auto answer = client.exchange(Octets(65'507));
  worker.stop();
  EXPECT_EQ(seen, 65'507U);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->size(), UdpWorker::MAX_ANSWER_OCTETS);
}

TEST_F(UdpWorkerTest, SendsLaterFromTheAddressAskedEvenWhenStopped) {
  std::promise<SendLater> promise;
  std::future<SendLater> future = promise.get_future();
  const std::vector<udp::endpoint> listen = {any_port("0.0.0.0"), any_port("::1")};
  auto worker = std::make_unique<UdpWorker>(
      listen, publisher_,
      [&promise](const State&, std::span<const std::uint8_t> octets, const zones::Glimpse&,
                 const Peer&, std::span<std::uint8_t>,
                 const std::function<SendLater()>& send_later) {
        if (octets[0] == 'l') promise.set_value(send_later());
        return std::size_t{0};
      });
  worker->start();
  Client client({asio::ip::make_address("127.0.0.3"), worker->endpoints()[0].port()});
  client.send({'l'});
  client.send({'x'});
  SendLater later = future.get();
  later({'o', 'n', 'e'});
  EXPECT_EQ(client.receive(), (Octets{'o', 'n', 'e'}));
  worker.reset();
  later({'t', 'w', 'o'});
  EXPECT_EQ(client.receive(), (Octets{'t', 'w', 'o'}));
}

TEST_F(UdpWorkerTest, ShowsTheStateThatWasPublishedBeforeTheQuestion) {
  UdpWorker worker =
      make({any_port("127.0.0.1")},
           [](const State& state, std::span<const std::uint8_t>, const zones::Glimpse&, const Peer&,
              std::span<std::uint8_t> out, const std::function<SendLater()>&) {
             out[0] = static_cast<std::uint8_t>(state.version);
             return std::size_t{1};
           });
  worker.start();
  Client client(worker.endpoints()[0]);
  EXPECT_EQ(client.exchange({'?'}), Octets{1});
  for (std::uint8_t version = 2; version < 50; ++version) {
    publisher_.publish(state_of_version(version));
    ASSERT_EQ(client.exchange({'?'}), Octets{version});
  }
}

TEST_F(UdpWorkerTest, WorkersShareAnAddress) {
  UdpWorker first = make({any_port("127.0.0.1")});
  UdpWorker second = make({first.endpoints()[0]});
  first.start();
  second.start();
  // Each client is some worker's; which one is the kernel's choice.
  for (std::uint8_t i = 0; i < 32; ++i) {
    Client client(first.endpoints()[0]);
    ASSERT_EQ(client.exchange({i}), (Octets{i, '!'}));
  }
  first.stop();
  second.stop();
  EXPECT_EQ(first.counters().received + second.counters().received, 32U);
}

TEST_F(UdpWorkerTest, StopsWhenIdleAndTwice) {
  UdpWorker never_started = make({any_port("127.0.0.1")});
  never_started.stop();
  UdpWorker worker = make({any_port("127.0.0.1")});
  worker.start();
  worker.stop();
  worker.stop();
  EXPECT_EQ(worker.counters().received, 0U);
}

TEST_F(UdpWorkerTest, NamesTheAddressThatItCannotBind) {
  asio::io_context context;
  udp::socket taken(context, any_port("127.0.0.1"));
  const udp::endpoint mapped = taken.local_endpoint();
  try {
    make({any_port("127.0.0.1"), mapped});
    FAIL() << "bound twice";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EADDRINUSE);
    EXPECT_NE(std::string(error.what()).find("127.0.0.1:" + std::to_string(mapped.port())),
              std::string::npos)
        << error.what();
  }
  try {
    make({any_port("2001:db8::1")});
    FAIL() << "bound to an address of documentation";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("[2001:db8::1]:0"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace dnsd
