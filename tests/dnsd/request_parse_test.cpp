#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dnsd/query.h"

namespace dnsd {
namespace {

using zones::Opcode;
using zones::Type;

using Octets = std::vector<std::uint8_t>;

// Parts of messages. Counts: QD, AN, NS, AR.
Octets header(int opcode, std::uint8_t qd, std::uint8_t an, std::uint8_t ns, std::uint8_t ar) {
  return {0x12, 0x34, static_cast<std::uint8_t>(opcode << 3), 0, 0, qd, 0, an, 0, ns, 0, ar};
}
const Octets QUESTION = {3, 'w', 'W', 'w', 0, 0, 33, 0, 1};   // wWw. IN SRV
const Octets OPT = {0, 0, 41, 0x10, 0, 0, 0, 0x80, 0, 0, 0};  // 4096 octets, DO
const Octets OPT_SMALL = {0, 0, 41, 0, 100, 0, 0, 0, 0, 0, 0};
const Octets OPT_VERSION_1 = {0, 0, 41, 0x10, 0, 0, 1, 0, 0, 0, 1, 99};  // RDATA of unknown form
const Octets OPT_OPTIONS = {0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 9, 0, 12, 0, 1, 7, 0xFD, 0xE9, 0, 0};
const Octets OPT_BAD_OPTIONS = {0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 4, 0, 10, 0, 1};
const Octets OPT_SHORT_OPTIONS = {0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 2, 0, 10};
const Octets OPT_NOT_AT_ROOT = {1, 'x', 0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0};
/// OPT with a COOKIE option of so many octets.
Octets opt_cookie(std::uint8_t size) {
  Octets opt = {0, 0,  41, 0x10, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(4 + size),
                0, 10, 0,  size};
  opt.resize(opt.size() + size, 7);
  return opt;
}
const Octets TSIG = {1, 'k', 0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 2, 9, 9};
const Octets SIG0 = {0, 0, 24, 0, 255, 0, 0, 0, 0, 0, 3, 0, 0, 9};
const Octets SIG_OF_A = {0, 0, 24, 0, 255, 0, 0, 0, 0, 0, 3, 0, 1, 9};
const Octets RECORD = {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1};
const Octets DELETE_SIGS = {0xC0, 12, 0, 24, 0, 255, 0, 0, 0, 0, 0, 0};
const Octets CUT_SHORT = {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 5, 192, 0, 2, 1};

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Octets long_name(std::size_t octets) {
  Octets name;
  while (octets - name.size() > 65) name = name + Octets{63} + Octets(63, 'x');
  const std::size_t rest = octets - name.size() - 2;
  return name + Octets{static_cast<std::uint8_t>(rest)} + Octets(rest, 'y') + Octets{0};
}

const Octets TYPE_AND_CLASS = {0, 1, 0, 1};

TEST(PeekQuestionName, WhatCannotBeReadIsTheRoot) {
  const struct {
    const char* what;
    Octets octets;
    std::size_t want;
  } rows[] = {
      {"a query", header(0, 1, 0, 0, 0) + QUESTION, 5},
      {"nothing", {}, 1},
      {"a header alone", header(0, 1, 0, 0, 0), 1},
      {"a name cut short", header(0, 1, 0, 0, 0) + Octets{3, 'w', 'w'}, 1},
      {"no root label", header(0, 1, 0, 0, 0) + Octets{2, 'w', 'w'}, 1},
      {"a pointer", header(0, 1, 0, 0, 0) + Octets{0xC0, 12}, 1},
      {"255 octets", header(0, 1, 0, 0, 0) + long_name(255), 255},
      {"256 octets", header(0, 1, 0, 0, 0) + long_name(256), 1},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(peek_question_name(row.octets).size(), row.want);
  }
}

TEST(ParseRequest, Verdicts) {
  const struct {
    const char* clause;
    Octets octets;
    Parse want;
  } rows[] = {
      {"a query", header(0, 1, 0, 0, 0) + QUESTION, Parse::OK},
      {"nothing", {}, Parse::DROP},
      {"RFC 1035 §4.1.1 shorter than a header",
       {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0},
       Parse::DROP},
      {"RFC 1035 §4.1.1 a response", Octets{0x12, 0x34, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0} + QUESTION,
       Parse::DROP},
      {"RFC 9619 §4 no question", header(0, 0, 0, 0, 0), Parse::FORMERR},
      {"RFC 7873 §5.4 no question, but a cookie", header(0, 0, 0, 0, 1) + opt_cookie(8), Parse::OK},
      {"RFC 7873 §5.4 of a query alone", header(5, 0, 0, 0, 1) + opt_cookie(8), Parse::FORMERR},
      {"no question, but EDNS", header(0, 0, 0, 0, 1) + OPT, Parse::FORMERR},
      {"no question, and octets after the cookie",
       header(0, 0, 0, 0, 1) + opt_cookie(8) + Octets{0}, Parse::FORMERR},
      {"RFC 9619 §4 two questions", header(0, 2, 0, 0, 0) + QUESTION + QUESTION, Parse::FORMERR},
      {"question missing", header(0, 1, 0, 0, 0), Parse::FORMERR},
      {"question without class", header(0, 1, 0, 0, 0) + Octets{0, 0, 1, 0}, Parse::FORMERR},
      {"RFC 1035 §4.1.4 pointer in the question",
       header(0, 1, 0, 0, 0) + Octets{0xC0, 12, 0, 1, 0, 1}, Parse::FORMERR},
      {"RFC 6891 §5 reserved label type", header(0, 1, 0, 0, 0) + Octets{0x41, 0, 0, 1, 0, 1},
       Parse::FORMERR},
      {"RFC 1035 §2.3.4 255 octets", header(0, 1, 0, 0, 0) + long_name(255) + TYPE_AND_CLASS,
       Parse::OK},
      {"RFC 1035 §2.3.4 256 octets", header(0, 1, 0, 0, 0) + long_name(256) + TYPE_AND_CLASS,
       Parse::FORMERR},
      {"octets after the last record", header(0, 1, 0, 0, 0) + QUESTION + Octets{0},
       Parse::FORMERR},
      {"a record is missing", header(0, 1, 0, 0, 1) + QUESTION, Parse::FORMERR},
      {"RDATA ends early", header(0, 1, 0, 0, 1) + QUESTION + CUT_SHORT, Parse::FORMERR},
      {"RFC 1995 §3 SOA in authority", header(0, 1, 0, 1, 0) + QUESTION + RECORD, Parse::OK},
      {"RFC 6891 §6.1.1 OPT", header(0, 1, 0, 0, 1) + QUESTION + OPT, Parse::OK},
      {"RFC 6891 §6.1.1 two OPTs", header(0, 1, 0, 0, 2) + QUESTION + OPT + OPT, Parse::FORMERR},
      {"RFC 6891 §6.1.1 OPT in answer", header(0, 1, 1, 0, 0) + QUESTION + OPT, Parse::FORMERR},
      {"RFC 6891 §6.1.2 not at the root", header(0, 1, 0, 0, 1) + QUESTION + OPT_NOT_AT_ROOT,
       Parse::FORMERR},
      {"RFC 6891 §6.1.2 options", header(0, 1, 0, 0, 1) + QUESTION + OPT_OPTIONS, Parse::OK},
      {"RFC 6891 §6.1.2 option too long", header(0, 1, 0, 0, 1) + QUESTION + OPT_BAD_OPTIONS,
       Parse::FORMERR},
      {"RFC 6891 §6.1.2 option cut", header(0, 1, 0, 0, 1) + QUESTION + OPT_SHORT_OPTIONS,
       Parse::FORMERR},
      {"RFC 7873 §5.2.2 client cookie", header(0, 1, 0, 0, 1) + QUESTION + opt_cookie(8),
       Parse::OK},
      {"RFC 7873 §5.2.2 client cookie short", header(0, 1, 0, 0, 1) + QUESTION + opt_cookie(7),
       Parse::FORMERR},
      {"RFC 7873 §5.2.2 server cookie short", header(0, 1, 0, 0, 1) + QUESTION + opt_cookie(15),
       Parse::FORMERR},
      {"RFC 7873 §5.2.2 both cookies", header(0, 1, 0, 0, 1) + QUESTION + opt_cookie(40),
       Parse::OK},
      {"RFC 7873 §5.2.2 too long", header(0, 1, 0, 0, 1) + QUESTION + opt_cookie(41),
       Parse::FORMERR},
      {"RFC 6891 §6.1.3 another version", header(0, 1, 0, 0, 1) + QUESTION + OPT_VERSION_1,
       Parse::OK},
      {"RFC 8945 §5.2 TSIG", header(0, 1, 0, 0, 1) + QUESTION + TSIG, Parse::OK},
      {"RFC 8945 §5.2 after OPT", header(0, 1, 0, 0, 2) + QUESTION + OPT + TSIG, Parse::OK},
      {"RFC 8945 §5.2 not last", header(0, 1, 0, 0, 2) + QUESTION + TSIG + OPT, Parse::FORMERR},
      {"RFC 8945 §5.2 two", header(0, 1, 0, 0, 2) + QUESTION + TSIG + TSIG, Parse::FORMERR},
      {"RFC 8945 §5.2 in authority", header(0, 1, 0, 1, 0) + QUESTION + TSIG, Parse::FORMERR},
      {"RFC 2931 §3.2 SIG(0)", header(0, 1, 0, 0, 1) + QUESTION + SIG0, Parse::OK},
      {"RFC 2931 §3.2 not last", header(0, 1, 0, 0, 2) + QUESTION + SIG0 + OPT, Parse::FORMERR},
      {"RFC 2931 §3.2 SIG(0) in authority", header(0, 1, 0, 1, 0) + QUESTION + SIG0,
       Parse::FORMERR},
      {"RFC 2931 §3 SIG that covers data", header(0, 1, 0, 0, 2) + QUESTION + SIG_OF_A + OPT,
       Parse::OK},
      {"RFC 2136 §2.3 UPDATE",
       header(5, 1, 1, 2, 2) + QUESTION + RECORD + RECORD + RECORD + OPT + TSIG, Parse::OK},
      {"RFC 2136 §2.3 two zones", header(5, 2, 0, 0, 0) + QUESTION + QUESTION, Parse::FORMERR},
      {"RFC 2136 §2.5.2 delete SIG RRset", header(5, 1, 0, 2, 0) + QUESTION + DELETE_SIGS + RECORD,
       Parse::OK},
      {"RFC 1996 §3.7 NOTIFY", header(4, 1, 1, 0, 0) + QUESTION + RECORD, Parse::OK},
      {"RFC 1996 §3.7 NOTIFY without question", header(4, 0, 0, 0, 0), Parse::FORMERR},
      {"another opcode may have any form", header(6, 0, 0, 0, 0), Parse::OK},
      {"another opcode, garbage", header(15, 9, 9, 9, 9) + Octets{0xFF}, Parse::OK},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.clause);
    Request request;
    EXPECT_EQ(parse_request(row.octets, request), row.want);
  }
}

TEST(ParseRequest, Fields) {
  const Octets octets = header(5, 1, 1, 1, 2) + QUESTION + RECORD + RECORD + OPT + TSIG;
  Request request;
  ASSERT_EQ(parse_request(octets, request), Parse::OK);
  EXPECT_EQ(request.id, 0x1234);
  EXPECT_EQ(request.flags, 0x2800);
  EXPECT_EQ(request.opcode, Opcode::UPDATE);
  EXPECT_EQ(request.qname.to_text(), "wWw.");
  EXPECT_EQ(request.qname.data(), octets.data() + 12);
  EXPECT_EQ(request.qtype, Type::SRV);
  EXPECT_EQ(request.qclass, zones::Class::IN);
  EXPECT_EQ(request.question_end, 12 + QUESTION.size());
  EXPECT_TRUE(request.has_edns);
  EXPECT_TRUE(request.edns_do);
  EXPECT_EQ(request.edns_version, 0);
  EXPECT_EQ(request.udp_octets, 4096);
  EXPECT_EQ(request.signature_offset, octets.size() - TSIG.size());
  EXPECT_EQ(request.signature_type, Type::TSIG);
}

TEST(ParseRequest, OptionsThatTheAnswerHasSomethingToSayTo) {
  const auto bits = [](std::initializer_list<RequestOption> options) {
    int all = 0;
    for (const RequestOption option : options) all |= static_cast<int>(option);
    return all;
  };
  const struct {
    const char* what;
    Octets rdata;
    int want;
  } rows[] = {
      {"none", {}, 0},
      {"unknown ones", {0xFD, 0xE9, 0, 1, 7, 0, 12, 0, 0}, 0},
      {"NSID", {0, 3, 0, 0}, bits({RequestOption::NSID})},
      {"RFC 5001 §2.2 NSID with a payload", {0, 3, 0, 1, 7}, bits({RequestOption::NSID})},
      {"keepalive", {0, 11, 0, 0}, bits({RequestOption::KEEPALIVE})},
      {"RFC 7828 §3.2.1 keepalive with a time-out",
       {0, 11, 0, 2, 0, 9},
       bits({RequestOption::KEEPALIVE_TIME_OUT})},
      {"keepalive with less than a time-out",
       {0, 11, 0, 1, 0},
       bits({RequestOption::KEEPALIVE_TIME_OUT})},
      {"all",
       {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 11, 0, 0, 0, 3, 0, 0},
       bits({RequestOption::COOKIE, RequestOption::KEEPALIVE, RequestOption::NSID})},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    const Octets opt =
        Octets{0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(row.rdata.size())} +
        row.rdata;
    Request request;
    ASSERT_EQ(parse_request(header(0, 1, 0, 0, 1) + QUESTION + opt, request), Parse::OK);
    EXPECT_EQ(request.options, row.want);
  }
  // Of other versions nothing is read.
  const Octets version_1 = {0, 0, 41, 0x10, 0, 0, 1, 0, 0, 0, 4, 0, 3, 0, 0};
  Request request;
  ASSERT_EQ(parse_request(header(0, 1, 0, 0, 1) + QUESTION + version_1, request), Parse::OK);
  EXPECT_EQ(request.options, 0);
}

TEST(ParseRequest, FieldsThatDiffer) {
  Request request;
  ASSERT_EQ(parse_request(header(0, 1, 0, 0, 0) + QUESTION, request), Parse::OK);
  EXPECT_FALSE(request.has_edns);
  EXPECT_EQ(request.udp_octets, 512);
  EXPECT_EQ(request.signature_offset, 0U);

  // RFC 6891 §6.2.3: less than 512 counts as 512.
  const Octets small = header(0, 1, 0, 0, 1) + QUESTION + OPT_SMALL;
  ASSERT_EQ(parse_request(small, request), Parse::OK);
  EXPECT_TRUE(request.has_edns);
  EXPECT_EQ(request.udp_octets, 512);

  const Octets version = header(0, 1, 0, 0, 1) + QUESTION + OPT_VERSION_1;
  ASSERT_EQ(parse_request(version, request), Parse::OK);
  EXPECT_EQ(request.edns_version, 1);

  const Octets sig0 = header(0, 1, 0, 0, 1) + QUESTION + SIG0;
  ASSERT_EQ(parse_request(sig0, request), Parse::OK);
  EXPECT_EQ(request.signature_type, Type::SIG);
  EXPECT_EQ(request.signature_offset, 12 + QUESTION.size());

  // What could be read before the error is kept, so that the answer has it.
  const Octets broken = header(0, 1, 0, 0, 2) + QUESTION + OPT + CUT_SHORT;
  ASSERT_EQ(parse_request(broken, request), Parse::FORMERR);
  EXPECT_EQ(request.question_end, 12 + QUESTION.size());
  EXPECT_TRUE(request.has_edns);
}

}  // namespace
}  // namespace dnsd
