// PCP on the wire, against octets that servers have sent.
#include "tools/pcp-ddns/pcp_message.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

namespace pcp_ddns {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets from_hex(const std::string& hex) {
  Octets octets;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    octets.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(at, 2), nullptr, 16)));
  }
  return octets;
}

std::map<std::string, Octets> vectors() {
  std::map<std::string, Octets> all;
  std::ifstream in(TEST_DATA "/pcp_vectors.txt");
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string name;
    std::string hex;
    words >> name >> hex;
    if (name != "#") all[name] = from_hex(hex);
  }
  return all;
}

Address address(const char* text) { return keys::address_from_text(text).value(); }

TEST(PcpMessage, VectorsAreReadAndWrittenAsTheyWere) {
  int requests = 0;
  int responses = 0;
  for (const auto& [name, octets] : vectors()) {
    SCOPED_TRACE(name);
    if (const auto request = parse_request(octets)) {
      ++requests;
      EXPECT_EQ(to_wire(*request), octets);
    }
    const auto response = parse_response(octets);
    if (!response || response->result == ResultCode::UNSUPP_VERSION) continue;
    if (name == "response-bit.request") continue;  // has octets where a response has zeros
    Octets written = to_wire(*response);
    // A malformed option of an error is not read; what is before it is.
    written.resize(octets.size());
    if (response->options.empty() && octets.size() > 60) {
      std::copy(octets.begin() + 60, octets.end(), written.begin() + 60);
    }
    ++responses;
    EXPECT_EQ(written, octets);
  }
  EXPECT_GT(requests, 30);
  EXPECT_GT(responses, 50);
}

TEST(PcpMessage, WhatVectorsSay) {
  const auto all = vectors();
  const struct {
    const char* name;
    ResultCode result;
    std::uint32_t lifetime;
    std::uint16_t port;
    const char* address;
  } rows[] = {
      {"fake-address-ipv6.response", ResultCode::SUCCESS, 3600, 8080, "2001:db8::1"},
      {"fake-lifetime-0.response", ResultCode::SUCCESS, 0, 8080, "198.51.100.1"},
      {"fake-lifetime-max.response", ResultCode::SUCCESS, 0xffffffff, 8080, "198.51.100.1"},
      {"fake-port-0.response", ResultCode::SUCCESS, 3600, 0, "198.51.100.1"},
      {"fake-address-0.response", ResultCode::SUCCESS, 3600, 8080, "0.0.0.0"},
      {"fake-quota.response", ResultCode::USER_EX_QUOTA, 30, 0, nullptr},
      {"fake-result-200.response", static_cast<ResultCode>(200), 0xffffffff, 0, nullptr},
      {"map-no-resources.response", ResultCode::NO_RESOURCES, 30, 0, nullptr},
      {"map-address-mismatch.response", ResultCode::ADDRESS_MISMATCH, 0, 0, nullptr},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto response = parse_response(all.at(row.name));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->result, row.result);
    EXPECT_EQ(response->lifetime, row.lifetime);
    if (row.address == nullptr) continue;
    EXPECT_EQ(response->map.external_port, row.port);
    EXPECT_EQ(keys::to_text(response->map.external_address), row.address);
  }
}

TEST(PcpMessage, Rfc6887Section8_3WhatIsIgnored) {
  PcpResponse good;
  good.opcode = Opcode::MAP;
  good.options = {third_party_option(address("192.0.0.2"))};
  const Octets octets = to_wire(good);
  ASSERT_EQ(parse_response(octets), good);
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    Octets copy = octets;
    copy[at] = value;
    return copy;
  };
  const auto cut = [&](std::size_t size) {
    Octets copy = octets;
    copy.resize(size);
    return copy;
  };
  EXPECT_FALSE(parse_response({}));
  for (std::size_t size = 0; size < octets.size(); ++size) {
    // The header and MAP's data are whole at 60: then there may be no option.
    EXPECT_EQ(parse_response(cut(size)).has_value(), size == 60) << size;
  }
  EXPECT_FALSE(parse_response(cut(octets.size() + 1))) << "no multiple of four";
  EXPECT_TRUE(parse_response(cut(1100)));
  EXPECT_FALSE(parse_response(cut(1104)));
  EXPECT_FALSE(parse_response(changed(1, 1))) << "a request";
  EXPECT_FALSE(parse_response(changed(1, 0x83))) << "an opcode that nobody knows";
  EXPECT_FALSE(parse_response(changed(0, 1))) << "another version";
  EXPECT_FALSE(parse_response(changed(63, 17))) << "an option that goes beyond the end";
  Octets error = changed(63, 17);
  error[3] = static_cast<std::uint8_t>(ResultCode::MALFORMED_OPTION);
  EXPECT_TRUE(parse_response(error)) << "an error repeats what it complains of";
}

TEST(PcpMessage, Rfc6887Section9UnsuppVersionOfAnyForm) {
  for (const char* hex : {"0080000100000000", "00810001", "01810001000000000000", "03810001"}) {
    const auto response = parse_response(from_hex(hex));
    ASSERT_TRUE(response) << hex;
    EXPECT_EQ(response->result, ResultCode::UNSUPP_VERSION);
    EXPECT_EQ(response->version, from_hex(hex)[0]);
  }
  EXPECT_FALSE(parse_response(from_hex("0080000000000001c633644d"))) << "a notice of NAT-PMP";
  EXPECT_FALSE(parse_response(from_hex("008000030000000000000004"))) << "an error of NAT-PMP";
}

TEST(PcpMessage, Options) {
  const Filter filter{.prefix_bits = 120, .port = 80, .peer = address("192.0.2.0")};
  const PortSet set{.size = 4, .first_internal_port = 8000, .parity = true};
  PcpRequest request;
  request.opcode = Opcode::PEER;
  request.lifetime = 3600;
  request.client = address("2001:db8::2");
  request.map = {.nonce = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                 .protocol = 17,
                 .internal_port = 1,
                 .external_port = 2,
                 .external_address = address("::ffff:0.0.0.0")};
  request.peer = {.port = 3, .address = address("192.0.2.9")};
  request.options = {third_party_option(address("192.0.0.2")), prefer_failure_option(),
                     filter_option(filter), description_option("a web server"),
                     port_set_option(set)};
  const Octets octets = to_wire(request);
  EXPECT_EQ(octets.size() % 4, 0U);
  const auto again = parse_request(octets);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, request);
  const auto& options = again->options;
  EXPECT_EQ(read_third_party(options[0]), address("192.0.0.2"));
  EXPECT_EQ(options[1].data.size(), 0U);
  EXPECT_EQ(read_filter(options[2]), filter);
  EXPECT_EQ(read_description(options[3]), "a web server");
  EXPECT_EQ(read_port_set(options[4]), set);
  for (const Option& option : options) {  // none is taken for another
    EXPECT_EQ(read_filter(option).has_value(), option.code == OptionCode::FILTER);
    EXPECT_EQ(read_port_set(option).has_value(), option.code == OptionCode::PORT_SET);
  }
  request.options.push_back(description_option(std::string(2000, 'x')));
  EXPECT_TRUE(to_wire(request).empty()) << "longer than 1100 octets";
}

}  // namespace
}  // namespace pcp_ddns
