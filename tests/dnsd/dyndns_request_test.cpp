#include "dnsd/http/dyndns_request.h"

#include <gtest/gtest.h>

#include <sstream>

#include "dispatch_world.h"
#include "dnsd/http/dyndns_update.h"
#include "dnsd/http/login.h"
#include "zones/text.h"

namespace dnsd::test {
namespace {

using http::DynDnsFault;
using http::DynDnsWord;

/// What was read, as one line.
std::string read(std::string_view query) {
  const auto request = http::parse_dyndns_request(query);
  if (!request) return "fault " + std::string(http::to_text(http::to_word(request.error())));
  std::ostringstream out;
  for (const auto& host : request->hosts) out << (host ? host->to_text() : "-") << ' ';
  out << '|';
  for (const keys::Address& address : request->addresses) out << ' ' << keys::to_text(address);
  out << " |";
  for (const auto& service : request->services) {
    out << ' ' << service.name.to_text() << service.port;
  }
  if (request->offline) out << " offline";
  return out.str();
}

struct Row {
  const char* what;
  std::string query;
  std::string want;
};

TEST(DynDnsRequest, Parameters) {
  std::string twenty = "hostname=h.example";
  for (int i = 1; i < 20; ++i) twenty += ",h.example";
  std::string twenty_hosts;
  for (int i = 0; i < 20; ++i) twenty_hosts += "h.example. ";
  const Row rows[] = {
      {"ddclient", "system=dyndns&hostname=h1.dyn.test,h2.dyn.test&myip=192.0.2.1",
       "h1.dyn.test. h2.dyn.test. | 192.0.2.1 |"},
      {"inadyn", "hostname=h1.dyn.test&myip=192.0.2.1&wildcard=NOCHG&mx=m.x&backmx=YES",
       "h1.dyn.test. | 192.0.2.1 |"},
      {"no address", "hostname=h1.dyn.test", "h1.dyn.test. | |"},
      {"an empty address", "hostname=h1.dyn.test&myip=&myipv6=", "h1.dyn.test. | |"},
      {"both families in one", "hostname=h.example&myip=192.0.2.1,2001:db8::1",
       "h.example. | 192.0.2.1 2001:db8::1 |"},
      {"both families apart", "hostname=h.example&myip=192.0.2.1&myipv6=2001:db8::1",
       "h.example. | 192.0.2.1 2001:db8::1 |"},
      {"encoded", "hostname=%68.example%2Ci.example&myip=2001%3adb8%3A%3A1+",
       "h.example. i.example. | 2001:db8::1 |"},
      {"mapped IPv4", "hostname=h.example&myip=::ffff:192.0.2.1", "h.example. | 192.0.2.1 |"},
      {"the same twice", "hostname=h.example&myip=192.0.2.1,192.0.2.1", "h.example. | 192.0.2.1 |"},
      {"a final dot", "hostname=h.example.", "h.example. | |"},
      {"an empty parameter", "&&hostname=h.example&=x&y", "h.example. | |"},
      {"notfqdn: no dot", "hostname=h1,h.example", "- h.example. | |"},
      {"notfqdn: no host name", "hostname=a*b.example,a..example,-.example", "- - -.example. | |"},
      {"notfqdn: none", "myip=192.0.2.1", "fault notfqdn"},
      {"notfqdn: empty", "hostname=,", "fault notfqdn"},
      {"twenty", twenty, twenty_hosts + "| |"},
      {"numhost: more than twenty", twenty + ",h.example", "fault numhost"},
      {"no address at all", "hostname=h.example&myip=<ipaddr>", "fault badagent"},
      {"an address with more behind it", "hostname=h.example&myip=192.0.2.1%00x", "fault badagent"},
      {"an address of nobody", "hostname=h.example&myip=0.0.0.0", "fault badagent"},
      {"an address of nobody, IPv6", "hostname=h.example&myip=::", "fault badagent"},
      {"escape cut short", "hostname=h.example&x=%4", "fault badagent"},
      {"escape of no digits", "hostname=h.example&x=%zz", "fault badagent"},
      {"service", "hostname=h.example&service=_http._tcp&port=8001",
       "h.example. | | _http._tcp.8001"},
      {"service in short", "hostname=h.example&service=http,sip/udp&port=8001,5061",
       "h.example. | | _http._tcp.8001 _sip._udp.5061"},
      {"more ports than services", "hostname=h.example&service=http&port=1,2", "fault badagent"},
      {"a port alone", "hostname=h.example&port=1", "fault badagent"},
      {"port 0", "hostname=h.example&service=http&port=0", "h.example. | | _http._tcp.0"},
      {"port 65536", "hostname=h.example&service=http&port=65536", "fault badagent"},
      {"a port with more behind it", "hostname=h.example&service=http&port=80a", "fault badagent"},
      {"another protocol", "hostname=h.example&service=_http._sctp&port=80", "fault badagent"},
      {"no service's name", "hostname=h.example&service=_ht.tp._tcp&port=80", "fault badagent"},
      {"offline", "hostname=h.example&offline=YES", "h.example. | | offline"},
      {"not offline", "hostname=h.example&offline=NOCHG", "h.example. | |"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(read(row.query), row.want);
  }
}

std::string base64(std::string_view text) {
  const auto* octets = reinterpret_cast<const std::uint8_t*>(text.data());
  return keys::Secret(std::span(octets, text.size())).to_base64();
}

TEST(DynDnsRequest, Login) {
  keys::Keyring keyring;
  const keys::TsigKey key = make_key("h1.dyn.example.");
  const std::string password = key.secret->to_base64();
  keyring.add(key);
  const std::vector<std::uint8_t> short_secret(15, 1);
  const std::string short_password = keys::Secret(short_secret).to_base64();
  keyring.add({.name = name("weak."),
               .algorithm = keys::Algorithm::HMAC_SHA256,
               .secret = std::make_shared<const keys::Secret>(short_secret)});
  struct LoginRow {
    const char* what;
    std::string field;
    bool is_right;
  };
  const LoginRow rows[] = {
      {"without the final dot", "Basic " + base64("h1.dyn.example:" + password), true},
      {"with it, in capitals", "BASIC  " + base64("H1.DYN.example.:" + password), true},
      {"another password", "Basic " + base64("h1.dyn.example:" + base64("x")), false},
      {"another of the same size",
       "Basic " + base64("h1.dyn.example:" +
                         make_key("x.", keys::Algorithm::HMAC_SHA256, 8).secret->to_base64()),
       false},
      {"no base64", "Basic " + base64("h1.dyn.example:****"), false},
      {"no password", "Basic " + base64("h1.dyn.example:"), false},
      {"no colon", "Basic " + base64("h1.dyn.example"), false},
      {"no user", "Basic " + base64(":" + password), false},
      {"another user", "Basic " + base64("h2.dyn.example:" + password), false},
      {"no name", "Basic " + base64("h1..example:" + password), false},
      {"a secret that can be guessed", "Basic " + base64("weak:" + short_password), false},
      {"another scheme", "Bearer " + base64("h1.dyn.example:" + password), false},
      {"the scheme alone", "Basic ", false},
      {"longer than any login", "Basic " + std::string(5'000, 'A'), false},
      {"empty", "", false},
  };
  for (const LoginRow& row : rows) {
    SCOPED_TRACE(row.what);
    const auto found = http::find_login(keyring, row.field);
    ASSERT_EQ(found.has_value(), row.is_right);
    if (found) {
      EXPECT_TRUE(found->name == key.name.view());
    }
  }
}

std::string update_of(std::string_view query, std::string_view source = "192.0.2.9") {
  const auto request = http::parse_dyndns_request(query);
  if (!request) return "fault";
  std::vector<keys::Address> addresses = request->addresses;
  if (addresses.empty()) addresses.push_back(*keys::address_from_text(source));
  if (request->offline) addresses.clear();
  const zones::Message message =
      http::dyndns_update(name("dyn.example.").view(), *request->hosts.at(0), *request, addresses);
  std::ostringstream out;
  for (const auto* section : {&message.answer, &message.authority}) {
    for (const zones::Record& record : *section) {
      out << record.owner.to_text() << ' ' << record.ttl << ' ' << to_text(record.rrclass) << ' '
          << to_text(record.type);
      if (!record.rdata.empty()) out << ' ' << zones::rdata_to_text(record.type, record.rdata);
      out << '\n';
    }
  }
  return out.str();
}

TEST(DynDnsUpdate, Message) {
  const Row rows[] = {
      {"an absent family stays", "hostname=h.dyn.example&myip=192.0.2.1",
       "h.dyn.example. 0 NONE CNAME\n"
       "h.dyn.example. 0 ANY A\n"
       "h.dyn.example. 60 IN A 192.0.2.1\n"},
      {"both families", "hostname=h.dyn.example&myip=2001:db8::1,192.0.2.1,192.0.2.2",
       "h.dyn.example. 0 NONE CNAME\n"
       "h.dyn.example. 0 ANY A\n"
       "h.dyn.example. 60 IN A 192.0.2.1\n"
       "h.dyn.example. 60 IN A 192.0.2.2\n"
       "h.dyn.example. 0 ANY AAAA\n"
       "h.dyn.example. 60 IN AAAA 2001:db8::1\n"},
      {"a service goes, its host stays",
       "hostname=h.dyn.example&myip=192.0.2.1&service=http&port=0",
       "h.dyn.example. 0 NONE CNAME\n"
       "_http._tcp.h.dyn.example. 0 NONE CNAME\n"
       "h.dyn.example. 0 ANY A\n"
       "h.dyn.example. 60 IN A 192.0.2.1\n"
       "_http._tcp.h.dyn.example. 0 ANY SRV\n"
       "_http._tcp.h.dyn.example. 0 ANY TXT\n"},
      {"a service", "hostname=h.dyn.example&myip=2001:db8::1&service=http&port=8001",
       "h.dyn.example. 0 NONE CNAME\n"
       "_http._tcp.h.dyn.example. 0 NONE CNAME\n"
       "h.dyn.example. 0 ANY AAAA\n"
       "h.dyn.example. 60 IN AAAA 2001:db8::1\n"
       "_http._tcp.h.dyn.example. 0 ANY SRV\n"
       "_http._tcp.h.dyn.example. 0 ANY TXT\n"
       "_http._tcp.h.dyn.example. 60 IN SRV 0 0 8001 h.dyn.example.\n"
       "_http._tcp.h.dyn.example. 60 IN TXT \"endpoint=[2001:db8::1]:8001\"\n"},
      {"offline", "hostname=h.dyn.example&offline=yes&service=http&port=1",
       "h.dyn.example. 0 NONE CNAME\n"
       "_http._tcp.h.dyn.example. 0 NONE CNAME\n"
       "h.dyn.example. 0 ANY A\n"
       "h.dyn.example. 0 ANY AAAA\n"
       "_http._tcp.h.dyn.example. 0 ANY SRV\n"
       "_http._tcp.h.dyn.example. 0 ANY TXT\n"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(update_of(row.query), row.want);
  }
}

TEST(DynDnsUpdate, ANameThatLeavesNoRoomForAService) {
  const std::string label(63, 'a');
  const std::string host = label + "." + label + "." + label + "." + std::string(50, 'b') + ".cc";
  EXPECT_EQ(update_of("hostname=" + host + "&service=http&port=1"), "");
}

TEST(DynDnsUpdate, Words) {
  using zones::Rcode;
  const struct {
    UpdateReply reply;
    bool may_change_host;
    DynDnsWord want;
  } rows[] = {
      {{.rcode = Rcode::NOERROR, .changed = true}, true, DynDnsWord::GOOD},
      {{.rcode = Rcode::NOERROR}, true, DynDnsWord::NOCHG},
      {{.rcode = Rcode::REFUSED}, false, DynDnsWord::NOHOST},
      {{.rcode = Rcode::REFUSED}, true, DynDnsWord::DNSERR},
      {{.rcode = Rcode::REFUSED, .above_rate = true}, true, DynDnsWord::ABUSE},
      {{.rcode = Rcode::NOTAUTH}, true, DynDnsWord::NOHOST},
      {{.rcode = Rcode::NOTAUTH, .bad_time = true}, true, DynDnsWord::E911},
      {{.rcode = Rcode::SERVFAIL}, true, DynDnsWord::E911},
      {{.rcode = Rcode::YXRRSET}, true, DynDnsWord::DNSERR},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(http::to_word(row.reply, row.may_change_host), row.want)
        << zones::to_text(row.reply.rcode);
  }
  const std::vector<keys::Address> addresses = {*keys::address_from_text("192.0.2.1"),
                                                *keys::address_from_text("2001:db8::1")};
  EXPECT_EQ(http::dyndns_line(DynDnsWord::GOOD, addresses), "good 192.0.2.1,2001:db8::1");
  EXPECT_EQ(http::dyndns_line(DynDnsWord::NOCHG, {}), "nochg");
  EXPECT_EQ(http::dyndns_line(DynDnsWord::E911, addresses), "911");
}

// inadyn takes a body for success that has one of these in it, whatever its case.
TEST(DynDnsUpdate, NoErrorLooksLikeSuccess) {
  for (std::size_t i = 2; i < http::DYNDNS_WORDS; ++i) {
    const std::string word(http::to_text(static_cast<DynDnsWord>(i)));
    for (const char* success : {"ok", "good", "true", "updated", "nochg"}) {
      EXPECT_EQ(word.find(success), std::string::npos) << word;
    }
  }
}

}  // namespace
}  // namespace dnsd::test
