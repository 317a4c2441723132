// What a message may look like, and what answers it: opcodes, counts, flags, classes, EDNS
// (RFC 1035 §4.1, RFC 6891, RFC 8906 §3, RFC 9619).
#include <gtest/gtest.h>

#include "dispatch_world.h"
#include "log_capture.h"

namespace dnsd {
namespace {

using test::Octets;
using test::rcode_of;
using zones::Rcode;

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// `bits` are the header's second 16.
Octets header(std::uint16_t bits, std::uint8_t qd, std::uint8_t an = 0, std::uint8_t ns = 0,
              std::uint8_t ar = 0) {
  return {0x12,
          0x34,
          static_cast<std::uint8_t>(bits >> 8),
          static_cast<std::uint8_t>(bits),
          0,
          qd,
          0,
          an,
          0,
          ns,
          0,
          ar};
}

constexpr std::uint16_t opcode(int number) { return static_cast<std::uint16_t>(number << 11); }

Octets question(std::uint8_t qtype = 1, std::uint8_t qclass = 1) {
  return Octets{3,   'w', 'w', 'w', 7,   'e', 'x', 'a',   'm', 'p',   'l',
                'e', 3,   'o', 'r', 'g', 0,   0,   qtype, 0,   qclass};
}

/// OPT with a payload size, an EDNS version, flags and RDATA.
Octets opt(const Octets& rdata = {}, std::uint8_t version = 0, std::uint16_t flags = 0,
           std::uint16_t size = 1232) {
  return Octets{0,
                0,
                41,
                static_cast<std::uint8_t>(size >> 8),
                static_cast<std::uint8_t>(size),
                0,
                version,
                static_cast<std::uint8_t>(flags >> 8),
                static_cast<std::uint8_t>(flags),
                0,
                static_cast<std::uint8_t>(rdata.size())} +
         rdata;
}

const Octets RECORD = {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1};
const Octets SOA = {0xC0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0, 0, 0, 0,
                    1,    0,  0, 0, 1, 0, 0, 0, 1, 0, 0, 0,  1, 0, 0, 0, 1};
const Octets CLIENT_COOKIE = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
const Octets FORGED_COOKIE = {0, 10, 0, 24, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0,
                              0, 0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
const Octets KEEPALIVE = {0, 11, 0, 0};
const Octets KEEPALIVE_TIME_OUT = {0, 11, 0, 2, 0, 100};

struct Row {
  const char* clause;
  Octets octets;
  std::optional<Rcode> want;  // none: silence
  int error = -1;             // INFO-CODE of the extended error; -1: none
};

/// The INFO-CODE of the extended error, -1 for none.
int error_of(const zones::Message& message) {
  const zones::EdnsOption* option =
      message.edns ? message.edns->find(zones::OptionCode::EXTENDED_ERROR) : nullptr;
  return option ? option->data.at(0) << 8 | option->data.at(1) : -1;
}

struct FormsWorld : test::World {
  FormsWorld() {
    auto policy = std::make_shared<Policy>(*test::make_test_policy());
    policy->cookies = std::make_shared<const Cookies>(std::vector{Cookies::random_secret()});
    writer->set_policy(policy);
  }
};

void check(std::span<const Row> rows) {
  FormsWorld world;
  const test::LogCapture log;
  for (const Row& row : rows) {
    for (const Transport transport : {Transport::UDP, Transport::TCP}) {
      SCOPED_TRACE(row.clause);
      const Octets octets = world.ask(row.octets, transport);
      ASSERT_EQ(octets.empty(), !row.want);
      if (!row.want) continue;
      const zones::Message answer = test::parse(octets);
      EXPECT_EQ(rcode_of(octets), *row.want);
      EXPECT_EQ(error_of(answer), row.error);
      EXPECT_TRUE(answer.header.qr);
      EXPECT_EQ(answer.header.id, 0x1234);
      EXPECT_EQ(static_cast<int>(answer.header.opcode), row.octets[2] >> 3 & 15);
      // Nothing is recursed for, validated, or reserved for us to set.
      EXPECT_FALSE(answer.header.ra || answer.header.ad || answer.header.z);
      if (!answer.edns) continue;
      EXPECT_EQ(answer.edns->version, 0);
      EXPECT_EQ(answer.edns->udp_octets, 1232);
    }
  }
}

TEST(MessageForms, Opcodes) {
  const Row rows[] = {
      {"RFC 1035 §4.1.1 a response to a query", header(0x8000, 1) + question(), std::nullopt},
      {"a response of another opcode", header(0x8000 | opcode(4), 1) + question(), std::nullopt},
      {"a response to an update", header(0x8000 | opcode(5), 1) + question(6), std::nullopt},
      {"a response without anything", header(0x8000, 0), std::nullopt},
      {"RFC 3425 §3 IQUERY",
       header(opcode(1), 0, 1) + Octets{0} + Octets(RECORD.begin() + 2, RECORD.end()),
       Rcode::NOTIMP},
      {"RFC 1035 §4.1.1 STATUS", header(opcode(2), 0), Rcode::NOTIMP},
      {"RFC 1996 §3.12 NOTIFY", header(opcode(4), 1) + question(6), Rcode::NOTIMP},
      {"NOTIFY with an SOA", header(opcode(4), 1, 1) + question(6) + SOA, Rcode::NOTIMP},
      {"NOTIFY with EDNS", header(opcode(4), 1, 0, 0, 1) + question(6) + opt(), Rcode::NOTIMP, 21},
      {"NOTIFY without a question", header(opcode(4), 0), Rcode::FORMERR},
      {"RFC 8906 §3.1.3 unknown opcode", header(opcode(15), 0), Rcode::NOTIMP},
      {"… of any form", header(opcode(14), 9, 9, 9, 9) + Octets{0xFF}, Rcode::NOTIMP},
      {"… with EDNS", header(opcode(15), 0, 0, 0, 1) + opt(), Rcode::NOTIMP, 21},
      {"… with EDNS of another version", header(opcode(15), 0, 0, 0, 1) + opt({}, 1),
       Rcode::BADVERS},
      {"RFC 8490 §5 DSO", header(opcode(6), 0) + Octets{0, 1, 0, 8, 0, 0, 0, 9, 0, 0, 0, 9},
       Rcode::NOTIMP},
  };
  check(rows);
}

TEST(MessageForms, Counts) {
  const Row rows[] = {
      {"RFC 9619 §4 one question", header(0, 1) + question(), Rcode::NOERROR},
      {"RFC 9619 §4 two questions", header(0, 2) + question() + question(), Rcode::FORMERR},
      {"… one of them missing", header(0, 2) + question(), Rcode::FORMERR},
      {"RFC 9619 §4 none", header(0, 0), Rcode::FORMERR},
      {"none, with EDNS", header(0, 0, 0, 0, 1) + opt(), Rcode::FORMERR},
      {"RFC 7873 §5.4 none, with a client cookie", header(0, 0, 0, 0, 1) + opt(CLIENT_COOKIE),
       Rcode::NOERROR},
      {"RFC 7873 §5.4 … with a server cookie that is not ours",
       header(0, 0, 0, 0, 1) + opt(FORGED_COOKIE), Rcode::BADCOOKIE},
      {"… and EDNS of another version", header(0, 0, 0, 0, 1) + opt(CLIENT_COOKIE, 1),
       Rcode::FORMERR},
      {"… and octets behind it", header(0, 0, 0, 0, 1) + opt(CLIENT_COOKIE) + Octets{0},
       Rcode::FORMERR},
      {"an answer record", header(0, 1, 1) + question() + RECORD, Rcode::NOERROR},
      {"an authority record", header(0, 1, 0, 1) + question() + RECORD, Rcode::NOERROR},
      {"an additional record", header(0, 1, 0, 0, 1) + question() + RECORD, Rcode::NOERROR},
      {"an additional record before OPT", header(0, 1, 0, 0, 2) + question() + RECORD + opt(),
       Rcode::NOERROR},
      {"records that are not there", header(0, 1, 1) + question(), Rcode::FORMERR},
      {"records that are not counted", header(0, 1) + question() + RECORD, Rcode::FORMERR},
  };
  check(rows);
}

TEST(MessageForms, Classes) {
  const Row rows[] = {
      {"IN", header(0, 1) + question(1, 1), Rcode::NOERROR},
      {"CHAOS", header(0, 1) + question(1, 3), Rcode::REFUSED},
      {"HESIOD", header(0, 1) + question(1, 4), Rcode::REFUSED},
      {"RFC 1035 §3.2.5 ANY", header(0, 1) + question(1, 255), Rcode::REFUSED},
      {"RFC 2136 §1.3 NONE", header(0, 1) + question(1, 254), Rcode::REFUSED},
      {"RFC 6895 §3.2 class 0", header(0, 1) + question(1, 0), Rcode::REFUSED},
      {"with EDNS", header(0, 1, 0, 0, 1) + question(1, 254) + opt(), Rcode::REFUSED, 20},
      {"AXFR in CHAOS", header(0, 1) + question(252, 3), Rcode::REFUSED},
  };
  check(rows);
}

// RFC 8906 §3.1.2, §3.1.4: flags of the header that mean nothing here change nothing.
TEST(MessageForms, Flags) {
  FormsWorld world;
  const Octets want = world.ask(header(0, 1) + question());
  constexpr std::uint16_t IGNORED[] = {0x0040, 0x0020, 0x0400,   // Z, AD, AA
                                       0x0200, 0x0080, 0x0005};  // TC, RA, an RCODE
  for (const std::uint16_t bits : IGNORED) {
    SCOPED_TRACE(bits);
    EXPECT_EQ(world.ask(header(bits, 1) + question()), want);
  }
  // RFC 1035 §4.1.1 RD and RFC 4035 §3.1.6 CD are copied.
  constexpr std::uint16_t COPIED[] = {0x0100, 0x0010};
  for (const std::uint16_t bits : COPIED) {
    SCOPED_TRACE(bits);
    Octets copied = want;
    copied[2] |= static_cast<std::uint8_t>(bits >> 8);
    copied[3] |= static_cast<std::uint8_t>(bits);
    EXPECT_EQ(world.ask(header(bits, 1) + question()), copied);
  }
}

TEST(MessageForms, Edns) {
  const auto with = [](const Octets& its_opt) {
    return header(0, 1, 0, 0, 1) + question() + its_opt;
  };
  const Row rows[] = {
      {"RFC 6891 §6.1.1 OPT", with(opt()), Rcode::NOERROR},
      {"RFC 6891 §6.1.1 two OPTs", header(0, 1, 0, 0, 2) + question() + opt() + opt(),
       Rcode::FORMERR},
      {"RFC 6891 §6.1.1 two OPTs of another version",
       header(0, 1, 0, 0, 2) + question() + opt({}, 1) + opt({}, 1), Rcode::FORMERR},
      {"RFC 6891 §6.1.1 OPT among the answers", header(0, 1, 1) + question() + opt(),
       Rcode::FORMERR},
      {"RFC 6891 §6.1.2 an unknown option", with(opt({0xFD, 0xE9, 0, 1, 7})), Rcode::NOERROR},
      {"RFC 6891 §6.1.2 an unknown option, twice", with(opt({0xFD, 0xE9, 0, 0, 0xFD, 0xE9, 0, 0})),
       Rcode::NOERROR},
      {"RFC 6891 §6.1.2 an option that is cut", with(opt({0xFD, 0xE9, 0, 2, 7})), Rcode::FORMERR},
      {"RFC 6891 §6.1.3 another version", with(opt({}, 1)), Rcode::BADVERS},
      {"RFC 6891 §6.1.3 … whatever its options are", with(opt({1, 2, 3}, 255)), Rcode::BADVERS},
      {"RFC 6891 §6.1.3 … and whatever is asked",
       header(0, 1, 0, 0, 1) + question(255, 255) + opt({}, 1), Rcode::BADVERS},
      {"RFC 6891 §6.1.3 … a transfer as well", header(0, 1, 0, 0, 1) + question(252) + opt({}, 1),
       Rcode::BADVERS},
      {"RFC 8914 REFUSED", header(0, 1, 0, 0, 1) + Octets{0, 0, 1, 0, 1} + opt(), Rcode::REFUSED,
       20},
      {"RFC 8914 NOTIMP", header(0, 1, 0, 0, 1) + question(249) + opt(), Rcode::NOTIMP, 21},
      {"RFC 8914 an update that is not signed", header(opcode(5), 1, 0, 0, 1) + question(6) + opt(),
       Rcode::REFUSED, 18},
      {"RFC 6891 §6.1.1 no OPT, no extended error", header(0, 1) + Octets{0, 0, 1, 0, 1},
       Rcode::REFUSED},
  };
  check(rows);
}

TEST(MessageForms, Rfc6891Section614Flags) {
  FormsWorld world;
  constexpr std::uint16_t FLAGS[] = {0x0000, 0x8000, 0x7fff, 0xffff, 0x4000};
  for (const std::uint16_t flags : FLAGS) {
    SCOPED_TRACE(flags);
    const Octets octets = world.ask(header(0, 1, 0, 0, 1) + question() + opt({}, 0, flags));
    EXPECT_EQ(test::parse(octets).edns->flags, flags & 0x8000);  // DO alone (RFC 3225 §3)
    const Octets bad = world.ask(header(0, 1, 0, 0, 1) + question() + opt({}, 1, flags));
    EXPECT_EQ(test::parse(bad).edns->flags, flags & 0x8000);
  }
}

TEST(MessageForms, Rfc6891Section623SizesBelow512Are512) {
  std::string zone(test::ZONE);
  for (int i = 10; i < 30; ++i) zone += "www 60 A 192.0.2." + std::to_string(i) + "\n";
  test::World world({}, 10, zone);
  const auto ask = [&](std::uint16_t size) {
    return world.ask(header(0, 1, 0, 0, 1) + question() + opt({}, 0, 0, size));
  };
  const Octets want = ask(512);
  EXPECT_GT(want.size(), 300U);
  EXPECT_FALSE(test::parse(want).header.tc);
  constexpr std::uint16_t SMALL[] = {0, 1, 100, 511};
  for (const std::uint16_t size : SMALL) EXPECT_EQ(ask(size), want) << size;
}

TEST(MessageForms, Rfc7873Section54ACookieAlone) {
  FormsWorld world;
  const Octets first = world.ask(header(0, 0, 0, 0, 1) + opt(CLIENT_COOKIE));
  const zones::Message answer = test::parse(first);
  EXPECT_TRUE(answer.question.empty() && answer.answer.empty() && answer.authority.empty());
  const zones::EdnsOption* cookie = answer.edns->find(zones::OptionCode::COOKIE);
  ASSERT_NE(cookie, nullptr);
  ASSERT_EQ(cookie->data.size(), Cookies::OCTETS);
  const Octets option = Octets{0, 10, 0, Cookies::OCTETS} + cookie->data;
  EXPECT_EQ(world.ask(header(0, 0, 0, 0, 1) + opt(option)), first);
  // Where the option is ignored, it does not excuse the form.
  test::World ignorant;
  EXPECT_EQ(rcode_of(ignorant.ask(header(0, 0, 0, 0, 1) + opt(CLIENT_COOKIE))), Rcode::FORMERR);
}

TEST(MessageForms, Rfc7828Section33Keepalive) {
  FormsWorld world;
  const auto ask = [&](const Octets& rdata, Transport transport) {
    return test::parse(world.ask(header(0, 1, 0, 0, 1) + question() + opt(rdata), transport));
  };
  const auto has_it = [](const zones::Message& message) {
    return message.edns->find(zones::OptionCode::TCP_KEEPALIVE) != nullptr;
  };
  const auto rcode = [](const zones::Message& message) {
    return static_cast<Rcode>(message.header.rcode);
  };
  const zones::Message udp = ask(KEEPALIVE, Transport::UDP);
  EXPECT_EQ(rcode(udp), Rcode::NOERROR);
  EXPECT_FALSE(has_it(udp));
  const zones::Message tcp = ask(KEEPALIVE, Transport::TCP);
  EXPECT_EQ(rcode(tcp), Rcode::NOERROR);
  EXPECT_TRUE(has_it(tcp));
  // §3.2.1 clients must not tell a time-out; §3.3.1 over UDP whatever is there is ignored.
  const zones::Message ignored = ask(KEEPALIVE_TIME_OUT, Transport::UDP);
  EXPECT_EQ(rcode(ignored), Rcode::NOERROR);
  EXPECT_FALSE(has_it(ignored));
  const zones::Message refused = ask(KEEPALIVE_TIME_OUT, Transport::TCP);
  EXPECT_EQ(rcode(refused), Rcode::FORMERR);
  EXPECT_FALSE(has_it(refused));
  EXPECT_FALSE(has_it(ask({}, Transport::TCP)));
}

}  // namespace
}  // namespace dnsd
