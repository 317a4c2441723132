#include "dnsd/update_apply.h"

#include <gtest/gtest.h>

#include "dnsd/rrsets_editor.h"
#include "dnsd/update_testing.h"

namespace dnsd {
namespace {

using zones::Class;
using zones::Rcode;
using zones::Type;

// Applies and puts; "RCODE" or the zone's records.
std::string apply(testing::TestZone& zone, const std::string& updates,
                  const UpdateLimits& limits = {}) {
  const auto update = apply_updates(zone.snapshot(), testing::records(updates), limits);
  if (!update) return to_text(update.error());
  for (const NameChange& change : update->names) {
    EXPECT_TRUE(zones::is_valid_packed(change.rrsets));
    zone.builder().put(testing::name("@").view(), change.owner.view(),
                       zones::RRsetsView(change.rrsets));
  }
  return testing::dump(zone.snapshot());
}

struct Row {
  const char* clause;
  const char* zone;
  const char* updates;
  const char* want;  // the zone's records, or an RCODE
};

void run(std::span<const Row> rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.clause) + ": " + row.updates);
    testing::TestZone zone(row.zone);
    Rcode rcode{};
    for (const Rcode known : {Rcode::FORMERR, Rcode::NOTZONE, Rcode::REFUSED}) {
      if (row.want == to_text(known)) rcode = known;
    }
    const std::string got = apply(zone, row.updates);
    if (rcode != Rcode::NOERROR) {
      EXPECT_EQ(got, row.want);
    } else {
      EXPECT_EQ(got, testing::dump(testing::TestZone(row.want).snapshot()));
    }
  }
}

TEST(UpdateApply, Rfc2136ZoneSection) {
  testing::TestZone zone("");
  const zones::Catalogue catalogue = zone.builder().freeze();
  const zones::Question ours{testing::name("@"), Type::SOA, Class::IN};
  struct ZoneRow {
    const char* clause;
    std::vector<zones::Question> section;
    Rcode want;
  };
  const ZoneRow rows[] = {
      {"§3.1.1 ours", {ours}, Rcode::NOERROR},
      {"§3.1.1 in another case",
       {{testing::name("EXAMPLE.org."), Type::SOA, Class::IN}},
       Rcode::NOERROR},
      {"§3.1.1 none", {}, Rcode::FORMERR},
      {"§3.1.1 two", {ours, ours}, Rcode::FORMERR},
      {"§3.1.1 another type", {{ours.name, Type::A, Class::IN}}, Rcode::FORMERR},
      {"§3.1.1 type ANY", {{ours.name, Type::ANY, Class::IN}}, Rcode::FORMERR},
      {"§3.1.1 class ANY", {{ours.name, Type::SOA, Class::ANY}}, Rcode::NOTAUTH},
      {"§3.1.1 class NONE", {{ours.name, Type::SOA, Class::NONE}}, Rcode::NOTAUTH},
      {"§3.1.1 class CH", {{ours.name, Type::SOA, Class::CH}}, Rcode::NOTAUTH},
      {"§3.1.1 not ours", {{testing::name("example.com."), Type::SOA, Class::IN}}, Rcode::NOTAUTH},
      {"§3.1.1 below ours", {{testing::name("a"), Type::SOA, Class::IN}}, Rcode::NOTAUTH},
      {"§3.1.1 above ours", {{testing::name("org."), Type::SOA, Class::IN}}, Rcode::NOTAUTH},
  };
  for (const ZoneRow& row : rows) {
    SCOPED_TRACE(row.clause);
    const auto found = find_update_zone(catalogue, row.section);
    EXPECT_EQ(found ? Rcode::NOERROR : found.error(), row.want);
    if (found) {
      EXPECT_TRUE(found->apex() == testing::name("@").view());
    }
  }
}

TEST(UpdateApply, Rfc2136Prescan) {
  const char* const zone = "a 60 A 192.0.2.1";
  const Row rows[] = {
      {"§3.4.1 class", zone, "a 60 CH A 192.0.2.1", "FORMERR"},
      {"§3.4.1 class before name", zone, "example.com. 60 CH A 192.0.2.1", "FORMERR"},
      {"§3.4.1 name", zone, "example.com. 60 A 192.0.2.1", "NOTZONE"},
      {"§3.4.1 name", zone, "example.com. 0 ANY ANY", "NOTZONE"},
      {"§3.4.1 name", zone, "example.com. 0 NONE A 192.0.2.1", "NOTZONE"},
      {"§3.4.1 name before TTL", zone, "example.com. 5 ANY ANY", "NOTZONE"},
      {"§3.4.1.2 add ANY", zone, "a 60 IN ANY", "FORMERR"},
      {"§3.4.1.2 add AXFR", zone, "a 60 IN AXFR", "FORMERR"},
      {"§3.4.1.2 add MAILA", zone, "a 60 IN MAILA", "FORMERR"},
      {"§3.4.1.2 add MAILB", zone, "a 60 IN MAILB", "FORMERR"},
      {"§3.4.1.2 add IXFR", zone, "a 60 IN IXFR", "FORMERR"},
      {"§3.4.1.2 add OPT", zone, "a 60 IN OPT", "FORMERR"},
      {"§3.4.1.2 add TSIG", zone, "a 60 IN TSIG", "FORMERR"},
      {"§3.4.1.2 add TYPE0", zone, "a 60 IN TYPE0", "FORMERR"},
      {"§3.4.1.2 delete RR of ANY", zone, "a 0 NONE ANY", "FORMERR"},
      {"§3.4.1.2 delete RR of AXFR", zone, "a 0 NONE AXFR", "FORMERR"},
      {"§3.4.1.2 delete RR with a TTL", zone, "a 1 NONE A 192.0.2.1", "FORMERR"},
      {"§3.4.1.2 delete RRset with a TTL", zone, "a 1 ANY A", "FORMERR"},
      {"§3.4.1.2 delete RRset with RDATA", zone, "a 0 ANY A 192.0.2.1", "FORMERR"},
      {"§3.4.1.2 delete RRset of AXFR", zone, "a 0 ANY AXFR", "FORMERR"},
      {"§3.4.1.2 delete RRset of MAILB", zone, "a 0 ANY MAILB", "FORMERR"},
      {"add without RDATA", zone, "a 60 IN A", "FORMERR"},
      {"delete RR without RDATA", zone, "a 0 NONE A", "FORMERR"},
      {"§3.4.1 whole section first", zone, "b 60 A 192.0.2.2\na 0 ANY ANY\na 1 ANY ANY", "FORMERR"},
      {"unknown types are data (RFC 3597)", "", "a 60 TYPE65280 \\# 2 abcd",
       "a 60 TYPE65280 \\# 2 abcd"},
      {"what the server writes", zone, "a 60 NSEC b A", "REFUSED"},
      {"what the server writes", zone, "a 0 ANY RRSIG", "REFUSED"},
      {"what the server writes", zone, "a 0 ANY SIG", "REFUSED"},
      {"what the server writes", zone, "a 0 ANY NXT", "REFUSED"},
      {"what the server writes", zone, "a 0 ANY NSEC3", "REFUSED"},
      {"what the server writes", zone, "@ 0 NSEC3PARAM 1 0 0 -", "REFUSED"},
      {"a bad form before that", zone, "a 0 ANY RRSIG\na 1 ANY A", "FORMERR"},
  };
  run(rows);
}

TEST(UpdateApply, Rfc2136Add) {
  const Row rows[] = {
      {"§3.4.2.2 a new name", "", "a 60 A 192.0.2.1", "a 60 A 192.0.2.1"},
      {"§3.4.2.2 another RRset", "a 60 A 192.0.2.1", "a 60 TXT x", "a 60 A 192.0.2.1\na 60 TXT x"},
      {"§3.4.2.2 another RR", "a 60 A 192.0.2.1", "a 60 A 192.0.2.2",
       "a 60 A 192.0.2.1\na 60 A 192.0.2.2"},
      {"§2.5.1 duplicate", "a 60 A 192.0.2.1", "a 60 A 192.0.2.1", "a 60 A 192.0.2.1"},
      {"twice in one message", "", "a 60 A 192.0.2.1\na 60 A 192.0.2.1", "a 60 A 192.0.2.1"},
      {"duplicate without case in RDATA names", "a 60 SRV 1 2 80 h1", "a 60 SRV 1 2 80 H1",
       "a 60 SRV 1 2 80 h1"},
      {"duplicate with another TTL", "a 60 A 192.0.2.1", "a 30 A 192.0.2.1", "a 30 A 192.0.2.1"},
      {"one TTL an RRset (RFC 2181 §5.2)", "a 60 A 192.0.2.1\na 60 A 192.0.2.2", "a 30 A 192.0.2.3",
       "a 30 A 192.0.2.1\na 30 A 192.0.2.2\na 30 A 192.0.2.3"},
      {"the last TTL counts", "", "a 60 A 192.0.2.1\na 30 A 192.0.2.2",
       "a 30 A 192.0.2.1\na 30 A 192.0.2.2"},
      {"TTL of another type stays", "a 60 A 192.0.2.1", "a 30 TXT x",
       "a 60 A 192.0.2.1\na 30 TXT x"},
      {"TTL with the highest bit is 0 (RFC 2181 §8)", "", "a 2147483648 A 192.0.2.1",
       "a 0 A 192.0.2.1"},
      {"the largest TTL", "", "a 2147483647 A 192.0.2.1", "a 2147483647 A 192.0.2.1"},
      {"a wildcard is a name", "", "*.w 60 A 192.0.2.1", "*.w 60 A 192.0.2.1"},
      {"below a zone cut (§7.18)", "sub 60 NS ns.sub", "ns.sub 60 A 192.0.2.1",
       "sub 60 NS ns.sub\nns.sub 60 A 192.0.2.1"},
      {"a new zone cut", "x.sub 60 A 192.0.2.1", "sub 60 NS ns.example.com.",
       "x.sub 60 A 192.0.2.1\nsub 60 NS ns.example.com."},
      {"an NS of the apex", "", "@ 3600 NS ns2", "@ 3600 NS ns2"},
      {"several names", "", "a 60 A 192.0.2.1\nb 60 A 192.0.2.2\na 60 TXT x",
       "a 60 A 192.0.2.1\na 60 TXT x\nb 60 A 192.0.2.2"},
      {"owner in two cases is one name", "", "a 60 A 192.0.2.1\nA 60 A 192.0.2.2",
       "a 60 A 192.0.2.1\na 60 A 192.0.2.2"},
      {"NULL without RDATA", "", "a 60 IN NULL", "a 60 NULL \\# 0"},
      {"a mapping", "h1 60 A 192.0.2.1",
       "h1 60 A 198.51.100.7\n_http._tcp.h1 60 SRV 0 0 8001 h1\n_http._tcp.h1 60 TXT path=/",
       "h1 60 A 192.0.2.1\nh1 60 A 198.51.100.7\n_http._tcp.h1 60 SRV 0 0 8001 h1\n"
       "_http._tcp.h1 60 TXT path=/"},
  };
  run(rows);
}

TEST(UpdateApply, Rfc2136Cname) {
  const Row rows[] = {
      {"§3.4.2.2 alone", "", "a 60 CNAME b", "a 60 CNAME b"},
      {"§3.4.2.2 replaced", "a 60 CNAME b", "a 30 CNAME c", "a 30 CNAME c"},
      {"§3.4.2.2 replaced in one message", "", "a 60 CNAME b\na 60 CNAME c", "a 60 CNAME c"},
      {"§3.4.2.2 beside others", "a 60 A 192.0.2.1", "a 60 CNAME b\nc 60 A 192.0.2.3",
       "a 60 A 192.0.2.1\nc 60 A 192.0.2.3"},
      {"§3.4.2.2 others beside it", "a 60 CNAME b", "a 60 A 192.0.2.1\nc 60 A 192.0.2.3",
       "a 60 CNAME b\nc 60 A 192.0.2.3"},
      {"§3.4.2.2 within a message", "", "a 60 A 192.0.2.1\na 60 CNAME b", "a 60 A 192.0.2.1"},
      {"§3.4.2.2 within a message", "", "a 60 CNAME b\na 60 A 192.0.2.1", "a 60 CNAME b"},
      {"made room first", "a 60 A 192.0.2.1", "a 0 ANY A\na 60 CNAME b", "a 60 CNAME b"},
      {"made room first", "a 60 CNAME b", "a 0 ANY CNAME\na 60 A 192.0.2.1", "a 60 A 192.0.2.1"},
      {"made room too late", "a 60 A 192.0.2.1", "a 60 CNAME b\na 0 ANY A", ""},
      {"at the apex", "", "@ 60 CNAME b", ""},
      {"another TTL", "a 60 CNAME b", "a 30 CNAME b", "a 30 CNAME b"},
  };
  run(rows);
}

TEST(UpdateApply, Rfc6672Dname) {
  const Row rows[] = {
      {"§5.2 added", "", "a 60 DNAME b", "a 60 DNAME b"},
      {"§5.2 replaced", "a 60 DNAME b", "a 60 DNAME c", "a 60 DNAME c"},
      {"§5.2 a CNAME is there", "a 60 CNAME b", "a 60 DNAME c", "a 60 CNAME b"},
      {"§5.2 CNAME to a DNAME", "a 60 DNAME b", "a 60 CNAME c", "a 60 DNAME b"},
      {"§5.2 occludes what is below", "x.a 60 A 192.0.2.1", "a 60 DNAME b",
       "x.a 60 A 192.0.2.1\na 60 DNAME b"},
      {"beside others", "a 60 A 192.0.2.1", "a 60 DNAME b", "a 60 A 192.0.2.1\na 60 DNAME b"},
      {"at the apex", "", "@ 60 DNAME example.com.", "@ 60 DNAME example.com."},
  };
  run(rows);
}

TEST(UpdateApply, Rfc2136Wks) {
  const Row rows[] = {
      {"§3.4.2.2 same address and protocol", "a 60 WKS 192.0.2.1 6 25",
       "a 60 WKS 192.0.2.1 6 25 80", "a 60 WKS 192.0.2.1 6 25 80"},
      {"§3.4.2.2 another protocol", "a 60 WKS 192.0.2.1 6 25", "a 60 WKS 192.0.2.1 17 53",
       "a 60 WKS 192.0.2.1 6 25\na 60 WKS 192.0.2.1 17 53"},
      {"§3.4.2.2 another address", "a 60 WKS 192.0.2.1 6 25", "a 60 WKS 192.0.2.2 6 25",
       "a 60 WKS 192.0.2.1 6 25\na 60 WKS 192.0.2.2 6 25"},
  };
  run(rows);
}

TEST(UpdateApply, Rfc2136Delete) {
  const char* const zone = "a 60 A 192.0.2.1\na 60 A 192.0.2.2\na 60 TXT x\nb 60 A 192.0.2.3";
  const Row rows[] = {
      {"§3.4.2.3 RRset", zone, "a 0 ANY A", "a 60 TXT x\nb 60 A 192.0.2.3"},
      {"§3.4.2.3 no such RRset", zone, "a 0 ANY AAAA", zone},
      {"§3.4.2.3 no such name", zone, "c 0 ANY A\nd 0 ANY ANY", zone},
      {"§3.4.2.3 name", zone, "a 0 ANY ANY", "b 60 A 192.0.2.3"},
      {"§3.4.2.3 name, not what is below", "a 60 A 192.0.2.1\nx.a 60 A 192.0.2.2", "a 0 ANY ANY",
       "x.a 60 A 192.0.2.2"},
      {"§3.4.2.4 RR", zone, "a 0 NONE A 192.0.2.1",
       "a 60 A 192.0.2.2\na 60 TXT x\nb 60 A 192.0.2.3"},
      {"§3.4.2.4 no such RR", zone, "a 0 NONE A 192.0.2.9", zone},
      {"§3.4.2.4 the last RR takes the name along", zone, "b 0 NONE A 192.0.2.3",
       "a 60 A 192.0.2.1\na 60 A 192.0.2.2\na 60 TXT x"},
      {"§3.4.2.4 RDATA names without case", "a 60 SRV 1 2 80 h1", "a 0 NONE SRV 1 2 80 H1", ""},
      {"§3.4.2 in order", zone, "a 0 ANY ANY\na 30 A 192.0.2.9",
       "a 30 A 192.0.2.9\nb 60 A 192.0.2.3"},
      {"§3.4.2 in order", zone, "a 30 A 192.0.2.9\na 0 ANY ANY", "b 60 A 192.0.2.3"},
      {"a wildcard", "*.w 60 A 192.0.2.1", "*.w 0 ANY ANY", ""},
      {"no wildcard synthesis", "*.w 60 A 192.0.2.1", "x.w 0 ANY ANY", "*.w 60 A 192.0.2.1"},
      {"a zone cut", "sub 60 NS ns.sub\nns.sub 60 A 192.0.2.1", "sub 0 ANY NS",
       "ns.sub 60 A 192.0.2.1"},
      {"the last NS of a zone cut", "sub 60 NS ns.sub", "sub 0 NONE NS ns.sub", ""},
  };
  run(rows);
}

TEST(UpdateApply, Rfc2136DeleteAtTheApex) {
  const Row rows[] = {
      {"§3.4.2.3 name", "@ 60 A 192.0.2.1\n@ 60 TXT x", "@ 0 ANY ANY", ""},
      {"§3.4.2.3 NS RRset", "", "@ 0 ANY NS", ""},
      {"§3.4.2.3 SOA RRset", "", "@ 0 ANY SOA", ""},
      {"§3.4.2.3 another RRset", "@ 60 TXT x", "@ 0 ANY TXT", ""},
      {"§3.4.2.4 the last NS", "", "@ 0 NONE NS ns", ""},
      {"§3.4.2.4 all NS but the last", "@ 3600 NS ns2", "@ 0 NONE NS ns\n@ 0 NONE NS ns2",
       "@ 3600 NS ns2\n@ 0 NONE NS ns"},
      {"§3.4.2.4 an NS that is not there", "", "@ 0 NONE NS ns9", ""},
      {"§3.4.2.4 SOA", "", "@ 0 NONE SOA ns host 10 7200 900 1209600 300", ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.clause) + ": " + row.updates);
    testing::TestZone zone(row.zone);
    apply(zone, row.updates);
    EXPECT_EQ(zone.snapshot().serial(), 10U);
    const std::size_t ns_count = zone.snapshot().apex_rrsets().find(Type::NS).count();
    EXPECT_EQ(ns_count, 1U);
    EXPECT_EQ(zone.snapshot().apex_rrsets().record_count(), 2U);
  }
}

TEST(UpdateApply, Rfc2136ReplacesNs) {
  testing::TestZone zone("");
  apply(zone, "@ 0 ANY NS\n@ 60 NS ns2\n@ 0 NONE NS ns");
  const zones::RRsetView ns = zone.snapshot().apex_rrsets().find(Type::NS);
  ASSERT_EQ(ns.count(), 1U);
  EXPECT_EQ(zones::rdata_to_text(Type::NS, ns.first()), "ns2.example.org.");
}

TEST(UpdateApply, Rfc2136Soa) {
  struct SoaRow {
    const char* clause;
    std::uint32_t serial;  // of the zone
    const char* updates;
    std::uint32_t want;
    bool changes;
  };
  const SoaRow rows[] = {
      {"§3.4.2.2 greater", 10, "@ 60 SOA ns host 11 1 1 1 1", 11, true},
      {"§3.4.2.2 equal", 10, "@ 60 SOA ns host 10 1 1 1 1", 10, false},
      {"§3.4.2.2 less", 10, "@ 60 SOA ns host 9 1 1 1 1", 10, false},
      {"RFC 1982 greater across the wrap", 0xfffffff0, "@ 60 SOA ns host 5 1 1 1 1", 5, true},
      {"RFC 1982 less across the wrap", 5, "@ 60 SOA ns host 4294967280 1 1 1 1", 5, false},
      {"RFC 1982 undefined", 10, "@ 60 SOA ns host 2147483658 1 1 1 1", 10, false},
      {"§4.2 zero", 0xffffffff, "@ 60 SOA ns host 0 1 1 1 1", 0xffffffff, false},
      {"§7.13 elsewhere", 10, "a 60 SOA ns host 11 1 1 1 1", 10, false},
      {"two, rising", 10, "@ 60 SOA ns host 11 1 1 1 1\n@ 60 SOA ns host 12 1 1 1 1", 12, true},
      {"two, falling", 10, "@ 60 SOA ns host 12 1 1 1 1\n@ 60 SOA ns host 11 1 1 1 1", 12, true},
      {"§5.7 deleted and added", 10,
       "@ 0 NONE SOA ns host 10 7200 900 1209600 300\n@ 60 SOA ns host 11 1 1 1 1", 11, true},
  };
  for (const SoaRow& row : rows) {
    SCOPED_TRACE(std::string(row.clause) + ": " + row.updates);
    testing::TestZone zone("", "@ 3600 SOA ns host " + std::to_string(row.serial) +
                                   " 7200 900 1209600 300\n@ 3600 NS ns\n");
    const auto update = apply_updates(zone.snapshot(), testing::records(row.updates), {});
    ASSERT_TRUE(update);
    EXPECT_EQ(update->sets_serial, row.changes);
    EXPECT_EQ(!update->names.empty(), row.changes);
    apply(zone, row.updates);
    EXPECT_EQ(zone.snapshot().serial(), row.want);
    EXPECT_EQ(zone.snapshot().apex_rrsets().find(Type::SOA).count(), 1U);
    EXPECT_EQ(zone.snapshot().soa().ttl(), row.changes ? 60U : 3600U);
    EXPECT_TRUE(zone.snapshot().rrsets(testing::name("a").view()).empty());
  }
}

TEST(UpdateApply, NothingChangedIsNoUpdate) {
  const char* const zone = "a 60 A 192.0.2.1\na 60 A 192.0.2.2\nc 60 CNAME b";
  const char* const updates[] = {
      "",
      "a 60 A 192.0.2.1",
      "b 0 ANY ANY\na 0 ANY AAAA\na 0 NONE A 192.0.2.9",
      "a 0 ANY A\na 60 A 192.0.2.1\na 60 A 192.0.2.2",
      "a 0 ANY ANY\na 60 A 192.0.2.2\na 60 A 192.0.2.1",
      "a 60 TXT x\na 0 ANY TXT",
      "a 30 A 192.0.2.1\na 60 A 192.0.2.1",
      "c 60 CNAME d\nc 60 CNAME b",
      "d 60 A 192.0.2.1\nd 0 NONE A 192.0.2.1",
      "c 60 CNAME B.EXAMPLE.ORG.",
  };
  for (const char* const update : updates) {
    SCOPED_TRACE(update);
    const testing::TestZone at(zone);
    const auto result = apply_updates(at.snapshot(), testing::records(update), {});
    ASSERT_TRUE(result);
    EXPECT_TRUE(result->names.empty());
  }
}

TEST(UpdateApply, LimitsAreRefused) {
  const UpdateLimits limits{
      .records_per_message = 100, .records_per_rrset = 3, .rrsets_per_name = 2};
  const Row rows[] = {
      {"as many as allowed", "a 60 A 192.0.2.1", "a 60 A 192.0.2.2\na 60 A 192.0.2.3",
       "a 60 A 192.0.2.1\na 60 A 192.0.2.2\na 60 A 192.0.2.3"},
      {"one record too many", "a 60 A 192.0.2.1",
       "a 60 A 192.0.2.2\na 60 A 192.0.2.3\na 60 A 192.0.2.4", "REFUSED"},
      {"room made first", "a 60 A 192.0.2.1\na 60 A 192.0.2.2\na 60 A 192.0.2.3",
       "a 0 NONE A 192.0.2.1\na 60 A 192.0.2.4",
       "a 60 A 192.0.2.4\na 60 A 192.0.2.2\na 60 A 192.0.2.3"},
      {"a duplicate is none more", "a 60 A 192.0.2.1\na 60 A 192.0.2.2\na 60 A 192.0.2.3",
       "a 60 A 192.0.2.3", "a 60 A 192.0.2.1\na 60 A 192.0.2.2\na 60 A 192.0.2.3"},
      {"one RRset too many", "a 60 A 192.0.2.1\na 60 TXT x", "a 60 AAAA 2001:db8::1", "REFUSED"},
      {"above the limit by import, made smaller",
       "a 60 TXT 1\na 60 TXT 2\na 60 TXT 3\na 60 TXT 4\na 60 TXT 5", "a 0 NONE TXT 1",
       "a 60 TXT 2\na 60 TXT 3\na 60 TXT 4\na 60 TXT 5"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    testing::TestZone zone(row.zone);
    const std::string got = apply(zone, row.updates, limits);
    EXPECT_EQ(got, row.want == std::string("REFUSED")
                       ? "REFUSED"
                       : testing::dump(testing::TestZone(row.want).snapshot()));
  }
}

TEST(UpdateApply, AZoneHasItsLimit) {
  // SOA and NS of the apex, which every zone of these tests has, are two.
  const UpdateLimits limits{.records_per_zone = 4};
  const Row rows[] = {
      {"as many as allowed", "a 60 A 192.0.2.1", "b 60 A 192.0.2.2",
       "a 60 A 192.0.2.1\nb 60 A 192.0.2.2"},
      {"one too many", "a 60 A 192.0.2.1", "b 60 A 192.0.2.2\nc 60 A 192.0.2.3", "REFUSED"},
      {"room made in the same message", "a 60 A 192.0.2.1\nb 60 A 192.0.2.2",
       "c 60 A 192.0.2.3\na 0 ANY ANY", "b 60 A 192.0.2.2\nc 60 A 192.0.2.3"},
      {"above the limit by import, changed", "a 60 A 192.0.2.1\nb 60 A 192.0.2.2\nc 60 A 192.0.2.3",
       "a 0 NONE A 192.0.2.1\na 60 A 192.0.2.4",
       "a 60 A 192.0.2.4\nb 60 A 192.0.2.2\nc 60 A 192.0.2.3"},
      {"above the limit by import, grown", "a 60 A 192.0.2.1\nb 60 A 192.0.2.2\nc 60 A 192.0.2.3",
       "d 60 A 192.0.2.4", "REFUSED"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    testing::TestZone zone(row.zone);
    const std::string got = apply(zone, row.updates, limits);
    EXPECT_EQ(got, row.want == std::string("REFUSED")
                       ? "REFUSED"
                       : testing::dump(testing::TestZone(row.want).snapshot()));
  }
}

TEST(UpdateApply, RrsetMustFitAMessage) {
  // 250 octets of RDATA and 12 of owner, type, class, TTL and length: 244 records fit 64,000
  // octets.
  const std::string padding(245, 'x');
  std::string updates;
  for (int number = 1000; number < 1244; ++number) {
    updates += "a 60 TXT " + std::to_string(number) + padding + "\n";
  }
  const UpdateLimits limits{.records_per_message = 2000, .records_per_rrset = 10'000};
  testing::TestZone zone("");
  EXPECT_NE(apply(zone, updates, limits), "REFUSED");
  EXPECT_EQ(zone.snapshot().rrsets(testing::name("a").view()).record_count(), 244U);
  EXPECT_EQ(apply(zone, "a 60 TXT 2000" + padding, limits), "REFUSED");
}

TEST(UpdateApply, Rfc2136SerialSteps) {
  struct StepRow {
    std::uint32_t serial;
    std::uint32_t want;
  };
  for (const StepRow row :
       {StepRow{10, 11}, StepRow{0xfffffffe, 0xffffffff}, StepRow{0xffffffff, 1} /* §7.11 */}) {
    for (const char* const updates : {"a 60 A 192.0.2.1", "@ 60 TXT x\nb 60 A 192.0.2.1"}) {
      testing::TestZone zone("", "@ 3600 SOA ns host " + std::to_string(row.serial) +
                                     " 7200 900 1209600 300\n@ 3600 NS ns\n");
      auto update = apply_updates(zone.snapshot(), testing::records(updates), {});
      ASSERT_TRUE(update);
      step_serial(zone.snapshot(), *update);
      std::size_t apex_count = 0;
      for (const NameChange& change : update->names) {
        if (change.owner != testing::name("@")) continue;
        ++apex_count;
        const zones::RRsetsView rrsets(change.rrsets);
        EXPECT_EQ(zones::read_soa(rrsets.find(Type::SOA).first()).serial, row.want);
        EXPECT_EQ(rrsets.find(Type::SOA).ttl(), 3600U);
        EXPECT_TRUE(rrsets.find(Type::NS));
        EXPECT_EQ(static_cast<bool>(rrsets.find(Type::TXT)), updates[0] == '@');
      }
      EXPECT_EQ(apex_count, 1U);
    }
  }
}

TEST(RRsetsEditor, DifferenceIsMinimalAndLeadsFromOneToTheOther) {
  struct DiffRow {
    const char* before;
    const char* after;
    const char* removed;
    const char* added;
  };
  const DiffRow rows[] = {
      {"", "", "", ""},
      {"", "a 60 A 192.0.2.1", "", "a 60 A 192.0.2.1"},
      {"a 60 A 192.0.2.1", "", "a 60 A 192.0.2.1", ""},
      {"a 60 A 192.0.2.1\na 60 A 192.0.2.2", "a 60 A 192.0.2.2\na 60 A 192.0.2.3",
       "a 60 A 192.0.2.1", "a 60 A 192.0.2.3"},
      {"a 60 A 192.0.2.1\na 60 A 192.0.2.2", "a 60 A 192.0.2.2\na 60 A 192.0.2.1", "", ""},
      {"a 60 A 192.0.2.1\na 60 A 192.0.2.2", "a 30 A 192.0.2.1\na 30 A 192.0.2.2",
       "a 60 A 192.0.2.1\na 60 A 192.0.2.2", "a 30 A 192.0.2.1\na 30 A 192.0.2.2"},
      {"a 60 A 192.0.2.1\na 60 TXT x", "a 60 TXT x\na 60 AAAA 2001:db8::1", "a 60 A 192.0.2.1",
       "a 60 AAAA 2001:db8::1"},
  };
  const auto lines = [](const std::vector<zones::Record>& records) {
    std::string text;
    for (const zones::Record& record : records) text += zones::record_to_text(record) + "\n";
    return text;
  };
  const zones::Name a = testing::name("a");
  for (const DiffRow& row : rows) {
    SCOPED_TRACE(std::string(row.before) + " to " + row.after);
    const testing::TestZone before(row.before);
    const testing::TestZone after(row.after);
    zones::ChangeSet changes;
    append_difference(a.view(), before.snapshot().rrsets(a.view()),
                      after.snapshot().rrsets(a.view()), changes);
    EXPECT_EQ(lines(changes.removed), lines(testing::records(row.removed)));
    EXPECT_EQ(lines(changes.added), lines(testing::records(row.added)));
    EXPECT_EQ(changes.empty(),
              same_records(before.snapshot().rrsets(a.view()), after.snapshot().rrsets(a.view())));
  }
}

}  // namespace
}  // namespace dnsd
