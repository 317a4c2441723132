#include "zones/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace zones {
namespace {

using testing::HasSubstr;

struct Row {
  Type type;
  const char* text;       // as a person may write it
  const char* canonical;  // as we write it; empty: the same
};

const Row ROWS[] = {
    {Type::A, "192.0.2.1", ""},
    {Type::NS, "ns", "ns.Example.org."},
    {Type::MD, "a.", ""},
    {Type::MF, "a.", ""},
    {Type::CNAME, "@", "Example.org."},
    {Type::SOA, "ns hostmaster 1 1h 15m 1w 5m",
     "ns.Example.org. hostmaster.Example.org. 1 3600 900 604800 300"},
    {Type::MB, "a.", ""},
    {Type::MG, "a.", ""},
    {Type::MR, "a.", ""},
    {Type::NULL_, "\\# 3 01 02 ff", "\\# 3 0102ff"},
    {Type::WKS, "192.0.2.1 6 25", "\\# 9 c00002010600000040"},
    {Type::PTR, "a.b.", ""},
    {Type::HINFO, "PC \"a b\"", "\"PC\" \"a b\""},
    {Type::MINFO, "a. b.", ""},
    {Type::MX, "10 mx", "10 mx.Example.org."},
    {Type::TXT, "a \"b c\" \"\" \"\\\"\\\\\\000\\255\"",
     "\"a\" \"b c\" \"\" \"\\\"\\\\\\000\\255\""},
    {Type::RP, "a. b.", ""},
    {Type::AFSDB, "1 a.", ""},
    {Type::X25, "\"311061700956\"", ""},
    {Type::ISDN, "\"150862028003217\" \"004\"", ""},
    {Type::RT, "2 a.", ""},
    {Type::NSAP, "0x47000580", ""},
    {Type::NSAP_PTR, "\\# 3 016100", ""},
    {Type::SIG, "A 5 1 1 20300101000000 20200101000000 1 a. AQID", ""},
    {Type::KEY, "256 3 13 AQID", ""},
    {Type::PX, "1 a. b.", ""},
    {Type::GPOS, "-32.6882 116.8652 10.0", "\"-32.6882\" \"116.8652\" \"10.0\""},
    {Type::AAAA, "2001:DB8:0:0::1", "2001:db8::1"},
    {Type::LOC, "42 21 54 N 71 06 18 W -24m 30m",
     "42 21 54.000 N 71 06 18.000 W -24m 30m 10000m 10m"},
    {Type::NXT, "\\# 6 0161 0000 6000", "\\# 6 016100006000"},
    {Type::SRV, "10 5 8001 h1", "10 5 8001 h1.Example.org."},
    {Type::NAPTR, "100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b!\" .", ""},
    {Type::KX, "1 a.", ""},
    {Type::CERT, "PKIX 1 8 AQID", ""},
    {Type::A6, "\\# 17 00 20010db8000000000000000000000001",
     "\\# 17 0020010db8000000000000000000000001"},
    {Type::DNAME, "a.", ""},
    {Type::APL, "1:192.168.32.0/21 !1:192.168.38.0/28", ""},
    {Type::DS, "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
     "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"},
    {Type::SSHFP, "2 1 123456789abcdef67890123456789abcdef67890", ""},
    {Type::IPSECKEY, "10 1 2 192.0.2.38 AQNRU3mG", ""},
    {Type::IPSECKEY, "10 3 2 gw.example. AQNRU3mG", ""},
    {Type::IPSECKEY, "10 0 2 . AQNRU3mG", ""},
    {Type::RRSIG, "A 8 2 300 20300101000000 20200101000000 1 a. AQID", ""},
    {Type::NSEC, "b. A NS TYPE65280", ""},
    {Type::DNSKEY, "257 3 13 AQID", ""},
    {Type::DHCID, "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", ""},
    {Type::NSEC3, "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY", ""},
    {Type::NSEC3PARAM, "1 0 12 aabbccdd", ""},
    {Type::TLSA, "3 1 1 ABcd", "3 1 1 abcd"},
    {Type::SMIMEA, "3 1 1 abcd", ""},
    {Type::HIP, "2 200100107B1A74DF365639CC39F1D578 AwEAAbdx rvs.example.",
     "2 200100107b1a74df365639cc39f1d578 AwEAAbdx rvs.example."},
    {Type::CDS, "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118", ""},
    {Type::CDNSKEY, "257 3 13 AQID", ""},
    {Type::OPENPGPKEY, "AQ ID", "AQID"},
    {Type::CSYNC, "66 3 A NS AAAA", ""},
    {Type::ZONEMD,
     "2018031500 1 1 "
     "fefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef"
     "efe",
     ""},
    {Type::SVCB, "1 foo alpn=\"h2,h3\" mandatory=alpn,port port=53 no-default-alpn",
     "1 foo.Example.org. mandatory=alpn,port alpn=h2,h3 no-default-alpn port=53"},
    {Type::HTTPS, "0 foo.example.", ""},
    {Type::HTTPS, "1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1 ech=AEX+ ipv6hint=2001:db8::1", ""},
    {Type::HTTPS, "1 . key65333=ab\\001", ""},
    {Type::SPF, "\"v=spf1 -all\"", ""},
    {Type::EUI48, "00-00-5e-00-53-2a", ""},
    {Type::EUI64, "00-00-5e-ef-10-00-00-2a", ""},
    {Type::URI, "10 1 \"http://h1.example.org:8001/a b\"", ""},
    {Type::CAA, "0 issue \"ca.example; account=1\"", ""},
    {static_cast<Type>(65280), "\\# 0", ""},
    {static_cast<Type>(65280), "\\# 3 abCD ef", "\\# 3 abcdef"},
    {Type::A, "\\# 4 c0000201", "192.0.2.1"},
    {Type::SRV, "\\# 12 000a 0005 1f41 026831 0161 00", "10 5 8001 h1.a."},
    // What is allowed in any RDATA: comments, parentheses, spaces.
    {Type::MX, " ( 10\n mx ) ; comment", "10 mx.Example.org."},
};

TEST(Text, EveryTypeBothWays) {
  const Name origin = Name::from_text("Example.org.").value();
  for (const Row& row : ROWS) {
    SCOPED_TRACE(to_text(row.type) + " " + row.text);
    const auto rdata = rdata_from_text(row.type, row.text, origin);
    ASSERT_TRUE(rdata) << rdata.error();
    EXPECT_TRUE(is_valid_rdata(row.type, *rdata));
    const std::string text = rdata_to_text(row.type, *rdata);
    EXPECT_EQ(text, *row.canonical == '\0' ? row.text : row.canonical);
    const auto back = rdata_from_text(row.type, text);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(*back, *rdata);
  }
}

TEST(Text, TheTableHasEveryTypeThatIsData) {
  for (unsigned value = 1; value <= 257; ++value) {
    const auto type = static_cast<Type>(value);
    if (is_meta(type) || to_text(type).starts_with("TYPE")) continue;
    EXPECT_TRUE(std::ranges::any_of(ROWS, [&](const Row& row) { return row.type == type; }))
        << to_text(type);
  }
}

TEST(Text, WireToTextToWireWithAnyOctets) {
  // Random octets, made valid where a type has a form by mutating what is.
  std::mt19937 random(7);
  for (const Row& row : ROWS) {
    const auto rdata = rdata_from_text(row.type, row.text, Name().view());
    if (!rdata) continue;  // relative
    for (int i = 0; i < 300; ++i) {
      Rdata mutated = *rdata;
      const auto changes = 1 + random() % 3;
      for (std::uint64_t change = 0; change < changes && !mutated.empty(); ++change) {
        mutated[random() % mutated.size()] = static_cast<std::uint8_t>(random());
      }
      if (random() % 4 == 0) mutated.push_back(static_cast<std::uint8_t>(random()));
      const std::string text = rdata_to_text(row.type, mutated);
      EXPECT_EQ(text.find('\n'), text.npos);
      if (!is_valid_rdata(row.type, mutated)) {
        EXPECT_THAT(text, testing::StartsWith("\\# "));
        continue;
      }
      const auto back = rdata_from_text(row.type, text);
      ASSERT_TRUE(back) << to_text(row.type) << ' ' << text << ": " << back.error();
      EXPECT_EQ(*back, mutated) << to_text(row.type) << ' ' << text;
    }
  }
}

// Of every length, since a buffer that grows is full now and then only.
TEST(Text, ServiceParametersThatNeedEscapes) {
  for (const std::uint8_t octet : Rdata{0x00, 0x20, 0x22, 0x2c, 0x3b, 0x5c, 0xff}) {
    for (std::size_t size = 1; size <= 255; ++size) {
      SCOPED_TRACE(std::to_string(octet) + " " + std::to_string(size));
      Rdata rdata = {0, 1, 0, 0, 1};  // priority, the root, alpn
      rdata.push_back(static_cast<std::uint8_t>((size + 1) >> 8));
      rdata.push_back(static_cast<std::uint8_t>(size + 1));
      rdata.push_back(static_cast<std::uint8_t>(size));
      rdata.insert(rdata.end(), size, octet);
      const Rdata port = {0, 3, 0, 2, 31, 65};
      rdata.insert(rdata.end(), port.begin(), port.end());
      ASSERT_TRUE(is_valid_rdata(Type::HTTPS, rdata));
      const auto back = rdata_from_text(Type::HTTPS, rdata_to_text(Type::HTTPS, rdata));
      ASSERT_TRUE(back) << back.error();
      EXPECT_EQ(*back, rdata);
    }
  }
}

TEST(Text, BigRdataFallsBackToRfc3597) {
  Rdata rdata;
  for (int i = 0; i < 255; ++i) {
    rdata.push_back(255);
    rdata.insert(rdata.end(), 255, 0);
  }
  const std::string text = rdata_to_text(Type::TXT, rdata);
  const auto back = rdata_from_text(Type::TXT, text);
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(*back, rdata);
}

TEST(Text, WrongTextGetsASentence) {
  struct Wrong {
    Type type;
    std::string text;
    const char* want;
  };
  const Wrong rows[] = {
      {Type::A, "", "this is no A record's data"},
      {Type::A, "192.0.2.256", "this is no A record's data"},
      {Type::A, "192.0.2.1 192.0.2.2", "superfluous"},
      {Type::AAAA, "192.0.2.1", "this is no AAAA record's data"},
      {Type::CNAME, "a..b", "this is no CNAME record's data"},
      {Type::CNAME, std::string(64, 'a'), "this is no CNAME record's data"},
      {Type::CNAME, std::string(300, 'a'), "this is no CNAME record's data"},
      {Type::CNAME, "a b", "superfluous"},
      // What ldns would take modulo a power of two.
      {Type::SRV, "0 0 70000 a.", "the number 70000 is not between 0 and 65535"},
      {Type::SRV, "-1 0 1 a.", "the number -1 is not between"},
      {Type::SRV, "0 65536 1 a.", "the number 65536"},
      {Type::MX, "70000 a.", "the number 70000"},
      {Type::HTTPS, "1 . port=70000", "the number 70000"},
      {Type::HTTPS, "1 . alpn=h2 port=\"70000\"", "the number 70000"},
      {Type::HTTPS, "1 . port=-1", "the number -1"},
      {Type::HTTPS, "1 . port=1 port=2", "this is no HTTPS record's data"},
      {Type::HTTPS, "65536 .", "the number 65536"},
      {Type::CAA, "256 issue \"x\"", "the number 256"},
      {Type::TLSA, "300 1 1 ab", "the number 300"},
      {Type::DS, "70000 8 2 abcd", "the number 70000"},
      {Type::NAPTR, "100 70000 \"\" \"\" \"\" .", "the number 70000"},
      {Type::URI, "70000 1 \"x\"", "the number 70000"},
      {Type::SOA, "a. b. 4294967296 1 2 3 4", "the number 4294967296"},
      {Type::SOA, "a. b. 1 9999999w 2 3 4", "the number 9999999w"},
      {Type::URI, "1 1 \"\"", "this is no URI record's data"},
      {Type::IPSECKEY, "10 3 2 gw AQID", "must be complete"},
      {Type::TXT, "\"a", "a quote is not closed"},
      {Type::TXT, "a)", "a closing parenthesis"},
      {Type::TXT, "(a", "a parenthesis is not closed"},
      {Type::TXT, "a\\", "a backslash"},
      {Type::TXT, "a\nb", "more than one line"},
      {Type::TXT, std::string("a\0b", 3), "an octet 0"},
      {Type::TXT, std::string(256, 'a'), "this is no TXT record's data"},
      {Type::TXT, std::string(100000, 'a'), "too long"},
      {Type::TXT, std::string(3000000, 'a'), "longer than 1 MiB"},
      {Type::A, "\\# 4 c00002", "wants 8 hexadecimal digits"},
      {Type::A, "\\# 4 c000020101", "wants 8 hexadecimal digits"},
      {Type::A, "\\# 4 c000020x", "hexadecimal digits"},
      {Type::A, "\\# c0000201", "the number of octets"},
      {Type::A, "\\# 65536 00", "the number of octets"},
      {Type::A, "\\#", "the number of octets"},
      {Type::A, "\\# 3 c00002", "not well-formed"},
      {Type::SRV, "\\# 2 0000", "not well-formed"},
      {Type::ANY, "x", "records of type ANY have no text"},
      {Type::TSIG, "x", "records of type TSIG have no text"},
      {static_cast<Type>(65280), "abc", "this is no TYPE65280 record's data"},
  };
  for (const Wrong& row : rows) {
    SCOPED_TRACE(to_text(row.type) + " " + row.text.substr(0, 80));
    const auto rdata = rdata_from_text(row.type, row.text, Name::from_text("example.org.").value());
    ASSERT_FALSE(rdata);
    EXPECT_THAT(rdata.error(), HasSubstr(row.want));
    EXPECT_LT(rdata.error().size(), 300U);
  }
}

TEST(Text, Records) {
  Record record{Name::from_text("H1.example.org.").value(), Type::SRV, Class::IN, 60,
                rdata_from_text(Type::SRV, "10 5 8001 h1.example.org.").value()};
  EXPECT_EQ(record_to_text(record), "H1.example.org. 60 IN SRV 10 5 8001 h1.example.org.");
  record.rrclass = Class::ANY;
  record.ttl = 0;
  record.rdata.clear();
  EXPECT_EQ(record_to_text(record), "H1.example.org. 0 ANY SRV");
}

}  // namespace
}  // namespace zones
