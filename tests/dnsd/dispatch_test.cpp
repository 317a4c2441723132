// Dispatch: who is answered, how it is signed, what the operator is told.
#include "dnsd/dispatch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dispatch_world.h"
#include "dnsd/dispatch_log.h"
#include "log_capture.h"

namespace dnsd {
namespace {

using test::make_key;
using test::NOW;
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

zones::Message add_www() {
  return update("example.org.", {record("new.example.org.", Type::A, "192.0.2.9")});
}

TEST(Dispatch, Rfc1035SilenceAndFormerr) {
  World world;
  const Octets good = zones::to_wire(query("www.example.org.", Type::A));
  Octets response = good;
  response[2] |= 0x80;
  Octets trailing = good;
  trailing.push_back(0);
  struct Row {
    const char* what;
    Octets octets;
    std::optional<Rcode> want;  // none: silence
  };
  const Row rows[] = {
      {"nothing", {}, std::nullopt},
      {"shorter than a header", Octets(good.begin(), good.begin() + 11), std::nullopt},
      {"a response", response, std::nullopt},
      {"cut in the question", Octets(good.begin(), good.begin() + 20), Rcode::FORMERR},
      {"octets behind the end", trailing, Rcode::FORMERR},
      {"a query", good, Rcode::NOERROR},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Octets answer = world.ask(row.octets);
    ASSERT_EQ(answer.empty(), !row.want);
    if (!row.want) continue;
    EXPECT_EQ(answer[0], good[0]);
    EXPECT_EQ(answer[1], good[1]);
    EXPECT_EQ(answer[2] & 0x80, 0x80);
    EXPECT_EQ(answer[3] & 0x0f, static_cast<int>(*row.want));
  }
}

TEST(Dispatch, OtherOpcodesAreNotImplemented) {
  World world;
  // NOTIFY: RFC 1996 §3.12.
  for (const int opcode : {1, 2, 3, 4, 6, 15}) {
    SCOPED_TRACE(opcode);
    zones::Message message = query("example.org.", Type::SOA);
    message.header.opcode = static_cast<zones::Opcode>(opcode);
    const zones::Message answer = test::parse(world.ask(zones::to_wire(message)));
    EXPECT_EQ(answer.header.rcode, static_cast<int>(Rcode::NOTIMP));
    EXPECT_EQ(static_cast<int>(answer.header.opcode), opcode);

    Signed with_key(message, make_key("nobody."));
    const Octets octets = world.ask(with_key.octets);
    EXPECT_EQ(rcode_of(octets), Rcode::NOTIMP);
    EXPECT_EQ(with_key.verdict(octets), Verdict::VALID);
  }
}

// RFC 8945 §5.3: every answer to a valid signature is signed.
TEST(Dispatch, Rfc8945AnswersAreSigned) {
  World world;
  struct Row {
    const char* what;
    zones::Message message;
    const char* key;
    Rcode want;
  };
  const Row rows[] = {
      {"query", query("www.example.org.", Type::A), "nobody.", Rcode::NOERROR},
      {"SOA query, as certbot's", query("example.org.", Type::SOA), "editor.", Rcode::NOERROR},
      {"NXDOMAIN", query("no.example.org.", Type::A), "nobody.", Rcode::NXDOMAIN},
      {"REFUSED query", query("elsewhere.", Type::A), "nobody.", Rcode::REFUSED},
      {"update", add_www(), "editor.", Rcode::NOERROR},
      {"SHA-1", add_www(), "hmac-sha1.", Rcode::NOERROR},
      {"SHA-224", add_www(), "hmac-sha224.", Rcode::NOERROR},
      {"SHA-256", add_www(), "hmac-sha256.", Rcode::NOERROR},
      {"SHA-384", add_www(), "hmac-sha384.", Rcode::NOERROR},
      {"SHA-512", add_www(), "hmac-sha512.", Rcode::NOERROR},
      {"no grant", add_www(), "nobody.", Rcode::REFUSED},
      {"a grant to transfer only", add_www(), "reader.", Rcode::REFUSED},
      {"a grant for another zone",
       update("example.net.", {record("new.example.net.", Type::A, "192.0.2.9")}), "editor.",
       Rcode::REFUSED},
      {"zone not served (RFC 2136 §3.1.2)",
       update("www.example.org.", {record("www.example.org.", Type::A, "192.0.2.9")}), "editor.",
       Rcode::NOTAUTH},
      {"out of zone (RFC 2136 §3.4.1.3)",
       update("example.org.", {record("elsewhere.", Type::A, "192.0.2.9")}), "editor.",
       Rcode::NOTZONE},
  };
  for (const Row& row : rows) {
    for (const Transport transport : {Transport::UDP, Transport::TCP}) {
      SCOPED_TRACE(row.what);
      keys::TsigKey key = make_key(row.key);
      if (const auto algorithm = keys::algorithm_from_text(row.key)) key.algorithm = *algorithm;
      Signed request(row.message, key);
      const Octets answer = world.ask(request.octets, transport);
      EXPECT_EQ(rcode_of(answer), row.want);
      EXPECT_EQ(request.verdict(answer), Verdict::VALID);
    }
  }
}

TEST(Dispatch, Rfc8945SignatureErrors) {
  World world;
  test::LogCapture log;
  struct Row {
    const char* what;
    keys::TsigKey key;
    std::chrono::sys_seconds at;
    Verdict verdict;
    std::uint16_t error;
    const char* line;
  };
  const Row rows[] = {
      {"§5.2.1 unknown key", make_key("who."), NOW, Verdict::UNSIGNED_ERROR, 17,
       "BADKEY: no key who. is configured here"},
      {"§5.2.1 another algorithm", make_key("editor.", keys::Algorithm::HMAC_SHA1), NOW,
       Verdict::UNSIGNED_ERROR, 17, "BADKEY: key editor. is for hmac-sha256, not hmac-sha1."},
      {"§5.2.2 another secret", make_key("editor.", keys::Algorithm::HMAC_SHA256, 8), NOW,
       Verdict::UNSIGNED_ERROR, 16,
       "BADSIG: the signature is not by key editor. as configured here"},
      {"§5.2.3 too old", make_key("editor."), NOW - std::chrono::seconds(301),
       Verdict::SERVER_ERROR, 18, "BADTIME: signed too long ago or in the future by key editor."},
      {"§5.2.3 too new", make_key("editor."), NOW + std::chrono::seconds(301),
       Verdict::SERVER_ERROR, 18, "BADTIME"},
  };
  for (const Row& row : rows) {
    for (const zones::Message& message : {add_www(), query("www.example.org.", Type::A)}) {
      SCOPED_TRACE(row.what);
      Signed request(message, row.key, row.at);
      const Octets answer = world.ask(request.octets);
      EXPECT_EQ(rcode_of(answer), Rcode::NOTAUTH);
      EXPECT_EQ(request.verdict(answer), row.verdict);
      EXPECT_EQ(request.error, row.error);
      EXPECT_THAT(log.take(), HasSubstr(row.line));
    }
  }
  EXPECT_EQ(rcode_of(world.ask(zones::to_wire(query("new.example.org.", Type::A)))),
            Rcode::NXDOMAIN);
}

TEST(Dispatch, Rfc8945MalformedTsig) {
  World world;
  test::LogCapture log;
  Signed request(add_www(), make_key("editor."));
  // The TSIG's class, which must be ANY (§4.2): behind its owner "editor." and its type.
  const zones::Message message = test::parse(request.octets);
  request.octets[message.signature_offset + 8 + 2 + 1] = 1;
  const Octets answer = world.ask(request.octets);
  EXPECT_EQ(answer[3] & 0x0f, static_cast<int>(Rcode::FORMERR));
  EXPECT_FALSE(test::parse(answer).signature);
}

TEST(Dispatch, AlgorithmThatIsNotOfferedIsNamed) {
  World world;
  test::LogCapture log;
  Signed request(add_www(), make_key("editor."));
  // "hmac-sha256." becomes "hmac-sha25X."
  const auto at = std::ranges::search(request.octets, std::string_view("hmac-sha256"));
  at.begin()[10] = 'X';
  const Octets answer = world.ask(request.octets);
  EXPECT_EQ(rcode_of(answer), Rcode::NOTAUTH);
  EXPECT_THAT(log.take(), HasSubstr("BADKEY: algorithm hmac-sha25X. is not offered, key editor."));
}

TEST(Dispatch, UnsignedUpdatesChangeNothing) {
  World world;
  test::LogCapture log;
  const auto with_type = [](Type type, zones::Class rrclass) {
    zones::Message message = add_www();
    message.question.front().type = type;
    message.question.front().rrclass = rrclass;
    return zones::to_wire(message);
  };
  zones::Message two_zones = add_www();
  two_zones.question.push_back(two_zones.question.front());
  zones::Message edns_1 = add_www();
  edns_1.edns.emplace().version = 1;
  Octets cut = zones::to_wire(add_www());
  cut.pop_back();
  struct Row {
    const char* what;
    Octets octets;
    Rcode want;
    const char* line;
  };
  const Row rows[] = {
      {"not signed", zones::to_wire(add_www()), Rcode::REFUSED,
       "warning: update of example.org. from 192.0.2.99:4711 refused: not signed"},
      {"RFC 2136 §3.1.1 type of the zone", with_type(Type::A, zones::Class::IN), Rcode::FORMERR,
       "malformed"},
      {"RFC 2136 §3.1.1 two zones", zones::to_wire(two_zones), Rcode::FORMERR, "malformed"},
      {"class ANY", with_type(Type::SOA, zones::Class::ANY), Rcode::REFUSED, "not signed"},
      {"class NONE", with_type(Type::SOA, zones::Class::NONE), Rcode::REFUSED, "not signed"},
      {"cut off", cut, Rcode::FORMERR, "malformed"},
      {"RFC 6891 §6.1.3", zones::to_wire(edns_1), Rcode::BADVERS, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Octets answer = world.ask(row.octets);
    EXPECT_EQ(rcode_of(answer), row.want);
    EXPECT_THAT(log.take(), HasSubstr(row.line));
    EXPECT_EQ(test::parse(answer).header.opcode, zones::Opcode::UPDATE);
  }
  EXPECT_EQ(world.writer->status().messages, 0U);
  EXPECT_EQ(rcode_of(world.ask(zones::to_wire(query("new.example.org.", Type::A)))),
            Rcode::NXDOMAIN);
}

// RFC 2136 §3.8 and RFC 6891 §6.1.1
TEST(Dispatch, AnswerToAnUpdateRepeatsTheZoneAndHasOptWhenAsked) {
  World world;
  for (const bool edns : {false, true}) {
    zones::Message message = add_www();
    message.header.id = 0xbeef;
    message.question.front().name = test::name("EXAMPLE.org.");
    if (edns) message.edns.emplace().flags = zones::EDNS_DO;
    Signed request(message, make_key("editor."));
    const Octets octets = world.ask(request.octets);
    EXPECT_EQ(request.verdict(octets), Verdict::VALID);
    const zones::Message answer = test::parse(octets);
    EXPECT_EQ(answer.header.id, 0xbeef);
    EXPECT_TRUE(answer.header.qr);
    ASSERT_EQ(answer.question.size(), 1U);
    EXPECT_EQ(answer.question.front().name.to_text(), "EXAMPLE.org.");
    EXPECT_EQ(answer.question.front().type, Type::SOA);
    EXPECT_EQ(answer.edns.has_value(), edns);
    if (edns) {
      EXPECT_EQ(answer.edns->flags, zones::EDNS_DO);
    }
    EXPECT_TRUE(answer.answer.empty() && answer.authority.empty() && answer.additional.empty());
  }
}

TEST(Dispatch, AnUpdateIsSeenByTheNextQuery) {
  World world;
  for (int i = 0; i < 20; ++i) {
    const std::string owner = "n" + std::to_string(i) + ".example.org.";
    Signed request(update("example.org.", {record(owner, Type::A, "192.0.2.9")}),
                   make_key("editor."));
    EXPECT_EQ(rcode_of(world.ask(request.octets)), Rcode::NOERROR);
    EXPECT_EQ(rcode_of(world.ask(zones::to_wire(query(owner, Type::A)))), Rcode::NOERROR);
  }
}

TEST(Dispatch, QueriesDoNotWaitForTheStore) {
  World world;
  world.gate.shut();
  Signed request(add_www(), make_key("editor."));
  std::promise<Octets> later;
  EXPECT_TRUE(world.ask_now(request.octets, Transport::UDP, later).octets.empty());
  EXPECT_EQ(rcode_of(world.ask(zones::to_wire(query("www.example.org.", Type::A)))),
            Rcode::NOERROR);
  EXPECT_EQ(rcode_of(world.ask(zones::to_wire(query("new.example.org.", Type::A)))),
            Rcode::NXDOMAIN);
  world.gate.open();
  EXPECT_EQ(rcode_of(later.get_future().get()), Rcode::NOERROR);
  EXPECT_EQ(rcode_of(world.ask(zones::to_wire(query("new.example.org.", Type::A)))),
            Rcode::NOERROR);
}

TEST(Dispatch, FullQueueAndStoppedWriterAnswerServfail) {
  test::LogCapture log;
  WriterLimits limits;
  limits.queue = 0;
  World full(limits);
  Signed first(add_www(), make_key("editor."));
  const Octets answer = full.ask(first.octets);
  EXPECT_EQ(rcode_of(answer), Rcode::SERVFAIL);
  EXPECT_EQ(first.verdict(answer), Verdict::VALID);
  EXPECT_THAT(log.take(), HasSubstr("too many updates wait"));

  World stopped;
  stopped.writer->stop();
  Signed second(add_www(), make_key("editor."));
  EXPECT_EQ(rcode_of(stopped.ask(second.octets)), Rcode::SERVFAIL);
}

TEST(Dispatch, AFloodOfRefusalsLeavesFewLines) {
  World world;
  test::LogCapture log;
  const Octets request = zones::to_wire(add_www());
  constexpr int FLOOD = 2000;
  for (int i = 0; i < FLOOD; ++i) world.ask(request);
  const std::string text = log.take();
  const auto lines = std::ranges::count(text, '\n');
  EXPECT_GE(lines, 1);
  EXPECT_LT(lines, FLOOD / 2);
}

TEST(LogLimiter, CountsWhatItHoldsBack) {
  using namespace std::chrono_literals;
  LogLimiter limiter(3);
  const LogLimiter::Time second{100s};
  std::uint64_t suppressed = 99;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(limiter.allow(suppressed, second + i * 100ms));
    EXPECT_EQ(suppressed, 0U);
  }
  EXPECT_FALSE(limiter.allow(suppressed, second + 400ms));
  EXPECT_FALSE(limiter.allow(suppressed, second + 500ms));
  EXPECT_TRUE(limiter.allow(suppressed, second + 1s));
  EXPECT_EQ(suppressed, 2U);
}

TEST(Peer, ToText) {
  Peer peer;
  peer.port = 53;
  peer.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
  EXPECT_EQ(to_text(peer), "192.0.2.1:53");
  peer.address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(to_text(peer), "[2001:db8::1]:53");
}

}  // namespace
}  // namespace dnsd
