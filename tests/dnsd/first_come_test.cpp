// First come, first served: who may claim a name, what the claim is good for, and whom it must not
// help.
#include "dnsd/first_come.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dispatch_world.h"
#include "dnsd/signers.h"
#include "keys/sig0.h"

namespace dnsd {
namespace {

using keys::PrivateKey;
using test::name;
using test::NOW;
using test::Octets;
using test::query;
using test::rcode_of;
using test::record;
using test::update;
using zones::Class;
using zones::Rcode;
using zones::Record;
using zones::Type;

constexpr std::string_view ZONE = R"(
@ 60 SOA ns h 5 60 60 60 60
@ 60 NS ns
ns 60 A 192.0.2.1
www 60 A 192.0.2.2
x.used 60 A 192.0.2.3
cut 60 NS ns
dn 60 DNAME elsewhere.
)";

struct FirstComeWorld : test::World {
  FirstComeWorld() : World({}, 10, ZONE) {
    auto policy = std::make_shared<Policy>(*test::make_test_policy());
    policy->first_come.insert(name("example.org."));
    policy->keyring.add(test::make_key("tsig.example.org."));
    policy->grants[name("example.org.")].add({.key = name("boss.example.org."), .update = true});
    // What is granted to a pattern is not for strangers.
    policy->grants[name("example.org.")].add({.key = name("*.example.org."), .update = true});
    policy->grants[name("example.net.")].add({.key = name("*."), .update = true});
    collect_named_keys(*policy);
    writer->set_policy(policy);
  }

  Rcode send(const PrivateKey& key, std::vector<Record> changes,
             const char* zone = "example.org.") {
    Octets octets = zones::to_wire(update(zone, std::move(changes), ++id_));
    keys::sign_sig0(octets, key, NOW);
    return rcode_of(ask(octets, Transport::TCP));
  }
  bool exists(const char* owner, Type type) {
    const zones::Message answer = test::parse(ask(zones::to_wire(query(owner, type))));
    return std::ranges::any_of(answer.answer,
                               [type](const Record& found) { return found.type == type; });
  }

 private:
  std::uint16_t id_ = 0;
};

PrivateKey key_of(const char* owner) { return PrivateKey::generate(name(owner)); }

Record key_record(const char* owner, const PrivateKey& key, Class rrclass = Class::IN) {
  return record(owner, Type::KEY, zones::rdata_to_text(Type::KEY, key.public_key().rdata()),
                rrclass == Class::IN ? 60 : 0, rrclass);
}
Record address(const char* owner) { return record(owner, Type::A, "192.0.2.9"); }

TEST(FirstCome, ANewNameBelongsToTheKeyThatComesWithIt) {
  FirstComeWorld world;
  const PrivateKey first = key_of("h1.example.org.");
  const PrivateKey second = key_of("h1.example.org.");
  EXPECT_EQ(world.send(first, {key_record("h1.example.org.", first), address("h1.example.org."),
                               record("_http._tcp.h1.example.org.", Type::SRV,
                                      "0 0 8001 h1.example.org.")}),
            Rcode::NOERROR);
  EXPECT_TRUE(world.exists("_http._tcp.h1.example.org.", Type::SRV));
  // The second comes too late, with or without a KEY record of its own.
  EXPECT_EQ(world.send(second, {key_record("h1.example.org.", second)}), Rcode::REFUSED);
  EXPECT_EQ(world.send(second, {address("h1.example.org.")}), Rcode::REFUSED);
  // From now on the record is what counts; it may be replaced by its holder.
  EXPECT_EQ(world.send(first, {record("h1.example.org.", Type::TXT, "path=/")}), Rcode::NOERROR);
  EXPECT_EQ(world.send(first, {key_record("h1.example.org.", second),
                               key_record("h1.example.org.", first, Class::NONE)}),
            Rcode::NOERROR);
  EXPECT_EQ(world.send(first, {address("h1.example.org.")}), Rcode::REFUSED);
  // Who gives up everything leaves the name to the next.
  EXPECT_EQ(world.send(second, {record("_http._tcp.h1.example.org.", Type::ANY, "", 0, Class::ANY),
                                record("h1.example.org.", Type::ANY, "", 0, Class::ANY)}),
            Rcode::NOERROR);
  EXPECT_FALSE(world.exists("h1.example.org.", Type::KEY));
  EXPECT_EQ(world.send(first, {key_record("h1.example.org.", first)}), Rcode::NOERROR);
}

TEST(FirstCome, WhatCannotBeClaimed) {
  FirstComeWorld world;
  struct Row {
    const char* what;
    const char* owner;
  };
  const Row rows[] = {
      {"the apex", "example.org."},
      {"a name that is there", "www.example.org."},
      {"a name with something below it", "used.example.org."},
      {"below a name that is there", "a.www.example.org."},
      {"two labels down", "a.b.example.org."},
      {"a delegated name", "cut.example.org."},
      {"below a delegation", "a.cut.example.org."},
      {"a DNAME", "dn.example.org."},
      {"below a DNAME", "a.dn.example.org."},
      {"a wildcard", "*.example.org."},
      {"a label for services", "_tcp.example.org."},
      {"a name of a [[key]]", "tsig.example.org."},
      {"a name of a grant", "boss.example.org."},
      {"a name of another zone", "h1.example.net."},
      {"a name of nobody's zone", "h1.example.com."},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const PrivateKey key = key_of(row.owner);
    EXPECT_EQ(world.send(key, {key_record(row.owner, key)}), Rcode::REFUSED);
    if (name(row.owner).is_at_or_below(name("example.org."))) {
      EXPECT_FALSE(world.exists(row.owner, Type::KEY));
    }
  }
}

TEST(FirstCome, TheUpdateBringsTheKeyThatSignsIt) {
  FirstComeWorld world;
  const PrivateKey key = key_of("h1.example.org.");
  const PrivateKey other = key_of("h1.example.org.");
  const PrivateKey elsewhere = key_of("h2.example.org.");
  EXPECT_EQ(world.send(key, {address("h1.example.org.")}), Rcode::REFUSED);
  EXPECT_EQ(world.send(key, {key_record("h1.example.org.", other)}), Rcode::REFUSED);
  EXPECT_EQ(world.send(key, {key_record("h2.example.org.", key)}), Rcode::REFUSED);
  EXPECT_EQ(world.send(elsewhere, {key_record("h1.example.org.", elsewhere)}), Rcode::REFUSED);
  EXPECT_FALSE(world.exists("h1.example.org.", Type::KEY));
  EXPECT_EQ(
      world.send(key, {key_record("h1.example.org.", other), key_record("h1.example.org.", key)}),
      Rcode::NOERROR);
}

TEST(FirstCome, WhatAClaimIsGoodFor) {
  FirstComeWorld world;
  const PrivateKey key = key_of("h1.example.org.");
  ASSERT_EQ(world.send(key, {key_record("h1.example.org.", key)}), Rcode::NOERROR);
  struct Row {
    const char* what;
    Record record;
    Rcode want;
  };
  const Row rows[] = {
      {"itself", address("H1.example.org."), Rcode::NOERROR},
      {"below", address("a.b.h1.example.org."), Rcode::NOERROR},
      {"HTTPS", record("h1.example.org.", Type::HTTPS, "1 . port=8001"), Rcode::NOERROR},
      {"beside", address("h2.example.org."), Rcode::REFUSED},
      {"the apex", address("example.org."), Rcode::REFUSED},
      {"NS", record("a.h1.example.org.", Type::NS, "ns.example.org."), Rcode::REFUSED},
      {"DNAME", record("a.h1.example.org.", Type::DNAME, "example.net."), Rcode::REFUSED},
      {"MX", record("h1.example.org.", Type::MX, "1 h1.example.org."), Rcode::REFUSED},
      {"an unknown type", record("h1.example.org.", static_cast<Type>(65280), "\\# 1 00"),
       Rcode::REFUSED},
      {"a KEY below", key_record("a.h1.example.org.", key), Rcode::REFUSED},
      {"to remove what is beside", record("www.example.org.", Type::A, "", 0, Class::ANY),
       Rcode::REFUSED},
      {"to remove the name beside", record("www.example.org.", Type::ANY, "", 0, Class::ANY),
       Rcode::REFUSED},
      {"to remove one's own", record("h1.example.org.", Type::A, "", 0, Class::ANY),
       Rcode::NOERROR},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(world.send(key, {row.record}), row.want);
    EXPECT_EQ(world.send(key, {address("h1.example.org."), row.record}), row.want);
  }
  // Nor does a grant to a pattern, here or elsewhere, become a stranger's.
  EXPECT_EQ(world.send(key, {address("h1.example.net.")}, "example.net."), Rcode::REFUSED);
}

// Two claims in one batch: the writer sees the first when it comes to the second.
TEST(FirstCome, TheFirstOfABatchHasIt) {
  FirstComeWorld world;
  const PrivateKey first = key_of("h1.example.org.");
  const PrivateKey second = key_of("h1.example.org.");
  const auto claim = [](const PrivateKey& key) {
    Octets octets = zones::to_wire(update("example.org.", {key_record("h1.example.org.", key)}));
    keys::sign_sig0(octets, key, NOW);
    return octets;
  };
  world.gate.shut();
  const PrivateKey blocker = key_of("b.example.org.");
  Octets blocking = zones::to_wire(update("example.org.", {key_record("b.example.org.", blocker)}));
  keys::sign_sig0(blocking, blocker, NOW);
  std::promise<Octets> answers[3];
  static_cast<void>(world.ask_now(blocking, Transport::TCP, answers[0]));
  static_cast<void>(world.ask_now(claim(first), Transport::TCP, answers[1]));
  static_cast<void>(world.ask_now(claim(second), Transport::TCP, answers[2]));
  world.gate.open();
  EXPECT_EQ(rcode_of(answers[0].get_future().get()), Rcode::NOERROR);
  EXPECT_EQ(rcode_of(answers[1].get_future().get()), Rcode::NOERROR);
  EXPECT_EQ(rcode_of(answers[2].get_future().get()), Rcode::REFUSED);
}

TEST(FirstCome, OffUnlessAskedFor) {
  test::World world;
  const PrivateKey key = key_of("h1.example.org.");
  Octets octets = zones::to_wire(update("example.org.", {key_record("h1.example.org.", key)}));
  keys::sign_sig0(octets, key, NOW);
  EXPECT_EQ(rcode_of(world.ask(octets)), Rcode::REFUSED);
}

// RFC 2931 §3.1: the server's own signature covers the request as well.
TEST(Sig0Answers, Rfc2931Section31ASignatureOverRequestAndResponse) {
  test::World world({}, 10, ZONE);
  const auto server = std::make_shared<const PrivateKey>(key_of("ns.example.org."));
  auto policy = std::make_shared<Policy>(*test::make_test_policy());
  policy->first_come.insert(name("example.org."));
  policy->server_key = server;
  world.writer->set_policy(policy);
  const PrivateKey key = key_of("h1.example.org.");
  const std::vector<keys::PublicKey> servers_key{server->public_key()};
  struct Row {
    const char* what;
    std::vector<Record> changes;
    bool break_it;
    Rcode want;
    bool is_signed;
  };
  const Row rows[] = {
      {"done", {key_record("h1.example.org.", key)}, false, Rcode::NOERROR, true},
      {"not permitted", {address("www.example.org.")}, false, Rcode::REFUSED, true},
      {"not authenticated", {address("h1.example.org.")}, true, Rcode::REFUSED, false},
  };
  for (const Row& row : rows) {
    for (const Transport transport : {Transport::UDP, Transport::TCP}) {
      SCOPED_TRACE(row.what);
      Octets request = zones::to_wire(update("example.org.", row.changes));
      keys::sign_sig0(request, key, NOW);
      if (row.break_it) request.back() ^= 1;
      const Octets answer = world.ask(request, transport);
      EXPECT_EQ(rcode_of(answer), row.want);
      const zones::Message message = test::parse(answer);
      ASSERT_EQ(message.signature.has_value(), row.is_signed);
      if (!row.is_signed) continue;
      const auto sig = keys::read_sig0(answer, message.signature_offset, NOW);
      ASSERT_TRUE(sig);
      EXPECT_EQ(sig->signer, name("ns.example.org."));
      EXPECT_TRUE(
          keys::verify_sig0(keys::sig0_signed_data(answer, message.signature_offset, *sig, request),
                            *sig, servers_key));
    }
  }
}

}  // namespace
}  // namespace dnsd
