// NAT-PMP as the agent speaks it (RFC 6886), seen from the PCP client above it.
#include <gtest/gtest.h>

#include "tools/pcp-ddns/nat_pmp.h"
#include "tools/pcp-ddns/pcp_client.h"

namespace pcp_ddns {
namespace {

using Datagram = std::vector<std::uint8_t>;

Address address(const char* text) { return keys::address_from_text(text).value(); }

const Datagram ASKS_ADDRESS{0, 0};
const Datagram ASKS_TCP{0, 2, 0, 0, 0x1f, 0x40, 0x1f, 0x41, 0, 0, 0x0e, 0x10};
const Datagram ADDRESS{0, 128, 0, 0, 0, 0, 0, 9, 198, 51, 100, 1};
const Datagram OTHER_ADDRESS{0, 128, 0, 0, 0, 0, 0, 10, 198, 51, 100, 77};
const Datagram MAPPED{0, 130, 0, 0, 0, 0, 0, 9, 0x1f, 0x40, 0x1f, 0x42, 0, 0, 0x0e, 0x10};
const Datagram DELETED{0, 130, 0, 0, 0, 0, 0, 9, 0x1f, 0x40, 0, 0, 0, 0, 0, 0};

PcpRequest map_request(std::uint8_t protocol = 6, std::uint32_t lifetime = 3600) {
  PcpRequest request;
  request.opcode = Opcode::MAP;
  request.lifetime = lifetime;
  request.client = address("10.64.0.2");
  request.map = {.nonce = {1, 2, 3},
                 .protocol = protocol,
                 .internal_port = 8000,
                 .external_port = 8001,
                 .external_address = address("0.0.0.0")};
  return request;
}

class NatPmpTest : public testing::Test {
 protected:
  std::vector<Datagram> take_sent() { return std::exchange(sent_, {}); }
  std::vector<PcpResponse> take_responses() { return std::exchange(responses_, {}); }

  std::vector<Datagram> sent_;
  std::vector<PcpResponse> responses_;
  NatPmp nat_pmp{[this](std::span<const std::uint8_t> octets) {
                   sent_.emplace_back(octets.begin(), octets.end());
                 },
                 [this](std::span<const std::uint8_t> octets) {
                   responses_.push_back(parse_response(octets).value());
                 }};
};

TEST_F(NatPmpTest, AsksForAddressAndMapping) {
  nat_pmp.request(to_wire(map_request()));
  EXPECT_EQ(take_sent(), (std::vector{ASKS_ADDRESS, ASKS_TCP}));
  nat_pmp.received(ADDRESS);
  EXPECT_TRUE(take_responses().empty());
  nat_pmp.received(MAPPED);
  const auto responses = take_responses();
  ASSERT_EQ(responses.size(), 1);
  EXPECT_EQ(responses[0].result, ResultCode::SUCCESS);
  EXPECT_EQ(responses[0].lifetime, 3600);
  EXPECT_EQ(responses[0].epoch, 9);
  EXPECT_EQ(responses[0].map, (MapData{.nonce = {1, 2, 3},
                                       .protocol = 6,
                                       .internal_port = 8000,
                                       .external_port = 8002,
                                       .external_address = address("198.51.100.1")}));
}

TEST_F(NatPmpTest, AMappingWaitsForItsAddress) {
  nat_pmp.request(to_wire(map_request()));
  nat_pmp.received(MAPPED);
  EXPECT_TRUE(take_responses().empty());
  nat_pmp.received(ADDRESS);
  const auto responses = take_responses();
  ASSERT_EQ(responses.size(), 1);
  EXPECT_EQ(responses[0].map.external_address, address("198.51.100.1"));
  nat_pmp.received(ADDRESS);
  EXPECT_TRUE(take_responses().empty()) << "it is answered once";
}

TEST_F(NatPmpTest, Rfc6886Section34Deletes) {
  nat_pmp.request(to_wire(map_request()));
  nat_pmp.received(ADDRESS);
  nat_pmp.received(MAPPED);
  take_sent();
  take_responses();
  nat_pmp.request(to_wire(map_request(6, 0)));
  EXPECT_EQ(take_sent(), (std::vector<Datagram>{{0, 2, 0, 0, 0x1f, 0x40, 0, 0, 0, 0, 0, 0}}));
  nat_pmp.received(MAPPED);
  EXPECT_TRUE(take_responses().empty()) << "a late answer to the first request";
  nat_pmp.received(DELETED);
  const auto responses = take_responses();
  ASSERT_EQ(responses.size(), 1);
  EXPECT_EQ(responses[0].result, ResultCode::SUCCESS);
  EXPECT_EQ(responses[0].lifetime, 0);
}

TEST_F(NatPmpTest, Rfc6886Section35ResultCodes) {
  const struct {
    std::uint8_t result;
    ResultCode want;
  } rows[] = {{1, ResultCode::MALFORMED_REQUEST}, {2, ResultCode::NOT_AUTHORIZED},
              {3, ResultCode::NETWORK_FAILURE},   {4, ResultCode::NO_RESOURCES},
              {5, ResultCode::UNSUPP_OPCODE},     {99, ResultCode::MALFORMED_REQUEST}};
  for (const auto& row : rows) {
    SCOPED_TRACE(int{row.result});
    nat_pmp.request(to_wire(map_request()));
    Datagram refusal = MAPPED;
    refusal[3] = row.result;
    nat_pmp.received(refusal);
    const auto responses = take_responses();
    ASSERT_EQ(responses.size(), 1);
    EXPECT_EQ(responses[0].result, row.want);
    EXPECT_EQ(responses[0].lifetime, 30);
  }
}

TEST_F(NatPmpTest, ANatWithoutAnAddress) {
  nat_pmp.request(to_wire(map_request()));
  nat_pmp.received(MAPPED);
  nat_pmp.received(Datagram{0, 128, 0, 3, 0, 0, 0, 9});
  const auto responses = take_responses();
  ASSERT_EQ(responses.size(), 1);
  EXPECT_EQ(responses[0].result, ResultCode::NETWORK_FAILURE);
}

TEST_F(NatPmpTest, RefusesWhatItCannotSay) {
  PcpRequest third = map_request();
  third.options = {third_party_option(address("10.64.0.3"))};
  PcpRequest filter = map_request();
  filter.options = {filter_option({.prefix_bits = 128, .port = 0, .peer = address("10.0.0.9")})};
  const struct {
    const char* what;
    PcpRequest request;
    ResultCode want;
  } rows[] = {{"SCTP", map_request(132), ResultCode::UNSUPP_PROTOCOL},
              {"THIRD_PARTY", third, ResultCode::UNSUPP_OPTION},
              {"FILTER", filter, ResultCode::UNSUPP_OPTION}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    nat_pmp.request(to_wire(row.request));
    EXPECT_TRUE(take_sent().empty());
    const auto responses = take_responses();
    ASSERT_EQ(responses.size(), 1);
    EXPECT_EQ(responses[0].result, row.want);
    EXPECT_EQ(responses[0].options, row.request.options);
  }
}

TEST_F(NatPmpTest, PreferFailureGivesBackWhatIsAnother) {
  PcpRequest request = map_request();
  request.options = {prefer_failure_option()};
  nat_pmp.request(to_wire(request));
  nat_pmp.received(ADDRESS);
  take_sent();
  nat_pmp.received(MAPPED);
  EXPECT_EQ(take_sent(), (std::vector<Datagram>{{0, 2, 0, 0, 0x1f, 0x40, 0, 0, 0, 0, 0, 0}}));
  const auto responses = take_responses();
  ASSERT_EQ(responses.size(), 1);
  EXPECT_EQ(responses[0].result, ResultCode::CANNOT_PROVIDE_EXTERNAL);
}

TEST_F(NatPmpTest, Rfc6886Section321Announcements) {
  EXPECT_FALSE(nat_pmp.announced(ADDRESS)) << "the first is no change";
  auto responses = take_responses();
  ASSERT_EQ(responses.size(), 1);
  EXPECT_EQ(responses[0].opcode, Opcode::ANNOUNCE);
  EXPECT_EQ(responses[0].epoch, 9);
  EXPECT_TRUE(nat_pmp.announced(OTHER_ADDRESS));
  EXPECT_FALSE(nat_pmp.announced(OTHER_ADDRESS)) << "one of ten that follow";
  EXPECT_FALSE(nat_pmp.announced(MAPPED));
}

TEST_F(NatPmpTest, WhatNobodyAskedForIsIgnored) {
  nat_pmp.request(to_wire(map_request()));
  nat_pmp.received(ADDRESS);
  for (const Datagram& datagram :
       {Datagram{}, Datagram{0, 130}, Datagram(MAPPED.begin(), MAPPED.end() - 1),
        Datagram{2, 130, 0, 0, 0, 0, 0, 9, 0x1f, 0x40, 0x1f, 0x42, 0, 0, 0x0e, 0x10},
        Datagram{0, 2, 0, 0, 0, 0, 0, 9, 0x1f, 0x40, 0x1f, 0x42, 0, 0, 0x0e, 0x10},
        Datagram{0, 129, 0, 0, 0, 0, 0, 9, 0x1f, 0x40, 0x1f, 0x42, 0, 0, 0x0e, 0x10},
        Datagram{0, 130, 0, 0, 0, 0, 0, 9, 0x1f, 0x41, 0x1f, 0x42, 0, 0, 0x0e, 0x10},
        Datagram{0, 131, 0, 0, 0, 0, 0, 9, 0x1f, 0x40, 0x1f, 0x42, 0, 0, 0x0e, 0x10}}) {
    nat_pmp.received(datagram);
    EXPECT_TRUE(take_responses().empty()) << testing::PrintToString(datagram);
  }
}

}  // namespace
}  // namespace pcp_ddns
