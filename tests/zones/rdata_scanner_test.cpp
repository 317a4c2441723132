// The shortcut for plain RDATA: what it takes is what ldns makes of it.
#include "zones/rdata_scanner.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "zones/presentation.h"
#include "zones/store_model.h"

namespace zones::test {
namespace {

const Name ORIGIN = name("Example.org.");
const std::string LONG_LABEL(63, 'x');

TEST(RdataScanner, TakesWhatIsPlain) {
  struct Row {
    Type type;
    std::string text;
    bool taken;
  };
  const Row rows[] = {
      {Type::A, "192.0.2.1", true},
      {Type::A, "  0.0.0.255", true},
      {Type::A, "192.0.2.256", false},
      {Type::A, "192.0.2.01", false},
      {Type::A, "192.0.2", false},
      {Type::A, "192.0.2.1.", false},
      {Type::A, "192.0.2.1 x", false},
      {Type::A, "\\# 4 c0000201", false},
      {Type::AAAA, "2001:DB8::1", true},
      {Type::AAAA, "::ffff:192.0.2.1", true},
      {Type::AAAA, "2001:db8::1%lo", false},
      {Type::AAAA, "2001:db8::1 1", false},
      {Type::AAAA, "1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9:1:2:3:4:5", false},
      {Type::NS, "ns1", true},
      {Type::CNAME, "A.b_c-d.*.example.net.", true},
      {Type::PTR, "1", true},
      {Type::DNAME, "a.b", true},
      {Type::NS, "@", false},
      {Type::NS, ".", false},
      {Type::NS, "a..b", false},
      {Type::NS, ".a", false},
      {Type::NS, "a\\.b", false},
      {Type::NS, "a b", false},
      {Type::NS, "", false},
      {Type::NS, LONG_LABEL, true},
      {Type::NS, LONG_LABEL + "x", false},
      {Type::NS, LONG_LABEL + "." + LONG_LABEL + "." + LONG_LABEL + ".", true},
      {Type::NS, LONG_LABEL + "." + LONG_LABEL + "." + LONG_LABEL + "." + LONG_LABEL.substr(0, 49),
       true},
      {Type::NS, LONG_LABEL + "." + LONG_LABEL + "." + LONG_LABEL + "." + LONG_LABEL.substr(0, 50),
       false},
      {Type::NS, LONG_LABEL + "." + LONG_LABEL + "." + LONG_LABEL + "." + LONG_LABEL + ".", false},
      {Type::MX, "10 mx", true},
      {Type::MX, "65535   mx.", true},
      {Type::MX, "65536 mx", false},
      {Type::MX, "-1 mx", false},
      {Type::MX, "10", false},
      {Type::SRV, "0 5 8001 h1", true},
      {Type::SRV, "0 5 70000 h1", false},
      {Type::SRV, "0 5 h1", false},
      {Type::TXT, "\"a b\"", true},
      {Type::TXT, "\"a\"  \"(;)\"", true},
      {Type::TXT, "\"a\"\"b\"", false},
      {Type::TXT, "\"a\\\"b\"", false},
      {Type::TXT, "\"a", false},
      {Type::TXT, "", false},
      {Type::TXT, "a", false},
      {Type::TXT, "\"" + std::string(255, 'x') + "\"", true},
      {Type::TXT, "\"" + std::string(256, 'x') + "\"", false},
      {Type::SOA, "ns hostmaster 1 3600 900 604800 300", false},
      {Type::HTTPS, "1 .", false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(to_text(row.type) + " " + row.text);
    Rdata rdata;
    EXPECT_EQ(scan_rdata(row.type, row.text, ORIGIN, rdata), row.taken);
    if (!row.taken) continue;
    EXPECT_TRUE(is_valid_rdata(row.type, rdata));
    const auto by_ldns = rdata_from_entry(row.type, row.text, ORIGIN);
    ASSERT_TRUE(by_ldns) << by_ldns.error();
    EXPECT_EQ(rdata, *by_ldns);
  }
}

TEST(RdataScanner, AgreesWithLdnsOnRandomText) {
  const Type types[] = {Type::A,   Type::AAAA, Type::NS,  Type::CNAME, Type::DNAME,
                        Type::PTR, Type::MX,   Type::SRV, Type::TXT};
  // Pieces rather than octets, so that many texts are right, or almost.
  const std::string pieces[] = {"1", "0",  "10",        "255",        "65535", "256",
                                ".", ":",  "::",        "a",          "b.c",   "A-_",
                                "*", "@",  "\"",        "\"x y\"",    "\"\"",  "\" ;(\"",
                                " ", "  ", "192.0.2.1", "2001:db8::", "f",     "ffff"};
  std::mt19937 random(1);
  int taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Type type = types[random() % std::size(types)];
    std::string text;
    for (std::size_t left = 1 + random() % 8; left > 0; --left) {
      text += pieces[random() % std::size(pieces)];
      if (random() % 2 == 0) text += ' ';
    }
    EntryReader reader{std::string_view(text)};
    if (!reader.next()) continue;
    Rdata rdata;
    if (!scan_rdata(type, reader.entry(), ORIGIN, rdata)) continue;
    ++taken;
    const auto by_ldns = rdata_from_entry(type, reader.entry(), ORIGIN);
    ASSERT_TRUE(by_ldns) << to_text(type) << " " << text << ": " << by_ldns.error();
    ASSERT_EQ(rdata, *by_ldns) << to_text(type) << " " << text;
  }
  EXPECT_GT(taken, 2000);
}

}  // namespace
}  // namespace zones::test
