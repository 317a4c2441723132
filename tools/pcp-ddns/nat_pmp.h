// NAT-PMP (RFC 6886), PCP's forerunner, for servers that know nothing newer (RFC 6887 §9, appendix
// A). No sockets, no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "tools/pcp-ddns/pcp_message.h"

namespace pcp_ddns {

/// RFC 6886 §3.2, §3.3.
struct NatPmpResponse {
  std::uint8_t opcode = 0;   // 0: the external address, 1: UDP, 2: TCP
  std::uint16_t result = 0;  // §3.5
  std::uint32_t epoch = 0;   // seconds
  Address external{};        // of opcode 0, with result 0
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;
  std::uint32_t lifetime = 0;  // seconds
  bool operator==(const NatPmpResponse&) const = default;
};
/// Empty for what is no answer, or shorter than its opcode's.
std::optional<NatPmpResponse> parse_nat_pmp_response(std::span<const std::uint8_t> octets);
std::vector<std::uint8_t> to_wire(const NatPmpResponse& response);

/// Asks by NAT-PMP what is to be asked by PCP, and answers as a PCP server would: what is known of
/// PCP mappings (renewal, retransmission, epoch) then holds for these as well. The timers are
/// PCP's: 3 s and more, not the 250 ms and more of RFC 6886 §3.1.
class NatPmp {
 public:
  using Octets = std::function<void(std::span<const std::uint8_t> octets)>;

  /// @param send  a datagram to the server
  /// @param respond  a PCP response
  NatPmp(Octets send, Octets respond) : send_(std::move(send)), respond_(std::move(respond)) {}

  /// A PCP MAP request; what NAT-PMP has no words for is refused at once.
  void request(std::span<const std::uint8_t> octets);
  /// A datagram of the server.
  void received(std::span<const std::uint8_t> octets);
  /// One that it sent to all (§3.2.1). @return true when the external address is another now
  bool announced(std::span<const std::uint8_t> octets);

 private:
  struct Asked {
    PcpRequest request;
    std::optional<NatPmpResponse> waiting;  // until the external address is known
  };

  void refuse(const PcpRequest& request, ResultCode result);
  void answer(Asked& asked, const NatPmpResponse& response);
  void send_map(const PcpRequest& request);

  const Octets send_;
  const Octets respond_;
  std::map<std::pair<std::uint8_t, std::uint16_t>, Asked> asked_;  // protocol and internal port
  std::optional<Address> external_;
};

}  // namespace pcp_ddns
