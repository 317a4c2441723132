// [[zone.grant]] in a configuration file: every field, every error with its line, and grants that
// could never permit anything.
#include "keys/grant_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keys/vectors.h"

namespace keys {
namespace {

using test::name;
using testing::HasSubstr;
using zones::Type;
using namespace std::chrono_literals;

std::string text_of(const std::vector<TomlProblem>& problems) {
  std::string text;
  for (const TomlProblem& problem : problems) text += problem.to_text() + "\n";
  return text;
}

TEST(GrantFile, ThePortOfThePortalIsThatOfHttpUnlessAProxyIsInFrontOfIt) {
  const std::string listen = "[http]\nlisten = [\"198.51.100.10:8080\", \"[::]:80\"]\n";
  EXPECT_EQ(read_grant_file(listen, "f.toml").portal_port, 8080);
  EXPECT_EQ(read_grant_file(listen + "trusted-proxies = [\"10.0.0.1\"]\n", "f.toml").portal_port,
            0);
}

TEST(GrantFile, EveryField) {
  const GrantFile file = read_grant_file(R"([[key]]
name = "H1.dyn.example"
secret = "not looked at"
[http]
addresses = ["198.51.100.10", "2001:db8::10"]
names = "portal.example."
[[zone]]
name = "dyn.example."
[[zone.grant]]
key = "*.dyn.example."
names = ["self", "below-self", "subdomain:s.dyn.example.", "name:n.dyn.example.", "wildcard:*.w.dyn.example."]
types = ["A", "service", "TYPE99"]
addresses = ["source", "198.51.100.0/22", "global"]
ports = "80,1024-65535"
targets = ["self", "portal", "name:elsewhere.example."]
max-records = 64
max-lease = "2h"
rate = "2/s"
transfer = true
[[zone]]
name = "example."
)",
                                         "f.toml");
  EXPECT_EQ(text_of(file.errors), "");
  EXPECT_TRUE(file.has_key(name("h1.dyn.example.")));
  EXPECT_FALSE(file.has_key(name("h2.dyn.example.")));
  EXPECT_EQ(file.portal.addresses.size(), 2U);
  EXPECT_EQ(file.portal.names.at(0), name("portal.example."));
  EXPECT_EQ(file.zone_of(name("h1.dyn.example."))->name, name("dyn.example."));
  EXPECT_EQ(file.zone_of(name("www.example."))->name, name("example."));
  EXPECT_EQ(file.zone_of(name("org.")), nullptr);
  const Grant& grant = file.zones.at(0).grants.grants()[0];
  EXPECT_EQ(grant.line, 9U);
  EXPECT_EQ(grant.names.size(), 5U);
  EXPECT_EQ(grant.types.size(), 10U);
  EXPECT_TRUE(grant.acme_challenge);
  EXPECT_EQ(grant.addresses.size(), 3U);
  EXPECT_EQ(grant.ports.size(), 2U);
  EXPECT_EQ(grant.targets.size(), 3U);
  EXPECT_EQ(grant.max_records, 64U);
  EXPECT_EQ(grant.max_lease, 2h);
  EXPECT_EQ(grant.rate_per_minute, 120U);
  EXPECT_TRUE(grant.transfer);
  EXPECT_FALSE(grant.update);
}

// Else an alias would lead to any address.
TEST(GrantFile, TargetsOfALimitedGrantAreItsOwnNamesUnlessNamed) {
  const auto targets = [](const std::string& fields) {
    const GrantFile file = read_grant_file(
        "[[zone]]\nname = \"e.\"\n[[zone.grant]]\nkey = \"*.e.\"\n"
        "names = [\"self\"]\ntypes = [\"A\", \"CNAME\"]\n" +
            fields,
        "f.toml");
    EXPECT_EQ(text_of(file.errors), "");
    std::string text;
    for (const NameRule& rule : file.zones.at(0).grants.grants()[0].targets) {
      text += rule.to_text() + " ";
    }
    return text;
  };
  EXPECT_EQ(targets(""), "");
  EXPECT_EQ(targets("addresses = \"source\""), "self portal ");
  EXPECT_EQ(targets("ports = \"80\""), "self portal ");
  EXPECT_EQ(targets("addresses = \"source\"\ntargets = [\"subdomain:.\"]"), "subdomain:. ");
}

struct Row {
  const char* what;
  const char* key;
  const char* fields;
  const char* error;  // nullptr: right
};

const Row ROWS[] = {
    {"a subscriber's", "*.dyn.example.", "names = [\"self\"]\ntypes = [\"A\"]", nullptr},
    {"one string for a list", "*.dyn.example.", "names = \"self\"\ntypes = \"A\"", nullptr},
    {"names without types", "*.dyn.example.", "names = [\"self\"]",
     "f.toml:3: 'types' in [[zone.grant]] is missing: 'names' alone permits nothing"},
    {"types without names", "*.dyn.example.", "types = [\"A\"]",
     "f.toml:5: 'types' in [[zone.grant]] has no effect without 'names'"},
    {"addresses alone", "*.dyn.example.", "transfer = true\naddresses = [\"source\"]",
     "f.toml:6: 'addresses' in [[zone.grant]] has no effect without 'names'"},
    {"a rate of nothing", "*.dyn.example.", "transfer = true\nrate = \"1/min\"",
     "f.toml:6: 'rate' in [[zone.grant]] has no effect on a grant that permits no update"},
    {"nothing", "*.dyn.example.", "", "f.toml:3: this [[zone.grant]] grants nothing"},
    {"limits beside the whole zone", "*.dyn.example.", "update = true\nports = \"80\"",
     "f.toml:6: 'ports' in [[zone.grant]] has no effect beside update = true"},
    {"rate and lease beside the whole zone", "*.dyn.example.",
     "update = true\nrate = \"1/min\"\nmax-lease = \"1h\"", nullptr},
    {"no names at all", "*.dyn.example.", "names = []\ntypes = [\"A\"]",
     "f.toml:5: 'names' in [[zone.grant]] is empty"},
    {"a number", "*.dyn.example.", "names = [1]\ntypes = [\"A\"]",
     "f.toml:5: 'names' in [[zone.grant]] must be a list of strings in double quotes, not an "
     "integer"},
    {"BIND's word", "*.dyn.example.", "names = [\"selfsub\"]\ntypes = [\"A\"]",
     "f.toml:5: 'names' in [[zone.grant]] is wrong: 'selfsub' is not self, below-self"},
    {"self of a key outside", "up.example.", "names = [\"self\"]\ntypes = [\"A\"]",
     "f.toml:5: 'names' in [[zone.grant]] has 'self', but no key 'up.example.' has its name in the "
     "zone dyn.example."},
    {"self of a pattern outside", "*.other.example.", "names = [\"self\"]\ntypes = [\"A\"]",
     "has 'self', but no key '*.other.example.' has its name in the zone"},
    {"self of a pattern above", "*.example.", "names = [\"self\"]\ntypes = [\"A\"]", nullptr},
    {"below a key outside", "up.example.", "names = [\"below-self\"]\ntypes = [\"A\"]",
     "has 'below-self', but no name of the zone dyn.example. is below a key 'up.example.'"},
    {"below a key above the zone", "example.", "names = [\"below-self\"]\ntypes = [\"A\"]",
     nullptr},
    {"a name outside", "up.example.", "names = [\"name:www.example.\"]\ntypes = [\"A\"]",
     "f.toml:5: 'names' in [[zone.grant]] has 'name:www.example.', which is outside the zone "
     "dyn.example."},
    {"a name inside", "up.example.", "names = [\"name:www.dyn.example.\"]\ntypes = [\"A\"]",
     nullptr},
    {"a subdomain outside", "up.example.", "names = [\"subdomain:org.\"]\ntypes = [\"A\"]",
     "outside the zone"},
    {"a subdomain above", "up.example.", "names = [\"subdomain:example.\"]\ntypes = [\"A\"]",
     nullptr},
    {"a wildcard outside", "up.example.", "names = [\"wildcard:*.x.example.\"]\ntypes = [\"A\"]",
     "outside the zone"},
    {"the portal is for targets", "*.dyn.example.", "names = [\"portal\"]\ntypes = [\"A\"]",
     "which is for 'targets' only"},
    {"no type", "*.dyn.example.", "names = [\"self\"]\ntypes = [\"AAA\"]",
     "f.toml:6: 'types' in [[zone.grant]] is wrong: 'AAA' is not a type of records, nor 'service'"},
    {"a type of the server", "*.dyn.example.", "names = [\"self\"]\ntypes = [\"RRSIG\"]",
     "has RRSIG, which only the server may write"},
    {"NS beside limits", "*.dyn.example.",
     "names = [\"self\"]\ntypes = [\"A\", \"NS\"]\naddresses = [\"source\"]",
     "'types' in [[zone.grant]] has NS, which is never permitted beside addresses, ports or "
     "targets: NS records hand"},
    {"NS without limits", "*.dyn.example.", "names = [\"self\"]\ntypes = [\"NS\"]", nullptr},
    {"an unknown type beside limits", "*.dyn.example.",
     "names = [\"self\"]\ntypes = [\"TYPE65280\"]\nports = \"80\"",
     "has TYPE65280, which is never"},
    {"a prefix that is none", "*.dyn.example.",
     "names = [\"self\"]\ntypes = [\"A\"]\naddresses = [\"198.51.101.0/22\"]",
     "f.toml:7: 'addresses' in [[zone.grant]] is wrong: '198.51.101.0/22' has bits set beyond"},
    {"ports", "*.dyn.example.", "names = [\"self\"]\ntypes = [\"A\"]\nports = \"0-80\"",
     "f.toml:7: 'ports' in [[zone.grant]] is wrong: '0-80' is not a list of ports"},
    {"a target", "*.dyn.example.", "names = [\"self\"]\ntypes = [\"A\"]\ntargets = [\"any\"]",
     "f.toml:7: 'targets' in [[zone.grant]] is wrong: 'any' is not self"},
    {"a rate by the day", "*.dyn.example.", "names = [\"self\"]\ntypes = [\"A\"]\nrate = \"9/day\"",
     "f.toml:7: 'rate' in [[zone.grant]] must be updates per minute or second"},
    {"a rate of zero", "*.dyn.example.", "names = [\"self\"]\ntypes = [\"A\"]\nrate = \"0/min\"",
     "'rate' in [[zone.grant]] must be"},
    {"no records", "*.dyn.example.", "names = [\"self\"]\ntypes = [\"A\"]\nmax-records = 0",
     "'max-records' in [[zone.grant]] must be an integer from 1 to 1000000, not 0"},
    {"records of a key outside", "up.example.",
     "names = [\"name:a.dyn.example.\"]\ntypes = [\"A\"]\nmax-records = 3",
     "counts records at and below the key's name, and no key 'up.example.' has its name in the "
     "zone"},
    {"a lease that is too short (RFC 9664)", "*.dyn.example.",
     "names = [\"self\"]\ntypes = [\"A\"]\nmax-lease = \"29s\"",
     "'max-lease' in [[zone.grant]] must be a time from \"30s\""},
    {"the root as a key", ".", "update = true", "is the root, which is no key's name"},
    {"a slip of the pen", "*.dyn.example.",
     "names = [\"self\"]\ntypes = [\"A\"]\nadresses = \"source\"",
     "f.toml:7: unknown field 'adresses' in [[zone.grant]]: did you mean 'addresses'?"},
};

TEST(GrantFile, WhatCanNeverMatchIsAnErrorWithItsLine) {
  for (const Row& row : ROWS) {
    SCOPED_TRACE(row.what);
    const std::string text =
        std::string("[[zone]]\nname = \"dyn.example.\"\n[[zone.grant]]\nkey = \"") + row.key +
        "\"\n" + row.fields + "\n";
    const GrantFile file = read_grant_file(text, "f.toml");
    if (!row.error) {
      EXPECT_EQ(text_of(file.errors), "");
      continue;
    }
    ASSERT_EQ(file.errors.size(), 1U) << text_of(file.errors);
    EXPECT_THAT(file.errors[0].to_text(), HasSubstr(row.error));
  }
}

TEST(GrantFile, ThePortal) {
  EXPECT_THAT(text_of(read_grant_file("[http]\naddresses = [\"h1\"]", "f.toml").errors),
              HasSubstr("f.toml:2: 'addresses' in [http] has 'h1', which is no address"));
  EXPECT_THAT(text_of(read_grant_file("[http]\nnames = [\"a..b\"]", "f.toml").errors),
              HasSubstr("f.toml:2: 'names' in [http] has 'a..b', which is no domain name"));
}

TEST(GrantFile, NoErrorRepeatsASecret) {
  const GrantFile file = read_grant_file("[[key]]\nname = \"k.\"\nsecret = hush", "f.toml");
  EXPECT_THAT(text_of(file.errors), HasSubstr("f.toml:3: this is not TOML"));
  EXPECT_EQ(text_of(file.errors).find("hush"), std::string::npos);
}

}  // namespace
}  // namespace keys
