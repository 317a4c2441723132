// The script language, line for line as nsupdate 9.18 takes it.
#include "tools/dnsd-update/script.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tools/dnsd-update/message_text.h"

namespace dnsd_update {
namespace {

/// The records that a script makes: "prerequisites / updates", each "owner TTL class type rdata".
struct Result {
  std::string records;
  std::string error;  // of the first line that has one
};

std::string line_of(const zones::Record& record) {
  return record.owner.to_text() + " " + std::to_string(record.ttl) + " " +
         zones::to_text(record.rrclass) + " " + zones::to_text(record.type) + " " +
         std::to_string(record.rdata.size());
}

Result run(const std::string& text, Script& script) {
  std::istringstream lines(text);
  std::string line;
  Result result;
  while (std::getline(lines, line)) {
    const auto step = script.line(line);
    if (!step && result.error.empty()) result.error = step.error();
  }
  const zones::Message message = script.message(script.zone());
  for (const zones::Record& record : message.answer) result.records += line_of(record) + "\n";
  result.records += "/\n";
  for (const zones::Record& record : message.authority) result.records += line_of(record) + "\n";
  return result;
}

struct Row {
  const char* what;
  const char* script;
  const char* records;
};

// The last number is the size of the RDATA.
const Row records[] = {
    {"§2.4.5", "prereq nxdomain h.example", "h.example. 0 NONE ANY 0\n/\n"},
    {"§2.4.4", "prereq yxdomain h.example", "h.example. 0 ANY ANY 0\n/\n"},
    {"§2.4.3", "prereq nxrrset h.example A", "h.example. 0 NONE A 0\n/\n"},
    {"§2.4.3 with class", "prereq nxrrset h.example IN A", "h.example. 0 NONE A 0\n/\n"},
    {"§2.4.3 ANY", "nxrrset h.example IN ANY", "h.example. 0 NONE ANY 0\n/\n"},
    {"§2.4.1", "prereq yxrrset h.example A", "h.example. 0 ANY A 0\n/\n"},
    {"§2.4.1 class ANY", "prereq yxrrset h.example ANY A", "h.example. 0 ANY A 0\n/\n"},
    {"§2.4.1 class NONE", "prereq yxrrset h.example NONE A", "h.example. 0 ANY A 0\n/\n"},
    {"§2.4.2", "prereq yxrrset h.example A 192.0.2.1", "h.example. 0 IN A 4\n/\n"},
    {"§2.4.2 with class", "yxrrset h.example IN A 192.0.2.1", "h.example. 0 IN A 4\n/\n"},
    {"without prereq", "yxdomain a\nnxdomain b", "a. 0 ANY ANY 0\nb. 0 NONE ANY 0\n/\n"},
    {"§2.5.1", "update add h.example 60 A 192.0.2.1", "/\nh.example. 60 IN A 4\n"},
    {"§2.5.1 with class", "add h.example 60 IN A 192.0.2.1", "/\nh.example. 60 IN A 4\n"},
    {"§2.5.1 class by number", "add h.example 60 CLASS1 TYPE1 192.0.2.1",
     "/\nh.example. 60 IN A 4\n"},
    {"default TTL", "ttl 77\nadd h.example A 192.0.2.1\nadd h.example 5 A 192.0.2.2",
     "/\nh.example. 77 IN A 4\nh.example. 5 IN A 4\n"},
    {"default TTL and class", "ttl 77\nadd h.example IN A 192.0.2.1", "/\nh.example. 77 IN A 4\n"},
    {"§2.5.2", "update delete h.example A", "/\nh.example. 0 ANY A 0\n"},
    {"§2.5.2 with TTL and class", "del h.example 60 IN A", "/\nh.example. 0 ANY A 0\n"},
    {"§2.5.2 class NONE", "del h.example NONE A", "/\nh.example. 0 ANY A 0\n"},
    {"§2.5.3", "update delete h.example", "/\nh.example. 0 ANY ANY 0\n"},
    {"§2.5.3 with TTL", "update delete h.example 60", "/\nh.example. 0 ANY ANY 0\n"},
    {"§2.5.3 with TTL and class", "update delete h.example 60 IN", "/\nh.example. 0 ANY ANY 0\n"},
    {"§2.5.3 ANY", "update delete h.example ANY", "/\nh.example. 0 ANY ANY 0\n"},
    {"§2.5.3 IN ANY", "update delete h.example IN ANY", "/\nh.example. 0 ANY ANY 0\n"},
    {"§2.5.3 by number", "update delete h.example TYPE255", "/\nh.example. 0 ANY ANY 0\n"},
    {"§2.5.4", "update delete h.example A 192.0.2.1", "/\nh.example. 0 NONE A 4\n"},
    {"§2.5.4 with TTL and class", "del h.example 60 IN A 192.0.2.1", "/\nh.example. 0 NONE A 4\n"},
    {"case", "UPDATE Delete h.example a\nPREREQ NXDOMAIN x",
     "x. 0 NONE ANY 0\n/\nh.example. 0 ANY A 0\n"},
    {"blanks and tabs", "  add\th.example \t60  TXT  a   b \t", "/\nh.example. 60 IN TXT 4\n"},
    {"CR at the end", "add h.example 60 A 192.0.2.1\r", "/\nh.example. 60 IN A 4\n"},
    {"comments", "; add h.example 60 A 192.0.2.1\n  ;x", "/\n"},
    {"owner relative to the root", "zone example\nadd h 60 A 192.0.2.1", "/\nh. 60 IN A 4\n"},
    {"escapes in an owner", "add h\\.x 60 TXT a", "/\nh\\.x. 60 IN TXT 2\n"},
    {"the root", "add . 60 TXT a", "/\n. 60 IN TXT 2\n"},
    {"quotes keep blanks", "add h 60 TXT \"a  b\" c", "/\nh. 60 IN TXT 7\n"},
    {"semicolon in quotes", "add h 60 TXT \"a;b\"", "/\nh. 60 IN TXT 4\n"},
    {"semicolons are no comments", "add h 60 TXT v=DKIM1; k=rsa\nadd h 60 TXT a ; \\; x",
     "/\nh. 60 IN TXT 15\nh. 60 IN TXT 8\n"},
    {"parentheses are text", "add h 60 TXT ( a )", "/\nh. 60 IN TXT 6\n"},
    {"RFC 3597 §5", "add h 60 TYPE65280 \\# 2 abcd\nadd h 60 TYPE1 \\# 4 c0000201",
     "/\nh. 60 IN TYPE65280 2\nh. 60 IN A 4\n"},
    {"names in RDATA relative to the root", "add h 60 SRV 0 0 8001 h1\nadd h 60 CNAME h1.example",
     "/\nh. 60 IN SRV 10\nh. 60 IN CNAME 12\n"},
    {"repeated words", "add h 60 A 192.0.2.1\nadd h 60 A 192.0.2.1",
     "/\nh. 60 IN A 4\nh. 60 IN A 4\n"},
    {"class of the script", "class CH\nadd h 60 TXT a", "/\nh. 60 CH TXT 2\n"},
    {"what follows is ignored", "nxdomain a b c\nnxrrset a A 192.0.2.1",
     "a. 0 NONE ANY 0\na. 0 NONE A 0\n/\n"},
    {"check-names off", "check-names off\nadd h_x.example 60 A 192.0.2.1",
     "/\nh_x.example. 60 IN A 4\n"},
    {"check-names is for what is added", "del h_x A 192.0.2.1\nyxrrset h_x A 192.0.2.1",
     "h_x. 0 IN A 4\n/\nh_x. 0 NONE A 4\n"},
    {"modern types",
     "add h 60 HTTPS 1 . alpn=h2 port=8001\nadd h 60 URI 1 1 \"https://h:8001/\"\n"
     "add h 60 CAA 0 issue \"ca.example\"",
     "/\nh. 60 IN HTTPS 16\nh. 60 IN URI 19\nh. 60 IN CAA 17\n"},
};

TEST(Script, Rfc2136Records) {
  for (const Row& row : records) {
    SCOPED_TRACE(row.what);
    Script script;
    const Result result = run(row.script, script);
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.records, row.records);
  }
}

// Whole messages of nsupdate; where it leaves the reason out, ours follows.
const struct {
  const char* script;
  const char* error;  // how it begins
} errors[] = {
    {"foo", "incorrect section name: foo"},
    {"update", "could not read operation code"},
    {"update foo", "incorrect operation code: foo"},
    {"prereq", "could not read operation code"},
    {"prereq foo", "incorrect operation code: foo"},
    {"prereq add h 60 A 192.0.2.1", "incorrect operation code: add"},
    {"update nxdomain h", "incorrect operation code: nxdomain"},
    {"update add", "could not read owner name"},
    {"update delete", "could not read owner name"},
    {"prereq nxdomain", "could not read owner name"},
    {"add h", "could not read owner ttl"},
    {"add h A 192.0.2.1", "ttl 'A': not a valid number"},
    {"add h 1d A 192.0.2.1", "ttl '1d': not a valid number"},
    {"add h -1 A 192.0.2.1", "ttl '-1': not a valid number"},
    {"add h 2147483648 A 192.0.2.1", "ttl '2147483648' is out of range (0 to 2147483647)"},
    {"ttl 60\nttl none\nadd h A 192.0.2.1", "ttl 'A': not a valid number"},
    {"ttl 60\nadd h xx A 192.0.2.1", "'xx' is not a valid class or type: unknown class/type"},
    {"add h 60", "could not read class or type"},
    {"add h 60 IN", "could not read type"},
    {"add h 60 IN A", "could not read rdata"},
    {"add h 60 A", "could not read rdata"},
    {"add h 60 A 192.0.2", "invalid rdata format: "},
    {"add h 60 A 192.0.2.1 5", "invalid rdata format: "},
    {"add h 60 TXT \"open", "invalid rdata format: "},
    {"add h 60 ANY 192.0.2.1", "invalid rdata format: ANY"},
    {"add h 60 AXFR x", "invalid rdata format: AXFR"},
    {"add h 60 FOO x", "'FOO' is not a valid class or type: unknown class/type"},
    {"add h 60 IN FOO x", "'FOO' is not a valid type: unknown class/type"},
    {"add h 60 NONE A 192.0.2.1", "class mismatch: NONE"},
    {"add h..x 60 A 192.0.2.1", "invalid owner name: "},
    {"delete h foo", "'foo' is not a valid class or type: unknown class/type"},
    {"delete h 99999999999 A", "'99999999999' is not a valid class or type"},
    {"delete h ANY A", "invalid rdata format: ANY"},
    {"nxrrset a", "could not read class or type"},
    {"nxrrset a ANY", "could not read type"},
    {"nxrrset a foo", "invalid type: foo"},
    {"nxrrset a AXFR", "invalid type: AXFR"},
    {"yxrrset a OPT", "invalid type: OPT"},
    {"delete h TSIG", "invalid type: TSIG"},
    {"delete h TYPE128", "invalid type: TYPE128"},
    {"yxrrset a 300 A", "invalid type: 300"},
    {"yxrrset a A 192.0.2.1 5", "invalid rdata format: "},
    {"add h 60 TXT a\nadd h 60 CH TXT a", "class mismatch: CH"},
    {"class CH\nadd h 60 TXT a\nadd h 60 IN TXT a", "class mismatch: IN"},
    {"class", "could not read class name"},
    {"class FOO", "could not parse class name: FOO"},
    {"class ANY", "bad default class: ANY"},
    {"class NONE", "bad default class: NONE"},
    {"ttl", "could not read ttl"},
    {"ttl abc", "ttl 'abc': not a valid number"},
    {"ttl 4294967295", "ttl '4294967295' is out of range (0 to 2147483647)"},
    {"zone", "could not read zone name"},
    {"zone a..b", "could not parse zone name"},
    {"server", "could not read server name"},
    {"server 127.0.0.1 abc", "port 'abc' is not numeric"},
    {"server 127.0.0.1 70000", "port '70000' is out of range (1 to 65535)"},
    {"server 127.0.0.1 0", "port '0' is out of range (1 to 65535)"},
    {"local", "could not read server name"},
    {"local ::1 99999", "port '99999' is out of range (1 to 65535)"},
    {"key", "could not read key name"},
    {"key a", "could not read key secret"},
    {"key foo:a AAAA", "could not create key: "},
    {"key a !!!!", "could not create key: "},
    {"key a..b AAAA", "could not create key: "},
    {"gsstsig", "gsstsig: GSS-TSIG is not supported"},
    {"oldgsstsig", "oldgsstsig: GSS-TSIG is not supported"},
    {"realm X", "realm: GSS-TSIG is not supported"},
    {"check-names", "could not read check-names directive"},
    {"check-names 0", "incorrect check-names directive: 0"},
    {"check-svcb maybe", "incorrect check-svcb directive: maybe"},
    {"lease", "could not read lease time"},
    {"lease soon", "lease time 'soon': not a valid number"},
    {"lease 60 soon", "key lease time 'soon': not a valid number"},
};

TEST(Script, Errors) {
  for (const auto& row : errors) {
    SCOPED_TRACE(row.script);
    Script script;
    const std::string error = run(row.script, script).error;
    EXPECT_EQ(error.substr(0, std::string(row.error).size()), row.error);
  }
}

TEST(Script, AMistakeLeavesTheMessageAlone) {
  Script script;
  run("add h 60 A 192.0.2.1", script);
  for (const auto& row : errors) run(row.script, script);
  const zones::Message message = script.message(std::nullopt);
  EXPECT_TRUE(message.question.empty());
  EXPECT_EQ(message.authority.front().owner.to_text(), "h.");
}

TEST(Script, NoErrorShowsASecret) {
  for (const char* line : {"key h.example c2VjcmV0IQ=!", "key foo:h.example c2VjcmV0IQ==",
                           "key h..example c2VjcmV0IQ==", "key :h.example c2VjcmV0IQ=="}) {
    Script script;
    const auto step = script.line(line);
    ASSERT_FALSE(step) << line;
    EXPECT_EQ(step.error().find("c2Vj"), std::string::npos) << step.error();
  }
}

TEST(Script, Steps) {
  const struct {
    const char* line;
    Step step;
  } rows[] = {
      {"", Step::SEND},
      {"   \t\r", Step::SEND},
      {"send", Step::SEND},
      {"show foo", Step::SHOW},
      {"answer", Step::ANSWER},
      {"quit", Step::QUIT},
      {"help", Step::HELP},
      {"version", Step::VERSION},
      {"debug", Step::DEBUG},
      {";", Step::NONE},
      {"server ::1", Step::SERVER},
      {"local ::1", Step::LOCAL},
      {"check-svcb off", Step::NONE},
  };
  for (const auto& row : rows) {
    Script script;
    const auto step = script.line(row.line);
    ASSERT_TRUE(step) << row.line;
    EXPECT_EQ(*step, row.step) << row.line;
  }
}

TEST(Script, Settings) {
  Script script;
  EXPECT_EQ(run("server ns.example 5353\nlocal 127.0.0.2\nzone Dyn.Example", script).error, "");
  EXPECT_EQ(script.server().name, "ns.example");
  EXPECT_EQ(script.server().port, 5353);
  EXPECT_EQ(script.local().name, "127.0.0.2");
  EXPECT_EQ(script.local().port, 0);
  EXPECT_EQ(script.zone()->to_text(), "Dyn.Example.");
}

TEST(Script, Key) {
  Script script;
  EXPECT_EQ(run("key h1.example AAECAw==", script).error, "");
  const auto key = [&script] { return std::get<keys::TsigKey>(script.signer()); };
  EXPECT_EQ(key().name.to_text(), "h1.example.");
  EXPECT_EQ(key().algorithm, keys::Algorithm::HMAC_SHA256);
  EXPECT_EQ(run("key HMAC-SHA512:h2.example AAEC Aw==", script).error, "");
  EXPECT_EQ(key().algorithm, keys::Algorithm::HMAC_SHA512);
  EXPECT_EQ(key().secret->octets().size(), 4U);
}

TEST(Script, SearchStart) {
  const struct {
    const char* script;
    const char* start;
  } rows[] = {
      {"", ""},
      {"yxdomain p.example", "p.example."},
      {"yxdomain p.example\nadd u.example 60 TXT a\nadd v.example 60 TXT a", "u.example."},
      // The parent's side of a zone cut, RFC 4035 §2.4.
      {"add u.example 60 DS 1 13 2 "
       "0123456789012345678901234567890123456789012345678901234567890123",
       "example."},
      {"del u.example DS", "example."},
  };
  for (const auto& row : rows) {
    Script script;
    run(row.script, script);
    const auto start = script.search_start();
    EXPECT_EQ(start ? start->to_text() : "", row.start) << row.script;
  }
}

TEST(Script, ClearKeepsSettings) {
  Script script;
  run("zone example\nttl 60\nlease 30\nadd h CH TXT a\nclass CH", script);
  script.clear();
  EXPECT_TRUE(script.empty());
  EXPECT_EQ(run("class IN\nadd h A 192.0.2.1", script).records, "/\nh. 60 IN A 4\n");
  EXPECT_EQ(script.zone()->to_text(), "example.");
  EXPECT_TRUE(script.message(std::nullopt).edns);
}

TEST(Script, Rfc9664Lease) {
  const struct {
    const char* script;
    std::vector<std::uint8_t> option;
  } rows[] = {
      {"lease 3600", {0, 0, 0x0e, 0x10}},
      {"lease 3600 7200", {0, 0, 0x0e, 0x10, 0, 0, 0x1c, 0x20}},
      {"lease 4294967295", {0xff, 0xff, 0xff, 0xff}},
      {"lease 1\nlease 2", {0, 0, 0, 2}},
  };
  for (const auto& row : rows) {
    Script script;
    EXPECT_EQ(run(row.script, script).error, "");
    const zones::Message message = script.message(std::nullopt);
    ASSERT_TRUE(message.edns) << row.script;
    const auto* option = message.edns->find(zones::OptionCode::UPDATE_LEASE);
    ASSERT_NE(option, nullptr);
    EXPECT_EQ(option->data, row.option);
  }
  Script script;
  run("lease 3600\nlease none", script);
  EXPECT_FALSE(script.message(std::nullopt).edns);
}

TEST(Script, ZoneSection) {
  Script script;
  run("zone dyn.example\nclass CH\nadd h.dyn.example 60 TXT a", script);
  const zones::Message message = script.message(script.zone());
  EXPECT_EQ(message.header.opcode, zones::Opcode::UPDATE);
  ASSERT_EQ(message.question.size(), 1U);
  EXPECT_EQ(message.question[0].name.to_text(), "dyn.example.");
  EXPECT_EQ(message.question[0].type, zones::Type::SOA);
  EXPECT_EQ(message.question[0].rrclass, zones::Class::CH);
}

}  // namespace
}  // namespace dnsd_update
