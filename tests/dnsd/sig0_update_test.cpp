// SIG(0) from the wire to the writer and back: whose key counts, what is refused before it costs
// anything, what is answered under load (RFC 2931, RFC 3007).
#include "dnsd/sig0_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include "dispatch_world.h"
#include "dnsd/signers.h"
#include "keys/sig0.h"
#include "log_capture.h"

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
using testing::HasSubstr;
using zones::Rcode;
using zones::Type;

std::string rdata_text(const PrivateKey& key) {
  return zones::rdata_to_text(Type::KEY, key.public_key().rdata());
}

/// Keys, each with a KEY record somewhere, and who they are in policy.
struct Keys {
  PrivateKey host = PrivateKey::generate(name("h1.example.org."));
  PrivateKey other = PrivateKey::generate(name("h1.example.org."));
  PrivateKey no_grant = PrivateKey::generate(name("h2.example.org."));
  PrivateKey tsig_name = PrivateKey::generate(name("editor.example.org."));
  PrivateKey registered = PrivateKey::generate(name("registered."));
  PrivateKey shadowed = PrivateKey::generate(name("registered.example.org."));
  PrivateKey wildcard = PrivateKey::generate(name("any.wild.example.org."));
  PrivateKey cut = PrivateKey::generate(name("cut.example.org."));
  PrivateKey below_cut = PrivateKey::generate(name("h.cut.example.org."));
  PrivateKey elsewhere = PrivateKey::generate(name("h1.example.net."));
  PrivateKey unknown = PrivateKey::generate(name("h1.example.com."));

  std::string zone() const {
    std::string text(test::ZONE);
    const auto add = [&](const char* owner, const PrivateKey& key) {
      text += std::string(owner) + " 60 KEY " + rdata_text(key) + "\n";
    };
    add("h1", host);
    add("h2", no_grant);
    add("editor", tsig_name);
    add("registered", shadowed);
    add("*.wild", wildcard);
    add("cut", cut);
    add("h.cut", below_cut);
    text += "cut 60 NS ns\n";
    return text;
  }

  std::shared_ptr<const Policy> policy() const {
    auto policy = std::make_shared<Policy>();
    policy->keyring.add(test::make_key("editor.example.org."));
    policy->public_keys.emplace(name("registered."), registered.public_key());
    policy->public_keys.emplace(name("registered.example.org."), registered.public_key());
    keys::ZoneGrants& grants = policy->grants[name("example.org.")];
    for (const char* key : {"h1.example.org.", "editor.example.org.", "registered.",
                            "registered.example.org.", "any.wild.example.org.", "cut.example.org.",
                            "h.cut.example.org.", "h1.example.net.", "h1.example.com."}) {
      grants.add(keys::Grant{.key = name(key), .update = true});
    }
    collect_named_keys(*policy);
    return policy;
  }
};

struct Sig0World : Keys, test::World {
  explicit Sig0World(const AuthLimits& limits = {})
      : World({}, 10, zone(), std::chrono::seconds(60), limits) {
    writer->set_policy(policy());
  }

  std::string exists(const char* owner, Type type) {
    return test::parse(ask(zones::to_wire(query(owner, type)))).answer.empty() ? "no" : "yes";
  }
};

zones::Message add_new(const char* owner = "new.example.org.", const char* zone = "example.org.") {
  return update(zone, {record(owner, Type::A, "192.0.2.9")});
}

Octets sign(const zones::Message& message, const PrivateKey& key,
            std::chrono::sys_seconds now = NOW) {
  Octets octets = zones::to_wire(message);
  keys::sign_sig0(octets, key, now);
  return octets;
}

TEST(Sig0Update, Rfc2931Section3AKeyAtTheSignersNameSigns) {
  Sig0World world;
  struct Row {
    const char* what;
    const PrivateKey& key;
  };
  const Row rows[] = {{"a KEY record of the zone", world.host},
                      {"a KEY record of another zone that is served", world.elsewhere},
                      {"a registered key", world.registered}};
  // The other zone's record comes by an update of its own, as a subscriber's would.
  zones::Record key = record("h1.example.net.", Type::KEY, rdata_text(world.elsewhere));
  auto policy = std::make_shared<Policy>(*world.policy());
  policy->keyring.add(test::make_key("net."));
  policy->grants[name("example.net.")].add({.key = name("net."), .update = true});
  world.writer->set_policy(policy);
  test::Signed publish(update("example.net.", {key}), test::make_key("net."));
  ASSERT_EQ(rcode_of(world.ask(publish.octets)), Rcode::NOERROR);

  int number = 0;
  for (const Row& row : rows) {
    for (const Transport transport : {Transport::UDP, Transport::TCP}) {
      SCOPED_TRACE(row.what);
      const std::string owner = "new" + std::to_string(++number) + ".example.org.";
      zones::Message message = add_new(owner.c_str());
      message.header.id = 0xbeef;
      const Octets octets = world.ask(sign(message, row.key), transport);
      const zones::Message answer = test::parse(octets);
      EXPECT_EQ(rcode_of(octets), Rcode::NOERROR);
      EXPECT_EQ(answer.header.id, 0xbeef);
      EXPECT_EQ(answer.header.opcode, zones::Opcode::UPDATE);
      EXPECT_EQ(answer.question.front().name, name("example.org."));
      EXPECT_EQ(world.exists(owner.c_str(), Type::A), "yes");
    }
  }
}

struct Refusal {
  const char* what;
  Octets octets;
  Rcode want;
  const char* line;
};

void expect_refused(Sig0World& world, std::span<const Refusal> rows) {
  test::LogCapture log;
  for (const Refusal& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(rcode_of(world.ask(row.octets)), row.want);
    EXPECT_THAT(log.take(), HasSubstr(row.line));
  }
  EXPECT_EQ(world.exists("new.example.org.", Type::A), "no");
  EXPECT_EQ(world.writer->status().messages, 0U);
}

TEST(Sig0Update, Rfc2931Section32WhatFailsIsRefused) {
  Sig0World world;
  Octets bad_signature = sign(add_new(), world.host);
  bad_signature.back() ^= 1;
  Octets changed = sign(add_new(), world.host);
  changed[1] ^= 1;  // the ID
  Octets trailing = sign(add_new(), world.host);
  trailing.push_back(0);
  zones::Message no_soa = add_new();
  no_soa.question.front().type = Type::A;
  // The signature is good, what it covers is no message: a pointer that leads to itself.
  Octets malformed =
      zones::to_wire(update("example.org.", {record("new.example.org.", Type::NS, "a.")}));
  malformed[malformed.size() - 3] = 0xc0;
  malformed[malformed.size() - 2] = static_cast<std::uint8_t>(malformed.size() - 3);
  malformed.pop_back();
  malformed[malformed.size() - 3] = 2;
  keys::sign_sig0(malformed, world.host, NOW);
  zones::Message of_ttl = add_new();
  of_ttl.edns.emplace();
  of_ttl.edns->version = 1;
  using namespace std::chrono_literals;
  const Refusal rows[] = {
      {"another key of that name", sign(add_new(), world.other), Rcode::REFUSED,
       "signed by SIG(0) as h1.example.org., refused: no KEY record of that name"},
      {"a signature that is not its", bad_signature, Rcode::REFUSED,
       "update of example.org. from 192.0.2.99:4711, signed by SIG(0) as h1.example.org., refused: "
       "the signature does not verify"},
      {"a message that was changed", changed, Rcode::REFUSED, "does not verify"},
      {"expired", sign(add_new(), world.host, NOW - 601s), Rcode::REFUSED,
       "as h1.example.org., refused: outside its validity"},
      {"not yet valid", sign(add_new(), world.host, NOW + 601s), Rcode::REFUSED,
       "outside its validity"},
      {"a signer that nobody knows", sign(add_new(), world.unknown), Rcode::REFUSED,
       "as h1.example.com., refused: no KEY record"},
      {"a signer without a grant", sign(add_new(), world.no_grant), Rcode::REFUSED,
       "no grant lets key h2.example.org. update this zone"},
      {"a zone that is not served (RFC 2136 §3.1.2)",
       sign(add_new("a.www.example.org.", "www.example.org."), world.host), Rcode::NOTAUTH,
       "no such zone is served here"},
      {"a zone section that is none (RFC 2136 §3.1.1)", sign(no_soa, world.host), Rcode::FORMERR,
       "its zone section is not one SOA"},
      {"octets after the end", trailing, Rcode::FORMERR, "its sections are not whole"},
      {"a malformed record", malformed, Rcode::FORMERR, "malformed"},
      {"another version of EDNS (RFC 6891 §6.1.3)", sign(of_ttl, world.host), Rcode::BADVERS, ""},
  };
  expect_refused(world, rows);
}

TEST(Sig0Update, WhoseKeyRecordDoesNotCount) {
  Sig0World world;
  const Refusal rows[] = {
      {"a KEY record beside a TSIG key of that name", sign(add_new(), world.tsig_name),
       Rcode::REFUSED, "the configuration has a TSIG key of that name"},
      {"a KEY record beside a registered key of that name", sign(add_new(), world.shadowed),
       Rcode::REFUSED, "no KEY record of that name, nor [[key]]"},
      {"a KEY record of a wildcard", sign(add_new(), world.wildcard), Rcode::REFUSED,
       "no KEY record"},
      {"a KEY record at a zone cut", sign(add_new(), world.cut), Rcode::REFUSED, "no KEY record"},
      {"a KEY record below a zone cut", sign(add_new(), world.below_cut), Rcode::REFUSED,
       "no KEY record"},
  };
  expect_refused(world, rows);
}

// RFC 2931 §3.2: ignored where it is optional.
TEST(Sig0Update, Rfc2931Section32AQueryNeedsNone) {
  Sig0World world;
  Octets bad = sign(query("www.example.org.", Type::A), world.unknown);
  bad.back() ^= 1;
  EXPECT_EQ(rcode_of(world.ask(bad)), Rcode::NOERROR);
  zones::Message axfr = query("example.org.", Type::AXFR);
  EXPECT_EQ(rcode_of(world.ask(sign(axfr, world.host), Transport::TCP)), Rcode::REFUSED);
}

// The key that signed may be gone when the writer comes to its message.
TEST(Sig0Update, TheWriterLooksForTheKeyAgain) {
  Sig0World world;
  const zones::Record old_key =
      record("h1.example.org.", Type::KEY, rdata_text(world.host), 0, zones::Class::NONE);
  const zones::Record new_key = record("h1.example.org.", Type::KEY, rdata_text(world.other));
  // A key rolls itself over.
  EXPECT_EQ(rcode_of(world.ask(sign(update("example.org.", {new_key, old_key}), world.host))),
            Rcode::NOERROR);
  EXPECT_EQ(rcode_of(world.ask(sign(add_new(), world.host))), Rcode::REFUSED);
  EXPECT_EQ(rcode_of(world.ask(sign(add_new(), world.other))), Rcode::NOERROR);

  // Both are on their way when the first is carried out.
  world.gate.shut();
  std::promise<Octets> blocking, removal, after;
  static_cast<void>(
      world.ask_now(sign(add_new("b.example.org."), world.other), Transport::UDP, blocking));
  const zones::Record removed =
      record("h1.example.org.", Type::KEY, rdata_text(world.other), 0, zones::Class::NONE);
  static_cast<void>(
      world.ask_now(sign(update("example.org.", {removed}), world.other), Transport::UDP, removal));
  static_cast<void>(
      world.ask_now(sign(add_new("c.example.org."), world.other), Transport::UDP, after));
  world.gate.open();
  EXPECT_EQ(rcode_of(blocking.get_future().get()), Rcode::NOERROR);
  EXPECT_EQ(rcode_of(removal.get_future().get()), Rcode::NOERROR);
  EXPECT_EQ(rcode_of(after.get_future().get()), Rcode::REFUSED);
}

TEST(Sig0Update, UnderPressureUdpIsSentToTcp) {
  Sig0World world({.rate = 3, .udp_rate = 2});
  const auto flags = [](const Octets& answer) { return answer[2] & 0x02; };
  const auto ask_udp = [&] { return world.ask(sign(add_new(), world.host)); };
  EXPECT_EQ(rcode_of(ask_udp()), Rcode::NOERROR);
  EXPECT_EQ(rcode_of(ask_udp()), Rcode::NOERROR);
  test::LogCapture log;
  const Octets truncated = ask_udp();
  EXPECT_EQ(rcode_of(truncated), Rcode::SERVFAIL);  // NOERROR would mean that it is stored
  EXPECT_EQ(flags(truncated), 0x02);
  EXPECT_EQ(test::parse(truncated).header.opcode, zones::Opcode::UPDATE);
  EXPECT_THAT(
      log.take(),
      HasSubstr(
          "sent to TCP, or to come with a cookie: too many signatures from unproven sources"));
  // TCP has a budget of its own.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(rcode_of(world.ask(sign(add_new(), world.host), Transport::TCP)), Rcode::NOERROR);
  }
  EXPECT_EQ(rcode_of(world.ask(sign(add_new(), world.host), Transport::TCP)), Rcode::SERVFAIL);
  EXPECT_THAT(log.take(), HasSubstr("answered SERVFAIL: too many signatures from its source"));
}

TEST(Sig0Update, ABadSignatureCountsAsTen) {
  Sig0World world({.udp_rate = 20});
  Octets bad = sign(add_new(), world.host);
  bad.back() ^= 1;
  EXPECT_EQ(rcode_of(world.ask(bad)), Rcode::REFUSED);
  EXPECT_EQ(rcode_of(world.ask(bad)), Rcode::REFUSED);
  EXPECT_EQ(world.ask(bad)[2] & 0x02, 0x02);
}

// "Two keys of one name": whoever may write a KEY at a name must not take over what the name was
// granted.
TEST(Signers, AKeyAtANameOfTheConfigurationIsNotEverybodysToAdd) {
  Policy policy;
  policy.keyring.add(test::make_key("tsig.example.org."));
  keys::ZoneGrants& grants = policy.grants[name("example.org.")];
  grants.add({.key = name("*.example.org."),
              .names = {*keys::NameRule::from_text("subdomain:example.org.")},
              .types = {Type::KEY}});
  grants.add({.key = name("boss.example.org."), .update = true});
  collect_named_keys(policy);
  const std::string key = rdata_text(PrivateKey::generate(name("k.")));
  struct Row {
    const char* what;
    const char* signer;
    zones::Record record;
    bool forbidden;
  };
  const Row rows[] = {
      {"its own", "h1.example.org.", record("h1.example.org.", Type::KEY, key), false},
      {"another's that a pattern names", "h1.example.org.",
       record("h2.example.org.", Type::KEY, key), true},
      {"below its own, with limits of its own", "h1.example.org.",
       record("a.h1.example.org.", Type::KEY, key), true},
      {"one that no grant is for", "h1.example.org.", record("example.org.", Type::KEY, key),
       false},
      {"one that a grant names", "h1.example.org.", record("BOSS.example.org.", Type::KEY, key),
       true},
      {"one that a [[key]] names", "h1.example.org.", record("tsig.example.org.", Type::KEY, key),
       true},
      {"removed only", "h1.example.org.",
       record("boss.example.org.", Type::KEY, "", 0, zones::Class::ANY), false},
      {"not a KEY", "h1.example.org.", record("boss.example.org.", Type::A, "192.0.2.1"), false},
      {"named and its own", "boss.example.org.", record("boss.example.org.", Type::KEY, key),
       false},
      {"by the whole zone's key", "boss.example.org.", record("tsig.example.org.", Type::KEY, key),
       false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    UpdateJob job;
    job.key = name(row.signer);
    job.message = update("example.org.", {row.record});
    EXPECT_EQ(forbidden_key(policy, grants, job) != nullptr, row.forbidden);
  }
}

TEST(Signers, NoMoreThanTwoCandidates) {
  // RSA keys whose tags are the same: the tag is a sum, so swapping 16-bit words keeps it.
  std::string zone(test::ZONE);
  for (int i = 0; i < 5; ++i) {
    std::vector<std::uint8_t> octets(32, 0);
    octets[static_cast<std::size_t>(2 * i)] = 1;
    char text[64];
    sodium_bin2base64(text, sizeof text, octets.data(), octets.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    zone += "h1 60 KEY 512 3 15 " + std::string(text) + "\n";
  }
  zones::CatalogueBuilder builder;
  test::add_zone(builder, "example.org.", zone);
  const zones::Catalogue catalogue = builder.freeze();
  const zones::Rdata first =
      zones::rdata_from_text(
          Type::KEY,
          zone.substr(zone.find("512"), zone.find('\n', zone.find("512")) - zone.find("512")))
          .value();
  EXPECT_EQ(candidate_keys(catalogue, {}, name("h1.example.org."), keys::Sig0Algorithm::ED25519,
                           keys::key_tag(first))
                .size(),
            MAX_CANDIDATE_KEYS);
  EXPECT_TRUE(candidate_keys(catalogue, {}, name("h1.example.org."),
                             keys::Sig0Algorithm::ECDSAP256SHA256, keys::key_tag(first))
                  .empty());
}

}  // namespace
}  // namespace dnsd
