// Transfers out: AXFR (RFC 5936), IXFR answered by the whole zone (RFC 1995 §4).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "dispatch_world.h"
#include "log_capture.h"

namespace dnsd {
namespace {

using test::make_key;
using test::Octets;
using test::query;
using test::rcode_of;
using test::record;
using test::Signed;
using test::update;
using test::Verdict;
using test::World;
using testing::HasSubstr;
using zones::Rcode;
using zones::Type;

zones::Message ixfr(std::uint32_t serial) {
  zones::Message message = query("example.org.", Type::IXFR);
  message.authority.push_back(
      record("example.org.", Type::SOA, "ns. h. " + std::to_string(serial) + " 60 60 60 60"));
  return message;
}

/// All messages of a transfer.
struct Stream {
  std::vector<Octets> messages;
  std::vector<zones::Record> records;
  TransferOut::Status last = TransferOut::Status::MORE;
};

Stream run(TransferOut& transfer) {
  Stream stream;
  Octets out(65'535);
  while (stream.last == TransferOut::Status::MORE) {
    const TransferOut::Step step = transfer.next(out);
    stream.last = step.status;
    if (step.octets == 0) break;
    stream.messages.emplace_back(out.begin(),
                                 out.begin() + static_cast<std::ptrdiff_t>(step.octets));
    const zones::Message message = test::parse(stream.messages.back());
    stream.records.insert(stream.records.end(), message.answer.begin(), message.answer.end());
  }
  return stream;
}

std::unique_ptr<TransferOut> begin(World& world, const Octets& request) {
  std::promise<Octets> later;
  World::Answer answer = world.ask_now(request, Transport::TCP, later);
  EXPECT_TRUE(answer.octets.empty());
  return std::move(answer.transfer);
}

std::string big_zone(int hosts) {
  std::string text(test::ZONE);
  for (int i = 0; i < hosts; ++i) {
    const std::string host = "host" + std::to_string(i);
    text += host + " 60 A 192.0.2.1\n" + host + " 60 TXT \"a text that takes some room, of host " +
            std::to_string(i) + "\"\n";
  }
  return text;
}

TEST(TransferOut, Rfc5936SmallZone) {
  World world;
  Signed request(query("EXAMPLE.org.", Type::AXFR, 0x1234), make_key("reader."));
  const auto transfer = begin(world, request.octets);
  ASSERT_TRUE(transfer);
  const Stream stream = run(*transfer);
  EXPECT_EQ(stream.last, TransferOut::Status::LAST);
  ASSERT_EQ(stream.messages.size(), 1U);
  EXPECT_EQ(request.verdict(stream.messages[0]), Verdict::VALID);
  const zones::Message message = test::parse(stream.messages[0]);
  // §2.2.1 and §2.2.2
  EXPECT_EQ(message.header.id, 0x1234);
  EXPECT_TRUE(message.header.qr);
  EXPECT_TRUE(message.header.aa);
  EXPECT_FALSE(message.header.tc);
  EXPECT_FALSE(message.header.ra);
  EXPECT_EQ(message.header.rcode, 0);
  ASSERT_EQ(message.question.size(), 1U);
  EXPECT_EQ(message.question[0].name.to_text(), "EXAMPLE.org.");
  EXPECT_EQ(message.question[0].type, Type::AXFR);
  EXPECT_TRUE(message.authority.empty());
  EXPECT_FALSE(message.edns);

  std::vector<std::string> lines;
  for (const zones::Record& one : stream.records) lines.push_back(zones::record_to_text(one));
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(stream.records.front().type, Type::SOA);  // §2.2
  EXPECT_EQ(lines.front(), lines.back());
  EXPECT_EQ(stream.records[0].owner.to_text(), "example.org.");  // as stored, not as asked (§3.4)
  EXPECT_THAT(lines, testing::Contains(HasSubstr("Mixed.Case.example.org.")));
  for (std::size_t i = 1; i + 1 < stream.records.size(); ++i) {
    EXPECT_NE(stream.records[i].type, Type::SOA);
  }
  EXPECT_EQ(transfer->records(), 6U);
  EXPECT_EQ(transfer->messages(), 1U);
  EXPECT_EQ(transfer->serial(), 5U);
}

TEST(TransferOut, Rfc5936OptInTheFirstMessage) {
  World world({}, 10, big_zone(2000));
  zones::Message message = query("example.org.", Type::AXFR);
  message.edns.emplace();
  Signed request(message, make_key("reader."));
  const auto transfer = begin(world, request.octets);
  ASSERT_TRUE(transfer);
  const Stream stream = run(*transfer);
  ASSERT_GT(stream.messages.size(), 1U);
  EXPECT_TRUE(test::parse(stream.messages[0]).edns);
  EXPECT_FALSE(test::parse(stream.messages[1]).edns);
  EXPECT_EQ(request.verdict(stream.messages[0]), Verdict::VALID);
}

TEST(TransferOut, Rfc8945EveryMessageOfABigZoneIsSigned) {
  constexpr int HOSTS = 5000;
  World world({}, 10, big_zone(HOSTS));
  Signed request(query("example.org.", Type::AXFR), make_key("reader."));
  const auto transfer = begin(world, request.octets);
  ASSERT_TRUE(transfer);
  const Stream stream = run(*transfer);
  EXPECT_EQ(stream.last, TransferOut::Status::LAST);
  EXPECT_GT(stream.messages.size(), 10U);
  EXPECT_EQ(stream.records.size(), 6U + 2 * HOSTS);
  for (std::size_t i = 0; i < stream.messages.size(); ++i) {
    EXPECT_LE(stream.messages[i].size(), TransferOut::MESSAGE_OCTETS);
    EXPECT_EQ(request.verdict(stream.messages[i]), Verdict::VALID) << i;
    EXPECT_EQ(test::parse(stream.messages[i]).question.size(), i == 0 ? 1U : 0U);
  }
  EXPECT_TRUE(request.client.complete());
  std::map<std::string, int> owners;
  for (const zones::Record& one : stream.records) ++owners[one.owner.to_text()];
  EXPECT_EQ(owners.size(), 4U + HOSTS);
  EXPECT_EQ(owners["host4999.example.org."], 2);
}

TEST(TransferOut, OneVersionWhateverIsUpdatedMeanwhile) {
  World world({}, 10, big_zone(2000));
  Signed request(query("example.org.", Type::AXFR), make_key("reader."));
  const auto transfer = begin(world, request.octets);
  ASSERT_TRUE(transfer);
  Octets out(65'535);
  TransferOut::Step step = transfer->next(out);
  ASSERT_EQ(step.status, TransferOut::Status::MORE);
  Signed change(
      update("example.org.", {record("zzz.example.org.", Type::A, "192.0.2.9"),
                              record("host1.example.org.", Type::ANY, "", 0, zones::Class::ANY)}),
      make_key("editor."));
  EXPECT_EQ(rcode_of(world.ask(change.octets)), Rcode::NOERROR);
  const Stream rest = run(*transfer);
  EXPECT_EQ(rest.last, TransferOut::Status::LAST);
  EXPECT_EQ(transfer->records(), 6U + 2 * 2000);
  EXPECT_EQ(zones::read_soa(rest.records.back().rdata).serial, 5U);
  for (const zones::Record& one : rest.records) EXPECT_NE(one.owner.to_text(), "zzz.example.org.");
}

TEST(TransferOut, EndsWhenItsTimeIsOver) {
  World world({}, 10, big_zone(2000), std::chrono::seconds(0));
  Signed request(query("example.org.", Type::AXFR), make_key("reader."));
  const auto transfer = begin(world, request.octets);
  ASSERT_TRUE(transfer);
  Octets out(65'535);
  // A pin on the newest version never expires …
  ASSERT_EQ(transfer->next(out).status, TransferOut::Status::MORE);
  Signed change(update("example.org.", {record("zzz.example.org.", Type::A, "192.0.2.9")}),
                make_key("editor."));
  EXPECT_EQ(rcode_of(world.ask(change.octets)), Rcode::NOERROR);
  // … but this one's is not the newest any more.
  EXPECT_EQ(transfer->next(out).status, TransferOut::Status::EXPIRED);
}

TEST(TransferOut, RecordThatFillsAMessage) {
  constexpr int STRINGS = 240;
  std::string text = std::string(test::ZONE) + "long 60 TXT";
  for (int i = 0; i < STRINGS; ++i) text += " \"" + std::string(255, 'x') + "\"";
  World world({}, 10, text + "\n");
  Signed request(query("example.org.", Type::AXFR), make_key("reader."));
  const auto transfer = begin(world, request.octets);
  ASSERT_TRUE(transfer);
  const Stream stream = run(*transfer);
  EXPECT_EQ(stream.last, TransferOut::Status::LAST);
  EXPECT_EQ(stream.records.size(), 7U);
  for (const Octets& message : stream.messages) EXPECT_EQ(request.verdict(message), Verdict::VALID);
}

TEST(TransferOut, WhoMayNot) {
  World world;
  test::LogCapture log;
  struct Row {
    const char* what;
    zones::Message message;
    const char* key;  // nullptr: not signed
    Transport transport;
    Rcode want;
    const char* line;
  };
  const Row rows[] = {
      {"not signed", query("example.org.", Type::AXFR), nullptr, Transport::TCP, Rcode::REFUSED,
       "transfer of example.org. to 192.0.2.99:4711 refused: not signed"},
      {"no grant", query("example.org.", Type::AXFR), "nobody.", Transport::TCP, Rcode::REFUSED,
       "no grant lets key nobody. transfer this zone"},
      {"grant to update only", query("example.org.", Type::AXFR), "hmac-sha256.", Transport::TCP,
       Rcode::REFUSED, ""},
      {"another zone", query("example.net.", Type::AXFR), "reader.", Transport::TCP, Rcode::REFUSED,
       ""},
      {"RFC 5936 §2.2.1 no such zone", query("www.example.org.", Type::AXFR), "reader.",
       Transport::TCP, Rcode::NOTAUTH, ""},
      {"RFC 5936 §4.2 UDP", query("example.org.", Type::AXFR), "reader.", Transport::UDP,
       Rcode::FORMERR, ""},
      {"RFC 5936 §4.2 UDP, not signed", query("example.org.", Type::AXFR), nullptr, Transport::UDP,
       Rcode::FORMERR, ""},
      {"IXFR not signed", ixfr(1), nullptr, Transport::TCP, Rcode::REFUSED, ""},
      {"IXFR not signed, UDP", ixfr(5), nullptr, Transport::UDP, Rcode::REFUSED, ""},
      {"RFC 1995 §3 IXFR without SOA", query("example.org.", Type::IXFR), "reader.", Transport::TCP,
       Rcode::FORMERR, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    std::promise<Octets> later;
    const auto check = [&](const Octets& octets) {
      World::Answer answer = world.ask_now(octets, row.transport, later);
      EXPECT_FALSE(answer.transfer);
      EXPECT_EQ(rcode_of(answer.octets), row.want);
      EXPECT_THAT(log.take(), HasSubstr(row.line));
      return answer.octets;
    };
    if (!row.key) {
      check(zones::to_wire(row.message));
      continue;
    }
    Signed request(row.message, make_key(row.key));
    EXPECT_EQ(request.verdict(check(request.octets)), Verdict::VALID);
  }
}

// RFC 1995 §2: up to date, or over UDP: the newest SOA alone. §4: else the whole zone.
TEST(TransferOut, Rfc1995) {
  World world;
  struct Row {
    const char* what;
    std::uint32_t serial;
    Transport transport;
    std::size_t records;
  };
  const Row rows[] = {
      {"older", 4, Transport::TCP, 6},      {"the same", 5, Transport::TCP, 1},
      {"newer", 6, Transport::TCP, 1},      {"RFC 1982 older", 0xffff'fff0, Transport::TCP, 6},
      {"older, UDP", 4, Transport::UDP, 1}, {"the same, UDP", 5, Transport::UDP, 1},
  };
  for (const Row& row : rows) {
    for (const bool edns : {false, true}) {
      SCOPED_TRACE(row.what);
      zones::Message message = ixfr(row.serial);
      if (edns) message.edns.emplace();
      Signed request(message, make_key("reader."));
      std::promise<Octets> later;
      World::Answer answer = world.ask_now(request.octets, row.transport, later);
      if (answer.transfer) answer.octets = run(*answer.transfer).messages.at(0);
      EXPECT_EQ(request.verdict(answer.octets), Verdict::VALID);
      const zones::Message response = test::parse(answer.octets);
      EXPECT_EQ(response.header.rcode, 0);
      EXPECT_TRUE(response.header.aa);
      EXPECT_EQ(response.question.at(0).type, Type::IXFR);
      EXPECT_EQ(response.edns.has_value(), edns);
      ASSERT_EQ(response.answer.size(), row.records);
      EXPECT_EQ(response.answer.front().type, Type::SOA);
      EXPECT_EQ(zones::read_soa(response.answer.front().rdata).serial, 5U);
    }
  }
}

TEST(TransferOut, NoMoreAtOnceThanAllowed) {
  World world({}, 2);
  test::LogCapture log;
  const auto ask = [&](World::Answer& answer) {
    Signed request(query("example.org.", Type::AXFR), make_key("reader."));
    std::promise<Octets> later;
    answer = world.ask_now(request.octets, Transport::TCP, later);
    const bool refused = !answer.octets.empty();
    EXPECT_EQ(refused, !answer.transfer);
    if (refused) {
      EXPECT_EQ(request.verdict(answer.octets), Verdict::VALID);
    }
  };
  World::Answer first;
  World::Answer second;
  World::Answer third;
  ask(first);
  ask(second);
  ask(third);
  EXPECT_TRUE(first.transfer && second.transfer);
  ASSERT_FALSE(third.transfer);
  EXPECT_EQ(rcode_of(third.octets), Rcode::SERVFAIL);
  EXPECT_THAT(log.take(), HasSubstr("too many at once"));

  // Whoever may not does not use them up (and is told so, whether there is one or not).
  std::promise<Octets> later;
  const Octets stranger = zones::to_wire(query("example.org.", Type::AXFR));
  EXPECT_EQ(rcode_of(world.ask_now(stranger, Transport::TCP, later).octets), Rcode::REFUSED);
  first.transfer.reset();
  ask(third);
  EXPECT_TRUE(third.transfer);
}

}  // namespace
}  // namespace dnsd
