#include "dnsd/update_prereq.h"

#include <gtest/gtest.h>

#include "dnsd/update_testing.h"

namespace dnsd {
namespace {

using zones::Rcode;

Rcode check(const std::string& zone, const std::string& prerequisites) {
  const testing::TestZone at(zone);
  return check_prerequisites(at.snapshot(), testing::records(prerequisites));
}

struct Row {
  const char* clause;
  const char* zone;
  const char* prereq;
  Rcode want;
};

void run(std::span<const Row> rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.clause) + ": " + row.prereq);
    EXPECT_EQ(check(row.zone, row.prereq), row.want);
  }
}

TEST(UpdatePrereq, Rfc2136ClassAny) {
  const Row rows[] = {
      {"§2.4.1 there", "a 60 A 192.0.2.1", "a 0 ANY A", Rcode::NOERROR},
      {"§2.4.1 another type", "a 60 A 192.0.2.1", "a 0 ANY AAAA", Rcode::NXRRSET},
      {"§2.4.1 no such name", "", "a 0 ANY A", Rcode::NXRRSET},
      {"§2.4.1 case of the owner", "a 60 A 192.0.2.1", "A.EXAMPLE.org. 0 ANY A", Rcode::NOERROR},
      {"§2.4.1 unknown type", "a 60 TYPE65280 \\# 1 00", "a 0 ANY TYPE65280", Rcode::NOERROR},
      {"§2.4.1 no wildcard synthesis", "* 60 A 192.0.2.1", "a 0 ANY A", Rcode::NXRRSET},
      {"§2.4.1 the wildcard itself", "* 60 A 192.0.2.1", "* 0 ANY A", Rcode::NOERROR},
      {"§2.4.1 no CNAME is followed", "a 60 CNAME b\nb 60 A 192.0.2.1", "a 0 ANY A",
       Rcode::NXRRSET},
      {"§2.4.1 below a zone cut", "sub 60 NS ns.sub\nns.sub 60 A 192.0.2.1", "ns.sub 0 ANY A",
       Rcode::NOERROR},
      {"§2.4.4 there", "a 60 A 192.0.2.1", "a 0 ANY ANY", Rcode::NOERROR},
      {"§2.4.4 the apex", "", "@ 0 ANY ANY", Rcode::NOERROR},
      {"§2.4.4 not there", "", "a 0 ANY ANY", Rcode::NXDOMAIN},
      {"§2.4.4 empty non-terminal", "b.a 60 A 192.0.2.1", "a 0 ANY ANY", Rcode::NXDOMAIN},
      {"§2.4.4 covered by a wildcard", "* 60 A 192.0.2.1", "a 0 ANY ANY", Rcode::NXDOMAIN},
      {"§3.2.1 TTL", "a 60 A 192.0.2.1", "a 1 ANY A", Rcode::FORMERR},
      {"§3.2.1 RDLENGTH", "a 60 A 192.0.2.1", "a 0 ANY A 192.0.2.1", Rcode::FORMERR},
      {"§3.2.1 TTL of a name", "a 60 A 192.0.2.1", "a 1 ANY ANY", Rcode::FORMERR},
      {"meta type", "a 60 A 192.0.2.1", "a 0 ANY AXFR", Rcode::FORMERR},
      {"meta type", "a 60 A 192.0.2.1", "a 0 ANY OPT", Rcode::FORMERR},
      {"type 0", "a 60 A 192.0.2.1", "a 0 ANY TYPE0", Rcode::FORMERR},
  };
  run(rows);
}

TEST(UpdatePrereq, Rfc2136ClassNone) {
  const Row rows[] = {
      {"§2.4.3 not there", "", "a 0 NONE A", Rcode::NOERROR},
      {"§2.4.3 another type", "a 60 AAAA 2001:db8::1", "a 0 NONE A", Rcode::NOERROR},
      {"§2.4.3 there", "a 60 A 192.0.2.1", "a 0 NONE A", Rcode::YXRRSET},
      {"§2.4.5 not there", "", "a 0 NONE ANY", Rcode::NOERROR},
      {"§2.4.5 there", "a 60 TXT x", "a 0 NONE ANY", Rcode::YXDOMAIN},
      {"§2.4.5 empty non-terminal", "b.a 60 A 192.0.2.1", "a 0 NONE ANY", Rcode::NOERROR},
      {"§2.4.5 covered by a wildcard", "* 60 A 192.0.2.1", "a 0 NONE ANY", Rcode::NOERROR},
      {"§3.2.2 TTL", "", "a 1 NONE A", Rcode::FORMERR},
      {"§3.2.2 RDLENGTH", "", "a 0 NONE A 192.0.2.1", Rcode::FORMERR},
      {"meta type", "", "a 0 NONE MAILA", Rcode::FORMERR},
      {"meta type", "", "a 0 NONE TSIG", Rcode::FORMERR},
  };
  run(rows);
}

TEST(UpdatePrereq, Rfc2136ValueDependent) {
  const char* const two = "a 60 A 192.0.2.1\na 60 A 192.0.2.2";
  const Row rows[] = {
      {"§3.2.3 equal", "a 60 A 192.0.2.1", "a 0 A 192.0.2.1", Rcode::NOERROR},
      {"§3.2.3 another value", "a 60 A 192.0.2.1", "a 0 A 192.0.2.2", Rcode::NXRRSET},
      {"§3.2.3 the zone has one more", two, "a 0 A 192.0.2.1", Rcode::NXRRSET},
      {"§3.2.3 the zone has one less", "a 60 A 192.0.2.1", two, Rcode::FORMERR},  // its TTL
      {"§3.2.3 one more", "a 60 A 192.0.2.1", "a 0 A 192.0.2.1\na 0 A 192.0.2.2", Rcode::NXRRSET},
      {"§2.4.2 any order", two, "a 0 A 192.0.2.2\na 0 A 192.0.2.1", Rcode::NOERROR},
      {"given twice", "a 60 A 192.0.2.1", "a 0 A 192.0.2.1\na 0 A 192.0.2.1", Rcode::NOERROR},
      {"given twice instead of another", two, "a 0 A 192.0.2.1\na 0 A 192.0.2.1", Rcode::NXRRSET},
      {"no such RRset", "a 60 TXT x", "a 0 A 192.0.2.1", Rcode::NXRRSET},
      {"no such name", "", "a 0 A 192.0.2.1", Rcode::NXRRSET},
      {"two RRsets, mixed", "a 60 A 192.0.2.1\nb 60 TXT x", "b 0 TXT x\na 0 A 192.0.2.1\nb 0 TXT x",
       Rcode::NOERROR},
      {"two RRsets, one wrong", "a 60 A 192.0.2.1\nb 60 TXT x", "a 0 A 192.0.2.1\nb 0 TXT y",
       Rcode::NXRRSET},
      {"owner in two cases is one RRset", two, "a 0 A 192.0.2.1\nA 0 A 192.0.2.2", Rcode::NOERROR},
      {"names in RDATA without case", "a 60 SRV 1 2 8001 h1", "a 0 SRV 1 2 8001 H1.Example.ORG.",
       Rcode::NOERROR},
      {"TXT with case", "a 60 TXT x", "a 0 TXT X", Rcode::NXRRSET},
      {"the SOA as a marker (§5.4)", "", "@ 0 SOA ns host 10 7200 900 1209600 300", Rcode::NOERROR},
      {"an older SOA", "", "@ 0 SOA ns host 9 7200 900 1209600 300", Rcode::NXRRSET},
      {"empty RDATA of a type that allows it", "a 60 NULL \\# 0", "a 0 IN NULL", Rcode::NOERROR},
      {"§3.2.3 TTL", "a 60 A 192.0.2.1", "a 60 A 192.0.2.1", Rcode::FORMERR},
      {"§3.2.3 another class", "a 60 A 192.0.2.1", "a 0 CH A 192.0.2.1", Rcode::FORMERR},
      {"empty RDATA", "a 60 A 192.0.2.1", "a 0 IN A", Rcode::FORMERR},
      {"type ANY", "a 60 A 192.0.2.1", "a 0 IN ANY", Rcode::FORMERR},
      {"meta type", "a 60 A 192.0.2.1", "a 0 IN AXFR", Rcode::FORMERR},
  };
  run(rows);
}

TEST(UpdatePrereq, Rfc2136OrderOfErrors) {
  const char* const zone = "a 60 A 192.0.2.1";
  const Row rows[] = {
      {"§3.2 nothing asked", zone, "", Rcode::NOERROR},
      {"§3.2 outside", zone, "example.com. 0 ANY ANY", Rcode::NOTZONE},
      {"§3.2 a name that ends alike", zone, "a.notexample.org. 0 ANY ANY", Rcode::NOTZONE},
      {"§3.2 the parent", zone, "org. 0 ANY ANY", Rcode::NOTZONE},
      {"§3.2 the name before the form", zone, "example.com. 1 CH A 192.0.2.1", Rcode::NOTZONE},
      {"the first that fails", zone, "b 0 ANY ANY\na 0 NONE ANY", Rcode::NXDOMAIN},
      {"the first that fails", zone, "a 0 NONE ANY\nb 0 ANY ANY", Rcode::YXDOMAIN},
      {"§3.2.5 values come last", zone, "a 0 A 192.0.2.9\nb 0 ANY ANY", Rcode::NXDOMAIN},
      {"§3.2.5 a bad form after values", zone, "a 0 A 192.0.2.9\nb 5 ANY ANY", Rcode::FORMERR},
      {"all hold", zone, "a 0 ANY ANY\nb 0 NONE ANY\na 0 A 192.0.2.1\na 0 NONE TXT",
       Rcode::NOERROR},
  };
  run(rows);
}

}  // namespace
}  // namespace dnsd
