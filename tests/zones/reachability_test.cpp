#include "zones/reachability.h"

#include <gtest/gtest.h>

namespace zones {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::array<std::uint8_t, 16> IPV4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1};
constexpr std::array<std::uint8_t, 16> IPV6{0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0,
                                            0,    0,    0,    0,    0, 0, 0, 1};
constexpr TransportEndpoint WEB4{ip_protocol::TCP, 8001, IPV4};
constexpr TransportEndpoint WEB6{ip_protocol::TCP, 8001, IPV6};

Octets data_of(const ReachabilityAnswer& answer) {
  std::array<std::uint8_t, MAX_REACHABILITY_ANSWER_OCTETS> out{};
  const std::size_t size = write_reachability_answer(answer, out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(ReachabilityOption, RequestIsProtocolPortAndAddress) {
  struct Row {
    TransportEndpoint endpoint;
    Octets data;
  };
  const Row rows[] = {
      {WEB4, {6, 0x1F, 0x41, 192, 0, 2, 1}},
      {WEB6, {6, 0x1F, 0x41, 0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
      {{ip_protocol::UDP, 5060, IPV4}, {17, 0x13, 0xC4, 192, 0, 2, 1}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(reachability_request_data(row.endpoint), row.data);
    EXPECT_EQ(read_reachability_request(row.data), row.endpoint);
    EXPECT_FALSE(read_reachability_answer(row.data));
  }
}

TEST(ReachabilityOption, AnswerRepeatsTheRequestThenSaysStateAndAge) {
  struct Row {
    ReachabilityAnswer answer;
    Octets data;
  };
  const Row rows[] = {
      {{WEB4, Reachability::ANSWERED, 300}, {6, 0x1F, 0x41, 192, 0, 2, 1, 2, 0, 0, 1, 0x2C}},
      {{WEB4, Reachability::UNKNOWN, 0}, {6, 0x1F, 0x41, 192, 0, 2, 1, 0, 0, 0, 0, 0}},
      {{WEB6, Reachability::SILENT, 0xFFFFFFFF},
       {6, 0x1F, 0x41, 0x20, 0x01, 0x0D, 0xB8, 0, 0,    0,    0,    0,
        0, 0,    0,    0,    0,    0,    1,    4, 0xFF, 0xFF, 0xFF, 0xFF}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(data_of(row.answer), row.data);
    EXPECT_EQ(read_reachability_answer(row.data), row.answer);
    EXPECT_FALSE(read_reachability_request(row.data));
  }
}

TEST(ReachabilityOption, OtherSizesAreNotRead) {
  for (std::size_t size = 0; size < 64; ++size) {
    const Octets data(size, 0);
    EXPECT_EQ(read_reachability_request(data).has_value(), size == 7 || size == 19) << size;
    EXPECT_EQ(read_reachability_answer(data).has_value(), size == 12 || size == 24) << size;
  }
}

TEST(ReachabilityOption, AnIpv4AddressIsWrittenAsOneOnly) {
  Octets data{6, 0x1F, 0x41};
  data.insert(data.end(), IPV4.begin(), IPV4.end());
  EXPECT_FALSE(read_reachability_request(data));
  data.insert(data.end(), 5, 0);
  EXPECT_FALSE(read_reachability_answer(data));
}

TEST(ReachabilityOption, AStateThatIsNotKnownIsNotRead) {
  for (unsigned state = 0; state < 256; ++state) {
    const Octets data{6, 0x1F, 0x41, 192, 0, 2, 1, static_cast<std::uint8_t>(state), 0, 0, 0, 1};
    EXPECT_EQ(read_reachability_answer(data).has_value(), state <= 4) << state;
  }
}

}  // namespace
}  // namespace zones
