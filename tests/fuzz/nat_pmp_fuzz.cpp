// NAT-PMP from the network: a message that is read is written as it was, and whatever answers come,
// a PCP client above keeps its promises. The input is a series of datagrams: kind (1 octet: to the
// socket, or to all), length (1), octets.
#include "fuzz.h"
#include "tools/pcp-ddns/nat_pmp.h"
#include "tools/pcp-ddns/pcp_client.h"

namespace {

using namespace pcp_ddns;

constexpr Nonce NONCE{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
constexpr Address CLIENT{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 64, 0, 2};

void check_codec(std::span<const std::uint8_t> octets) {
  const auto response = parse_nat_pmp_response(octets);
  if (!response || (response->opcode == 0 && response->result != 0)) return;
  fuzz::require(parse_nat_pmp_response(to_wire(*response)) == *response,
                "a response reads back as it was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Time now{};
  PcpClient client(CLIENT, [] { return 0.5; });
  NatPmp nat_pmp([](std::span<const std::uint8_t>) {},
                 [&](std::span<const std::uint8_t> octets) {
                   fuzz::require(parse_response(octets).has_value(), "it answers as PCP does");
                   client.received(octets, now);
                 });
  const auto send = [&](std::span<const std::uint8_t> octets) { nat_pmp.request(octets); };
  for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
    client.add(
        {.protocol = protocol,
         .internal_port = 8000,
         .suggested = {{}, 8001},
         .options = protocol == 6 ? std::vector<Option>{} : std::vector{prefer_failure_option()}},
        NONCE, now);
  }
  client.poll(now, send);
  std::span<const std::uint8_t> rest(data, size);
  while (rest.size() > 2) {
    const std::uint8_t kind = rest[0];
    const auto datagram = rest.subspan(2, std::min<std::size_t>(rest[1], rest.size() - 2));
    rest = rest.subspan(2 + datagram.size());
    now += std::chrono::seconds(kind >> 1);
    check_codec(datagram);
    if (kind & 1) {
      if (nat_pmp.announced(datagram)) client.lost_state(now);
    } else {
      nat_pmp.received(datagram);
    }
    for (const Mapping& mapping : client.mappings()) {
      fuzz::require(!mapping.external() || mapping.external()->port != 0, "no port 0");
      fuzz::require(!mapping.external() || mapping.expires() <= now + MAX_LIFETIME,
                    "no mapping is for ever");
    }
    client.poll(now, send);
  }
  return 0;
}
