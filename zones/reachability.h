// Reachability: the EDNS option by which anybody asks a server whether an endpoint that was
// published there let the server in, and is told. Not of any RFC.
//
// Request:   protocol (1 octet) | port (2) | address (4 or 16)
// Answer:    the same           | state (1) | seconds since that state was reached (4)
//
// What is published is public, and so is whether it answers: no signature is needed to ask. Asking
// makes no server try anything; what it tries is decided when an update publishes an endpoint.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zones {

/// IANA "Protocol Numbers".
namespace ip_protocol {
constexpr std::uint8_t TCP = 6;
constexpr std::uint8_t UDP = 17;
}  // namespace ip_protocol

/// Where something listens.
struct TransportEndpoint {
  std::uint8_t protocol = ip_protocol::TCP;
  std::uint16_t port = 0;
  std::array<std::uint8_t, 16> address{};  // IPv6, or IPv4 mapped into it (RFC 4291 §2.5.5.2)

  bool operator==(const TransportEndpoint&) const = default;
};

enum class Reachability : std::uint8_t {
  UNKNOWN = 0,   // not tried, or too long ago
  TRYING = 1,    // no answer yet
  ANSWERED = 2,  // it accepted a connection
  REFUSED = 3,   // RST, or an ICMP error
  SILENT = 4,    // neither until the time limit
};

struct ReachabilityAnswer {
  TransportEndpoint endpoint;
  Reachability state{};
  std::uint32_t age_seconds = 0;  // since `state` was reached; 0 with UNKNOWN

  bool operator==(const ReachabilityAnswer&) const = default;
};

constexpr std::size_t MAX_REACHABILITY_REQUEST_OCTETS = 1 + 2 + 16;
constexpr std::size_t MAX_REACHABILITY_ANSWER_OCTETS = MAX_REACHABILITY_REQUEST_OCTETS + 1 + 4;

/// From the data of a request's option. Empty for any other size, and for an IPv4 address that is
/// written as an IPv6 one: the option is then somebody else's use of the number.
std::optional<TransportEndpoint> read_reachability_request(std::span<const std::uint8_t> data);
std::vector<std::uint8_t> reachability_request_data(const TransportEndpoint& endpoint);

/// From the data of an answer's option; empty as above, and for a state that is not known.
std::optional<ReachabilityAnswer> read_reachability_answer(std::span<const std::uint8_t> data);
/// Writes the data of an answer's option. @return its size
std::size_t write_reachability_answer(const ReachabilityAnswer& answer,
                                      std::span<std::uint8_t, MAX_REACHABILITY_ANSWER_OCTETS> out);

}  // namespace zones
