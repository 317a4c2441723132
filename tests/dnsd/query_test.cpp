#include "dnsd/query.h"

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "dnsd/allocation_count.h"
#include "dnsd/zone_text.h"
#include "zones/message.h"

namespace dnsd {
namespace {

using zones::Rcode;
using zones::Type;

/// The zones of most tables below. `rich.example.org` is a zone of its own beside `example.org`.
zones::Catalogue example_catalogue() {
  static zones::CatalogueBuilder builder;
  static const zones::Catalogue catalogue = [] {
    test::add_zone(builder, "example.org.", R"(
@             3600 SOA   ns1 hostmaster 7 3600 600 86400 300
@             3600 NS    ns1
@             3600 NS    ns.example.net.
@             3600 MX    10 mail
ns1           3600 A     192.0.2.53
ns1           3600 AAAA  2001:db8::53
mail          3600 A     192.0.2.25
www             60 A     192.0.2.1
www             60 A     192.0.2.2
www             60 TXT   "hello"
MiXed           60 TXT   "case"
_http._tcp.www  60 SRV   0 5 8001 www
_far._tcp.www   60 SRV   0 5 8002 www.example.com.
_two._tcp.www   60 SRV   0 5 8001 www
_two._tcp.www   60 SRV   0 5 8002 www
_none._tcp.www  60 SRV   0 0 0 .
_cut._tcp.www   60 SRV   0 5 8003 ns.sub
_rich._tcp.www  60 SRV   0 5 8004 host.rich
uri             60 URI   10 1 "http://www.example.org:8001/"
unknown         60 TYPE65280 \# 4 03777777
ptr             60 PTR   www
alias           60 CNAME www
alias2          60 CNAME alias
out             60 CNAME www.example.com.
dangling        60 CNAME nothing
empty           60 CNAME www.deep
intocut         60 CNAME host.sub
torich          60 CNAME host.rich
loop1           60 CNAME loop2
loop2           60 CNAME loop1
self            60 CNAME self
c0              60 CNAME c1
c1              60 CNAME c2
c2              60 CNAME c3
c3              60 CNAME c4
c4              60 CNAME c5
c5              60 CNAME c6
c6              60 CNAME c7
c7              60 CNAME c8
c8              60 CNAME c9
c9              60 A     192.0.2.9
a.www.deep      60 A     192.0.2.7
*.wild          60 A     192.0.2.8
*.wild          60 MX    5 mail
*.wildcname     60 CNAME www
x.*.wildempty   60 A     192.0.2.8
sub           3600 NS    ns.sub
sub           3600 NS    ns.other
sub           3600 NS    ns.example.net.
sub           3600 DS    12345 13 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
ns.sub        3600 A     192.0.2.60
ns.sub        3600 AAAA  2001:db8::60
hidden.sub    3600 TXT   "occluded"
other         3600 NS    ns.other
ns.other      3600 A     192.0.2.61
unsigned      3600 NS    ns.example.net.
)");
    test::add_zone(builder, "rich.example.org.", R"(
@    3600 SOA  ns1.example.org. hostmaster 1 3600 600 86400 60
@    3600 NS   ns1.example.org.
host   60 A    192.0.2.70
back   60 CNAME www.example.org.
)");
    return builder.freeze();
  }();
  return catalogue;
}

struct Asked {
  std::vector<std::uint8_t> octets;
  AnswerLimits limits;
};

/// A query as dig takes it: "www.example.org A +bufsize=512 +do +tcp +rd +cd +class=CH +version=1
/// +reserve=100".
Asked ask(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string qname;
  std::string qtype;
  words >> qname >> qtype;
  zones::Message message;
  message.header.id = 0x1234;
  zones::Question question{
      test::name(qname + (qname.ends_with('.') ? "" : ".")), {}, zones::Class::IN};
  if (!zones::type_from_text(qtype, question.type)) ADD_FAILURE() << "no type: " << qtype;
  Asked asked;
  const auto edns = [&message]() -> zones::Edns& {
    if (!message.edns) message.edns.emplace().udp_octets = 4096;
    return *message.edns;
  };
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    const std::string option = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (option == "+tcp") {
      asked.limits.transport = Transport::TCP;
    } else if (option == "+rd") {
      message.header.rd = true;
    } else if (option == "+cd") {
      message.header.cd = true;
    } else if (option == "+ad") {
      message.header.ad = true;
    } else if (option == "+edns") {
      edns();
    } else if (option == "+do") {
      edns().flags = zones::EDNS_DO;
    } else if (option == "+bufsize") {
      edns().udp_octets = static_cast<std::uint16_t>(std::stoi(value));
    } else if (option == "+own") {
      asked.limits.own_udp_octets = static_cast<std::uint16_t>(std::stoi(value));
    } else if (option == "+version") {
      edns().version = static_cast<std::uint8_t>(std::stoi(value));
    } else if (option == "+option") {
      edns().options.push_back({static_cast<zones::OptionCode>(std::stoi(value)), {1, 2, 3}});
    } else if (option == "+reserve") {
      asked.limits.reserve = static_cast<std::size_t>(std::stoi(value));
    } else if (option == "+class") {
      EXPECT_TRUE(zones::class_from_text(value, question.rrclass));
    } else {
      ADD_FAILURE() << "no option: " << word;
    }
  }
  message.question.push_back(question);
  asked.octets = zones::to_wire(message);
  return asked;
}

void print(std::ostream& out, const char* section, const std::vector<zones::Record>& records) {
  for (const zones::Record& record : records) {
    out << "\n"
        << section << ' ' << record.owner.to_text() << ' ' << record.ttl << ' '
        << zones::to_text(record.type) << ' ' << zones::rdata_to_text(record.type, record.rdata);
  }
}

/// "NOERROR aa rd", then a line a record: "an owner TTL TYPE RDATA", and au and ad; OPT is "edns
/// 1232 do".
std::string to_text(std::span<const std::uint8_t> answer, const Asked& asked) {
  const auto parsed = zones::parse_message(answer);
  if (!parsed) return std::string("unparseable: ") + zones::to_text(parsed.error());
  const zones::Message& message = *parsed;
  std::ostringstream out;
  const int extended = message.edns ? message.edns->extended_rcode : 0;
  out << zones::to_text(static_cast<Rcode>(extended << 4 | message.header.rcode));
  if (message.header.id != 0x1234 || !message.header.qr) out << " not an answer";
  if (message.header.aa) out << " aa";
  if (message.header.tc) out << " tc";
  if (message.header.rd) out << " rd";
  if (message.header.ra) out << " ra";
  if (message.header.ad) out << " ad";
  if (message.header.cd) out << " cd";
  if (message.header.z) out << " z";
  // The question comes back to the last octet, and nothing is larger than it may be.
  if (message.question.size() == 1) {
    const std::size_t size = message.question[0].name.size() + 4;
    EXPECT_TRUE(std::equal(answer.begin() + 12, answer.begin() + 12 + static_cast<int>(size),
                           asked.octets.begin() + 12));
  } else {
    out << " question missing";
  }
  print(out, "an", message.answer);
  print(out, "au", message.authority);
  print(out, "ad", message.additional);
  if (message.edns) {
    out << "\nedns " << message.edns->udp_octets;
    if (message.edns->version != 0) out << " version " << int{message.edns->version};
    if ((message.edns->flags & zones::EDNS_DO) != 0) out << " do";
    for (const zones::EdnsOption& option : message.edns->options) {
      if (option.code == zones::OptionCode::EXTENDED_ERROR && option.data.size() == 2) {
        out << " error " << (option.data[0] << 8 | option.data[1]);
      } else {
        out << " option " << static_cast<int>(option.code);
      }
    }
  }
  return out.str();
}

std::vector<std::uint8_t> answer_octets(const zones::Catalogue& catalogue, const Asked& asked) {
  std::vector<std::uint8_t> out(zones::MAX_MESSAGE_OCTETS);
  Request request;
  if (parse_request(asked.octets, request) != Parse::OK) {
    ADD_FAILURE() << "the question does not parse";
    return {};
  }
  out.resize(answer_query(catalogue, asked.octets, request, asked.limits, out));
  return out;
}

std::string answer(const zones::Catalogue& catalogue, std::string_view question) {
  const Asked asked = ask(question);
  return to_text(answer_octets(catalogue, asked), asked);
}

/// Checks cases of the form "# clause", "? question" and the lines of the answer, with empty lines
/// between them.
void check(const zones::Catalogue& catalogue, std::string_view cases) {
  std::istringstream lines{std::string(cases)};
  std::string clause;
  std::string question;
  std::string want;
  const auto check_one = [&] {
    if (question.empty()) return;
    SCOPED_TRACE(clause + ": " + question);
    EXPECT_EQ(answer(catalogue, question) + "\n", want);
    question.clear();
    want.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      check_one();
    } else if (line[0] == '#') {
      clause = line.substr(2);
    } else if (line[0] == '?') {
      question = line.substr(2);
    } else {
      want += line + "\n";
    }
  }
  check_one();
}

TEST(Query, Rfc1034Section432Data) {
  check(example_catalogue(), R"(
# 3a RRset
? www.example.org A
NOERROR aa
an www.example.org. 60 A 192.0.2.1
an www.example.org. 60 A 192.0.2.2

# 3a one of several
? www.example.org TXT
NOERROR aa
an www.example.org. 60 TXT "hello"

# 3a at the apex, without NS in authority
? example.org SOA
NOERROR aa
an example.org. 3600 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# 3a name in RDATA
? ptr.example.org PTR
NOERROR aa
an ptr.example.org. 60 PTR www.example.org.

# 3a the longest zone
? host.rich.example.org A
NOERROR aa
an host.rich.example.org. 60 A 192.0.2.70

# RFC 3597 §3 unknown type
? unknown.example.org TYPE65280
NOERROR aa
an unknown.example.org. 60 TYPE65280 \# 4 03777777

# RFC 7553 §4 URI
? uri.example.org URI
NOERROR aa
an uri.example.org. 60 URI 10 1 "http://www.example.org:8001/"

# RFC 4343 §3 case of the name asked for
? WwW.eXample.ORG TXT
NOERROR aa
an WwW.eXample.ORG. 60 TXT "hello"

# RFC 4343 §3 case of the zone's name
? mixed.example.org TXT
NOERROR aa
an mixed.example.org. 60 TXT "case"

# RFC 4343 §4.1 case in RDATA is the zone's
? alias.EXAMPLE.org CNAME
NOERROR aa
an alias.EXAMPLE.org. 60 CNAME www.example.org.

# no zone of ours
? www.example.com A
REFUSED

# no zone of ours, above one
? org SOA
REFUSED

# no zone of ours, the root
? . NS
REFUSED

# RD and CD are copied, RA and AD are not set
? www.example.org TXT +rd +cd +ad
NOERROR aa rd cd
an www.example.org. 60 TXT "hello"
)");
}

TEST(Query, Rfc2308Negative) {
  check(example_catalogue(), R"(
# §2.1 NXDOMAIN, TTL by §5
? nothing.example.org A
NXDOMAIN aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# §2.1 deep below what is not there
? a.b.c.example.org A
NXDOMAIN aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# §2.2 NODATA
? www.example.org AAAA
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# §2.2 NODATA at the apex
? example.org A
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# §2.2 NODATA for a type nobody has
? www.example.org TYPE65281
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# §2.2 RRSIG
? www.example.org RRSIG
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# RFC 8020 §2 empty non-terminal
? deep.example.org A
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# RFC 8020 §2 another
? www.deep.example.org A
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# §2.1 beside an empty non-terminal
? wwx.deep.example.org A
NXDOMAIN aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# §2.1 SOA of the zone that knows
? nothing.rich.example.org A
NXDOMAIN aa
au rich.example.org. 60 SOA ns1.example.org. hostmaster.rich.example.org. 1 3600 600 86400 60

# §2.1 below a name with data
? below.www.example.org A
NXDOMAIN aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300
)");
}

TEST(Query, Rfc1034Section362Cname) {
  check(example_catalogue(), R"(
# followed
? alias.example.org TXT
NOERROR aa
an alias.example.org. 60 CNAME www.example.org.
an www.example.org. 60 TXT "hello"

# followed twice
? alias2.example.org TXT
NOERROR aa
an alias2.example.org. 60 CNAME alias.example.org.
an alias.example.org. 60 CNAME www.example.org.
an www.example.org. 60 TXT "hello"

# asked for itself
? alias2.example.org CNAME
NOERROR aa
an alias2.example.org. 60 CNAME alias.example.org.

# ANY is not followed
? alias.example.org ANY +tcp
NOERROR aa
an alias.example.org. 60 CNAME www.example.org.

# out of our zones
? out.example.org A
NOERROR aa
an out.example.org. 60 CNAME www.example.com.

# into another zone of ours
? torich.example.org A
NOERROR aa
an torich.example.org. 60 CNAME host.rich.example.org.
an host.rich.example.org. 60 A 192.0.2.70

# and back
? back.rich.example.org TXT
NOERROR aa
an back.rich.example.org. 60 CNAME www.example.org.
an www.example.org. 60 TXT "hello"

# RFC 2308 §2.1 the last name's NXDOMAIN
? dangling.example.org A
NXDOMAIN aa
an dangling.example.org. 60 CNAME nothing.example.org.
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# RFC 2308 §2.2 the last name's NODATA
? alias.example.org AAAA
NOERROR aa
an alias.example.org. 60 CNAME www.example.org.
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# RFC 2308 §2.2 NODATA in another zone
? torich.example.org AAAA
NOERROR aa
an torich.example.org. 60 CNAME host.rich.example.org.
au rich.example.org. 60 SOA ns1.example.org. hostmaster.rich.example.org. 1 3600 600 86400 60

# to an empty non-terminal
? empty.example.org A
NOERROR aa
an empty.example.org. 60 CNAME www.deep.example.org.
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# into a delegation: AA is the first name's (RFC 1035 §4.1.1)
? intocut.example.org A
NOERROR aa
an intocut.example.org. 60 CNAME host.sub.example.org.
au sub.example.org. 3600 NS ns.sub.example.org.
au sub.example.org. 3600 NS ns.other.example.org.
au sub.example.org. 3600 NS ns.example.net.
ad ns.sub.example.org. 3600 A 192.0.2.60
ad ns.sub.example.org. 3600 AAAA 2001:db8::60
ad ns.other.example.org. 3600 A 192.0.2.61

# a loop ends
? loop1.example.org A
NOERROR aa
an loop1.example.org. 60 CNAME loop2.example.org.
an loop2.example.org. 60 CNAME loop1.example.org.

# a loop of one
? self.example.org A
NOERROR aa
an self.example.org. 60 CNAME self.example.org.

# nine are too many
? c0.example.org A
NOERROR aa
an c0.example.org. 60 CNAME c1.example.org.
an c1.example.org. 60 CNAME c2.example.org.
an c2.example.org. 60 CNAME c3.example.org.
an c3.example.org. 60 CNAME c4.example.org.
an c4.example.org. 60 CNAME c5.example.org.
an c5.example.org. 60 CNAME c6.example.org.
an c6.example.org. 60 CNAME c7.example.org.
an c7.example.org. 60 CNAME c8.example.org.
an c8.example.org. 60 CNAME c9.example.org.

# eight are not
? c2.example.org A
NOERROR aa
an c2.example.org. 60 CNAME c3.example.org.
an c3.example.org. 60 CNAME c4.example.org.
an c4.example.org. 60 CNAME c5.example.org.
an c5.example.org. 60 CNAME c6.example.org.
an c6.example.org. 60 CNAME c7.example.org.
an c7.example.org. 60 CNAME c8.example.org.
an c8.example.org. 60 CNAME c9.example.org.
an c9.example.org. 60 A 192.0.2.9
)");
}

TEST(Query, Rfc4592Wildcards) {
  check(example_catalogue(), R"(
# §3.3.1 data
? a.wild.example.org A
NOERROR aa
an a.wild.example.org. 60 A 192.0.2.8

# §3.3.1 labels below
? b.a.wild.example.org A
NOERROR aa
an b.a.wild.example.org. 60 A 192.0.2.8

# §3.3.1 NODATA
? a.wild.example.org TXT
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# §2.3 asked for itself
? *.wild.example.org A
NOERROR aa
an *.wild.example.org. 60 A 192.0.2.8

# not at its own parent
? wild.example.org A
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# §3.4 CNAME
? a.wildcname.example.org TXT
NOERROR aa
an a.wildcname.example.org. 60 CNAME www.example.org.
an www.example.org. 60 TXT "hello"

# §2.2.2 a wildcard without records
? a.wildempty.example.org A
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# additional data of a synthesised record
? a.wild.example.org MX
NOERROR aa
an a.wild.example.org. 60 MX 5 mail.example.org.
ad mail.example.org. 3600 A 192.0.2.25
)");
}

TEST(Query, Rfc4592Section221) {
  zones::CatalogueBuilder builder;
  test::add_zone(builder, "example.", R"(
example.                 3600 SOA ns.example.com. host.example.com. 1 2 3 4 5
example.                 3600 NS  ns.example.com.
example.                 3600 NS  ns.example.net.
*.example.               3600 TXT "this is a wildcard"
*.example.               3600 MX  10 host1.example.
sub.*.example.           3600 TXT "this is not a wildcard"
host1.example.           3600 A   192.0.2.1
_ssh._tcp.host1.example. 3600 SRV 0 0 22 host1.example.
_ssh._tcp.host2.example. 3600 SRV 0 0 22 host1.example.
subdel.example.          3600 NS  ns.example.com.
subdel.example.          3600 NS  ns.example.net.
)");
  check(builder.freeze(), R"(
# synthesised
? host3.example MX
NOERROR aa
an host3.example. 3600 MX 10 host1.example.
ad host1.example. 3600 A 192.0.2.1

# no error, but no data
? host3.example A
NOERROR aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# bar.example. does not exist
? foo.bar.example TXT
NOERROR aa
an foo.bar.example. 3600 TXT "this is a wildcard"

# host1 exists
? host1.example MX
NOERROR aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# sub.* exists
? sub.*.example MX
NOERROR aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# _tcp.host1 exists
? _telnet._tcp.host1.example SRV
NXDOMAIN aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# subdel exists and is a cut
? host.subdel.example A
NOERROR
au subdel.example. 3600 NS ns.example.com.
au subdel.example. 3600 NS ns.example.net.

# * exists
? ghost.*.example MX
NXDOMAIN aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5
)");
}

TEST(Query, Rfc4592Section332) {
  zones::CatalogueBuilder builder;
  test::add_zone(builder, "example.", R"(
example.                 3600 SOA ns.example.com. host.example.com. 1 2 3 4 5
example.                 3600 NS  ns.example.com.
*.example.               3600 TXT "this is a wildcard"
sub.*.example.           3600 TXT "this is not a wildcard"
host1.example.           3600 A   192.0.2.1
_ssh._tcp.host1.example. 3600 SRV 0 0 22 host1.example.
_ssh._tcp.host2.example. 3600 SRV 0 0 22 host1.example.
)");
  check(builder.freeze(), R"(
# closest encloser example., source *.example.
? host3.example TXT
NOERROR aa
an host3.example. 3600 TXT "this is a wildcard"

# closest encloser _tcp.host1.example., no source
? _telnet._tcp.host1.example TXT
NXDOMAIN aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# closest encloser host2.example., no source
? _dns._udp.host2.example TXT
NXDOMAIN aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# closest encloser example., source *.example.
? _telnet._tcp.host3.example TXT
NOERROR aa
an _telnet._tcp.host3.example. 3600 TXT "this is a wildcard"

# closest encloser example., source *.example.
? _chat._udp.host3.example TXT
NOERROR aa
an _chat._udp.host3.example. 3600 TXT "this is a wildcard"

# closest encloser *.example., no source
? foobar.*.example TXT
NXDOMAIN aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5
)");
}

TEST(Query, Rfc4592WhatIsAWildcard) {
  zones::CatalogueBuilder builder;
  test::add_zone(builder, "example.", R"(
example.              3600 SOA ns.example.com. host.example.com. 1 2 3 4 5
example.              3600 NS  ns.example.com.
the*.no.example.      3600 TXT "no asterisk label"
\*\*.no.example.      3600 TXT "no asterisk label"
*.a.example.          3600 TXT "one"
*.*.a.example.        3600 TXT "two"
cname.example.        3600 CNAME *.a.example.
*.nx.example.         3600 CNAME nothing.no.example.
*.self.example.       3600 CNAME x.self.example.
*.srv.example.        3600 SRV 0 0 1 host.example.
_foo._udp.*.srv.example. 3600 SRV 0 0 2 host.example.
*.ds.example.         3600 DS  1 13 2 0000000000000000000000000000000000000000000000000000000000000000
x.*.cut.example.      3600 NS  ns.example.com.
*.cut.example.        3600 TXT "beside a cut below"
)");
  test::add_zone(builder, "*.example.", R"(
@    3600 SOA ns.example.com. host.example.com. 1 2 3 4 6
@    3600 NS  ns.example.com.
www  3600 TXT "the www txt record"
)");
  check(builder.freeze(), R"(
# §2.1.2 the* is no asterisk label
? them.no.example TXT
NXDOMAIN aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# §2.2.1 *.*.a covers what *.a does not
? x.*.a.example TXT
NOERROR aa
an x.*.a.example. 3600 TXT "two"

# §2.2.1 but not its own subdomains
? x.*.*.a.example TXT
NXDOMAIN aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# §3.3.1 names of several labels are the first one's
? x.y.a.example TXT
NOERROR aa
an x.y.a.example. 3600 TXT "one"

# §2.3 in RDATA an asterisk is an asterisk
? cname.example TXT
NOERROR aa
an cname.example. 3600 CNAME *.a.example.
an *.a.example. 3600 TXT "one"

# §3.3.3 CNAME to nothing
? x.nx.example A
NXDOMAIN aa
an x.nx.example. 3600 CNAME nothing.no.example.
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# §3.3.3 asked for the CNAME itself
? x.nx.example CNAME
NOERROR aa
an x.nx.example. 3600 CNAME nothing.no.example.

# §3.3.3 a CNAME that leads back to what it is synthesised for
? y.self.example A
NOERROR aa
an y.self.example. 3600 CNAME x.self.example.
an x.self.example. 3600 CNAME x.self.example.

# §4.1 a zone at a wildcard name is no source of synthesis
? x.example TXT
NXDOMAIN aa
au example. 5 SOA ns.example.com. host.example.com. 1 2 3 4 5

# §4.1 but a zone
? www.*.example TXT
NOERROR aa
an www.*.example. 3600 TXT "the www txt record"

# §4.1 and knows its names
? ghost.*.example TXT
NXDOMAIN aa
au *.example. 6 SOA ns.example.com. host.example.com. 1 2 3 4 6

# §4.5 the owner begins with the service
? _foo._udp.bar.srv.example SRV
NOERROR aa
an _foo._udp.bar.srv.example. 3600 SRV 0 0 1 host.example.

# §4.5 and with an asterisk in between it is another one
? _foo._udp.*.srv.example SRV
NOERROR aa
an _foo._udp.*.srv.example. 3600 SRV 0 0 2 host.example.

# §4.6 DS is synthesised, meaningless and harmless
? x.ds.example DS
NOERROR aa
an x.ds.example. 3600 DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000

# §2.1.3 a cut below the wildcard is no cut below the name
? x.y.cut.example TXT
NOERROR aa
an x.y.cut.example. 3600 TXT "beside a cut below"

# §2.1.3 but where it stands
? y.x.*.cut.example TXT
NOERROR
au x.*.cut.example. 3600 NS ns.example.com.
)");
}

TEST(Query, Rfc6672Dname) {
  zones::CatalogueBuilder builder;
  test::add_zone(builder, "example.org.", R"(
@       3600 SOA   ns hostmaster 1 2 3 4 5
@       3600 NS    ns
ns      3600 A     192.0.2.53
frobozz 3000 DNAME example.net.
frobozz   60 TXT   "beside"
here     600 DNAME there
x.there   60 A     192.0.2.1
under.here 60 A    192.0.2.99
a        600 DNAME b
b        600 DNAME here
in       600 DNAME deep.in
back.up  600 DNAME example.org.
cut      600 NS    ns.example.net.
d.cut    600 DNAME there
toolong  600 DNAME xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example.com.
alias     60 CNAME x.here
)");
  test::add_zone(builder, "redirected.example.", R"(
@ 3600 SOA   ns hostmaster 1 2 3 4 5
@ 3600 NS    ns.example.net.
@  600 DNAME there.example.org.
)");
  check(builder.freeze(), R"(
# §2.2 out of our zones
? www.frobozz.example.org A
NOERROR aa
an frobozz.example.org. 3000 DNAME example.net.
an www.frobozz.example.org. 3000 CNAME www.example.net.

# §2.3 not its own name
? frobozz.example.org A
NOERROR aa
au example.org. 5 SOA ns.example.org. hostmaster.example.org. 1 2 3 4 5

# §2.3 data beside it
? frobozz.example.org TXT
NOERROR aa
an frobozz.example.org. 60 TXT "beside"

# §2.1 asked for itself
? frobozz.example.org DNAME
NOERROR aa
an frobozz.example.org. 3000 DNAME example.net.

# §3.2 followed
? x.here.example.org A
NOERROR aa
an here.example.org. 600 DNAME there.example.org.
an x.here.example.org. 600 CNAME x.there.example.org.
an x.there.example.org. 60 A 192.0.2.1

# §3.2 followed to NXDOMAIN
? y.here.example.org A
NXDOMAIN aa
an here.example.org. 600 DNAME there.example.org.
an y.here.example.org. 600 CNAME y.there.example.org.
au example.org. 5 SOA ns.example.org. hostmaster.example.org. 1 2 3 4 5

# §3.2 the CNAME is the answer
? x.here.example.org CNAME
NOERROR aa
an here.example.org. 600 DNAME there.example.org.
an x.here.example.org. 600 CNAME x.there.example.org.

# §3 names below it are hidden
? under.here.example.org A
NXDOMAIN aa
an here.example.org. 600 DNAME there.example.org.
an under.here.example.org. 600 CNAME under.there.example.org.
au example.org. 5 SOA ns.example.org. hostmaster.example.org. 1 2 3 4 5

# one after the other
? x.a.example.org A
NOERROR aa
an a.example.org. 600 DNAME b.example.org.
an x.a.example.org. 600 CNAME x.b.example.org.
an b.example.org. 600 DNAME here.example.org.
an x.b.example.org. 600 CNAME x.here.example.org.
an here.example.org. 600 DNAME there.example.org.
an x.here.example.org. 600 CNAME x.there.example.org.
an x.there.example.org. 60 A 192.0.2.1

# behind a CNAME
? alias.example.org A
NOERROR aa
an alias.example.org. 60 CNAME x.here.example.org.
an here.example.org. 600 DNAME there.example.org.
an x.here.example.org. 600 CNAME x.there.example.org.
an x.there.example.org. 60 A 192.0.2.1

# at an apex
? x.redirected.example A
NOERROR aa
an redirected.example. 600 DNAME there.example.org.
an x.redirected.example. 600 CNAME x.there.example.org.
an x.there.example.org. 60 A 192.0.2.1

# the apex itself stays
? redirected.example NS
NOERROR aa
an redirected.example. 3600 NS ns.example.net.

# §2.2 too long
? aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.toolong.example.org A
YXDOMAIN aa
an toolong.example.org. 600 DNAME xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example.com.

# §2.2 just not too long
? aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.toolong.example.org A +tcp
NOERROR aa
an toolong.example.org. 600 DNAME xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example.com.
an aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.toolong.example.org. 600 CNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example.com.

# one that leads below itself stops, its record once
? x.in.example.org A
NOERROR aa
an in.example.org. 600 DNAME deep.in.example.org.
an x.in.example.org. 600 CNAME x.deep.in.example.org.
an x.deep.in.example.org. 600 CNAME x.deep.deep.in.example.org.
an x.deep.deep.in.example.org. 600 CNAME x.deep.deep.deep.in.example.org.
an x.deep.deep.deep.in.example.org. 600 CNAME x.deep.deep.deep.deep.in.example.org.
an x.deep.deep.deep.deep.in.example.org. 600 CNAME x.deep.deep.deep.deep.deep.in.example.org.
an x.deep.deep.deep.deep.deep.in.example.org. 600 CNAME x.deep.deep.deep.deep.deep.deep.in.example.org.
an x.deep.deep.deep.deep.deep.deep.in.example.org. 600 CNAME x.deep.deep.deep.deep.deep.deep.deep.in.example.org.
an x.deep.deep.deep.deep.deep.deep.deep.in.example.org. 600 CNAME x.deep.deep.deep.deep.deep.deep.deep.deep.in.example.org.

# RFC 2181 §5 one that leads to itself is not written twice
? back.up.back.up.example.org DNAME
NOERROR aa
an back.up.example.org. 600 DNAME example.org.
an back.up.back.up.example.org. 600 CNAME back.up.example.org.

# below a cut
? x.d.cut.example.org A
NOERROR
au cut.example.org. 600 NS ns.example.net.
)");
}

TEST(Query, Rfc1034Section432Referrals) {
  check(example_catalogue(), R"(
# 3b below the cut
? a.b.sub.example.org A
NOERROR
au sub.example.org. 3600 NS ns.sub.example.org.
au sub.example.org. 3600 NS ns.other.example.org.
au sub.example.org. 3600 NS ns.example.net.
ad ns.sub.example.org. 3600 A 192.0.2.60
ad ns.sub.example.org. 3600 AAAA 2001:db8::60
ad ns.other.example.org. 3600 A 192.0.2.61

# 3b at the cut, also when asked for NS
? unsigned.example.org NS
NOERROR
au unsigned.example.org. 3600 NS ns.example.net.

# 3b at the cut, asked for ANY
? unsigned.example.org ANY +tcp
NOERROR
au unsigned.example.org. 3600 NS ns.example.net.

# 3b asked for the glue itself
? ns.other.example.org A
NOERROR
au other.example.org. 3600 NS ns.other.example.org.
ad ns.other.example.org. 3600 A 192.0.2.61

# 3b records below a cut are hidden
? hidden.sub.example.org TXT
NOERROR
au sub.example.org. 3600 NS ns.sub.example.org.
au sub.example.org. 3600 NS ns.other.example.org.
au sub.example.org. 3600 NS ns.example.net.
ad ns.sub.example.org. 3600 A 192.0.2.60
ad ns.sub.example.org. 3600 AAAA 2001:db8::60
ad ns.other.example.org. 3600 A 192.0.2.61

# RFC 4035 §3.1.4.1 DS is the parent's
? sub.example.org DS
NOERROR aa
an sub.example.org. 3600 DS 12345 13 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f

# RFC 4035 §3.1.4.1 no DS
? unsigned.example.org DS
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# RFC 4035 §3.1.4.1 a DS below the cut is not
? a.unsigned.example.org DS
NOERROR
au unsigned.example.org. 3600 NS ns.example.net.

# RFC 4035 §3.1.4.1 both zones are ours: the parent answers
? rich.example.org DS
NXDOMAIN aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300

# RFC 4035 §3.1.4.1 only the child is ours
? example.org DS
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300
)");
}

TEST(Query, Rfc2782AndOtherAdditionalData) {
  check(example_catalogue(), R"(
# SRV
? _http._tcp.www.example.org SRV
NOERROR aa
an _http._tcp.www.example.org. 60 SRV 0 5 8001 www.example.org.
ad www.example.org. 60 A 192.0.2.1
ad www.example.org. 60 A 192.0.2.2

# the same target twice
? _two._tcp.www.example.org SRV
NOERROR aa
an _two._tcp.www.example.org. 60 SRV 0 5 8001 www.example.org.
an _two._tcp.www.example.org. 60 SRV 0 5 8002 www.example.org.
ad www.example.org. 60 A 192.0.2.1
ad www.example.org. 60 A 192.0.2.2

# a target that is not ours
? _far._tcp.www.example.org SRV
NOERROR aa
an _far._tcp.www.example.org. 60 SRV 0 5 8002 www.example.com.

# "decidedly not available"
? _none._tcp.www.example.org SRV
NOERROR aa
an _none._tcp.www.example.org. 60 SRV 0 0 0 .

# a target below a cut is another's to answer
? _cut._tcp.www.example.org SRV
NOERROR aa
an _cut._tcp.www.example.org. 60 SRV 0 5 8003 ns.sub.example.org.

# a target in another zone of ours
? _rich._tcp.www.example.org SRV
NOERROR aa
an _rich._tcp.www.example.org. 60 SRV 0 5 8004 host.rich.example.org.
ad host.rich.example.org. 60 A 192.0.2.70

# RFC 1035 §3.3.9 MX
? example.org MX
NOERROR aa
an example.org. 3600 MX 10 mail.example.org.
ad mail.example.org. 3600 A 192.0.2.25

# RFC 1035 §3.3.11 NS
? example.org NS
NOERROR aa
an example.org. 3600 NS ns1.example.org.
an example.org. 3600 NS ns.example.net.
ad ns1.example.org. 3600 A 192.0.2.53
ad ns1.example.org. 3600 AAAA 2001:db8::53
)");
}

TEST(Query, Rfc9460Section41AdditionalData) {
  zones::CatalogueBuilder builder;
  test::add_zone(builder, "example.org.", R"(
@       3600 SOA   ns hostmaster 1 2 3 4 5
@       3600 NS    ns.example.net.
svc       60 A     192.0.2.1
svc       60 AAAA  2001:db8::1
svc       60 HTTPS 1 . port=8443
target    60 HTTPS 1 svc port=8443
alias     60 HTTPS 0 svc
chain     60 HTTPS 0 alias
none      60 HTTPS 0 .
none      60 A     192.0.2.2
_dns      60 SVCB  1 svc port=853
*.wild    60 HTTPS 1 . port=8443
*.wild    60 A     192.0.2.3
cname     60 CNAME svc
)");
  check(builder.freeze(), R"(
# §2.5.2 ServiceMode, "." is the owner
? svc.example.org HTTPS
NOERROR aa
an svc.example.org. 60 HTTPS 1 . port=8443
ad svc.example.org. 60 A 192.0.2.1
ad svc.example.org. 60 AAAA 2001:db8::1

# §2.5.2 the owner behind a CNAME
? cname.example.org HTTPS
NOERROR aa
an cname.example.org. 60 CNAME svc.example.org.
an svc.example.org. 60 HTTPS 1 . port=8443
ad svc.example.org. 60 A 192.0.2.1
ad svc.example.org. 60 AAAA 2001:db8::1

# §4.1 TargetName
? target.example.org HTTPS
NOERROR aa
an target.example.org. 60 HTTPS 1 svc.example.org. port=8443
ad svc.example.org. 60 A 192.0.2.1
ad svc.example.org. 60 AAAA 2001:db8::1

# §4.1 AliasMode wants the target's HTTPS too
? alias.example.org HTTPS
NOERROR aa
an alias.example.org. 60 HTTPS 0 svc.example.org.
ad svc.example.org. 60 A 192.0.2.1
ad svc.example.org. 60 AAAA 2001:db8::1
ad svc.example.org. 60 HTTPS 1 . port=8443

# §4.1 one alias after the other
? chain.example.org HTTPS
NOERROR aa
an chain.example.org. 60 HTTPS 0 alias.example.org.
ad alias.example.org. 60 HTTPS 0 svc.example.org.
ad svc.example.org. 60 A 192.0.2.1
ad svc.example.org. 60 AAAA 2001:db8::1
ad svc.example.org. 60 HTTPS 1 . port=8443

# §2.5.1 AliasMode ".": no such service
? none.example.org HTTPS
NOERROR aa
an none.example.org. 60 HTTPS 0 .

# §4.1 SVCB
? _dns.example.org SVCB
NOERROR aa
an _dns.example.org. 60 SVCB 1 svc.example.org. port=853
ad svc.example.org. 60 A 192.0.2.1
ad svc.example.org. 60 AAAA 2001:db8::1
)");
}

TEST(Query, Rfc8482Any) {
  check(example_catalogue(), R"(
# §4.1 one RRset over UDP
? www.example.org ANY
NOERROR aa
an www.example.org. 60 A 192.0.2.1
an www.example.org. 60 A 192.0.2.2

# all over TCP
? www.example.org ANY +tcp
NOERROR aa
an www.example.org. 60 A 192.0.2.1
an www.example.org. 60 A 192.0.2.2
an www.example.org. 60 TXT "hello"

# of a wildcard
? a.wild.example.org ANY +tcp
NOERROR aa
an a.wild.example.org. 60 A 192.0.2.8
an a.wild.example.org. 60 MX 5 mail.example.org.

# NODATA
? deep.example.org ANY
NOERROR aa
au example.org. 300 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300
)");
}

TEST(Query, ClassesAndMetaTypes) {
  check(example_catalogue(), R"(
# RFC 1034 §3.6 another class
? www.example.org A +class=CH
REFUSED

# RFC 1035 §3.2.5 class ANY
? www.example.org A +class=ANY
REFUSED

# RFC 1035 §3.2.5 the class comes before the type
? www.example.org MAILB +class=HS
REFUSED

# RFC 1035 §3.2.3 MAILA is obsolete
? www.example.org MAILA
NOTIMP

# RFC 1035 §3.2.3 MAILB is obsolete
? www.example.org MAILB
NOTIMP

# RFC 2930 §2 TKEY
? www.example.org TKEY
NOTIMP

# RFC 6891 §6.1.1 OPT is no QTYPE
? www.example.org OPT
FORMERR

# RFC 8945 §4.2 TSIG is no QTYPE
? www.example.org TSIG
FORMERR

# RFC 6895 §3.1 type 0 is no QTYPE
? www.example.org TYPE0
FORMERR

# RFC 6895 §3.1 QTYPEs that nobody has defined
? www.example.org TYPE200
FORMERR

# RFC 5936 §4.2 AXFR over UDP
? example.org AXFR
FORMERR

# RFC 1995 §4 IXFR over UDP: the SOA tells to come by TCP
? example.org IXFR
NOERROR aa
an example.org. 3600 SOA ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300
)");
}

TEST(Query, Rfc6891Edns) {
  check(example_catalogue(), R"(
# §6.1.1 OPT is answered with OPT
? www.example.org TXT +edns
NOERROR aa
an www.example.org. 60 TXT "hello"
edns 1232

# §6.2.3 our own size
? www.example.org TXT +bufsize=100 +own=1400
NOERROR aa
an www.example.org. 60 TXT "hello"
edns 1400

# RFC 3225 §3 DO comes back
? www.example.org TXT +do
NOERROR aa
an www.example.org. 60 TXT "hello"
edns 1232 do

# §6.1.2 unknown options are ignored
? www.example.org TXT +option=65001
NOERROR aa
an www.example.org. 60 TXT "hello"
edns 1232

# §6.1.3 BADVERS
? www.example.org TXT +version=1
BADVERS
edns 1232

# §6.1.1 also with an error; RFC 8914 §4.21
? www.example.com A +edns
REFUSED
edns 1232 error 20

# RFC 8914 §4.21 another class
? www.example.org A +edns +class=CH
REFUSED
edns 1232 error 20

# RFC 8914 §4.22
? www.example.org MAILB +edns
NOTIMP
edns 1232 error 21

# RFC 8914 §2 not without OPT
? www.example.org MAILB
NOTIMP
)");
}

/// big.example.org has 20 TXT records of 60 octets on the wire each; `referral` delegates with much
/// glue.
zones::Catalogue big_catalogue() {
  static zones::CatalogueBuilder builder;
  static const zones::Catalogue catalogue = [] {
    std::string text = "@ 60 SOA ns hostmaster 1 2 3 4 5\n@ 60 NS ns.example.net.\n";
    for (int i = 10; i < 30; ++i) {
      text += "big 60 TXT " + std::string(45, 'a') + std::to_string(i) + "\n";
    }
    text += "alias 60 CNAME big\n";
    for (int i = 10; i < 22; ++i) {
      const std::string ns = "ns" + std::to_string(i) + ".in";
      text += "in 60 NS " + ns + "\n" + ns + " 60 AAAA 2001:db8::" + std::to_string(i) + "\n";
    }
    for (int i = 10; i < 22; ++i) {
      const std::string ns = "ns" + std::to_string(i) + ".in";
      text += "sibling 60 NS " + ns + "\n";
    }
    for (int i = 10; i < 30; ++i) {
      const std::string host = "h" + std::to_string(i);
      text += "_s._tcp 60 SRV 0 0 80 " + host + "\n" + host + " 60 A 192.0.2.1\n";
    }
    test::add_zone(builder, "example.org.", text);
    return builder.freeze();
  }();
  return catalogue;
}

TEST(Query, Rfc2181Section9Truncation) {
  const struct {
    const char* clause;
    const char* question;
    bool tc;
    std::size_t answer;
    std::size_t authority;
    std::size_t additional;
  } rows[] = {
      {"does not fit 512", "big.example.org TXT", true, 0, 0, 0},
      {"nor what we send at most", "big.example.org TXT +bufsize=4096 +own=1199", true, 0, 0, 0},
      {"nor what the other takes", "big.example.org TXT +bufsize=1199 +own=4096", true, 0, 0, 0},
      {"fits exactly", "big.example.org TXT +bufsize=1244 +own=4096", false, 20, 0, 0},
      {"one octet less", "big.example.org TXT +bufsize=1243 +own=4096", true, 0, 0, 0},
      {"fits TCP", "big.example.org TXT +tcp", false, 20, 0, 0},
      {"room is kept for a TSIG", "big.example.org TXT +bufsize=1344 +own=4096 +reserve=100", false,
       20, 0, 0},
      {"room is kept to the octet", "big.example.org TXT +bufsize=1343 +own=4096 +reserve=100",
       true, 0, 0, 0},
      {"a CNAME alone would be half an answer", "alias.example.org TXT", true, 0, 0, 0},
      {"additional data is not owed", "_s._tcp.example.org SRV", true, 0, 0, 0},
      {"additional data, as much as fits", "_s._tcp.example.org SRV +bufsize=800", false, 20, 0, 3},
      {"additional data, 13 names at most", "_s._tcp.example.org SRV +tcp", false, 20, 0, 13},
      {"glue below the cut is owed (RFC 9471 §3.1)", "a.in.example.org A", true, 0, 0, 0},
      {"all of it over TCP", "a.in.example.org A +tcp", false, 0, 12, 12},
      {"all of it in a larger answer", "a.in.example.org A +bufsize=1232", false, 0, 12, 12},
      {"glue of a sibling is not owed (RFC 9471 §3.2)", "a.sibling.example.org A", false, 0, 12, 7},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.clause) + ": " + row.question);
    const Asked asked = ask(row.question);
    const std::vector<std::uint8_t> octets = answer_octets(big_catalogue(), asked);
    const auto message = zones::parse_message(octets);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->header.tc, row.tc);
    EXPECT_EQ(message->header.rcode, 0);
    EXPECT_EQ(message->answer.size(), row.answer);
    EXPECT_EQ(message->authority.size(), row.authority);
    EXPECT_EQ(message->additional.size(), row.additional) << octets.size();
    EXPECT_EQ(message->question.size(), 1U);
    EXPECT_EQ(message->edns.has_value(),
              std::string(row.question).find("+bufsize") != std::string::npos);
  }
}

TEST(Query, CompressesOnlyWhereRfc3597Section4Allows) {
  // The RDATA of SRV and SVCB contains no pointer, that of NS, MX, PTR, CNAME and SOA does.
  const struct {
    const char* question;
    std::size_t rdlength;
  } rows[] = {
      {"alias.example.org CNAME", 6},  // "www" and a pointer
      {"ptr.example.org PTR", 6},
      {"example.org MX +own=512", 9},              // preference, "mail", pointer
      {"nothing.example.org A", 6 + 13 + 20},      // SOA: "ns1" and "hostmaster" with pointers
      {"_far._tcp.www.example.org SRV", 6 + 17},   // www.example.com. in full
      {"_http._tcp.www.example.org SRV", 6 + 17},  // www.example.org. in full as well
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.question);
    const Asked asked = ask(row.question);
    const std::vector<std::uint8_t> octets = answer_octets(example_catalogue(), asked);
    // The first record begins after the question with a pointer, then TYPE, CLASS, TTL, RDLENGTH.
    const std::size_t record = asked.octets.size();
    ASSERT_GE(octets.size(), record + 12);
    ASSERT_GE(octets[record], 0xC0);
    EXPECT_EQ(octets[record + 10] << 8 | octets[record + 11], row.rdlength);
  }
}

TEST(Query, AllocatesNothing) {
  const char* const questions[] = {
      "www.example.org A",          "nothing.example.org A +edns", "alias2.example.org TXT",
      "a.wildcname.example.org MX", "a.b.sub.example.org A",       "_rich._tcp.www.example.org SRV",
      "www.example.org ANY +tcp",   "c0.example.org A +do",        "www.example.com A",
      "www.example.org OPT",        "example.org MX +bufsize=512", "loop1.example.org A",
  };
  for (const char* question : questions) {
    const Asked asked = ask(question);
    std::vector<std::uint8_t> out(zones::MAX_MESSAGE_OCTETS);
    const zones::Catalogue catalogue = example_catalogue();
    const std::size_t before = test::allocations();
    Request request;
    const Parse parse = parse_request(asked.octets, request);
    const std::size_t size = answer_query(catalogue, asked.octets, request, asked.limits, out);
    const std::size_t allocated = test::allocations() - before;
    EXPECT_EQ(allocated, 0U) << question;
    EXPECT_EQ(parse, Parse::OK);
    EXPECT_GT(size, zones::HEADER_OCTETS);
  }
  // The counter counts: this one allocates.
  const std::size_t before = test::allocations();
  const std::vector<std::uint8_t> some(100);
  EXPECT_EQ(test::allocations(), before + 1) << some.size();
}

TEST(Query, NeverWritesBeyondTheRoom) {
  for (const char* question :
       {"www.example.org A", "example.org MX +edns", "a.b.sub.example.org A", "c0.example.org A"}) {
    const Asked asked = ask(question);
    Request request;
    ASSERT_EQ(parse_request(asked.octets, request), Parse::OK);
    for (std::size_t room = 0; room < 600; ++room) {
      SCOPED_TRACE(std::string(question) + " in " + std::to_string(room));
      std::vector<std::uint8_t> out(room + 1, 0xEE);
      const std::span<std::uint8_t> given(out.data(), room);
      const std::size_t size =
          answer_query(example_catalogue(), asked.octets, request, asked.limits, given);
      ASSERT_LE(size, room);
      ASSERT_EQ(out[room], 0xEE);
      if (size == 0) {
        // Only when not even header, question and OPT fit.
        ASSERT_LT(room, request.question_end + (request.has_edns ? 11 : 0));
        continue;
      }
      ASSERT_TRUE(zones::parse_message({out.data(), size}));
    }
  }
}

TEST(Query, ZoneWithoutSoaIsServfail) {
  zones::CatalogueBuilder builder;
  test::add_zone(builder, "example.org.", "www 60 A 192.0.2.1\n");
  check(builder.freeze(), R"(
# RFC 2308 §3 a negative answer needs the SOA
? nothing.example.org A
SERVFAIL

# RFC 8914 §4.25
? nothing.example.org A +edns
SERVFAIL
edns 1232 error 24
)");
}

TEST(Query, Rfc8914Section3AnErrorThatDoesNotFitIsLeftOut) {
  Asked asked = ask("www.example.com A +bufsize=512");
  constexpr std::size_t OPT = 11;
  constexpr std::size_t EXTENDED_ERROR = 6;
  const std::size_t head = asked.octets.size() - OPT;
  for (const std::size_t room : {std::size_t{0}, EXTENDED_ERROR - 1, EXTENDED_ERROR}) {
    asked.limits.reserve = 512 - head - OPT - room;
    const std::vector<std::uint8_t> octets = answer_octets(example_catalogue(), asked);
    const bool fits = room == EXTENDED_ERROR;
    EXPECT_EQ(octets.size(), head + OPT + (fits ? EXTENDED_ERROR : 0));
    EXPECT_EQ(to_text(octets, asked),
              fits ? "REFUSED\nedns 1232 error 20" : "REFUSED tc\nedns 1232");
  }
}

TEST(AnswerError, EchoesWhatWasRead) {
  const struct {
    const char* clause;
    std::vector<std::uint8_t> octets;
    Rcode rcode;
    std::vector<std::uint8_t> want;
  } rows[] = {
      {"RFC 1035 §4.1.1 unknown opcode, RD copied",
       {0xAB, 0xCD, 0x79, 0x00, 0, 0, 0, 0, 0, 0, 0, 0},
       Rcode::NOTIMP,
       {0xAB, 0xCD, 0xF9, 0x04, 0, 0, 0, 0, 0, 0, 0, 0}},
      {"the question when it could be read",
       {0xAB, 0xCD, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1, 0},
       Rcode::FORMERR,
       {0xAB, 0xCD, 0x80, 0x01, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1}},
      {"no question when not",
       {0xAB, 0xCD, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0},
       Rcode::FORMERR,
       {0xAB, 0xCD, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0}},
      {"RFC 2136 §2.2 an UPDATE's reserved bits stay clear",
       {0xAB, 0xCD, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 6, 0, 1},
       Rcode::NOTAUTH,
       {0xAB, 0xCD, 0xA8, 0x09, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 6, 0, 1}},
      {"RFC 6891 §6.1.3 upper bits of the RCODE in OPT",
       {0xAB, 0xCD, 0, 0, 0, 1,  0, 0, 0, 0, 0,    1, 0, 0,
        1,    0,    1, 0, 0, 41, 4, 0, 0, 0, 0x80, 0, 0, 0},
       Rcode::BADCOOKIE,
       {0xAB, 0xCD, 0x80, 0x07, 0, 1,  0, 0,    0, 0, 0,    1, 0, 0,
        1,    0,    1,    0,    0, 41, 4, 0xD0, 1, 0, 0x80, 0, 0, 0}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.clause);
    Request request;
    ASSERT_NE(parse_request(row.octets, request), Parse::DROP);
    std::vector<std::uint8_t> out(512);
    out.resize(answer_error(row.octets, request, row.rcode, {}, out));
    EXPECT_EQ(out, row.want);
  }
}

}  // namespace
}  // namespace dnsd
