#include "keys/grant.h"

#include <gtest/gtest.h>

#include "keys/claims.h"
#include "keys/vectors.h"
#include "zones/text.h"

namespace keys {
namespace {

using test::name;
using zones::Type;

TEST(ZoneGrants, AllowAndDeny) {
  ZoneGrants grants;
  grants.add({.key = name("up.example."), .update = true});
  grants.add({.key = name("down.example."), .transfer = true});
  grants.add({.key = name("both.example."), .update = true, .transfer = true});
  grants.add({.key = name("none.example.")});
  grants.add({.key = name("split.example."), .update = true});
  grants.add({.key = name("split.example."), .transfer = true});
  grants.add(
      {.key = name("*.dyn.example."), .names = {{NameRule::Kind::SELF, {}}}, .types = {Type::A}});
  struct Row {
    const char* key;
    bool update, all, transfer;
  };
  const Row rows[] = {
      {"up.example.", true, true, false},        {"down.example.", false, false, true},
      {"both.example.", true, true, true},       {"none.example.", false, false, false},
      {"split.example.", true, true, true},      {"UP.Example.", true, true, false},
      {"other.example.", false, false, false},   {"a.up.example.", false, false, false},
      {"example.", false, false, false},         {".", false, false, false},
      {"up.example.org.", false, false, false},  {"h1.dyn.example.", true, false, false},
      {"a.H1.DYN.example.", true, false, false}, {"dyn.example.", false, false, false},
      {"*.dyn.example.", true, false, false},    {"xdyn.example.", false, false, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.key);
    EXPECT_EQ(grants.may_update(name(row.key)), row.update);
    EXPECT_EQ(grants.may_update_all(name(row.key)), row.all);
    EXPECT_EQ(grants.may_transfer(name(row.key)), row.transfer);
  }
}

TEST(ZoneGrants, NothingWithoutAGrant) {
  const ZoneGrants grants;
  EXPECT_FALSE(grants.may_update(name("up.example.")));
  EXPECT_FALSE(grants.may_transfer(name("up.example.")));
  EXPECT_FALSE(grants.may_update(zones::NameView()));
  const zones::Name key = name("up.example.");
  EXPECT_EQ(grants.judge({key}, {key, Type::A, {}, false}).why,
            "no grant of this zone is for key up.example.");
}

/// The grant of the README: what a subscriber needs, and nothing else.
Grant subscriber() {
  Grant grant;
  grant.key = name("*.dyn.example.");
  grant.names = {{NameRule::Kind::SELF, {}}, {NameRule::Kind::BELOW_SELF, {}}};
  grant.types = types_from_text(std::vector<std::string>{"service"}).value();
  grant.addresses = {AddressRule::from_text("source").value(),
                     AddressRule::from_text("198.51.100.0/22").value(),
                     AddressRule::from_text("2001:db8:1::/48").value()};
  grant.ports = ports_from_text("1024-65535").value();
  grant.targets = {
      {NameRule::Kind::SELF, {}}, {NameRule::Kind::BELOW_SELF, {}}, {NameRule::Kind::PORTAL, {}}};
  return grant;
}

struct Case {
  const char* what;
  const char* owner;
  Type type;
  const char* rdata;    // nullptr: a deletion
  const char* refused;  // a part of the reason; nullptr: allowed
};

void expect(const Grant& grant, std::span<const Case> rows, bool source_proven = true) {
  ZoneGrants grants;
  grants.add(grant);
  const zones::Name key = name("h1.dyn.example.");
  const Portal portal{{address_from_text("203.0.113.80").value()}, {name("portal.example.")}};
  for (const Case& row : rows) {
    SCOPED_TRACE(row.what);
    const zones::Name owner = name(row.owner);
    zones::Rdata rdata;
    if (row.rdata != nullptr) {
      const auto parsed = zones::rdata_from_text(row.type, row.rdata);
      ASSERT_TRUE(parsed) << parsed.error();
      rdata = *parsed;
    }
    const Requester requester{key, address_from_text("192.0.2.77").value(), source_proven};
    const Ruling ruling =
        grants.judge(requester, {owner, row.type, rdata, row.rdata != nullptr}, portal);
    EXPECT_EQ(ruling.allowed, row.refused == nullptr) << ruling.why;
    if (row.refused != nullptr) {
      EXPECT_NE(ruling.why.find(row.refused), std::string::npos) << ruling.why;
    }
  }
}

TEST(Grant, NamesAndTypes) {
  const Case rows[] = {
      {"self", "h1.dyn.example.", Type::TXT, "x", nullptr},
      {"self in another case", "H1.Dyn.EXAMPLE.", Type::TXT, "x", nullptr},
      {"below self", "_acme-challenge.h1.dyn.example.", Type::TXT, "x", nullptr},
      {"a wildcard below self", "*.h1.dyn.example.", Type::TXT, "x", nullptr},
      {"another host", "h2.dyn.example.", Type::TXT, "x", "name h2.dyn.example."},
      {"a name that ends alike", "xh1.dyn.example.", Type::TXT, "x", "name"},
      {"a dot within a label", "x\\.h1.dyn.example.", Type::TXT, "x", "name"},
      {"the wildcard beside it", "*.dyn.example.", Type::TXT, "x", "name"},
      {"the apex", "dyn.example.", Type::TXT, "x", "name"},
      {"a type outside", "h1.dyn.example.", Type::NS, "ns.example.", "type NS"},
      {"DNAME", "h1.dyn.example.", Type::DNAME, "h2.dyn.example.", "type DNAME"},
      {"an unknown type", "h1.dyn.example.", static_cast<Type>(65280), "\\# 1 00",
       "type TYPE65280"},
      {"deletion", "h1.dyn.example.", Type::A, nullptr, nullptr},
      {"deletion of a type outside", "h1.dyn.example.", Type::NS, nullptr, "type NS"},
      {"deletion of another's", "h2.dyn.example.", Type::A, nullptr, "name"},
  };
  expect(subscriber(), rows);
  Grant other = subscriber();
  other.names = {NameRule::from_text("subdomain:srv.dyn.example.").value(),
                 NameRule::from_text("name:mail.dyn.example.").value(),
                 NameRule::from_text("wildcard:*.w.dyn.example.").value()};
  const Case other_rows[] = {
      {"subdomain, itself", "srv.dyn.example.", Type::TXT, "x", nullptr},
      {"subdomain, below", "a.b.srv.dyn.example.", Type::TXT, "x", nullptr},
      {"subdomain, beside", "asrv.dyn.example.", Type::TXT, "x", "name"},
      {"name", "mail.dyn.example.", Type::TXT, "x", nullptr},
      {"name, below", "a.mail.dyn.example.", Type::TXT, "x", "name"},
      {"wildcard", "a.w.dyn.example.", Type::TXT, "x", nullptr},
      {"wildcard, the name above", "w.dyn.example.", Type::TXT, "x", "name"},
      {"self is not among them", "h1.dyn.example.", Type::TXT, "x", "name"},
  };
  expect(other, other_rows);
}

TEST(Grant, Addresses) {
  const Case rows[] = {
      {"in the prefix", "h1.dyn.example.", Type::A, "198.51.103.255", nullptr},
      {"outside", "h1.dyn.example.", Type::A, "198.51.104.0", "address 198.51.104.0"},
      {"the source", "h1.dyn.example.", Type::A, "192.0.2.77", nullptr},
      {"IPv6 in the prefix", "h1.dyn.example.", Type::AAAA, "2001:db8:1::1", nullptr},
      {"IPv6 outside", "h1.dyn.example.", Type::AAAA, "2001:db8:2::1", "address 2001:db8:2::1"},
      {"mapped, inside", "h1.dyn.example.", Type::AAAA, "::ffff:198.51.100.9", nullptr},
      {"mapped, outside", "h1.dyn.example.", Type::AAAA, "::ffff:8.8.8.8", "address 8.8.8.8"},
      {"the portal's", "h1.dyn.example.", Type::A, "203.0.113.80", nullptr},
      {"as an unknown type", "h1.dyn.example.", static_cast<Type>(1), "8.8.8.8", "address"},
      {"a wildcard's", "*.h1.dyn.example.", Type::A, "8.8.8.8", "address"},
      {"ipv4hint", "h1.dyn.example.", Type::HTTPS, "1 . port=8443 ipv4hint=198.51.100.1,8.8.8.8",
       "address 8.8.8.8"},
      {"ipv6hint", "h1.dyn.example.", Type::SVCB, "1 . port=8443 ipv6hint=2001:db8:2::1",
       "address"},
      {"hints inside", "h1.dyn.example.", Type::HTTPS,
       "1 . port=8443 ipv4hint=198.51.100.1 ipv6hint=2001:db8:1::1", nullptr},
      {"URI", "h1.dyn.example.", Type::URI, "1 1 \"http://198.51.100.1:8001/\"", nullptr},
      {"URI outside", "h1.dyn.example.", Type::URI, "1 1 \"http://8.8.8.8:8001/\"", "address"},
      {"URI, IPv6 outside", "h1.dyn.example.", Type::URI, "1 1 \"http://[2001:db8:2::1]:8001/\"",
       "address"},
      {"URI, an address as a number", "h1.dyn.example.", Type::URI,
       "1 1 \"http://134744072:8001/\"", "neither a name nor"},
      {"URI, an address in hex", "h1.dyn.example.", Type::URI, "1 1 \"http://0x08.8.8.0x8:8001/\"",
       "neither a name nor"},
      {"URI, escaped", "h1.dyn.example.", Type::URI, "1 1 \"http://%38.8.8.8:8001/\"",
       "address 8.8.8.8"},
      {"URI, behind user information", "h1.dyn.example.", Type::URI,
       "1 1 \"http://h1.dyn.example:8001@8.8.8.8:8001/\"", "address"},
  };
  expect(subscriber(), rows);
  const Case unproven[] = {
      {"the source over plain UDP", "h1.dyn.example.", Type::A, "192.0.2.77", "not proven"},
      {"in the prefix all the same", "h1.dyn.example.", Type::A, "198.51.100.1", nullptr},
  };
  expect(subscriber(), unproven, false);
  Grant global = subscriber();
  global.addresses = {AddressRule::from_text("global").value()};
  const Case global_rows[] = {
      {"global", "h1.dyn.example.", Type::A, "8.8.8.8", nullptr},
      {"global IPv6", "h1.dyn.example.", Type::AAAA, "2a00:1450::1", nullptr},
      {"private", "h1.dyn.example.", Type::A, "10.1.2.3", "address"},
      {"shared (RFC 6598)", "h1.dyn.example.", Type::A, "100.64.0.1", "address"},
      {"just after it", "h1.dyn.example.", Type::A, "100.128.0.1", nullptr},
      {"loopback", "h1.dyn.example.", Type::A, "127.0.0.1", "address"},
      {"DS-Lite (RFC 6333)", "h1.dyn.example.", Type::A, "192.0.0.2", "address"},
      {"multicast", "h1.dyn.example.", Type::A, "239.1.1.1", "address"},
      {"broadcast", "h1.dyn.example.", Type::A, "255.255.255.255", "address"},
      {"unique local", "h1.dyn.example.", Type::AAAA, "fd00::1", "address"},
      {"link-local", "h1.dyn.example.", Type::AAAA, "fe80::1", "address"},
      {"6to4 of a private one", "h1.dyn.example.", Type::AAAA, "2002:a01:203::1", "address"},
      {"NAT64", "h1.dyn.example.", Type::AAAA, "64:ff9b::a01:203", "address"},
      {"mapped private", "h1.dyn.example.", Type::AAAA, "::ffff:10.1.2.3", "address"},
      {"unspecified", "h1.dyn.example.", Type::AAAA, "::", "address"},
  };
  expect(global, global_rows);
}

TEST(Grant, Ports) {
  const Case rows[] = {
      {"SRV", "_http._tcp.h1.dyn.example.", Type::SRV, "0 0 8001 h1.dyn.example.", nullptr},
      {"SRV, another's port", "_http._tcp.h1.dyn.example.", Type::SRV, "0 0 80 h1.dyn.example.",
       "port 80"},
      {"SRV, no service", "_http._tcp.h1.dyn.example.", Type::SRV, "0 0 0 .", nullptr},
      {"HTTPS", "h1.dyn.example.", Type::HTTPS, "1 . port=8443", nullptr},
      {"HTTPS without a port is 443", "h1.dyn.example.", Type::HTTPS, "1 .", "port 443"},
      {"HTTPS at a port's name", "_8443._https.h1.dyn.example.", Type::HTTPS, "1 h1.dyn.example.",
       nullptr},
      {"SVCB without a port", "_x.h1.dyn.example.", Type::SVCB, "1 .", "names no port"},
      {"SVCB, alias", "_x.h1.dyn.example.", Type::SVCB, "0 h1.dyn.example.", nullptr},
      {"URI", "h1.dyn.example.", Type::URI, "1 1 \"https://h1.dyn.example:8443/a?b\"", nullptr},
      {"URI without a port", "h1.dyn.example.", Type::URI, "1 1 \"https://h1.dyn.example/\"",
       "port 443"},
      {"URI of an unknown scheme without one", "h1.dyn.example.", Type::URI,
       "1 1 \"foo://h1.dyn.example/\"", "names no port"},
      {"URI, port out of range", "h1.dyn.example.", Type::URI,
       "1 1 \"http://h1.dyn.example:99999/\"", "no port"},
      {"sip", "h1.dyn.example.", Type::URI, "1 1 \"sip:me@h1.dyn.example:5070;transport=tcp\"",
       nullptr},
      {"sip without a port", "h1.dyn.example.", Type::URI, "1 1 \"sip:me@h1.dyn.example\"",
       nullptr},
      {"sip, another's port", "h1.dyn.example.", Type::URI, "1 1 \"sip:me@h1.dyn.example:25\"",
       "port 25"},
  };
  expect(subscriber(), rows);
}

TEST(Grant, Targets) {
  const Case rows[] = {
      {"SRV to itself", "_http._tcp.h1.dyn.example.", Type::SRV, "0 0 8001 H1.dyn.example.",
       nullptr},
      {"SRV to below", "_http._tcp.h1.dyn.example.", Type::SRV, "0 0 8001 direct.h1.dyn.example.",
       nullptr},
      {"SRV to another", "_http._tcp.h1.dyn.example.", Type::SRV, "0 0 8001 h2.dyn.example.",
       "target h2.dyn.example."},
      {"CNAME to the portal", "web.h1.dyn.example.", Type::CNAME, "portal.example.", nullptr},
      {"CNAME to another", "web.h1.dyn.example.", Type::CNAME, "bank.example.", "target"},
      {"HTTPS to another", "h1.dyn.example.", Type::HTTPS, "1 bank.example. port=8443", "target"},
      {"HTTPS alias to another", "h1.dyn.example.", Type::HTTPS, "0 bank.example.", "target"},
      {"URI to another", "h1.dyn.example.", Type::URI, "1 1 \"http://bank.example:8001/\"",
       "target"},
      {"URI, behind user information", "h1.dyn.example.", Type::URI,
       "1 1 \"http://h1.dyn.example@bank.example:8001/\"", "target"},
      {"URI without an authority", "h1.dyn.example.", Type::URI, "1 1 \"mailto:me@bank.example\"",
       "no authority"},
      {"URI that is none", "h1.dyn.example.", Type::URI, "1 1 \"h1.dyn.example\"", "no authority"},
      {"sip to another", "h1.dyn.example.", Type::URI, "1 1 \"sip:me@bank.example:5070\"",
       "target"},
  };
  expect(subscriber(), rows);
  Grant delegating = subscriber();
  delegating.types = {Type::NS,    Type::DNAME, Type::MX,       Type::PTR, Type::NAPTR,
                      Type::WKS,   Type::A6,    Type::IPSECKEY, Type::SOA, static_cast<Type>(65280),
                      Type::AFSDB, Type::TLSA};
  const Case delegating_rows[] = {
      {"NS, even with glue below itself", "h1.dyn.example.", Type::NS, "ns.h1.dyn.example.",
       "hand the name to a server"},
      {"NS elsewhere", "h1.dyn.example.", Type::NS, "ns.evil.example.", "hand the name"},
      {"DNAME elsewhere", "h1.dyn.example.", Type::DNAME, "evil.example.",
       "target *.evil.example."},
      {"DNAME to below itself", "a.h1.dyn.example.", Type::DNAME, "b.h1.dyn.example.", nullptr},
      {"DNAME to the portal, below which others may be", "h1.dyn.example.", Type::DNAME,
       "portal.example.", "target *.portal.example."},
      {"DNAME as an unknown type", "h1.dyn.example.", static_cast<Type>(39), "evil.example.",
       "target *.evil.example."},
      {"NAPTR", "h1.dyn.example.", Type::NAPTR,
       "1 1 \"S\" \"SIP+D2U\" \"\" _sip._udp.h1.dyn.example.", nullptr},
      {"NAPTR elsewhere", "h1.dyn.example.", Type::NAPTR,
       "1 1 \"S\" \"SIP+D2U\" \"\" _sip._udp.evil.example.", "target"},
      {"NAPTR that makes a URI", "h1.dyn.example.", Type::NAPTR,
       "1 1 \"U\" \"E2U+sip\" \"!^.*$!sip:me@evil.example!\" .", "lead anywhere"},
      {"WKS: its address", "h1.dyn.example.", Type::WKS, "\\# 7 08080808 06 00 01",
       "address 8.8.8.8"},
      {"WKS: its ports", "h1.dyn.example.", Type::WKS, "\\# 7 c6336401 06 00 01", "port 15"},
      {"A6", "h1.dyn.example.", Type::A6, "\\# 17 00 20010db8000100000000000000000001", "A6"},
      {"IPSECKEY: a gateway", "h1.dyn.example.", Type::IPSECKEY, "\\# 8 0a 01 02 08080808 00",
       "not read here"},
      {"SOA", "h1.dyn.example.", Type::SOA, "evil.example. h1.dyn.example. 1 1 1 1 1", "target"},
      {"AFSDB elsewhere", "h1.dyn.example.", Type::AFSDB, "1 evil.example.", "target"},
      {"a type that is not known here", "h1.dyn.example.", static_cast<Type>(65280),
       "\\# 4 08080808", "cannot be told"},
      {"a type that leads nowhere", "_8443._tcp.h1.dyn.example.", Type::TLSA, "3 1 1 00", nullptr},
      {"MX elsewhere", "h1.dyn.example.", Type::MX, "10 evil.example.", "target"},
      {"PTR elsewhere", "h1.dyn.example.", Type::PTR, "evil.example.", "target"},
  };
  expect(delegating, delegating_rows);
}

TEST(Grant, ServiceIncludesTheChallengeOfCertificates) {
  Grant grant = subscriber();
  grant.names = {{NameRule::Kind::SELF, {}}};
  grant.acme_challenge = true;
  const Case rows[] = {
      {"the challenge (RFC 8555 §8.4)", "_acme-challenge.h1.dyn.example.", Type::TXT, "x", nullptr},
      {"in another case", "_ACME-Challenge.H1.dyn.example.", Type::TXT, "x", nullptr},
      {"its removal", "_acme-challenge.h1.dyn.example.", Type::TXT, nullptr, nullptr},
      {"asking whether it may", "_acme-challenge.h1.dyn.example.", Type::ANY, nullptr, nullptr},
      {"another type there", "_acme-challenge.h1.dyn.example.", Type::A, "198.51.100.1", "name"},
      {"another's", "_acme-challenge.h2.dyn.example.", Type::TXT, "x", "name"},
      {"below itself", "_acme-challenge.a.h1.dyn.example.", Type::TXT, "x", "name"},
      {"a label like it", "_acme-challengex.h1.dyn.example.", Type::TXT, "x", "name"},
      {"the zone's", "_acme-challenge.dyn.example.", Type::TXT, "x", "name"},
  };
  expect(grant, rows);
  grant.acme_challenge = false;
  const Case without[] = {
      {"TXT alone does not", "_acme-challenge.h1.dyn.example.", Type::TXT, "x", "name"}};
  expect(grant, without);
}

TEST(Grant, WhetherAnythingAtAName) {
  const Case rows[] = {{"own", "h1.dyn.example.", Type::ANY, nullptr, nullptr},
                       {"another's", "h2.dyn.example.", Type::ANY, nullptr, "name"}};
  expect(subscriber(), rows);
}

TEST(ZoneGrants, ARulingNamesItsGrant) {
  ZoneGrants grants;
  Grant low = subscriber();
  low.line = 3;
  Grant high = low;
  high.line = 9;
  high.types = {Type::CAA};
  grants.add(low);
  grants.add(high);
  const zones::Name key = name("h1.dyn.example.");
  const zones::Name other = name("h2.dyn.example.");
  EXPECT_EQ(grants.judge({key}, {key, Type::CAA, {}, false}).grant->line, 9U);
  EXPECT_EQ(grants.judge({key}, {key, Type::A, {}, false}).grant->line, 3U);
  EXPECT_EQ(grants.judge({key}, {other, Type::A, {}, false}).grant->line, 3U);
  EXPECT_EQ(grants.judge({name("x.")}, {key, Type::A, {}, false}).grant, nullptr);
}

TEST(Grant, WhatIsNotLimitedIsFree) {
  Grant grant;
  grant.key = name("h1.dyn.example.");
  grant.names = {{NameRule::Kind::SELF, {}}};
  grant.types = {Type::A, Type::URI, Type::CNAME};
  const Case rows[] = {
      {"any address", "h1.dyn.example.", Type::A, "10.0.0.1", nullptr},
      {"any URI", "h1.dyn.example.", Type::URI, "1 1 \"mailto:me@example.org\"", nullptr},
      {"any target", "h1.dyn.example.", Type::CNAME, "example.org.", nullptr},
  };
  expect(grant, rows);
}

TEST(ZoneGrants, OneRecordNeedsOneGrantThatPermitsAllOfIt) {
  ZoneGrants grants;
  Grant low = subscriber();
  low.addresses = {AddressRule::from_text("192.0.2.0/24").value()};
  low.types = {Type::HTTPS};
  Grant high = low;
  high.addresses = {AddressRule::from_text("198.51.100.0/24").value()};
  low.ports = ports_from_text("80").value();
  grants.add(low);
  grants.add(high);
  const zones::Name key = name("h1.dyn.example.");
  const auto judged = [&](const char* rdata) {
    const auto parsed = zones::rdata_from_text(Type::HTTPS, rdata).value();
    return grants.judge({key}, {key, Type::HTTPS, parsed, true}).allowed;
  };
  EXPECT_TRUE(judged("1 . port=80 ipv4hint=192.0.2.1"));
  EXPECT_TRUE(judged("1 . port=8000 ipv4hint=198.51.100.1"));
  EXPECT_FALSE(judged("1 . port=80 ipv4hint=198.51.100.1"));
}

TEST(ZoneGrants, LimitsAreTheMostGenerous) {
  using namespace std::chrono_literals;
  ZoneGrants grants;
  const zones::Name key = name("h1.dyn.example.");
  EXPECT_EQ(grants.limits(key).max_records, 0U);
  grants.add(
      {.key = key, .update = true, .max_records = 10, .max_lease = 1h, .rate_per_minute = 5});
  grants.add({.key = name("*.dyn.example."),
              .update = true,
              .max_records = 20,
              .max_lease = 30min,
              .rate_per_minute = 0});
  grants.add({.key = name("h2.dyn.example."), .update = true});
  EXPECT_EQ(grants.limits(key).max_records, 20U);
  EXPECT_EQ(grants.limits(key).max_lease, 1h);
  EXPECT_EQ(grants.limits(key).rate_per_minute, 0U);
}

TEST(GrantText, NameRules) {
  for (const char* text : {"self", "below-self", "portal", "subdomain:a.example.",
                           "name:a.example.", "wildcard:*.example."}) {
    EXPECT_EQ(NameRule::from_text(text)->to_text(), text);
  }
  struct Row {
    const char* text;
    const char* want;
  };
  const Row rows[] = {
      {"", "is not self"},
      {"selfsub", "is not self"},
      {"subdomain", "needs a name"},
      {"name:a..b", "a label is empty"},
      {"wildcard:a.example.", "begins with '*.'"},
  };
  for (const Row& row : rows) {
    const auto rule = NameRule::from_text(row.text);
    ASSERT_FALSE(rule) << row.text;
    EXPECT_NE(rule.error().find(row.want), std::string::npos) << rule.error();
  }
}

TEST(GrantText, AddressRules) {
  for (const char* text :
       {"source", "global", "198.51.100.0/22", "2001:db8::/32", "::/0", "0.0.0.0/0"}) {
    EXPECT_EQ(AddressRule::from_text(text)->to_text(), text);
  }
  EXPECT_EQ(AddressRule::from_text("192.0.2.1")->to_text(), "192.0.2.1/32");
  EXPECT_EQ(AddressRule::from_text("2001:db8::1")->to_text(), "2001:db8::1/128");
  for (const char* text : {"", "192.0.2", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1",
                           "2001:db8::/129", "h1.example."}) {
    EXPECT_NE(AddressRule::from_text(text).error().find("is not source"), std::string::npos)
        << text;
  }
  EXPECT_NE(AddressRule::from_text("198.51.101.0/22").error().find("bits set"), std::string::npos);
}

TEST(GrantText, PortsAndTypes) {
  EXPECT_EQ(ports_from_text("80,443,1024-65535")->size(), 3U);
  for (const char* text : {"", "0", "80,", "9-8", "65536", "a", "80-", "-80", "1-2-3"}) {
    EXPECT_FALSE(ports_from_text(text)) << text;
  }
  EXPECT_EQ(types_from_text(std::vector<std::string>{"A", "type65280"})->at(1),
            static_cast<Type>(65280));
  EXPECT_FALSE(types_from_text(std::vector<std::string>{"ANY"}));
  EXPECT_FALSE(types_from_text(std::vector<std::string>{"Z"}));
}

}  // namespace
}  // namespace keys
