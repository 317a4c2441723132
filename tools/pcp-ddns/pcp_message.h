// PCP messages on the wire (RFC 6887 §7, §11.1, §12.1, §13; RFC 7220, RFC 7753). Bounded, no
// sockets, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keys/grant.h"
#include "zones/result.h"

namespace pcp_ddns {

/// IPv6 in network order; IPv4 as ::ffff:a.b.c.d (RFC 6887 §5).
using keys::Address;

/// fe80::/10 (RFC 4291 §2.5.6).
constexpr bool is_link_local(const Address& address) {
  return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

constexpr std::uint8_t PCP_VERSION = 2;          // RFC 6887 §9
constexpr std::uint16_t PCP_SERVER_PORT = 5351;  // RFC 6887 §19.1
constexpr std::uint16_t PCP_CLIENT_PORT = 5350;  // where announcements come to
constexpr std::size_t MAX_PCP_OCTETS = 1100;     // RFC 6887 §7

// RFC 6887 §19.2. Other values are possible on the wire.
enum class Opcode : std::uint8_t { ANNOUNCE = 0, MAP = 1, PEER = 2 };

// RFC 6887 §7.4. Other values are possible on the wire.
enum class ResultCode : std::uint8_t {
  SUCCESS = 0,
  UNSUPP_VERSION = 1,
  NOT_AUTHORIZED = 2,
  MALFORMED_REQUEST = 3,
  UNSUPP_OPCODE = 4,
  UNSUPP_OPTION = 5,
  MALFORMED_OPTION = 6,
  NETWORK_FAILURE = 7,
  NO_RESOURCES = 8,
  UNSUPP_PROTOCOL = 9,
  USER_EX_QUOTA = 10,
  CANNOT_PROVIDE_EXTERNAL = 11,
  ADDRESS_MISMATCH = 12,
  EXCESSIVE_REMOTE_PEERS = 13,
};
/// "NO_RESOURCES", or "result 200" for one without a name here.
std::string to_text(ResultCode code);

// IANA "PCP Options".
enum class OptionCode : std::uint8_t {
  THIRD_PARTY = 1,
  PREFER_FAILURE = 2,
  FILTER = 3,
  DESCRIPTION = 128,  // RFC 7220
  PORT_SET = 130,     // RFC 7753
};

/// RFC 6887 §13.3.
struct Filter {
  std::uint8_t prefix_bits = 0;  // of the mapped form: 96 more for IPv4; 0 deletes all filters
  std::uint16_t port = 0;        // 0: all
  Address peer{};
  bool operator==(const Filter&) const = default;
};

/// RFC 7753 §4.
struct PortSet {
  std::uint16_t size = 0;
  std::uint16_t first_internal_port = 0;
  bool parity = false;
  bool operator==(const PortSet&) const = default;
};

/// One option, as it is on the wire without its padding.
struct Option {
  OptionCode code{};
  std::vector<std::uint8_t> data;
  bool operator==(const Option&) const = default;
};
Option third_party_option(const Address& internal);
Option prefer_failure_option();
Option filter_option(const Filter& filter);
Option description_option(std::string_view text);
Option port_set_option(const PortSet& set);
/// What an option says; empty when it is another one or has an impossible length.
std::optional<Address> read_third_party(const Option& option);
std::optional<Filter> read_filter(const Option& option);
std::optional<std::string> read_description(const Option& option);
std::optional<PortSet> read_port_set(const Option& option);

using Nonce = std::array<std::uint8_t, 12>;

/// Of MAP (RFC 6887 §11.1), and the first part of PEER's (§12.1). In requests the external fields
/// are what is suggested, in responses what is assigned.
struct MapData {
  Nonce nonce{};
  std::uint8_t protocol = 0;
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;
  Address external_address{};
  bool operator==(const MapData&) const = default;
};

/// The rest of PEER's data (RFC 6887 §12.1).
struct RemotePeer {
  std::uint16_t port = 0;
  Address address{};
  bool operator==(const RemotePeer&) const = default;
};

struct PcpRequest {
  Opcode opcode{};
  std::uint32_t lifetime = 0;  // seconds
  Address client{};            // the address that the request is sent from
  MapData map;                 // of MAP and PEER
  RemotePeer peer;             // of PEER
  std::vector<Option> options;
  bool operator==(const PcpRequest&) const = default;
};

struct PcpResponse {
  std::uint8_t version = PCP_VERSION;  // another one only with UNSUPP_VERSION
  Opcode opcode{};
  ResultCode result{};
  std::uint32_t lifetime = 0;  // seconds, of the mapping or the error
  std::uint32_t epoch = 0;     // seconds
  MapData map;
  RemotePeer peer;
  std::vector<Option> options;
  bool operator==(const PcpResponse&) const = default;
};

/// The request in octets; empty when its options make it longer than 1100.
std::vector<std::uint8_t> to_wire(const PcpRequest& request);
std::vector<std::uint8_t> to_wire(const PcpResponse& response);

/// A response as a client takes it (RFC 6887 §8.3); empty for what it has to ignore: requests,
/// wrong lengths, opcodes and versions it does not know, opcode data or options that do not fit. Of
/// UNSUPP_VERSION only version, opcode and result are read, and whatever the length is, for the
/// rest has the form of another version (§9). An error repeats the request's options as they were;
/// they are read as far as they go.
std::optional<PcpResponse> parse_response(std::span<const std::uint8_t> octets);
/// A request of version 2; empty when it is none.
std::optional<PcpRequest> parse_request(std::span<const std::uint8_t> octets);

}  // namespace pcp_ddns
