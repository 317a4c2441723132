// Sets of ports (RFC 7753): what is asked for, and what is made of the answers.
#include <gtest/gtest.h>

#include "tools/pcp-ddns/pcp_client.h"
#include "tools/pcp-ddns/records.h"
#include "zones/text.h"

namespace pcp_ddns {
namespace {

using std::chrono::seconds;

const Time START = Time() + std::chrono::hours(1);
const Nonce NONCE{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
constexpr PortSet TEN{.size = 10, .first_internal_port = 5000, .parity = true};

Address address(const char* text) { return keys::address_from_text(text).value(); }

/// A client that wants ten UDP ports from 5000 on.
struct Client {
  Client() {
    client.add({.protocol = 17,
                .internal_port = 5000,
                .suggested = {address("0.0.0.0"), 6000},
                .options = {port_set_option(TEN)}},
               NONCE, START);
  }
  /// The set of what is sent at this time; empty: there is none.
  std::optional<PortSet> asked(Duration at) {
    std::optional<PortSet> set;
    int sent = 0;
    client.poll(START + at, [&](std::span<const std::uint8_t> octets) {
      ++sent;
      request = parse_request(octets).value();
      for (const Option& option : request.options) {
        if (option.code == OptionCode::PORT_SET) set = read_port_set(option);
      }
    });
    EXPECT_EQ(sent, 1);
    return set;
  }
  void answer(std::optional<PortSet> set, Duration at, std::uint16_t port = 6000,
              ResultCode result = ResultCode::SUCCESS) {
    PcpResponse response;
    response.opcode = Opcode::MAP;
    response.result = result;
    response.lifetime = request.lifetime == 0 ? 0 : 1000;
    response.epoch = epoch + static_cast<std::uint32_t>(at / seconds(1));
    response.map = request.map;
    response.map.external_port = port;
    response.map.external_address = address("198.51.100.1");
    if (set) response.options.push_back(port_set_option(*set));
    client.received(to_wire(response), START + at);
  }
  const Mapping& mapping() const { return client.mappings().front(); }

  PcpClient client{address("10.64.0.2"), [] { return 0.5; }};
  PcpRequest request;
  std::uint32_t epoch = 1000;
};

TEST(PcpPortSet, Rfc7753Answers) {
  const struct {
    const char* rule;
    std::optional<PortSet> set;
    std::uint16_t port;
    std::uint16_t first, count;
  } rows[] = {
      {"§4.2 all", TEN, 6000, 6000, 10},
      {"§4.2 fewer", PortSet{4, 5000, false}, 6000, 6000, 4},
      {"§4.2 a single one, or §4 not known", std::nullopt, 6000, 6000, 1},
      {"§4.2 never more than asked for", PortSet{200, 5000, false}, 6000, 6000, 10},
      {"§6.3 an older set that begins before", PortSet{10, 4998, false}, 6000, 6002, 8},
      {"one that ends before", PortSet{2, 4998, false}, 6000, 6000, 1},
      {"one that begins after", PortSet{10, 5001, false}, 6000, 6000, 1},
      {"ports end at 65535", TEN, 65530, 65530, 6},
      {"size zero", PortSet{0, 5000, false}, 6000, 6000, 1},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.rule);
    Client client;
    EXPECT_EQ(client.asked({}), TEN);
    client.answer(row.set, {}, row.port);
    EXPECT_EQ(client.mapping().external(), (External{address("198.51.100.1"), row.first}));
    EXPECT_EQ(client.mapping().port_count(), row.count);
  }
}

TEST(PcpPortSet, Rfc7753Section4_4RenewalAndDeletionOfASet) {
  Client client;
  client.asked({});
  client.answer(PortSet{4, 5000, false}, {});
  EXPECT_EQ(client.asked(seconds(563)), TEN) << "renewed as a whole";
  EXPECT_EQ(client.request.map.external_port, 6000);
  client.answer(TEN, seconds(563), 7000);
  EXPECT_EQ(client.mapping().port_count(), 10) << "another set is another endpoint";
  client.client.remove_all(START + seconds(600));
  EXPECT_EQ(client.asked(seconds(600)), TEN);
  EXPECT_EQ(client.request.lifetime, 0U);
}

TEST(PcpPortSet, Rfc7753Section4_1ASinglePortHasNoSet) {
  Client client;
  client.asked({});
  client.answer(std::nullopt, {});
  EXPECT_EQ(client.asked(seconds(563)), std::nullopt) << "renewal";
  client.answer(std::nullopt, seconds(563));
  // A server that has lost its state may have become another (§4.3).
  client.epoch = 0;
  client.client.lost_state(START + seconds(600));
  EXPECT_EQ(client.asked(seconds(600)), TEN);
  client.answer(std::nullopt, seconds(600));
  client.client.remove_all(START + seconds(610));
  EXPECT_EQ(client.asked(seconds(610)), std::nullopt) << "deletion";
}

TEST(PcpPortSet, AServerThatCannotReadTheOptionGivesOnePort) {
  for (const ResultCode result : {ResultCode::MALFORMED_OPTION, ResultCode::UNSUPP_OPTION}) {
    Client client;
    client.asked({});
    client.answer(TEN, {}, 0, result);
    EXPECT_EQ(client.asked({}), std::nullopt) << "at once";
    client.answer(std::nullopt, {}, 0, result);
    EXPECT_EQ(client.mapping().state(), Mapping::State::REFUSED) << "not in a circle";
  }
}

TEST(PcpPortSet, ArePublishedInTxt) {
  ServiceConfig voice;
  voice.protocol = 17;
  voice.host = zones::Name::from_text("h1.dyn.example.").value();
  voice.type = "_sip._udp";
  voice.owner = zones::Name::from_text("_sip._udp.h1.dyn.example.").value();
  voice.txt = {"a=b"};
  ProviderConfig provider;
  provider.zone = zones::Name::from_text("dyn.example.").value();
  for (const std::uint16_t count : {std::uint16_t{1}, std::uint16_t{10}}) {
    const ServiceEndpoint endpoint{
        &voice, {address("198.51.100.1"), 6000}, START + seconds(3600), seconds(3600), count};
    const Wanted wanted = wanted_records(std::span(&endpoint, 1), provider);
    const auto text = [&](zones::Type type) {
      return zones::rdata_to_text(type, wanted.at({voice.owner, type}).rdatas.front());
    };
    EXPECT_EQ(text(zones::Type::SRV), "0 0 6000 h1.dyn.example.");
    EXPECT_EQ(text(zones::Type::TXT),
              count == 1 ? R"("a=b" "endpoint=198.51.100.1:6000")"
                         : R"("a=b" "ports=6000-6009" "endpoint=198.51.100.1:6000")");
  }
}

}  // namespace
}  // namespace pcp_ddns
