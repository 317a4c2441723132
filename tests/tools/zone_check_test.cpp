#include "tools/dnsdctl/zone_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tools/dnsdctl/store_access.h"

namespace dnsdctl {
namespace {

using testing::HasSubstr;

/// Findings of a sound zone with these lines added, one a line, "E " or "W " before each.
std::string check(const std::string& lines, const char* soa = "1 3600 600 1209600 60",
                  const char* servers = "@ NS ns1\n@ NS ns2.elsewhere.test.\n") {
  const zones::Name apex = *zones::Name::from_text("dyn.example");
  std::istringstream text("$TTL 60\n@ SOA ns1 host " + std::string(soa) + "\n" + servers +
                          "ns1 A 192.0.2.1\n" + lines);
  const auto file = zones::ZoneFile::read(text, "test.zone", apex);
  if (!file) return "unreadable: " + file.error().to_text();
  const LoadedZones zones = to_zones(*file, apex);
  std::string found;
  for (const Finding& finding : check_zone(*zones.catalogue.zone(apex))) {
    found += (finding.severity == Finding::Severity::ERROR ? "E " : "W ") + finding.what + "\n";
  }
  return found;
}

struct Row {
  const char* rule;
  const char* lines;
  const char* finding;  // empty: nothing is found; else a part of the only finding
};

const Row rows[] = {
    {"a sound zone",
     "h1 A 198.51.100.7\n_http._tcp.h1 SRV 0 0 8001 h1\nh1 TXT x\n@ MX 10 h1\nwww CNAME h1\n"
     "h1 HTTPS 1 . port=8001\n*.w A 192.0.2.1\n@ CAA 0 issue \"ca.test\"\n",
     ""},
    {"names outside are taken on trust", "a CNAME b.test.\n@ MX 10 mx.test.\n", ""},
    {"no mail, no service: the root", "@ MX 0 .\n_sip._tcp.a SRV 0 0 0 .\n", ""},
    {"RFC 2181 §10.3 MX to an alias", "m CNAME ns1\n@ MX 10 m\n",
     "E dyn.example. MX: mail exchanger m.dyn.example. is an alias, by CNAME"},
    {"RFC 2181 §10.3 NS to an alias", "s NS n1\ns NS n2.test.\nn1 CNAME ns1\n",
     "E s.dyn.example. NS: name server n1.dyn.example. is an alias, by CNAME"},
    {"RFC 2782 target an alias", "t CNAME ns1\n_x._tcp.a SRV 0 0 1 t\n",
     "E _x._tcp.a.dyn.example. SRV: target t.dyn.example. is an alias"},
    {"target does not exist", "_x._tcp.a SRV 0 0 1 nosuch\n",
     "E _x._tcp.a.dyn.example. SRV: target nosuch.dyn.example. does not exist"},
    {"target without address", "t TXT x\n_x._tcp.a SRV 0 0 1 t\n",
     "E _x._tcp.a.dyn.example. SRV: target t.dyn.example. has no address"},
    {"target is an empty non-terminal", "b.t TXT x\n_x._tcp.a SRV 0 0 1 t\n", "has no address"},
    {"target by wildcard", "*.t A 192.0.2.1\n_x._tcp.a SRV 0 0 1 b.t\n", ""},
    {"target by wildcard without address", "*.t TXT x\n_x._tcp.a SRV 0 0 1 b.t\n",
     "has no address"},
    {"target below a delegation", "s NS a.test.\ns NS b.test.\n_x._tcp.a SRV 0 0 1 b.s\n", ""},
    {"target below a DNAME", "d DNAME x.test.\n_x._tcp.a SRV 0 0 1 b.d\n", "is an alias, by DNAME"},
    {"HTTPS target", "a HTTPS 1 nosuch\n",
     "W a.dyn.example. HTTPS: target nosuch.dyn.example. does"},
    {"HTTPS to an alias is allowed", "a HTTPS 1 b\nb CNAME c.test.\n", ""},
    {"RFC 1912 §2.3 glue", "s NS n.s\ns NS b.test.\n", "E s.dyn.example. NS: there is no glue"},
    {"RFC 1912 §2.3 glue is there", "s NS n.s\ns NS b.test.\nn.s A 192.0.2.3\n", ""},
    {"server beside the delegation", "s NS n\ns NS b.test.\n",
     "E s.dyn.example. NS: name server n.dyn.example. does not exist"},
    {"RFC 1912 §2.8 one server", "s NS b.test.\n", "W s.dyn.example. NS: there is only one"},
    {"hidden by a delegation", "s NS a.test.\ns NS b.test.\nx.s TXT x\n",
     "W x.s.dyn.example. TXT: is hidden by the delegation of s.dyn.example."},
    {"hidden by a DNAME", "d DNAME x.test.\nx.d TXT x\n",
     "W x.d.dyn.example. TXT: is hidden by the DNAME of d.dyn.example."},
    {"RFC 4592 §4.2", "*.s NS a.test.\n*.s NS b.test.\n", "W *.s.dyn.example. NS: a wildcard"},
    {"RFC 1034 §3.6.2 alias of an alias", "a CNAME b\nb CNAME c.test.\n",
     "W a.dyn.example. CNAME: leads to another alias, b.dyn.example."},
    {"alias to nowhere", "a CNAME b\n", "W a.dyn.example. CNAME: target b.dyn.example. does not"},
    {"alias of itself", "a CNAME a\n", "E a.dyn.example. CNAME: leads back to itself"},
    {"RFC 1123 §2.1", "h_x A 192.0.2.1\n", "W h_x.dyn.example. A: the owner is no host name"},
    {"RFC 2782 owner", "srv SRV 0 0 1 ns1\n", "W srv.dyn.example. SRV: the owner is not of the"},
    {"RFC 2782 port 0", "_x._tcp.a SRV 0 0 0 ns1\n", "W _x._tcp.a.dyn.example. SRV: port 0"},
    {"address for a name", "@ MX 10 192.0.2.1.\n", "E dyn.example. MX: 192.0.2.1. looks like an"},
};

TEST(ZoneCheck, Rfc1912) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule);
    const std::string found = check(row.lines);
    if (*row.finding == '\0') {
      EXPECT_EQ(found, "");
    } else {
      EXPECT_THAT(found, HasSubstr(row.finding));
      EXPECT_EQ(std::ranges::count(found, '\n'), 1) << found;
    }
  }
}

TEST(ZoneCheck, AFinalDotIsMissing) {
  const std::string found = check("@ MX 10 ns1.dyn.example\n");
  EXPECT_THAT(found, HasSubstr("W dyn.example. MX: ns1.dyn.example.dyn.example. ends in the zone's"
                               " name twice: is a final dot missing?"));
  EXPECT_THAT(found, HasSubstr("does not exist"));
}

TEST(ZoneCheck, AliasesInALoop) {
  const std::string found = check("a CNAME b\nb CNAME c\nc CNAME a\n");
  for (const char* owner : {"a", "b", "c"}) {
    EXPECT_THAT(found,
                HasSubstr("E " + std::string(owner) + ".dyn.example. CNAME: leads back to itself"));
  }
}

TEST(ZoneCheck, Rfc1912SoaTimes) {
  const Row soas[] = {
      {"sound", "1 3600 600 1209600 60", ""},
      {"§2.2 expire", "1 3600 600 4000 60", "expire is not longer than refresh and retry"},
      {"§2.2 short expire", "1 3600 600 86400 60", "expire is less than a week"},
      {"§2.2 retry", "1 600 600 1209600 60", "retry is not shorter than refresh"},
      {"RFC 2308 §5", "1 3600 600 1209600 172800", "minimum 172800 s"},
  };
  for (const Row& row : soas) {
    SCOPED_TRACE(row.rule);
    const std::string found = check("", row.lines);
    if (*row.finding == '\0') {
      EXPECT_EQ(found, "");
    } else {
      EXPECT_THAT(found, HasSubstr(row.finding));
      EXPECT_EQ(std::ranges::count(found, '\n'), 1) << found;
    }
  }
}

TEST(ZoneCheck, ThePrimaryHasNoAddress) {
  EXPECT_THAT(check("", "1 3600 600 1209600 60", "@ NS a.test.\n@ NS b.test.\n"), "");
  const std::string found = check("ns2 TXT x\n", "1 3600 600 1209600 60", "@ NS ns1\n@ NS ns2\n");
  EXPECT_EQ(found, "E dyn.example. NS: name server ns2.dyn.example. has no address\n");
}

}  // namespace
}  // namespace dnsdctl
