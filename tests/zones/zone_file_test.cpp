#include "zones/zone_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "zones/snapshot.h"
#include "zones/sqlite_store.h"
#include "zones/store_model.h"

namespace zones::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What a file's records become, one a line.
struct Lines final : ZoneWriter {
  void node(NameView owner, RRsetsView rrsets) override {
    for (const RRsetView rrset : rrsets) {
      for (const RdataView rdata : rrset) {
        lines.push_back(record_to_text({Name(owner), rrset.type(), Class::IN, rrset.ttl(),
                                        Rdata(rdata.begin(), rdata.end())}));
      }
    }
  }
  std::vector<std::string> lines;
};

Result<ZoneFile, ZoneFileError> read(const std::string& text, const char* apex = "example.org.") {
  std::istringstream in(text);
  return ZoneFile::read(in, "test.zone", name(apex));
}

std::vector<std::string> lines(const std::string& text) {
  const auto zone = read(text);
  if (!zone) return {zone.error().to_text()};
  Lines lines;
  zone->write_to(lines);
  EXPECT_EQ(zone->record_count(), lines.lines.size());
  return lines.lines;
}

std::string error(const std::string& text) {
  const auto zone = read(text);
  return zone ? "" : zone.error().to_text();
}

const std::string HEAD =
    "$TTL 300\n"
    "@ SOA ns hostmaster 1 3600 900 604800 300\n"
    "@ NS ns\n";
const std::string HEAD_LINES[] = {
    "example.org. 300 IN NS ns.example.org.",
    "example.org. 300 IN SOA ns.example.org. hostmaster.example.org. 1 3600 900 604800 300"};

// The lines besides those of HEAD.
std::vector<std::string> rest(const std::string& text) {
  std::vector<std::string> all = lines(HEAD + text);
  if (all.size() >= 2 && all[0] == HEAD_LINES[0] && all[1] == HEAD_LINES[1])
    all.erase(all.begin(), all.begin() + 2);
  return all;
}

TEST(ZoneFile, Rfc1035Section5Forms) {
  struct Row {
    const char* clause;
    const char* text;
    std::vector<std::string> want;
  };
  const Row rows[] = {
      {"§5.1 blank lines and comments",
       "\n  \t ; nothing\n;\na A 192.0.2.1 ; one\n",
       {"a.example.org. 300 IN A 192.0.2.1"}},
      {"§5.1 owner left out",
       "a A 192.0.2.1\n A 192.0.2.2\n\tTXT x",
       {"a.example.org. 300 IN A 192.0.2.1", "a.example.org. 300 IN A 192.0.2.2",
        "a.example.org. 300 IN TXT \"x\""}},
      {"§5.1 TTL and class in either order",
       "a 60 IN A 192.0.2.1\nb IN 60 A 192.0.2.1\nc 60 A 192.0.2.1\nd in a 192.0.2.1\ne Class1 1m "
       "A 192.0.2.1",
       {"a.example.org. 60 IN A 192.0.2.1", "b.example.org. 60 IN A 192.0.2.1",
        "c.example.org. 60 IN A 192.0.2.1", "d.example.org. 300 IN A 192.0.2.1",
        "e.example.org. 60 IN A 192.0.2.1"}},
      {"§5.1 $ORIGIN, relative and absolute",
       "$ORIGIN sub\na A 192.0.2.1\n@ A 192.0.2.2\n$ORIGIN other.example.org.\na MX 1 b",
       {"a.other.example.org. 300 IN MX 1 b.other.example.org.",
        "sub.example.org. 300 IN A 192.0.2.2", "a.sub.example.org. 300 IN A 192.0.2.1"}},
      {"§5.1 the same word under another origin",
       "a A 192.0.2.1\n$ORIGIN sub\na A 192.0.2.1",
       {"a.example.org. 300 IN A 192.0.2.1", "a.sub.example.org. 300 IN A 192.0.2.1"}},
      {"§5.1 parentheses",
       "a MX ( 1 ; first\n  mx\n)\n",
       {"a.example.org. 300 IN MX 1 mx.example.org."}},
      {"§5.1 parentheses from the type on",
       "a ( 60\nA\n192.0.2.1 )",
       {"a.example.org. 60 IN A 192.0.2.1"}},
      {"§5.1 parentheses and semicolons in quotes",
       "a TXT \"(;)\" \\; \\( b\\ c",
       {"a.example.org. 300 IN TXT \"(;)\" \";\" \"(\" \"b c\""}},
      {"§5.1 escaped dots and digits",
       "a\\.b A 192.0.2.1\na\\032b A 192.0.2.1",
       {"a\\032b.example.org. 300 IN A 192.0.2.1", "a\\.b.example.org. 300 IN A 192.0.2.1"}},
      {"no line end at the end", "a A 192.0.2.1", {"a.example.org. 300 IN A 192.0.2.1"}},
      {"CR LF",
       "a A 192.0.2.1\r\nb TXT \"x\"\r\n",
       {"a.example.org. 300 IN A 192.0.2.1", "b.example.org. 300 IN TXT \"x\""}},
      {"RFC 2308 §4 $TTL changes",
       "a A 192.0.2.1\n$TTL 1h\nb A 192.0.2.1\nc 5 A 192.0.2.1\nd A 192.0.2.1",
       {"a.example.org. 300 IN A 192.0.2.1", "b.example.org. 3600 IN A 192.0.2.1",
        "c.example.org. 5 IN A 192.0.2.1", "d.example.org. 3600 IN A 192.0.2.1"}},
      {"RFC 3597 §5",
       "a TYPE65280 \\# 3 0102 03\na A \\# 4 c0000201\na TYPE1 192.0.2.2",
       {"a.example.org. 300 IN A 192.0.2.1", "a.example.org. 300 IN A 192.0.2.2",
        "a.example.org. 300 IN TYPE65280 \\# 3 010203"}},
      {"RFC 2181 §5 equal records count once",
       "a MX 1 mx\nA MX 1 MX.example.org.",
       {"a.example.org. 300 IN MX 1 mx.example.org."}},
      {"RFC 2181 §5.2 the first TTL is everyone's",
       "a 60 A 192.0.2.1\nb A 192.0.2.1\na 70 A 192.0.2.2",
       {"a.example.org. 60 IN A 192.0.2.1", "a.example.org. 60 IN A 192.0.2.2",
        "b.example.org. 300 IN A 192.0.2.1"}},
      {"RFC 4034 §6.1 canonical order",
       "z A 192.0.2.1\na.z A 192.0.2.1\nB A 192.0.2.1\n* A 192.0.2.1",
       {"*.example.org. 300 IN A 192.0.2.1", "B.example.org. 300 IN A 192.0.2.1",
        "z.example.org. 300 IN A 192.0.2.1", "a.z.example.org. 300 IN A 192.0.2.1"}},
      {"RFC 4034 §2.5 CNAME and DNSSEC",
       "a CNAME b\na NSEC b CNAME NSEC",
       {"a.example.org. 300 IN CNAME b.example.org.",
        "a.example.org. 300 IN NSEC b.example.org. CNAME NSEC"}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    EXPECT_EQ(rest(row.text), row.want);
  }
}

TEST(ZoneFile, TtlWithoutADirective) {
  EXPECT_THAT(lines("example.org. IN SOA ns hostmaster 1 3600 900 604800 77\n NS ns\n 99 A "
                    "192.0.2.1\n TXT a\n"),
              ElementsAre(HasSubstr(" 99 IN A"), HasSubstr(" 77 IN NS"), HasSubstr(" 77 IN SOA"),
                          HasSubstr(" 99 IN TXT")));
}

TEST(ZoneFile, ErrorsNameFileAndLine) {
  struct Row {
    const char* text;  // after HEAD, which has three lines
    const char* want;
  };
  const Row rows[] = {
      {"a A 192.0.2", "test.zone:4: this is no A record's data"},
      {"\n\na A (\n192.0.2\n)", "test.zone:6: this is no A record's data"},
      {"a A (\n192.0.2.1", "test.zone:5: a parenthesis is not closed"},
      {"a TXT ((x))", "test.zone:4: parentheses within"},
      {"a TXT x)", "test.zone:4: a closing parenthesis"},
      {"a TXT \"x\nb A 192.0.2.1", "test.zone:4: a quote is not closed on its line"},
      {"a TXT \"x", "test.zone:4: a quote is not closed"},
      {"a TXT \\", "test.zone:4: a backslash"},
      {"a TXT \\\nb", "test.zone:4: a backslash"},
      {"$INCLUDE other.zone", "test.zone:4: $INCLUDE is not supported"},
      {"$GENERATE 1-9 a A 192.0.2.1", "test.zone:4: '$GENERATE' is not supported"},
      {"$ORIGIN", "test.zone:4: $ORIGIN wants"},
      {"$ORIGIN a b", "test.zone:4: $ORIGIN wants"},
      {"$TTL 1x", "test.zone:4: $TTL wants"},
      {"$TTL 2147483648", "test.zone:4: $TTL wants"},
      {"a 4294967296 A 192.0.2.1", "test.zone:4: '4294967296' is no TTL"},
      {"a 60 60 A 192.0.2.1", "test.zone:4: '60' is no type"},
      {"a CH TXT x", "test.zone:4: the class is CH, and only IN is served"},
      {"a", "test.zone:4: a record without a type"},
      {"a 60 IN", "test.zone:4: a record without a type"},
      {"a NONSENSE x", "test.zone:4: 'NONSENSE' is no type of record"},
      {"a ANY x", "test.zone:4: ANY is no type"},
      {"a TSIG x", "test.zone:4: TSIG is no type"},
      {"a OPT \\# 0", "test.zone:4: OPT is no type"},
      {"a..b A 192.0.2.1", "test.zone:4: 'a..b' is no name"},
      {"example.net. A 192.0.2.1", "test.zone:4: example.net. is not in the zone example.org."},
      {"$ORIGIN net.\na A 192.0.2.1", "test.zone:5: a.net. is not in the zone"},
      {"@ SOA ns hostmaster 2 3600 900 604800 300", "more than one SOA"},
      {"a SOA ns hostmaster 1 3600 900 604800 300",
       "test.zone:4: an SOA record belongs to example.org. only"},
      {"a CNAME b\nc A 192.0.2.1\na A 192.0.2.1",
       "test.zone:6: a CNAME and A records at one name (RFC 1034 §3.6.2)"},
      {"a A 192.0.2.1\nA CNAME b", "test.zone:5: a CNAME and A records at one name"},
      {"a CNAME b\na CNAME c", "test.zone:4: more than one CNAME"},
      {"a CNAME b\nc A 192.0.2.1\na CNAME c", "test.zone:6: more than one CNAME"},
      {"a DNAME b.\na DNAME c.", "test.zone:4: more than one DNAME"},
      {"a SRV 0 0 70000 b",
       "test.zone:4: this is no SRV record's data: the number 70000 is not between 0 and 65535"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    EXPECT_THAT(error(HEAD + row.text), HasSubstr(row.want));
  }
  EXPECT_THAT(error(" A 192.0.2.1"), HasSubstr("test.zone:1: the first record has no owner"));
  EXPECT_THAT(error("a A 192.0.2.1"), HasSubstr("test.zone:1: no TTL"));
  EXPECT_THAT(error(""), HasSubstr("test.zone: there is no SOA record of example.org."));
  EXPECT_THAT(error("@ SOA ns hostmaster 1 3600 900 604800 300"),
              HasSubstr("test.zone: there are no NS records"));
  EXPECT_THAT(error(HEAD + std::string("a TXT x\0y", 9)),
              HasSubstr("test.zone:4: there is an octet 0"));
  EXPECT_THAT(error(HEAD + "a TXT " + std::string(2 << 20, 'x')), HasSubstr("longer than 1 MiB"));
  EXPECT_THAT(error(HEAD + "a TXT \"" + std::string(2 << 20, 'x')), HasSubstr("longer than 1 MiB"));
  EXPECT_THAT(error(HEAD + "a TXT " + std::string(70000, 'x')), HasSubstr("it is too long"));
  const auto missing = ZoneFile::read("/nonexistent/test.zone", name("example.org."));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().to_text(),
            "/nonexistent/test.zone: cannot read it: No such file or directory");
  const auto folder = ZoneFile::read("/", name("example.org."));
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().to_text(), "/: cannot read it: Is a directory");
}

TEST(ZoneFile, RRsetsOfAtMost65535Octets) {
  std::string text = HEAD;
  for (int i = 0; i < 255; ++i) {  // each 2 + 256 octets
    text += "a TXT " + std::to_string(1000 + i) + std::string(251, 'x') + "\n";
  }
  EXPECT_THAT(error(text), HasSubstr("65,535 octets"));
  EXPECT_THAT(error(text), HasSubstr("test.zone:4:"));
}

TEST(ZoneFile, LinesInEveryWayOfWritingThem) {
  // What the shortcut for plain lines takes, and what it leaves, on either side of a buffer's end.
  const std::string lines[] = {"x A 192.0.2.1\n",
                               "x\tIN\t60\tA\t192.0.2.2\r\n",
                               "y TXT \"a\tb\" \t \"c;(\"  \n",
                               "\n",
                               "   \t\r\n",
                               "; nothing\n",
                               " TXT \"d\" ; a comment\n",
                               "z MX ( 10\n mx )\n",
                               "z TXT \"\\\"\"\n"};
  std::string text = HEAD;
  std::uint64_t line = 4;
  for (int i = 0; i < 30'000; ++i) {
    const std::string& one = lines[(i * 7) % std::ssize(lines)];
    text += one;
    line += static_cast<std::uint64_t>(std::ranges::count(one, '\n'));
  }
  EXPECT_THAT(rest(text.substr(HEAD.size())),
              ElementsAre("x.example.org. 300 IN A 192.0.2.1", "x.example.org. 300 IN A 192.0.2.2",
                          "y.example.org. 300 IN TXT \"a\tb\" \"c;(\"",
                          "z.example.org. 300 IN MX 10 mx.example.org.",
                          "z.example.org. 300 IN TXT \"\\\"\"",
                          "z.example.org. 300 IN TXT \"d\""));
  EXPECT_THAT(error(text + "x A 192.0.2\n"),
              HasSubstr("test.zone:" + std::to_string(line) + ": this is no A record's data"));
}

TEST(ZoneFile, ManyRecordsInAnyOrder) {
  // More than a chunk of memory, and each name's records far apart.
  constexpr int HOSTS = 5000;
  std::string text = HEAD;
  std::uint64_t reported = 0;
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < HOSTS; ++i) {
      const int host = (i * 7919) % HOSTS;
      text += "host" + std::to_string(host) + " A 10." + std::to_string(round) + "." +
              std::to_string(host / 256) + "." + std::to_string(host % 256) + "\n";
    }
  }
  std::istringstream in(text);
  const auto zone = ZoneFile::read(in, "test.zone", name("example.org."),
                                   [&](std::uint64_t count) { reported = count; });
  ASSERT_TRUE(zone) << zone.error().to_text();
  EXPECT_EQ(reported, 100000U);
  EXPECT_EQ(zone->record_count(), 30U * HOSTS + 2);
  EXPECT_EQ(zone->name_count(), HOSTS + 1U);
  struct Check final : ZoneWriter {
    void node(NameView owner, RRsetsView rrsets) override {
      EXPECT_TRUE(last.is_root() || last < owner);
      last = Name(owner);
      EXPECT_TRUE(is_valid_packed(rrsets.packed()));
      if (const RRsetView addresses = rrsets.find(Type::A)) {
        EXPECT_EQ(addresses.count(), 30U);
        EXPECT_EQ(addresses.first()[1], 0U) << "the order of the file is kept";
      }
    }
    Name last;
  } check;
  zone->write_to(check);
}

TEST(ZoneFile, WhatIsWrittenIsReadBack) {
  std::string big;
  for (int i = 0; i < 100; ++i) big += " " + std::string(250, 'x');
  const std::string text = HEAD +
                           "a 60 A 192.0.2.1\n"
                           "a\\.\\;\\032\\000\\255 TXT \"\\000\\\"\\\\;()\" \"\"\n"
                           "a HTTPS 1 . alpn=h2 port=8443\n"
                           "_http._tcp SRV 0 0 8001 a\n"
                           "big TXT" +
                           big +
                           "\n"
                           "big TYPE65280 \\# 0\n"
                           "odd TXT \\# 6 05 01 02 0a 0d ff\n"
                           "w WKS 192.0.2.1 6 25\n"
                           "null NULL \\# 3 010203\n"
                           "sub NS ns.sub\nns.sub AAAA 2001:db8::1\n";
  const auto zone = read(text);
  ASSERT_TRUE(zone) << zone.error().to_text();
  CatalogueBuilder builder;
  struct Fill final : ZoneWriter {
    explicit Fill(CatalogueBuilder& to) : builder(to) {}
    void node(NameView owner, RRsetsView rrsets) override {
      builder.put(name("example.org."), owner, rrsets);
    }
    CatalogueBuilder& builder;
  } fill(builder);
  ASSERT_TRUE(builder.add_zone(name("example.org.")));
  zone->write_to(fill);
  const Catalogue catalogue = builder.freeze();
  std::ostringstream out;
  write_zone_file(out, *catalogue.zone(name("example.org.")));
  EXPECT_TRUE(out.str().starts_with("example.org. 300 IN SOA ")) << out.str().substr(0, 100);
  const auto again = read(out.str());
  ASSERT_TRUE(again) << again.error().to_text() << "\n" << out.str();
  struct Nodes final : ZoneWriter {
    void node(NameView owner, RRsetsView rrsets) override {
      nodes.emplace_back(owner.to_text(),
                         std::vector<std::uint8_t>(rrsets.packed().begin(), rrsets.packed().end()));
    }
    std::vector<std::pair<std::string, std::vector<std::uint8_t>>> nodes;
  } first, second;
  zone->write_to(first);
  again->write_to(second);
  EXPECT_EQ(first.nodes, second.nodes);
  EXPECT_EQ(first.nodes.size(), zone->name_count());
}

TEST(ZoneFile, ImportsIntoAStore) {
  TemporaryFolder folder;
  std::ofstream(folder / "test.zone") << HEAD << "b A 192.0.2.2\na A 192.0.2.1\n";
  const auto zone = ZoneFile::read(folder / "test.zone", name("example.org."));
  ASSERT_TRUE(zone) << zone.error().to_text();
  SqliteStore store(folder / "dnsd.sqlite");
  store.create_zone(name("example.org."), [&](ZoneWriter& writer) { zone->write_to(writer); });
  Loader loader;
  store.load(loader);
  EXPECT_EQ(loader.nodes, 3U);
  EXPECT_EQ(
      loader.contents.get(name("example.org."), name("b.example.org.")).find(Type::A).first()[3],
      2U);
}

}  // namespace
}  // namespace zones::test
