// PCP from the network: whatever comes, a message that is read is written as it was, and a client
// keeps its promises. The input is a series of datagrams: time that goes by (1 octet, in units that
// its upper bits tell), length (2), octets. What is no such series is one datagram.
#include "fuzz.h"
#include "tools/pcp-ddns/pcp_client.h"

namespace {

using pcp_ddns::Mapping;
using pcp_ddns::PcpClient;
using pcp_ddns::Time;

constexpr pcp_ddns::Nonce NONCE{0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
                                0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb};  // of the seeds
constexpr pcp_ddns::Address CLIENT{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 64, 0, 2};

void check_codec(std::span<const std::uint8_t> octets) {
  if (const auto request = pcp_ddns::parse_request(octets)) {
    const auto again = pcp_ddns::parse_request(pcp_ddns::to_wire(*request));
    fuzz::require(again == *request, "a request reads back as it was");
  }
  if (const auto response = pcp_ddns::parse_response(octets)) {
    const auto again = pcp_ddns::parse_response(pcp_ddns::to_wire(*response));
    fuzz::require(again.has_value(), "a response reads back");
    fuzz::require(response->result == pcp_ddns::ResultCode::UNSUPP_VERSION || again == *response,
                  "a response reads back as it was");
    for (const pcp_ddns::Option& option : response->options) {
      static_cast<void>(pcp_ddns::read_filter(option));
      static_cast<void>(pcp_ddns::read_port_set(option));
      static_cast<void>(pcp_ddns::read_description(option));
      static_cast<void>(pcp_ddns::read_third_party(option));
    }
  }
}

class Client {
 public:
  Client() : client_(CLIENT, [this] { return chance(); }) {
    for (const std::uint16_t port : {std::uint16_t{8001}, std::uint16_t{8000}}) {
      client_.add({.protocol = 6, .internal_port = port, .suggested = {{}, port}}, NONCE, now_);
    }
    poll();
  }
  void go_on(std::uint8_t step) {
    constexpr int UNITS[] = {0, 1, 60, 3600};  // seconds
    now_ += std::chrono::seconds((step & 63) * UNITS[step >> 6]);
    poll();
  }
  void receive(std::span<const std::uint8_t> octets) {
    client_.received(octets, now_);
    for (const Mapping& mapping : client_.mappings()) {
      if (!mapping.external()) continue;
      fuzz::require(mapping.external()->port != 0, "no port 0 is published");
      fuzz::require(mapping.expires() <= now_ + pcp_ddns::MAX_LIFETIME, "no mapping is for ever");
    }
    poll();
  }

 private:
  void poll() {
    int sent = 0;
    client_.poll(now_, [&](std::span<const std::uint8_t> octets) {
      ++sent;
      fuzz::require(pcp_ddns::parse_request(octets).has_value(), "what is sent is a request");
    });
    fuzz::require(sent <= 2, "each mapping is asked for once");
    for (const Mapping& mapping : client_.mappings()) {
      fuzz::require(!mapping.external() || mapping.expires() > now_, "what is over is forgotten");
      fuzz::require(mapping.next() > now_, "nothing goes round in a circle");
    }
  }
  double chance() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }

  std::uint64_t state_ = 1;
  Time now_ = Time() + std::chrono::hours(1);
  PcpClient client_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::uint8_t> rest(data, size);
  check_codec(rest);
  Client client;
  client.receive(rest);
  while (rest.size() >= 3) {
    client.go_on(rest[0]);
    const std::size_t length = std::size_t{rest[1]} << 8 | rest[2];
    rest = rest.subspan(3);
    const auto datagram = rest.first(std::min(length, rest.size()));
    rest = rest.subspan(datagram.size());
    check_codec(datagram);
    client.receive(datagram);
  }
  return 0;
}
