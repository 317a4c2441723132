#include "zones/message.h"

#include <gtest/gtest.h>

namespace zones {
namespace {

using Octets = std::vector<std::uint8_t>;

Name name(const char* text) { return Name::from_text(text).value(); }

Record record(const char* owner, Type type, Class rrclass, std::uint32_t ttl, Rdata rdata) {
  return {name(owner), type, rrclass, ttl, std::move(rdata)};
}

Message update() {
  Message message;
  message.header.id = 0x1234;
  message.header.opcode = Opcode::UPDATE;
  message.question.push_back({name("dyn.example."), Type::SOA, Class::IN});
  message.answer.push_back(record("h1.dyn.example.", Type::ANY, Class::NONE, 0, {}));
  message.authority.push_back(record("h1.dyn.example.", Type::A, Class::IN, 60, {192, 0, 2, 1}));
  message.authority.push_back(record("h1.dyn.example.", Type::TXT, Class::ANY, 0, {}));
  message.authority.push_back(record("_http._tcp.h1.dyn.example.", Type::SRV, Class::IN, 60,
                                     {0, 0, 0, 0, 0x1f, 0x41, 1, 'H', 0}));
  return message;
}

void expect_equal(const std::vector<Record>& a, const std::vector<Record>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(a[i].owner.view().identical(b[i].owner));
    EXPECT_EQ(a[i].type, b[i].type);
    EXPECT_EQ(a[i].rrclass, b[i].rrclass);
    EXPECT_EQ(a[i].ttl, b[i].ttl);
    EXPECT_EQ(a[i].rdata, b[i].rdata);
  }
}

TEST(Message, WhatIsWrittenIsReadBack) {
  Message before = update();
  before.header.rd = before.header.cd = true;
  before.edns = Edns{};
  before.edns->flags = EDNS_DO;
  before.edns->options.push_back({OptionCode::UPDATE_LEASE, {0, 0, 0x0e, 0x10}});
  before.additional.push_back(record("x.", static_cast<Type>(65280), Class::IN, 1, {0xc0, 0x0c}));
  const Octets octets = to_wire(before);
  const auto after = parse_message(octets);
  ASSERT_TRUE(after) << to_text(after.error());
  EXPECT_EQ(after->header.id, 0x1234);
  EXPECT_EQ(after->header.opcode, Opcode::UPDATE);
  EXPECT_TRUE(after->header.rd && after->header.cd && !after->header.qr && !after->header.ad);
  EXPECT_EQ(after->header.nscount, 3);
  EXPECT_EQ(after->question.at(0).name, name("dyn.example."));
  expect_equal(after->answer, before.answer);
  expect_equal(after->authority, before.authority);
  expect_equal(after->additional, before.additional);
  ASSERT_TRUE(after->edns);
  ASSERT_NE(after->edns->find(OptionCode::UPDATE_LEASE), nullptr);
  EXPECT_EQ(after->edns->find(OptionCode::NSID), nullptr);
  EXPECT_EQ(after->edns->flags, EDNS_DO);
  EXPECT_FALSE(after->signature);
  EXPECT_EQ(to_wire(*after), octets);
}

TEST(Message, EveryShorterMessageIsRefused) {
  const Octets octets = to_wire(update());
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const auto result = parse_message(std::span(octets).first(size));
    ASSERT_FALSE(result) << size;
    EXPECT_TRUE(result.error() == WireError::TRUNCATED || result.error() == WireError::BAD_RDATA)
        << size;
  }
  Octets longer = octets;
  longer.push_back(0);
  EXPECT_EQ(parse_message(longer).error(), WireError::TRAILING_OCTETS);
}

TEST(Message, Rfc2136Section24EmptyRdataOnlyInUpdatesOfClassAnyAndNone) {
  struct Row {
    const char* what;
    Opcode opcode;
    Class rrclass;
    bool accepted;
  };
  const Row rows[] = {
      {"delete an RRset", Opcode::UPDATE, Class::ANY, true},
      {"an RRset does not exist", Opcode::UPDATE, Class::NONE, true},
      {"add an A without an address", Opcode::UPDATE, Class::IN, false},
      {"an answer", Opcode::QUERY, Class::ANY, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Message message;
    message.header.opcode = row.opcode;
    message.answer.push_back(record("a.", Type::A, row.rrclass, 0, {}));
    EXPECT_EQ(parse_message(to_wire(message)).has_value(), row.accepted);
  }
}

/// A header with ARCOUNT `count`, and the records of the additional section.
Octets additional(int count, std::initializer_list<Octets> records) {
  Octets octets(HEADER_OCTETS, 0);
  octets[11] = static_cast<std::uint8_t>(count);
  for (const Octets& one : records) octets.insert(octets.end(), one.begin(), one.end());
  return octets;
}

const Octets OPT = {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0};
const Octets OPT_NOT_AT_ROOT = {1, 'a', 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0};
const Octets OPT_BAD_OPTION = {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 4, 0, 3, 0, 1};
const Octets TSIG = {1, 'k', 0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 1, 7};
const Octets SIG0 = {0, 0, 24, 0, 255, 0, 0, 0, 0, 0, 21,  // 21 octets of RDATA
                     0, 0, 15, 0, 0,   0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 7, 1, 'k', 0};
const Octets A = {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1};

TEST(Message, PseudoRecordsHaveTheirPlace) {
  struct Row {
    const char* clause;
    Octets octets;
    WireError want;  // {}: accepted
  };
  Octets tsig_in_answer = additional(0, {TSIG});
  tsig_in_answer[7] = 1;
  Octets sig0_in_authority = additional(0, {SIG0});
  sig0_in_authority[9] = 1;
  Octets opt_in_authority = additional(0, {OPT});
  opt_in_authority[9] = 1;
  const Row rows[] = {
      {"RFC 6891 §6.1.1", additional(1, {OPT}), {}},
      {"RFC 6891 §6.1.1 twice", additional(2, {OPT, OPT}), WireError::BAD_OPT},
      {"RFC 6891 §6.1.2 owner", additional(1, {OPT_NOT_AT_ROOT}), WireError::BAD_OPT},
      {"RFC 6891 §6.1.2 an option beyond the RDATA", additional(1, {OPT_BAD_OPTION}),
       WireError::TRUNCATED},
      {"RFC 6891 §6.1.1 in another section", opt_in_authority, WireError::BAD_OPT},
      {"RFC 8945 §5.1", additional(1, {TSIG}), {}},
      {"RFC 8945 §5.1 after OPT", additional(2, {OPT, TSIG}), {}},
      {"RFC 8945 §5.1 not last", additional(2, {TSIG, OPT}), WireError::BAD_TSIG},
      {"RFC 8945 §5.1 twice", additional(2, {TSIG, TSIG}), WireError::BAD_TSIG},
      {"RFC 8945 §5.1 in another section", tsig_in_answer, WireError::BAD_TSIG},
      {"RFC 2931 §3.1", additional(2, {A, SIG0}), {}},
      {"RFC 2931 §3.1 not last", additional(2, {SIG0, A}), WireError::BAD_TSIG},
      {"RFC 2931 §3.2 in another section", sig0_in_authority, WireError::BAD_TSIG},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    const auto result = parse_message(row.octets);
    EXPECT_EQ(result.has_value(), row.want == WireError{});
    if (!result) {
      EXPECT_EQ(result.error(), row.want) << to_text(result.error());
    }
  }
  const auto signed_message = parse_message(additional(2, {OPT, TSIG}));
  EXPECT_EQ(signed_message->signature_offset, HEADER_OCTETS + OPT.size());
  EXPECT_EQ(signed_message->signature->type, Type::TSIG);
  EXPECT_EQ(signed_message->signature->owner, name("k."));
}

TEST(Message, WhatDoesNotFitIsNotSent) {
  Message message;
  for (int i = 0; i < 3; ++i) {
    message.answer.push_back(record("a.", static_cast<Type>(65280), Class::IN, 0, Rdata(30000)));
  }
  EXPECT_TRUE(to_wire(message).empty());
}

TEST(Rfc, MnemonicsBothWays) {
  Type type{};
  EXPECT_TRUE(type_from_text("srv", type));
  EXPECT_EQ(type, Type::SRV);
  EXPECT_TRUE(type_from_text("TYPE65280", type));
  EXPECT_EQ(to_text(type), "TYPE65280");
  for (const char* text : {"", "TYPE", "TYPE65536", "TYPE1x", "SRVX", "TYPE-1"}) {
    EXPECT_FALSE(type_from_text(text, type)) << text;
  }
  Class rrclass{};
  EXPECT_TRUE(class_from_text("none", rrclass));
  EXPECT_EQ(rrclass, Class::NONE);
  EXPECT_TRUE(class_from_text("CLASS32", rrclass));
  EXPECT_EQ(to_text(rrclass), "CLASS32");
  EXPECT_EQ(to_text(Rcode::NXRRSET), "NXRRSET");
  EXPECT_EQ(to_text(static_cast<Rcode>(17)), "RCODE17");
  EXPECT_TRUE(is_meta(Type::ANY) && is_meta(Type::OPT) && is_meta(Type::TSIG) &&
              !is_meta(Type::URI));
}

}  // namespace
}  // namespace zones
