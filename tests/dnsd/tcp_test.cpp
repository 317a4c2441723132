// TCP on loopback: pipelining, order, limits, deadlines, the ends of connections (RFC 7766).
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "dispatch_world.h"
#include "dnsd/tcp_connection.h"
#include "dnsd/tcp_listener.h"
#include "log_capture.h"
#include "wire_client.h"

namespace dnsd {
namespace {

using namespace std::chrono_literals;
using test::make_key;
using test::Octets;
using test::query;
using test::rcode_of;
using test::record;
using test::Signed;
using test::TcpClient;
using test::update;
using test::Verdict;
using test::World;
using zones::Rcode;
using zones::Type;

const boost::asio::ip::tcp::endpoint ANY_PORT(boost::asio::ip::address_v4::loopback(), 0);

struct Tcp {
  explicit Tcp(const TcpLimits& limits = {}, std::string_view zone = test::ZONE)
      : world({}, limits.max_transfers, zone),
        listener(std::span(&ANY_PORT, 1), world.publisher, limits) {
    listener.start(world.dispatcher);
  }
  ~Tcp() {
    listener.drain();
    world.gate.open();
    world.writer->stop();
    listener.stop();
  }
  auto endpoint() const { return listener.endpoints().at(0); }

  World world;
  TcpListener listener;
};

std::uint16_t id_of(const Octets& message) {
  return message.size() < 2 ? std::uint16_t{0}
                            : static_cast<std::uint16_t>(message[0] << 8 | message[1]);
}

Octets www(std::uint16_t id) { return zones::to_wire(query("www.example.org.", Type::A, id)); }

Signed add(const std::string& owner, std::uint16_t id) {
  return Signed(update("example.org.", {record(owner, Type::A, "192.0.2.9")}, id),
                make_key("editor."));
}

TEST(TcpListener, Rfc7766Pipelining) {
  for (const std::size_t threads : {1U, 2U}) {
    Tcp tcp({.threads = threads});
    TcpClient first(tcp.endpoint());
    TcpClient second(tcp.endpoint());
    for (TcpClient* client : {&first, &second}) {
      constexpr std::uint16_t COUNT = 2000;
      Octets all;
      for (std::uint16_t id = 1; id <= COUNT; ++id) {
        const Octets framed = TcpClient::framed(www(id));
        all.insert(all.end(), framed.begin(), framed.end());
      }
      client->send_raw(all);
      for (std::uint16_t id = 1; id <= COUNT; ++id) ASSERT_EQ(id_of(client->receive()), id);
    }
  }
}

// What had no room for its answer is answered once there is some, though nothing more comes.
TEST(TcpListener, Rfc7766PipeliningOfLargeAnswers) {
  std::string zone(test::ZONE);
  for (int i = 0; i < 20; ++i)
    zone += "big 60 TXT \"" + std::string(200, 'x') + std::to_string(i) + "\"\n";
  Tcp tcp({.idle_timeout = 1h}, zone);
  TcpClient client(tcp.endpoint());
  constexpr std::uint16_t COUNT = 200;
  Octets all;
  for (std::uint16_t id = 1; id <= COUNT; ++id) {
    const Octets framed =
        TcpClient::framed(zones::to_wire(query("big.example.org.", Type::TXT, id)));
    all.insert(all.end(), framed.begin(), framed.end());
  }
  client.send_raw(all);
  for (std::uint16_t id = 1; id <= COUNT; ++id) ASSERT_EQ(id_of(client.receive()), id);
}

// RFC 7766 §8: a message may come in any number of segments.
TEST(TcpListener, Rfc7766OneOctetAtATime) {
  Tcp tcp;
  TcpClient client(tcp.endpoint());
  client.socket().set_option(boost::asio::ip::tcp::no_delay(true));
  const Octets framed = TcpClient::framed(www(7));
  for (int round = 0; round < 2; ++round) {
    for (const std::uint8_t octet : framed) client.send_raw(std::span(&octet, 1));
    EXPECT_EQ(rcode_of(client.receive()), Rcode::NOERROR);
  }
}

TEST(TcpListener, LargestMessage) {
  Tcp tcp;
  TcpClient client(tcp.endpoint());
  // An OPT of padding fills the message.
  zones::Message message = query("www.example.org.", Type::A, 9);
  message.edns.emplace().options.push_back({zones::OptionCode::PADDING, {}});
  const std::size_t rest = 65'535 - zones::to_wire(message).size();
  message.edns->options[0].data.assign(rest, 0);
  const Octets octets = zones::to_wire(message);
  ASSERT_EQ(octets.size(), 65'535U);
  EXPECT_EQ(rcode_of(client.ask(octets)), Rcode::NOERROR);
  EXPECT_EQ(id_of(client.ask(www(10))), 10);
}

// RFC 7766 §6.2.1.1: a query behind an update does not wait for it.
TEST(TcpListener, Rfc7766QueriesOvertakeUpdates) {
  Tcp tcp;
  TcpClient client(tcp.endpoint());
  tcp.world.gate.shut();
  Signed change = add("new.example.org.", 1);
  client.send(change.octets);
  client.send(www(2));
  EXPECT_EQ(id_of(client.receive()), 2);
  tcp.world.gate.open();
  const Octets answer = client.receive();
  EXPECT_EQ(id_of(answer), 1);
  EXPECT_EQ(change.verdict(answer), Verdict::VALID);
  EXPECT_EQ(rcode_of(client.ask(zones::to_wire(query("new.example.org.", Type::A)))),
            Rcode::NOERROR);
}

TEST(TcpListener, ManyUpdatesInFlight) {
  Tcp tcp;
  TcpClient client(tcp.endpoint());
  constexpr std::uint16_t COUNT = 300;  // more than max-in-flight
  for (std::uint16_t id = 1; id <= COUNT; ++id) {
    client.send(add("n" + std::to_string(id) + ".example.org.", id).octets);
  }
  std::vector<bool> seen(COUNT + 1);
  for (int i = 0; i < COUNT; ++i) {
    const Octets answer = client.receive();
    ASSERT_EQ(rcode_of(answer), Rcode::NOERROR);
    seen.at(id_of(answer)) = true;
  }
  EXPECT_EQ(std::ranges::count(seen, true), COUNT);
}

TEST(TcpListener, NoMoreInFlightThanAllowed) {
  Tcp tcp({.max_in_flight = 1});
  TcpClient client(tcp.endpoint());
  TcpClient other(tcp.endpoint());
  tcp.world.gate.shut();
  client.send(add("a.example.org.", 1).octets);
  client.send(www(2));  // is not read while the update waits
  EXPECT_EQ(id_of(other.ask(www(3))), 3);
  tcp.world.gate.open();
  EXPECT_EQ(id_of(client.receive()), 1);
  EXPECT_EQ(id_of(client.receive()), 2);
}

// RFC 1035 §4.2.2: what is shorter than a header is no message, and such a peer is not understood.
TEST(TcpListener, ShortMessagesEndTheConnection) {
  Tcp tcp;
  for (const std::size_t size : {0U, 1U, 11U}) {
    TcpClient client(tcp.endpoint());
    client.send(www(1));
    client.send(Octets(size));
    EXPECT_EQ(id_of(client.receive()), 1);
    EXPECT_TRUE(client.receive().empty());
  }
}

TEST(TcpListener, ResponsesAreIgnored) {
  Tcp tcp;
  TcpClient client(tcp.endpoint());
  Octets response = www(1);
  response[2] |= 0x80;
  client.send(response);
  EXPECT_EQ(id_of(client.ask(www(2))), 2);
}

TEST(TcpListener, HalfClosedClientGetsItsAnswers) {
  Tcp tcp;
  TcpClient client(tcp.endpoint());
  tcp.world.gate.shut();
  client.send(add("new.example.org.", 1).octets);
  client.send(www(2));
  client.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send);
  EXPECT_EQ(id_of(client.receive()), 2);
  tcp.world.gate.open();
  EXPECT_EQ(id_of(client.receive()), 1);
  EXPECT_TRUE(client.receive().empty());
}

TEST(TcpListener, ClientThatLeavesWithAnUpdateInFlight) {
  Tcp tcp;
  tcp.world.gate.shut();
  {
    TcpClient client(tcp.endpoint());
    client.send(add("new.example.org.", 1).octets);
    EXPECT_EQ(id_of(client.ask(www(2))), 2);
    client.socket().set_option(boost::asio::socket_base::linger(true, 0));  // leaves by a reset
  }
  tcp.world.gate.open();
  TcpClient other(tcp.endpoint());
  // The writer takes one after the other.
  EXPECT_EQ(rcode_of(other.ask(add("b.example.org.", 3).octets)), Rcode::NOERROR);
  EXPECT_EQ(rcode_of(other.ask(zones::to_wire(query("new.example.org.", Type::A)))),
            Rcode::NOERROR);
}

TEST(TcpListener, LimitOfOneClient) {
  Tcp tcp({.max_connections_per_client = 2});
  TcpClient first(tcp.endpoint());
  auto second = std::make_unique<TcpClient>(tcp.endpoint());
  EXPECT_EQ(id_of(first.ask(www(1))), 1);
  EXPECT_EQ(id_of(second->ask(www(2))), 2);
  TcpClient third(tcp.endpoint());
  EXPECT_TRUE(third.receive().empty());
  // Once one has gone there is room; the server needs to see that first.
  second.reset();
  for (;;) {
    TcpClient again(tcp.endpoint());
    boost::system::error_code error;
    boost::asio::write(again.socket(), boost::asio::buffer(TcpClient::framed(www(4))), error);
    if (id_of(again.receive()) == 4) break;
  }
  EXPECT_GE(tcp.listener.counters().refused.load(), 1U);
}

// RFC 9210 §4.2: a new connection takes the place of the one that is idle for longest.
TEST(TcpListener, Rfc9210Section42TheIdlestGivesWay) {
  Tcp tcp({.max_connections = 3, .idle_timeout = 1h});
  TcpClient first(tcp.endpoint());
  TcpClient second(tcp.endpoint());
  TcpClient third(tcp.endpoint());
  std::uint16_t id = 1;
  for (TcpClient* client : {&second, &third, &first}) EXPECT_EQ(id_of(client->ask(www(id))), id);
  TcpClient fourth(tcp.endpoint());
  EXPECT_EQ(id_of(fourth.ask(www(7))), 7);
  EXPECT_TRUE(second.receive().empty());
  // Octets that make no message are no sign of life.
  third.send_raw(Octets{0, 50, 1});
  TcpClient fifth(tcp.endpoint());
  EXPECT_EQ(id_of(fifth.ask(www(8))), 8);
  EXPECT_TRUE(third.receive().empty());
  EXPECT_EQ(id_of(first.ask(www(9))), 9);
  EXPECT_EQ(tcp.listener.counters().displaced.load(), 2U);
  EXPECT_EQ(tcp.listener.counters().refused.load(), 0U);
}

TEST(TcpListener, RoomIsMadeOnEveryThread) {
  constexpr std::size_t MAX = 4;
  Tcp tcp({.max_connections = MAX, .idle_timeout = 1h, .threads = 3});
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (std::uint16_t id = 0; id < 50; ++id) {
    clients.push_back(std::make_unique<TcpClient>(tcp.endpoint()));
    EXPECT_EQ(id_of(clients.back()->ask(www(id))), id);
  }
  EXPECT_EQ(tcp.listener.counters().displaced.load(), 50U - MAX);
}

TEST(TcpListener, OneWhoDoesNotReadGivesWay) {
  std::string zone(test::ZONE);
  for (int i = 0; i < 200; ++i)
    zone += "big 60 TXT \"" + std::string(200, 'x') + std::to_string(i) + "\"\n";
  Tcp tcp({.max_connections = 1, .idle_timeout = 1h, .write_timeout = 1h}, zone);
  TcpClient greedy(tcp.endpoint());
  const Octets framed = TcpClient::framed(zones::to_wire(query("big.example.org.", Type::TXT)));
  greedy.socket().non_blocking(true);
  boost::system::error_code error;
  while (!error) greedy.socket().write_some(boost::asio::buffer(framed), error);
  TcpClient other(tcp.endpoint());
  EXPECT_EQ(id_of(other.ask(www(2))), 2);
}

TEST(TcpListener, AClientAtItsOwnLimitDisplacesNobody) {
  Tcp tcp({.max_connections = 2, .max_connections_per_client = 2, .idle_timeout = 1h});
  TcpClient first(tcp.endpoint());
  TcpClient second(tcp.endpoint());
  EXPECT_EQ(id_of(first.ask(www(1))), 1);
  EXPECT_EQ(id_of(second.ask(www(2))), 2);
  TcpClient third(tcp.endpoint());
  EXPECT_TRUE(third.receive().empty());
  EXPECT_EQ(id_of(first.ask(www(3))), 3);
  EXPECT_EQ(id_of(second.ask(www(4))), 4);
}

// An octet now and then does not put off the end of a message's time.
TEST(TcpListener, Slowloris) {
  Tcp tcp({.idle_timeout = 200ms});
  TcpClient slow(tcp.endpoint());
  slow.send_raw(Octets{0xFF, 0xFF});
  boost::system::error_code error;
  const Octets octet{0};
  while (!error) {
    boost::asio::write(slow.socket(), boost::asio::buffer(octet), error);
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(tcp.listener.counters().timeouts.load(), 1U);
}

// RFC 7766 §6.2.3
TEST(TcpListener, IdleConnectionsAreClosed) {
  Tcp tcp({.idle_timeout = 100ms});
  TcpClient silent(tcp.endpoint());
  TcpClient half(tcp.endpoint());
  half.send_raw(Octets{0, 50, 1, 2, 3});
  TcpClient once(tcp.endpoint());
  EXPECT_EQ(id_of(once.ask(www(1))), 1);
  EXPECT_TRUE(silent.receive().empty());
  EXPECT_TRUE(half.receive().empty());
  EXPECT_TRUE(once.receive().empty());
  EXPECT_EQ(tcp.listener.counters().timeouts.load(), 3U);
}

TEST(TcpListener, WhoWaitsForAnAnswerIsNotIdle) {
  Tcp tcp({.idle_timeout = 100ms});
  tcp.world.gate.shut();
  TcpClient waits(tcp.endpoint());
  waits.send(add("new.example.org.", 1).octets);
  EXPECT_EQ(id_of(waits.ask(www(2))), 2);
  // Two others become idle one after the other, so that more than one timeout passes.
  for (int i = 0; i < 2; ++i) {
    TcpClient idle(tcp.endpoint());
    EXPECT_TRUE(idle.receive().empty());
  }
  tcp.world.gate.open();
  EXPECT_EQ(id_of(waits.receive()), 1);
}

TEST(TcpListener, PeerThatDoesNotReadIsLeft) {
  std::string zone(test::ZONE);
  for (int i = 0; i < 200; ++i)
    zone += "big 60 TXT \"" + std::string(200, 'x') + std::to_string(i) + "\"\n";
  Tcp tcp({.write_timeout = 100ms}, zone);
  TcpClient client(tcp.endpoint());
  const Octets framed = TcpClient::framed(zones::to_wire(query("big.example.org.", Type::TXT)));
  // More than the kernel's buffers of both ends take, and the server's own.
  boost::system::error_code error;
  while (!error) boost::asio::write(client.socket(), boost::asio::buffer(framed), error);
  EXPECT_EQ(tcp.listener.counters().timeouts.load(), 1U);
  TcpClient other(tcp.endpoint());
  EXPECT_EQ(id_of(other.ask(www(2))), 2);
}

TEST(TcpListener, TransferBetweenOtherMessages) {
  constexpr std::size_t HOSTS = 20'000;
  std::string zone(test::ZONE);
  for (std::size_t i = 0; i < HOSTS; ++i) zone += "h" + std::to_string(i) + " 60 A 192.0.2.1\n";
  for (const std::size_t threads : {1U, 2U}) {
    Tcp tcp({.threads = threads}, zone);
    TcpClient client(tcp.endpoint());
    Signed request(query("example.org.", Type::AXFR, 5), make_key("reader."));
    client.send(www(4));
    client.send(request.octets);
    client.send(www(6));
    EXPECT_EQ(id_of(client.receive()), 4);
    TcpClient other(tcp.endpoint());
    EXPECT_EQ(id_of(other.ask(www(1))), 1);  // while the transfer stands still: nobody reads it
    std::size_t records = 0;
    int soas = 0;
    while (soas < 2) {
      const Octets octets = client.receive();
      ASSERT_EQ(id_of(octets), 5);
      ASSERT_EQ(request.verdict(octets), Verdict::VALID);
      const zones::Message message = test::parse(octets);
      records += message.answer.size();
      for (const zones::Record& one : message.answer) soas += one.type == Type::SOA ? 1 : 0;
    }
    EXPECT_EQ(records, HOSTS + 6);
    EXPECT_EQ(id_of(client.receive()), 6);
  }
}

TEST(TcpListener, StopAnswersWhatIsDecided) {
  World world;
  TcpListener listener(std::span(&ANY_PORT, 1), world.publisher, {});
  listener.start(world.dispatcher);
  TcpClient client(listener.endpoints().at(0));
  TcpClient idle(listener.endpoints().at(0));
  EXPECT_EQ(id_of(idle.ask(www(3))), 3);
  world.gate.shut();
  client.send(add("new.example.org.", 1).octets);
  EXPECT_EQ(id_of(client.ask(www(2))), 2);
  listener.drain();
  EXPECT_TRUE(idle.receive().empty());
  client.send(www(4));  // read no more, and no reason to reset the connection
  world.gate.open();
  world.writer->stop();
  listener.stop();
  EXPECT_EQ(id_of(client.receive()), 1);
  EXPECT_TRUE(client.receive().empty());
  EXPECT_EQ(listener.counters().open.load(), 0U);
}

TEST(TcpListener, AnswerThatComesAfterTheStopIsLost) {
  World world;
  {
    TcpListener listener(std::span(&ANY_PORT, 1), world.publisher, {});
    listener.start(world.dispatcher);
    TcpClient client(listener.endpoints().at(0));
    world.gate.shut();
    client.send(add("new.example.org.", 1).octets);
    EXPECT_EQ(id_of(client.ask(www(2))), 2);
    listener.stop();
    EXPECT_TRUE(client.receive().empty());
  }
  world.gate.open();
  world.writer->stop();
  EXPECT_EQ(world.writer->status().messages, 1U);
}

TEST(TcpListener, OutOfFilesIsNotTheEnd) {
  test::LogCapture log;
  Tcp tcp;
  TcpClient before(tcp.endpoint());
  EXPECT_EQ(id_of(before.ask(www(1))), 1);
  boost::asio::io_context context;
  boost::asio::ip::tcp::socket late(context, boost::asio::ip::tcp::v4());
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 3;  // no new file gets a number below this
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  late.connect(tcp.endpoint());
  EXPECT_EQ(id_of(before.ask(www(2))), 2);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  boost::asio::write(late, boost::asio::buffer(TcpClient::framed(www(3))));
  Octets answer(2);
  boost::asio::read(late, boost::asio::buffer(answer));
  EXPECT_GT(answer[0] << 8 | answer[1], 12);
}

// RFC 7828 §3.3.2: the time-out that the connection really has; 0 when there is no room for
// another.
TEST(TcpListener, Rfc7828KeepaliveTellsTheIdleTimeout) {
  zones::Message message = query("www.example.org.", Type::A);
  message.edns.emplace().options.push_back({zones::OptionCode::TCP_KEEPALIVE, {}});
  const Octets request = zones::to_wire(message);
  const auto keepalive = [&](TcpClient& client) {
    const zones::Message answer = test::parse(client.ask(request));
    const auto* option = answer.edns->find(zones::OptionCode::TCP_KEEPALIVE);
    EXPECT_TRUE(option != nullptr && option->data.size() == 2);
    return option->data.at(0) << 8 | option->data.at(1);
  };
  Tcp tcp({.max_connections = 4, .idle_timeout = 1h});
  TcpClient first(tcp.endpoint());
  EXPECT_EQ(keepalive(first), 36'000);
  TcpClient second(tcp.endpoint());
  EXPECT_EQ(keepalive(second), 36'000);
  TcpClient third(tcp.endpoint());
  EXPECT_EQ(keepalive(third), 3'600);
  EXPECT_EQ(keepalive(first), 3'600);
  TcpClient fourth(tcp.endpoint());
  EXPECT_EQ(keepalive(fourth), 0);
  EXPECT_EQ(keepalive(first), 0);  // which still works

  // What answers an update says it as well.
  Tcp other({.idle_timeout = 2500ms});
  TcpClient client(other.endpoint());
  zones::Message change =
      update("example.org.", {record("new.example.org.", Type::A, "192.0.2.9")});
  change.edns = message.edns;
  Signed change_request(change, make_key("editor."));
  const Octets octets = client.ask(change_request.octets);
  EXPECT_EQ(change_request.verdict(octets), Verdict::VALID);
  const zones::Message answer = test::parse(octets);
  const auto* option = answer.edns->find(zones::OptionCode::TCP_KEEPALIVE);
  ASSERT_NE(option, nullptr);
  EXPECT_EQ(option->data, (Octets{0, 25}));
}

TEST(TcpListener, PortThatIsTakenIsNamed) {
  Tcp tcp;
  const auto taken = tcp.endpoint();
  World world;
  try {
    TcpListener second(std::span(&taken, 1), world.publisher, {});
    second.start(world.dispatcher);
    FAIL() << "no error";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("TCP 127.0.0.1:" + std::to_string(taken.port())),
              std::string::npos);
  }
}

TEST(TcpClients, Limits) {
  TcpClients clients({.max_connections = 3, .max_connections_per_client = 2});
  const auto key = [](const char* text) {
    return TcpClients::key_of(boost::asio::ip::make_address(text));
  };
  EXPECT_EQ(key("2001:db8::1"), key("2001:db8::2"));  // one /64
  EXPECT_NE(key("2001:db8:0:1::1"), key("2001:db8::1"));
  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
  std::vector<TcpClients::Slot> slots;
  const auto take = [&](const char* text) {
    auto slot = clients.take(key(text));
    if (slot) slots.push_back(std::move(*slot));
    return slot.has_value();
  };
  EXPECT_TRUE(take("192.0.2.1"));
  EXPECT_TRUE(take("192.0.2.1"));
  EXPECT_FALSE(take("192.0.2.1"));
  EXPECT_FALSE(clients.is_full());
  EXPECT_FALSE(clients.crowded());
  EXPECT_TRUE(take("192.0.2.2"));
  EXPECT_TRUE(clients.crowded());
  EXPECT_TRUE(clients.is_full());
  EXPECT_FALSE(take("192.0.2.3"));
  EXPECT_TRUE(clients.has_too_many(key("192.0.2.1")));
  EXPECT_FALSE(clients.has_too_many(key("192.0.2.2")));
  EXPECT_FALSE(clients.has_too_many(key("192.0.2.3")));
  slots.clear();
  EXPECT_FALSE(clients.is_full());
  EXPECT_TRUE(take("192.0.2.3"));
}

}  // namespace
}  // namespace dnsd
