#include "tools/dnsd-update/message_text.h"

#include <gtest/gtest.h>

#include "tools/dnsd-update/script.h"

namespace dnsd_update {
namespace {

std::string show(std::initializer_list<const char*> lines) {
  Script script;
  for (const char* line : lines) EXPECT_TRUE(script.line(line)) << line;
  return message_to_text(script.message(script.zone()));
}

const std::string HEADER =
    ";; ->>HEADER<<- opcode: UPDATE, status: NOERROR, id:      0\n"
    ";; flags:; ZONE: 0, PREREQ: 0, UPDATE: 0, ADDITIONAL: 0\n";

// Octet for octet what nsupdate 9.18 shows.
TEST(MessageText, AsNsupdateShows) {
  EXPECT_EQ(show({}), HEADER);
  EXPECT_EQ(show({"zone dyn.example", "prereq nxdomain h1.dyn.example",
                  "add h1.dyn.example 60 A 192.0.2.9", "add h1.dyn.example 60 TXT \"a b\" c",
                  "del x.dyn.example", "del y.dyn.example A", "del z.dyn.example A 192.0.2.4"}),
            HEADER +
                ";; ZONE SECTION:\n"
                ";dyn.example.\t\t\tIN\tSOA\n"
                "\n"
                ";; PREREQUISITE SECTION:\n"
                "h1.dyn.example.\t\t0\tNONE\tANY\t\n"
                "\n"
                ";; UPDATE SECTION:\n"
                "h1.dyn.example.\t\t60\tIN\tA\t192.0.2.9\n"
                "h1.dyn.example.\t\t60\tIN\tTXT\t\"a b\" \"c\"\n"
                "x.dyn.example.\t\t0\tANY\tANY\t\n"
                "y.dyn.example.\t\t0\tANY\tA\t\n"
                "z.dyn.example.\t\t0\tNONE\tA\t192.0.2.4\n"
                "\n");
}

TEST(MessageText, Columns) {
  EXPECT_EQ(
      show({"add aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.a 60 A 192.0.2.1",
            "add abcdefghijklmnopqrstu.x 1 A 192.0.2.1", "add abcdefghijklmnopqrst.x 1 A 192.0.2.1",
            "add b 123456789 A 192.0.2.1", "add b 12345678 NSEC3PARAM 1 0 0 -"}),
      HEADER +
          ";; UPDATE SECTION:\n"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.a. 60 IN A 192.0.2.1\n"
          "abcdefghijklmnopqrstu.x. 1\tIN\tA\t192.0.2.1\n"
          "abcdefghijklmnopqrst.x.\t1\tIN\tA\t192.0.2.1\n"
          "b.\t\t\t123456789 IN\tA\t192.0.2.1\n"
          "b.\t\t\t12345678 IN\tNSEC3PARAM 1 0 0 -\n"
          "\n");
}

TEST(MessageText, Query) {
  zones::Message message;
  message.header.id = 50485;
  message.header.qr = message.header.aa = message.header.rd = message.header.ra = true;
  message.header.rcode = 3;
  message.header.qdcount = 1;
  message.question.push_back({*zones::Name::from_text("h2.dyn.example"), zones::Type::SOA});
  EXPECT_EQ(message_to_text(message),
            ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id:  50485\n"
            ";; flags: qr aa rd ra; QUESTION: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 0\n"
            ";; QUESTION SECTION:\n"
            ";h2.dyn.example.\t\t\tIN\tSOA\n"
            "\n");
}

TEST(MessageText, Lease) {
  EXPECT_EQ(show({"lease 3600"}), HEADER +
                                      ";; OPT PSEUDOSECTION:\n"
                                      "; EDNS: version: 0, flags:; udp: 1232\n"
                                      "; UPDATE-LEASE: 3600 (1 hour)\n");
  const struct {
    const char* script;
    const char* text;  // as BIND 9.20 has it
  } rows[] = {
      {"lease 3600 1209600", "3600/1209600 (1 hour/2 weeks)"},
      {"lease 0", "0 (0 seconds)"},
      {"lease 1", "1 (1 second)"},
      {"lease 694861", "694861 (1 week 1 day 1 hour 1 minute 1 second)"},
      {"lease 5400", "5400 (1 hour 30 minutes)"},
  };
  for (const auto& row : rows) {
    const std::string shown = show({row.script});
    EXPECT_NE(shown.find("; UPDATE-LEASE: " + std::string(row.text) + "\n"), std::string::npos)
        << shown;
  }
  zones::Message message;
  message.edns.emplace().options.push_back({zones::OptionCode::UPDATE_LEASE, {1, 2}});
  message.edns->options.push_back({zones::OptionCode::NSID, {0xab}});
  message.edns->extended_rcode = 1;
  const std::string text = message_to_text(message);
  EXPECT_NE(text.find("; UPDATE-LEASE: 01 02\n; OPT=3: ab\n"), std::string::npos) << text;
  EXPECT_NE(text.find("status: BADVERS"), std::string::npos) << text;
}

TEST(MessageText, Rfc8914ExtendedError) {
  const struct {
    std::vector<std::uint8_t> data;
    const char* text;
  } rows[] = {
      {{0, 18, 'n', 'o'}, "; EDE: 18: (no)\n"},
      {{0, 15}, "; EDE: 15\n"},
      {{1, 0, 'a', 27, '[', 0xff, '\n', 'b'}, "; EDE: 256: (a.[..b)\n"},  // nothing for a terminal
      {{0}, "; EDE: 00\n"},
  };
  for (const auto& row : rows) {
    zones::Message message;
    message.edns.emplace().options.push_back({zones::OptionCode::EXTENDED_ERROR, row.data});
    EXPECT_NE(message_to_text(message).find(row.text), std::string::npos)
        << message_to_text(message);
  }
}

TEST(MessageText, Tsig) {
  zones::Record tsig;
  tsig.owner = *zones::Name::from_text("h1.dyn.example");
  tsig.type = zones::Type::TSIG;
  tsig.rrclass = zones::Class::ANY;
  tsig.rdata = {11,  'h', 'm', 'a', 'c', '-', 's', 'h', 'a', '2',
                '5', '6', 0,   0,   0,   1,   0,   0,   2,  // time
                1,   44,  0,   0,                           // fudge, no MAC
                13,  113, 0,   16,  0,   0};                // ID, error, other
  zones::Message message;
  message.header.opcode = zones::Opcode::UPDATE;
  message.signature = tsig;
  EXPECT_NE(message_to_text(message).find(
                ";; TSIG PSEUDOSECTION:\n"
                "h1.dyn.example.\t\t0\tANY\tTSIG\thmac-sha256. 16777218 300 0 3441 BADSIG 0 \n\n"),
            std::string::npos)
      << message_to_text(message);
  message.signature->rdata.resize(3);  // a reader that runs out of octets, not over their end
  EXPECT_NE(message_to_text(message).find("TSIG\t. 0 0 0 0 NOERROR 0 \n"), std::string::npos)
      << message_to_text(message);
}

}  // namespace
}  // namespace dnsd_update
