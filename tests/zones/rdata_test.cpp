#include "zones/rdata.h"

#include <gtest/gtest.h>

#include <string>

#include "zones/rrset.h"

namespace zones {
namespace {

using Octets = std::vector<std::uint8_t>;

/// "0a 'abc' 00": hex octets, and quoted characters.
Octets octets(const std::string& text) {
  Octets out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      ++i;
    } else if (text[i] == '\'') {
      for (++i; text[i] != '\''; ++i) out.push_back(static_cast<std::uint8_t>(text[i]));
      ++i;
    } else {
      out.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
      i += 2;
    }
  }
  return out;
}

TEST(Rdata, FormOfEachType) {
  struct Row {
    const char* clause;
    Type type;
    const char* rdata;
    bool valid;
  };
  const Row rows[] = {
      {"RFC 1035 §3.4.1", Type::A, "c0000201", true},
      {"RFC 1035 §3.4.1 short", Type::A, "c00002", false},
      {"RFC 1035 §3.4.1 long", Type::A, "c000020101", false},
      {"RFC 3596 §2.2", Type::AAAA, "20010db8000000000000000000000001", true},
      {"RFC 3596 §2.2 as A", Type::AAAA, "c0000201", false},
      {"RFC 1035 §3.3.11", Type::NS, "02 'ns' 00", true},
      {"RFC 1035 §3.3.11 no end", Type::NS, "02 'ns'", false},
      {"RFC 1035 §3.3.11 more", Type::NS, "02 'ns' 00 00", false},
      {"RFC 1035 §3.3.13", Type::SOA, "00 00 00000001 00000002 00000003 00000004 00000005", true},
      {"RFC 1035 §3.3.13 short", Type::SOA, "00 00 00000001 00000002 00000003 00000004 000000",
       false},
      {"RFC 1035 §3.3.14", Type::TXT, "03 'abc' 00", true},
      {"RFC 1035 §3.3.14 at least one string", Type::TXT, "", false},
      {"RFC 1035 §3.3.14 beyond the end", Type::TXT, "04 'abc'", false},
      {"RFC 2782", Type::SRV, "0001 0002 1f41 02 'h1' 00", true},
      {"RFC 2782 without target", Type::SRV, "0001 0002 1f41", false},
      {"RFC 7553 §4.5", Type::URI, "0001 0002 'x:'", true},
      {"RFC 7553 §4.5 empty target", Type::URI, "0001 0002", false},
      {"RFC 8659 §4.1", Type::CAA, "00 05 'issue' 'ca.example'", true},
      {"RFC 8659 §4.1 tag beyond the end", Type::CAA, "00 0f 'issue'", false},
      {"RFC 4701 §3.3", Type::DHCID, "0001", true},
      {"RFC 9460 §2.2 alias", Type::HTTPS, "0000 01 'a' 00", true},
      {"RFC 9460 §2.2 port", Type::HTTPS, "0001 00 0003 0002 1f41", true},
      {"RFC 9460 §7.2 port of three octets", Type::HTTPS, "0001 00 0003 0003 1f4100", false},
      {"RFC 9460 §2.2 keys descending", Type::SVCB, "0001 00 0003 0002 1f41 0001 0003 02 'h2'",
       false},
      {"RFC 9460 §2.2 a key twice", Type::SVCB, "0001 00 0003 0002 1f41 0003 0002 1f41", false},
      {"RFC 9460 §2.2 value beyond the end", Type::SVCB, "0001 00 0003 0004 1f41", false},
      {"RFC 9460 §7.1.1 alpn", Type::SVCB, "0001 00 0001 0003 02 'h2'", true},
      {"RFC 9460 §7.1.1 empty alpn-id", Type::SVCB, "0001 00 0001 0001 00", false},
      {"RFC 9460 §7.3 ipv4hint", Type::SVCB, "0001 00 0004 0004 c0000201", true},
      {"RFC 9460 §7.3 empty ipv4hint", Type::SVCB, "0001 00 0004 0000", false},
      {"RFC 9460 §8 mandatory", Type::SVCB, "0001 00 0000 0002 0003 0003 0002 0050", true},
      {"RFC 9460 §8 mandatory names itself", Type::SVCB, "0001 00 0000 0002 0000", false},
      {"RFC 9460 §14.3.2 unknown key", Type::SVCB, "0001 00 029b 0005 'hello'", true},
      {"RFC 4034 §4.1.2", Type::NSEC, "00 00 01 40", true},
      {"RFC 4034 §4.1.2 no block of no octets", Type::NSEC, "00 00 00", false},
      {"RFC 4034 §4.1.2 no trailing zero octet", Type::NSEC, "00 00 02 4000", false},
      {"RFC 3597 unknown, empty", static_cast<Type>(65280), "", true},
      {"RFC 3597 unknown", static_cast<Type>(65280), "c00c", true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    const Octets rdata = octets(row.rdata);
    EXPECT_EQ(is_valid_rdata(row.type, rdata), row.valid);
    // What is read from a message is held to the same form, and comes back octet for octet.
    WireReader reader(rdata);
    Rdata read;
    read_rdata(reader, row.type, rdata.size(), read);
    EXPECT_EQ(!reader.failed(), row.valid);
    if (row.valid) {
      EXPECT_EQ(read, rdata);
      Octets buffer(rdata.size());
      WireWriter writer(buffer);
      write_rdata(writer, row.type, rdata);
      EXPECT_FALSE(writer.overflowed());
      EXPECT_EQ(buffer, rdata);
    }
  }
}

TEST(Rdata, Rfc3597Section4Compression) {
  Octets message(HEADER_OCTETS, 0);
  const Octets target = octets("01 'h' 00");
  message.insert(message.end(), target.begin(), target.end());
  struct Row {
    const char* what;
    Type type;
    const char* rdata;    // on the wire, with a pointer to offset 12
    const char* decoded;  // nullptr: an error
  };
  const Row rows[] = {
      {"MX is of RFC 1035", Type::MX, "000a c00c", "000a 01 'h' 00"},
      {"SRV of old senders", Type::SRV, "0001 0002 1f41 c00c", "0001 0002 1f41 01 'h' 00"},
      {"SVCB never", Type::SVCB, "0001 c00c", nullptr},
      {"unknown types stay", static_cast<Type>(65280), "c00c", "c00c"},
      {"a pointer that leaves the RDATA", Type::MX, "000a c0", nullptr},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Octets whole = message;
    const Octets rdata = octets(row.rdata);
    whole.insert(whole.end(), rdata.begin(), rdata.end());
    WireReader reader(whole, message.size());
    Rdata read;
    read_rdata(reader, row.type, rdata.size(), read);
    EXPECT_EQ(reader.failed(), row.decoded == nullptr);
    if (row.decoded != nullptr) {
      EXPECT_EQ(read, octets(row.decoded));
    }
  }
  Octets buffer(100);
  WireWriter writer(buffer);
  writer.octets(Octets(HEADER_OCTETS, 0));
  writer.compressed_name(Name::from_text("h.").value());
  const std::size_t start = writer.size();
  write_rdata(writer, Type::MX, octets("000a 01 'h' 00"));
  EXPECT_EQ(writer.size() - start, 4U);
  write_rdata(writer, Type::SRV, octets("0001 0002 1f41 01 'h' 00"));
  EXPECT_EQ(writer.size() - start, 4U + 9U);
}

TEST(Rdata, Rfc2136Section111Equality) {
  struct Row {
    Type type;
    const char* a;
    const char* b;
    bool equal;
  };
  const Row rows[] = {
      {Type::NS, "02 'ns' 00", "02 'NS' 00", true},
      {Type::SRV, "0001 0002 1f41 02 'h1' 00", "0001 0002 1f41 02 'H1' 00", true},
      {Type::SRV, "0001 0002 1f41 02 'h1' 00", "0001 0002 1f42 02 'h1' 00", false},
      {Type::TXT, "01 'a'", "01 'A'", false},
      {Type::HTTPS, "0001 01 'a' 00", "0001 01 'A' 00", false},      // not of RFC 4034 §6.2's list
      {Type::SRV, "6161 0002 1f41 00", "4141 0002 1f41 00", false},  // only names are folded
      {static_cast<Type>(65280), "61", "41", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(rdata_equal(row.type, octets(row.a), octets(row.b)), row.equal)
        << row.a << " " << row.b;
  }
  EXPECT_EQ(canonical_rdata(Type::SRV, octets("4141 4142 4143 02 'H1' 00")),
            octets("4141 4142 4143 02 'h1' 00"));
  EXPECT_EQ(canonical_rdata(Type::TXT, octets("02 'H1'")), octets("02 'H1'"));
}

TEST(Rdata, Soa) {
  const Rdata rdata = octets("02 'ns' 00 01 'h' 00 00000001 00000002 00000003 00000004 00000005");
  const Soa soa = read_soa(rdata);
  EXPECT_EQ(soa.mname.to_text(), "ns.");
  EXPECT_EQ(soa.rname.to_text(), "h.");
  EXPECT_EQ(soa.serial, 1U);
  EXPECT_EQ(soa.minimum, 5U);
  EXPECT_EQ(read_soa(with_serial(rdata, 0xfffffffe)).serial, 0xfffffffeU);
  EXPECT_EQ(with_serial(rdata, 1), rdata);
}

TEST(Rdata, TargetNames) {
  const Rdata srv = octets("0001 0002 1f41 02 'h1' 00");
  const Rdata mx = octets("000a 01 'm' 00");
  const Rdata a = octets("c0000201");
  EXPECT_EQ(target_name(Type::SRV, srv).to_text(), "h1.");
  EXPECT_EQ(target_name(Type::MX, mx).to_text(), "m.");
  EXPECT_TRUE(target_name(Type::A, a).is_root());
}

TEST(RRset, PackAndUnpack) {
  RRset txt{Type::TXT, 60, {octets("01 'a'"), octets("02 'bc'")}};
  RRset a{Type::A, 0x01020304, {octets("c0000201")}};
  Octets packed;
  ASSERT_TRUE(pack(std::vector<RRset>{txt, a}, packed));
  EXPECT_TRUE(is_valid_packed(packed));
  const RRsetsView view(packed);
  EXPECT_EQ(view.record_count(), 3U);
  EXPECT_EQ((*view.begin()).type(), Type::A);  // ascending
  EXPECT_EQ(view.find(Type::A).ttl(), 0x01020304U);
  EXPECT_EQ(view.find(Type::TXT).count(), 2);
  EXPECT_FALSE(view.find(Type::AAAA));
  EXPECT_TRUE(view.find(Type::TXT).contains(octets("02 'bc'")));
  EXPECT_EQ(unpack(view.find(Type::TXT)).rdatas, txt.rdatas);
  EXPECT_EQ(txt.index_of(octets("02 'bc'")), 1);
  EXPECT_EQ(txt.index_of(octets("02 'BC'")), -1);
}

TEST(RRset, WhatIsTooLargeToBeAnsweredIsNotPacked) {
  RRset big{static_cast<Type>(65280), 60, {Rdata(32765), Rdata(32766)}};
  Octets packed;
  EXPECT_TRUE(pack(big, packed));
  big.rdatas[0].push_back(1);
  big.rdatas[0].push_back(1);
  packed.clear();
  EXPECT_FALSE(pack(big, packed));
  EXPECT_TRUE(packed.empty());
  EXPECT_FALSE(pack(RRset{Type::A, 60, {}}, packed));
}

TEST(RRset, ADamagedRowIsNotValid) {
  Octets packed;
  ASSERT_TRUE(pack(
      std::vector<RRset>{{Type::A, 60, {octets("c0000201")}}, {Type::TXT, 60, {octets("01 'a'")}}},
      packed));
  for (std::size_t size = 1; size < packed.size(); ++size) {
    if (size == 16) continue;  // the first RRset alone is whole
    EXPECT_FALSE(is_valid_packed(std::span(packed).first(size))) << size;
  }
  struct Row {
    const char* what;
    const char* packed;
  };
  const Row rows[] = {
      {"count too high", "0001 0002 0000003c 0006 0004 c0000201"},
      {"count too low", "0001 0001 0000003c 000c 0004 c0000201 0004 c0000202"},
      {"none", "0001 0000 0000003c 0000"},
      {"RDATA of another size", "0001 0001 0000003c 0005 0003 c00002"},
      {"a meta type", "00ff 0001 0000003c 0006 0004 c0000201"},
      {"types not ascending",
       "0010 0001 0000003c 0004 0002 01 'a' 0001 0001 0000003c 0006 0004 c0000201"},
      {"a type twice",
       "0001 0001 0000003c 0006 0004 c0000201 0001 0001 0000003c 0006 0004 c0000201"},
  };
  for (const Row& row : rows) EXPECT_FALSE(is_valid_packed(octets(row.packed))) << row.what;
}

}  // namespace
}  // namespace zones
