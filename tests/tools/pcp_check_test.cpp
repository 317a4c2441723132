// What `pcp-ddns check` makes of answers to PEER.
#include <gtest/gtest.h>

#include "tools/pcp-ddns/check_flow.h"

namespace pcp_ddns {
namespace {

Address address(const char* text) { return keys::address_from_text(text).value(); }

const RemotePeer NAME_SERVER{.port = 53, .address = address("198.51.100.10")};

/// The answer of a server that maps the flow to `outside`.
PcpResponse answer(const PcpRequest& request, const char* outside,
                   ResultCode result = ResultCode::SUCCESS) {
  PcpResponse response;
  response.opcode = request.opcode;
  response.result = result;
  response.lifetime = 120;
  response.map = request.map;
  response.map.external_address = address(outside);
  response.map.external_port = 40000;
  response.peer = request.peer;
  return parse_response(to_wire(response)).value();
}

PcpRequest request() { return peer_request(address("10.64.0.2"), 5000, NAME_SERVER, {1, 2, 3}); }

TEST(PcpCheck, Rfc6887PeerRequest) {
  const auto read = parse_request(to_wire(request()));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, request());
  EXPECT_EQ(read->opcode, Opcode::PEER);
  EXPECT_EQ(read->map.protocol, 17);
  EXPECT_EQ(read->map.external_port, 0);
  EXPECT_EQ(read->map.external_address, address("0.0.0.0")) << "§12.1 no preference";
}

TEST(PcpCheck, OnlyAnswersCount) {
  const PcpResponse good = answer(request(), "198.51.100.1");
  EXPECT_TRUE(answers(good, request()));
  PcpResponse other = good;
  other.map.nonce[0] ^= 1;
  EXPECT_FALSE(answers(other, request()));
  other = good;
  other.map.internal_port = 5001;
  EXPECT_FALSE(answers(other, request()));
  other = good;
  other.map.protocol = 6;
  EXPECT_FALSE(answers(other, request()));
  other = good;
  other.peer.port = 54;
  EXPECT_FALSE(answers(other, request()));
  other = good;
  other.opcode = Opcode::MAP;
  EXPECT_FALSE(answers(other, request()));
}

TEST(PcpCheck, WhatTheNatSays) {
  struct Row {
    const char* rule;
    const char* outside;
    ResultCode result;
    std::vector<External> published;
    Verdict verdict;
    const char* says;
  };
  const External same{address("198.51.100.1"), 8001};
  const External other{address("198.51.100.2"), 8001};
  const External ipv6{address("2001:db8::1"), 8001};
  const Row rows[] = {
      {"nothing is published",
       "198.51.100.1",
       ResultCode::SUCCESS,
       {},
       Verdict::OK,
       "to ns#53 comes from 198.51.100.1:40000"},
      {"RFC 4787 REQ-2 paired",
       "198.51.100.1",
       ResultCode::SUCCESS,
       {same, ipv6},
       Verdict::OK,
       "comes from 198.51.100.1:40000"},
      {"RFC 4787 REQ-2 not paired",
       "198.51.100.1",
       ResultCode::SUCCESS,
       {same, other},
       Verdict::WARNING,
       "but the mappings are at 198.51.100.2: the NAT gives this host several"},
      {"no PEER", "0.0.0.0", ResultCode::UNSUPP_OPCODE, {same}, Verdict::NO, "gw has no PEER"},
      {"refused", "0.0.0.0", ResultCode::NOT_AUTHORIZED, {same}, Verdict::NO, "NOT_AUTHORIZED"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule);
    const Finding finding =
        judge_flow(answer(request(), row.outside, row.result), "gw", "ns#53", row.published);
    EXPECT_EQ(finding.verdict, row.verdict);
    EXPECT_NE(finding.text.find(row.says), std::string::npos) << finding.text;
  }
}

}  // namespace
}  // namespace pcp_ddns
