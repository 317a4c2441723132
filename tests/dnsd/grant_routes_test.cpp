// Grants on the wire: no key publishes an address, port or name outside its grant, by whatever
// route (RFC 7393 §4).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dispatch_world.h"
#include "dnsd/update_grants.h"
#include "keys/grant_file.h"
#include "log_capture.h"
#include "zones/zone_testing.h"

namespace dnsd {
namespace {

using test::make_key;
using test::name;
using test::Octets;
using test::rcode_of;
using test::record;
using test::Signed;
using test::Verdict;
using test::World;
using testing::HasSubstr;
using zones::Class;
using zones::Rcode;
using zones::Type;

constexpr std::string_view ZONE = R"(
@ 60 SOA ns h 5 60 60 60 60
@ 60 NS ns
ns 60 A 192.0.2.1
h1 60 A 198.51.100.1
old.h1 60 TXT "mine"
h2 60 A 198.51.100.2
h2 60 TXT "another's"
h3 60 A 198.51.100.3
h3 60 CAA 0 issue "ca.example"
many.h4 60 A 198.51.100.4
many.h4 60 A 198.51.100.5
many.h4 60 A 198.51.100.6
many.h4 60 A 198.51.100.7
many.h4 60 A 198.51.100.8
many.h4 60 A 198.51.100.9
)";

/// The grant of the README, for hosts of example.org.; further keys have further grants.
constexpr std::string_view GRANTS = R"(
[http]
addresses = ["203.0.113.80"]
names = ["portal.example.net."]
[[zone]]
name = "example.org."
[[zone.grant]]
key = "*.example.org."
names = ["self", "below-self"]
types = ["service", "DNAME", "WKS", "MX"]
addresses = ["source", "198.51.100.0/24", "2001:db8:1::/48"]
ports = "1024-65535"
targets = ["self", "below-self", "portal"]
max-records = 5
rate = "500/min"
[[zone.grant]]
key = "slow.example.org."
names = ["self"]
types = ["TXT"]
max-records = 3
rate = "2/min"
[[zone.grant]]
key = "cert.keys."
names = ["name:h1.example.org."]
types = ["service"]
)";

struct GrantWorld : World {
  GrantWorld() : World({}, 10, ZONE) { reload(GRANTS); }

  void reload(std::string_view grants) {
    const keys::GrantFile file = keys::read_grant_file(grants, "f.toml");
    for (const keys::TomlProblem& problem : file.errors) ADD_FAILURE() << problem.to_text();
    auto policy = std::make_shared<Policy>();
    policy->portal = file.portal;
    for (const keys::GrantFile::Zone& zone : file.zones) policy->grants[zone.name] = zone.grants;
    for (const char* key : {"h1.example.org.", "h2.example.org.", "h3.example.org.",
                            "h4.example.org.", "slow.example.org.", "cert.keys.", "stranger."}) {
      policy->keyring.add(make_key(key));
    }
    writer->set_policy(policy);
  }
  std::string zone() {
    const std::string text =
        zones::testing::dump(*reader.current().catalogue.zone(name("example.org.")));
    reader.idle();
    return text;
  }
};

struct Reply {
  Rcode rcode{};
  std::string reason;  // of the extended error (RFC 8914)
};

Reply reply_of(const Octets& octets) {
  Reply reply{rcode_of(octets), {}};
  const zones::Message message = test::parse(octets);
  if (!message.edns) return reply;
  if (const auto* option = message.edns->find(zones::OptionCode::EXTENDED_ERROR)) {
    EXPECT_EQ(option->data.at(1), zones::extended_error::PROHIBITED);
    reply.reason.assign(option->data.begin() + 2, option->data.end());
  }
  return reply;
}

Reply send(World& world, zones::Message message, std::string_view key = "h1.example.org.",
           Transport transport = Transport::UDP) {
  static std::uint16_t id = 0;
  message.header.id = ++id;  // else it would be a repetition, and get the first answer
  message.edns.emplace();
  Signed request(message, make_key(key));
  const Octets answer = world.ask(request.octets, transport);
  EXPECT_EQ(request.verdict(answer), Verdict::VALID);
  return reply_of(answer);
}

Reply send(World& world, std::vector<zones::Record> changes,
           std::string_view key = "h1.example.org.", Transport transport = Transport::UDP) {
  return send(world, test::update("example.org.", std::move(changes)), key, transport);
}

struct Route {
  const char* what;
  const char* owner;
  Type type;
  const char* rdata;
  const char* refused;  // a part of the reason; nullptr: permitted
  Class rrclass = Class::IN;
};

const Route ROUTES[] = {
    {"A within the grant", "h1.example.org.", Type::A, "198.51.100.77", nullptr},
    {"A outside", "h1.example.org.", Type::A, "8.8.8.8", "address 8.8.8.8 is not among source"},
    {"A as TYPE1 (RFC 3597)", "h1.example.org.", static_cast<Type>(1), "\\# 4 08080808",
     "address 8.8.8.8"},
    {"the portal's address", "h1.example.org.", Type::A, "203.0.113.80", nullptr},
    {"AAAA within", "h1.example.org.", Type::AAAA, "2001:db8:1::1", nullptr},
    {"AAAA outside", "h1.example.org.", Type::AAAA, "2001:db8:2::1", "address 2001:db8:2::1"},
    {"AAAA as TYPE28", "h1.example.org.", static_cast<Type>(28),
     "\\# 16 20010db8000200000000000000000001", "address 2001:db8:2::1"},
    {"mapped, within", "h1.example.org.", Type::AAAA, "::ffff:198.51.100.77", nullptr},
    {"mapped, outside", "h1.example.org.", Type::AAAA, "::ffff:8.8.8.8", "address 8.8.8.8"},
    {"IPv4-compatible", "h1.example.org.", Type::AAAA, "::198.51.100.77", "address"},
    {"NAT64 (RFC 6052)", "h1.example.org.", Type::AAAA, "64:ff9b::c633:644d", "address"},
    {"6to4", "h1.example.org.", Type::AAAA, "2002:c633:644d::1", "address"},
    {"a wildcard below itself", "*.h1.example.org.", Type::A, "198.51.100.77", nullptr},
    {"a wildcard's address", "*.h1.example.org.", Type::A, "8.8.8.8", "address"},
    {"a wildcard beside others", "*.example.org.", Type::A, "198.51.100.77", "name *.example.org."},
    {"another's name", "h2.example.org.", Type::A, "198.51.100.77", "name h2.example.org."},
    {"a name below another's", "a.h2.example.org.", Type::A, "198.51.100.77", "name"},
    {"a name that ends alike", "xh1.example.org.", Type::A, "198.51.100.77", "name"},
    {"a dot within a label", "x\\.h1.example.org.", Type::A, "198.51.100.77", "name"},
    {"its own name in another case", "H1.EXAMPLE.Org.", Type::A, "198.51.100.77", nullptr},
    {"another case hides no address", "H1.EXAMPLE.Org.", Type::A, "8.8.8.8", "address"},
    {"the apex: A", "example.org.", Type::A, "198.51.100.77", "name example.org."},
    {"the apex: SOA", "example.org.", Type::SOA, "ns.example.org. h. 99 1 1 1 1", "name"},
    {"the apex: NS", "example.org.", Type::NS, "h1.example.org.", "name"},
    {"CNAME to itself", "a.h1.example.org.", Type::CNAME, "h1.example.org.", nullptr},
    {"CNAME to the portal", "a.h1.example.org.", Type::CNAME, "PORTAL.example.net.", nullptr},
    {"CNAME elsewhere", "a.h1.example.org.", Type::CNAME, "www.bank.example.",
     "target www.bank.example."},
    {"CNAME to another host", "a.h1.example.org.", Type::CNAME, "h2.example.org.", "target"},
    {"DNAME elsewhere", "a.h1.example.org.", Type::DNAME, "bank.example.", "*.bank.example."},
    {"DNAME to itself", "a.h1.example.org.", Type::DNAME, "h1.example.org.", nullptr},
    {"NS: its own server, with glue", "sub.h1.example.org.", Type::NS, "ns.h1.example.org.",
     "type NS"},
    {"WKS: an address of its own form", "h1.example.org.", Type::WKS, "\\# 7 08080808 06 00 01",
     "address 8.8.8.8"},
    {"SRV within", "_x._tcp.h1.example.org.", Type::SRV, "0 0 8001 h1.example.org.", nullptr},
    {"SRV: another's port", "_x._tcp.h1.example.org.", Type::SRV, "0 0 80 h1.example.org.",
     "port 80 is outside"},
    {"SRV: port 0", "_x._tcp.h1.example.org.", Type::SRV, "0 0 0 h1.example.org.", "port 0"},
    {"SRV: another's host", "_x._tcp.h1.example.org.", Type::SRV, "0 0 8001 h2.example.org.",
     "target h2.example.org."},
    {"SRV as TYPE33", "_x._tcp.h1.example.org.", static_cast<Type>(33),
     "\\# 22 0000 0000 0050 026831076578616d706c65036f726700", "port 80"},
    {"HTTPS with hints within", "h1.example.org.", Type::HTTPS,
     "1 . port=8443 ipv4hint=198.51.100.1 ipv6hint=2001:db8:1::1", nullptr},
    {"HTTPS: ipv4hint", "h1.example.org.", Type::HTTPS,
     "1 . port=8443 ipv4hint=198.51.100.1,8.8.8.8", "address 8.8.8.8"},
    {"HTTPS: ipv6hint", "h1.example.org.", Type::HTTPS, "1 . port=8443 ipv6hint=2001:db8:2::1",
     "address"},
    {"HTTPS without a port is 443", "h1.example.org.", Type::HTTPS, "1 .", "port 443"},
    {"HTTPS: alias mode elsewhere", "h1.example.org.", Type::HTTPS, "0 bank.example.", "target"},
    {"HTTPS: hints in alias mode", "h1.example.org.", Type::HTTPS,
     "0 h1.example.org. ipv4hint=8.8.8.8", "address"},
    {"SVCB: service mode elsewhere", "_x.h1.example.org.", Type::SVCB, "1 bank.example. port=8443",
     "target"},
    {"SVCB: which port cannot be told", "_x.h1.example.org.", Type::SVCB, "1 .", "names no port"},
    {"URI within", "_x.h1.example.org.", Type::URI, "1 1 \"http://198.51.100.1:8001/\"", nullptr},
    {"URI: address", "_x.h1.example.org.", Type::URI, "1 1 \"http://8.8.8.8:8001/\"", "address"},
    {"URI: an address as a number", "_x.h1.example.org.", Type::URI,
     "1 1 \"http://134744072:8001/\"", "neither a name nor"},
    {"URI: port", "_x.h1.example.org.", Type::URI, "1 1 \"http://h1.example.org:22/\"", "port 22"},
    {"URI: host", "_x.h1.example.org.", Type::URI,
     "1 1 \"http://h1.example.org@bank.example:8001/\"", "target bank.example."},
    {"MX elsewhere", "h1.example.org.", Type::MX, "1 mail.bank.example.", "target"},
    {"a type outside", "h1.example.org.", Type::PTR, "h1.example.org.", "type PTR"},
    {"an unknown type", "h1.example.org.", static_cast<Type>(65280), "\\# 4 08080808",
     "type TYPE65280"},
    {"removing its own RRset", "h1.example.org.", Type::A, "", nullptr, Class::ANY},
    {"removing its own record", "h1.example.org.", Type::A, "198.51.100.1", nullptr, Class::NONE},
    {"removing its own name", "h1.example.org.", Type::ANY, "", nullptr, Class::ANY},
    {"removing another's RRset", "h2.example.org.", Type::A, "", "name h2", Class::ANY},
    {"removing another's record", "h2.example.org.", Type::A, "198.51.100.2", "name h2",
     Class::NONE},
    {"removing another's name", "h2.example.org.", Type::ANY, "", "name h2", Class::ANY},
    {"removing a name that is not there", "h9.example.org.", Type::ANY, "", "name h9", Class::ANY},
    {"removing a type outside", "h1.example.org.", Type::NS, "", "type NS", Class::ANY},
    {"removing the apex", "example.org.", Type::ANY, "", "name example.org.", Class::ANY},
    {"the challenge of a certificate", "_acme-challenge.h1.example.org.", Type::TXT, "\"x\"",
     nullptr},
};

TEST(GrantRoutes, EachAlone) {
  test::LogCapture log;
  for (const Route& route : ROUTES) {
    SCOPED_TRACE(route.what);
    GrantWorld world;
    const std::string before = world.zone();
    log.take();
    zones::Record change = record(route.owner, route.type, route.rdata, 60, route.rrclass);
    if (route.rrclass != Class::IN) change.ttl = 0;
    // What is permitted comes along, and falls with what is not.
    zones::Record harmless = record("h1.example.org.", Type::TXT, "\"harmless\"");
    const Reply reply = send(world, {harmless, change});
    const std::string logged = log.take();
    if (!route.refused) {
      EXPECT_EQ(reply.rcode, Rcode::NOERROR) << reply.reason;
      EXPECT_NE(world.zone(), before);
      EXPECT_EQ(logged, "");
      continue;
    }
    EXPECT_EQ(reply.rcode, Rcode::REFUSED);
    EXPECT_THAT(reply.reason, HasSubstr(route.refused));
    EXPECT_THAT(reply.reason, HasSubstr("(grant in line 7)"));
    EXPECT_EQ(world.zone(), before);
    EXPECT_THAT(logged, HasSubstr("warning: update of example.org. from 192.0.2.99:4711 by key "
                                  "h1.example.org. refused: " +
                                  reply.reason));
  }
}

TEST(GrantRoutes, CompressionHidesNothing) {
  struct Row {
    const char* what;
    Type type;
    Octets rdata;  // as on the wire, with pointers; 0xc00c is example.org.
    const char* refused;
  };
  const Row rows[] = {
      {"CNAME to another host", Type::CNAME, {2, 'h', '2', 0xc0, 12}, "target h2.example.org."},
      {"CNAME to the apex", Type::CNAME, {0xc0, 12}, "target example.org."},
      {"CNAME to itself", Type::CNAME, {2, 'H', '1', 0xc0, 12}, nullptr},
      {"SRV", Type::SRV, {0, 0, 0, 0, 0x1f, 0x41, 2, 'h', '2', 0xc0, 12}, "target h2.example.org."},
      {"SRV within", Type::SRV, {0, 0, 0, 0, 0x1f, 0x41, 2, 'h', '1', 0xc0, 12}, nullptr},
      {"DNAME", Type::DNAME, {0xc0, 12}, "target *.example.org."},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    GrantWorld world;
    Octets octets = zones::to_wire(test::update("example.org.", {}));
    octets[9] = 1;  // records of the update section
    const Octets owner{1, 'n', 2, 'h', '1', 0xc0, 12};
    octets.insert(octets.end(), owner.begin(), owner.end());
    const auto type = static_cast<std::uint8_t>(row.type);
    const Octets fixed{0, type, 0, 1, 0, 0, 0, 60, 0, static_cast<std::uint8_t>(row.rdata.size())};
    octets.insert(octets.end(), fixed.begin(), fixed.end());
    octets.insert(octets.end(), row.rdata.begin(), row.rdata.end());
    test::LogCapture log;
    keys::TsigClient client(make_key("h1.example.org."));
    ASSERT_TRUE(client.sign(octets, test::NOW));
    const Reply reply = reply_of(world.ask(octets));
    EXPECT_EQ(reply.rcode, row.refused ? Rcode::REFUSED : Rcode::NOERROR);
    EXPECT_EQ(reply.reason, "") << "there was no EDNS to put it into";
    EXPECT_THAT(log.take(), HasSubstr(row.refused ? row.refused : ""));
  }
}

TEST(GrantRoutes, SourceCountsOnlyWhenItIsProven) {
  GrantWorld world;
  const auto own = [] { return record("h1.example.org.", Type::A, "192.0.2.99"); };
  const Reply udp = send(world, {own()});
  EXPECT_EQ(udp.rcode, Rcode::REFUSED);
  EXPECT_THAT(udp.reason, HasSubstr("not proven: update over TCP"));
  EXPECT_EQ(send(world, {own()}, "h1.example.org.", Transport::TCP).rcode, Rcode::NOERROR);
}

TEST(GrantRoutes, TheCaseOfTheKeysNameChangesNothing) {
  GrantWorld world;
  EXPECT_EQ(send(world, {record("h1.example.org.", Type::TXT, "x")}, "H1.Example.ORG.").rcode,
            Rcode::NOERROR);
  EXPECT_EQ(send(world, {record("h2.example.org.", Type::TXT, "x")}, "H1.Example.ORG.").rcode,
            Rcode::REFUSED);
}

TEST(GrantRoutes, ANameIsNotDeletedWithWhatIsNotGranted) {
  GrantWorld world;
  const auto all = [](const char* owner) { return record(owner, Type::ANY, "", 0, Class::ANY); };
  const Reply with_caa = send(world, {all("h3.example.org.")}, "h3.example.org.");
  EXPECT_EQ(with_caa.rcode, Rcode::REFUSED);
  EXPECT_THAT(with_caa.reason, HasSubstr("type CAA"));
  EXPECT_EQ(
      send(world, {record("h3.example.org.", Type::A, "", 0, Class::ANY)}, "h3.example.org.").rcode,
      Rcode::NOERROR);
}

TEST(GrantRoutes, PrerequisitesAskOnlyAboutGrantedNames) {
  struct Row {
    const char* what;
    zones::Record prerequisite;
    Rcode want;
  };
  const Row rows[] = {
      {"own, in use", record("h1.example.org.", Type::ANY, "", 0, Class::ANY), Rcode::NOERROR},
      {"own, not in use", record("h1.example.org.", Type::ANY, "", 0, Class::NONE),
       Rcode::YXDOMAIN},
      {"own, of a type outside", record("h1.example.org.", Type::DHCID, "", 0, Class::ANY),
       Rcode::NXRRSET},
      {"another's that exists", record("h2.example.org.", Type::ANY, "", 0, Class::ANY),
       Rcode::REFUSED},
      {"another's that does not", record("h9.example.org.", Type::ANY, "", 0, Class::ANY),
       Rcode::REFUSED},
      {"another's value", record("h2.example.org.", Type::A, "198.51.100.2", 0), Rcode::REFUSED},
      {"outside the zone", record("h1.example.net.", Type::ANY, "", 0, Class::ANY), Rcode::NOTZONE},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    GrantWorld world;
    zones::Message message =
        test::update("example.org.", {record("h1.example.org.", Type::TXT, "x")});
    message.answer = {row.prerequisite};
    EXPECT_EQ(send(world, message).rcode, row.want);
  }
}

TEST(GrantRoutes, StrangersLearnNothing) {
  GrantWorld world;
  test::LogCapture log;
  zones::Message message = test::update("example.org.", {});
  message.answer = {record("h9.example.org.", Type::ANY, "", 0, Class::ANY)};
  const Reply reply = send(world, message, "stranger.");
  EXPECT_EQ(reply.rcode, Rcode::REFUSED);
  EXPECT_EQ(reply.reason, "no grant lets this key update this zone");
  EXPECT_THAT(log.take(), HasSubstr("no grant lets key stranger. update this zone"));
  // Who did not sign is told that, and nothing of zone and grants.
  message.edns.emplace();
  EXPECT_EQ(reply_of(world.ask(zones::to_wire(message))).reason, "not signed");
}

TEST(GrantRoutes, AGrantByNameIncludesTheChallenge) {
  GrantWorld world;
  const auto txt = [](const char* owner) { return record(owner, Type::TXT, "x"); };
  EXPECT_EQ(send(world, {txt("_acme-challenge.h1.example.org.")}, "cert.keys.").rcode,
            Rcode::NOERROR);
  EXPECT_EQ(send(world, {txt("_acme-challenge.h2.example.org.")}, "cert.keys.").rcode,
            Rcode::REFUSED);
  EXPECT_EQ(send(world, {record("_acme-challenge.h1.example.org.", Type::A, "198.51.100.1")},
                 "cert.keys.")
                .rcode,
            Rcode::REFUSED);
}

TEST(GrantLimits, MaxRecordsAtAndBelowTheKey) {
  GrantWorld world;
  const auto txt = [](const char* owner, const char* text) {
    return record(owner, Type::TXT, text);
  };
  // h1 has two already, and may have five.
  EXPECT_EQ(send(world, {txt("h1.example.org.", "1"), txt("h1.example.org.", "2"),
                         txt("c.h1.example.org.", "3")})
                .rcode,
            Rcode::NOERROR);
  const Reply sixth = send(world, {txt("a.b.h1.example.org.", "4")});
  EXPECT_EQ(sixth.rcode, Rcode::REFUSED);
  EXPECT_THAT(sixth.reason, HasSubstr("more than 5 records at and below the key's name"));
  EXPECT_EQ(send(world, {record("h1.example.org.", Type::A, "", 0, Class::ANY),
                         txt("a.b.h1.example.org.", "4")})
                .rcode,
            Rcode::NOERROR)
      << "what is removed makes room";
  EXPECT_EQ(send(world, {record("a.b.h1.example.org.", Type::ANY, "", 0, Class::ANY)}).rcode,
            Rcode::NOERROR);
  // As many as were imported may stay.
  EXPECT_EQ(
      send(world, {record("many.h4.example.org.", Type::A, "198.51.100.4", 90)}, "h4.example.org.")
          .rcode,
      Rcode::NOERROR);
  EXPECT_EQ(send(world, {txt("h4.example.org.", "4")}, "h4.example.org.").rcode, Rcode::REFUSED);
}

TEST(GrantLimits, RateOfEachKey) {
  GrantWorld world;
  test::LogCapture log;
  // The most generous of its grants counts: h1 has 500 a minute, and "slow" too.
  const auto update_of = [](const char* key) { return record(key, Type::TXT, "x"); };
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(send(world, {update_of("slow.example.org.")}, "slow.example.org.").rcode,
              Rcode::NOERROR);
  }
  world.reload(R"(
[[zone]]
name = "example.org."
[[zone.grant]]
key = "*.example.org."
names = ["self"]
types = ["TXT"]
rate = "2/min"
)");
  EXPECT_EQ(send(world, {update_of("h1.example.org.")}).rcode, Rcode::NOERROR);
  EXPECT_EQ(send(world, {update_of("h1.example.org.")}).rcode, Rcode::NOERROR);
  log.take();
  const Reply third = send(world, {update_of("h1.example.org.")});
  EXPECT_EQ(third.rcode, Rcode::REFUSED);
  EXPECT_THAT(third.reason, HasSubstr("more than 2 updates a minute ('rate' of the grant)"));
  EXPECT_THAT(log.take(), HasSubstr("by key h1.example.org. refused: more than 2 updates"));
  EXPECT_EQ(send(world, {update_of("h2.example.org.")}, "h2.example.org.").rcode, Rcode::NOERROR);
}

// Dispatch let it pass by the grants of its moment; the writer asks those of its own.
TEST(GrantRoutes, TheWriterJudgesByTheNewestPolicy) {
  GrantWorld world;
  const auto txt = record("h1.example.org.", Type::TXT, "x");
  EXPECT_EQ(send(world, {txt}).rcode, Rcode::NOERROR);
  UpdateJob job;
  job.key = name("h1.example.org.");
  job.message = test::update("example.org.", {record("h1.example.org.", Type::TXT, "y")});
  std::promise<Rcode> answered;
  struct Promised final : Responder {
    explicit Promised(std::promise<Rcode>& to) : promise(to) {}
    void reply(const UpdateReply& reply) override { promise.set_value(reply.rcode); }
    std::promise<Rcode>& promise;
  };
  job.responder = std::make_unique<Promised>(answered);
  world.reload(
      "[[zone]]\nname = \"example.org.\"\n[[zone.grant]]\nkey = \"*.example.org.\"\n"
      "names = [\"self\"]\ntypes = [\"A\"]\n");
  ASSERT_TRUE(world.writer->submit(job));
  EXPECT_EQ(answered.get_future().get(), Rcode::REFUSED);
}

}  // namespace
}  // namespace dnsd
