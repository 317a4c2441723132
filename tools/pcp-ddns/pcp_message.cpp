#include "tools/pcp-ddns/pcp_message.h"

#include <algorithm>

#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace pcp_ddns {
namespace {

using zones::WireReader;
using zones::WireWriter;

constexpr std::uint8_t RESPONSE_BIT = 0x80;
constexpr std::size_t HEADER_OCTETS = 24;             // RFC 6887 §7.1, §7.2
constexpr std::size_t SMALLEST_RESPONSE = 4;          // RFC 6887 §8.3
constexpr std::size_t OPTION_HEADER_OCTETS = 4;       // RFC 6887 §7.3
constexpr std::size_t MAX_DESCRIPTION_OCTETS = 1016;  // RFC 7220 §3

std::size_t padding(std::size_t size) { return (4 - size % 4) % 4; }

Address read_address(WireReader& reader) {
  Address address{};
  const auto octets = reader.octets(address.size());
  std::ranges::copy(octets, address.begin());
  return address;
}

bool is_known(std::uint8_t opcode) { return opcode <= static_cast<std::uint8_t>(Opcode::PEER); }

MapData read_map(WireReader& reader) {
  MapData map;
  std::ranges::copy(reader.octets(map.nonce.size()), map.nonce.begin());
  map.protocol = reader.u8();
  reader.skip(3);
  map.internal_port = reader.u16();
  map.external_port = reader.u16();
  map.external_address = read_address(reader);
  return map;
}

void write_map(WireWriter& writer, const MapData& map) {
  writer.octets(map.nonce);
  writer.u8(map.protocol);
  writer.octets(std::array<std::uint8_t, 3>{});
  writer.u16(map.internal_port);
  writer.u16(map.external_port);
  writer.octets(map.external_address);
}

RemotePeer read_peer(WireReader& reader) {
  RemotePeer peer;
  peer.port = reader.u16();
  reader.skip(2);
  peer.address = read_address(reader);
  return peer;
}

/// MAP's data, and PEER's, and the options.
template <class Message>
void write_body(WireWriter& writer, const Message& message) {
  if (message.opcode != Opcode::ANNOUNCE) write_map(writer, message.map);
  if (message.opcode == Opcode::PEER) {
    writer.u16(message.peer.port);
    writer.u16(0);
    writer.octets(message.peer.address);
  }
  for (const Option& option : message.options) {
    writer.u8(static_cast<std::uint8_t>(option.code));
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(option.data.size()));
    writer.octets(option.data);
    for (std::size_t i = padding(option.data.size()); i != 0; --i) writer.u8(0);
  }
}

template <class Message>
void read_body(WireReader& reader, Message& message) {
  if (message.opcode != Opcode::ANNOUNCE) message.map = read_map(reader);
  if (message.opcode == Opcode::PEER) message.peer = read_peer(reader);
}

/// Until the end. False, with those before it read, at one that does not fit.
bool read_options(WireReader& reader, std::vector<Option>& options) {
  while (reader.remaining() != 0) {
    if (reader.remaining() < OPTION_HEADER_OCTETS) return false;
    Option option;
    option.code = static_cast<OptionCode>(reader.u8());
    reader.skip(1);
    const std::size_t size = reader.u16();
    const auto data = reader.octets(size);
    reader.skip(padding(size));
    if (reader.failed()) return false;
    option.data.assign(data.begin(), data.end());
    options.push_back(std::move(option));
  }
  return true;
}

std::vector<std::uint8_t> written(const WireWriter& writer) {
  if (writer.overflowed()) return {};
  return {writer.written().begin(), writer.written().end()};
}

Option make_option(OptionCode code, WireWriter& writer) {
  return {code, {writer.written().begin(), writer.written().end()}};
}

bool is(const Option& option, OptionCode code, std::size_t size) {
  return option.code == code && option.data.size() == size;
}

}  // namespace

std::string to_text(ResultCode code) {
  constexpr const char* NAMES[] = {
      "SUCCESS",          "UNSUPP_VERSION",        "NOT_AUTHORIZED",   "MALFORMED_REQUEST",
      "UNSUPP_OPCODE",    "UNSUPP_OPTION",         "MALFORMED_OPTION", "NETWORK_FAILURE",
      "NO_RESOURCES",     "UNSUPP_PROTOCOL",       "USER_EX_QUOTA",    "CANNOT_PROVIDE_EXTERNAL",
      "ADDRESS_MISMATCH", "EXCESSIVE_REMOTE_PEERS"};
  const auto number = static_cast<std::size_t>(code);
  return number < std::size(NAMES) ? NAMES[number] : "result " + std::to_string(number);
}

Option third_party_option(const Address& internal) {
  return {OptionCode::THIRD_PARTY, {internal.begin(), internal.end()}};
}

Option prefer_failure_option() { return {OptionCode::PREFER_FAILURE, {}}; }

Option filter_option(const Filter& filter) {
  std::array<std::uint8_t, 20> octets{};
  WireWriter writer(octets);
  writer.u8(0);
  writer.u8(filter.prefix_bits);
  writer.u16(filter.port);
  writer.octets(filter.peer);
  return make_option(OptionCode::FILTER, writer);
}

Option description_option(std::string_view text) {
  text = text.substr(0, MAX_DESCRIPTION_OCTETS);
  return {OptionCode::DESCRIPTION, {text.begin(), text.end()}};
}

Option port_set_option(const PortSet& set) {
  std::array<std::uint8_t, 5> octets{};
  WireWriter writer(octets);
  writer.u16(set.size);
  writer.u16(set.first_internal_port);
  writer.u8(set.parity ? 1 : 0);
  return make_option(OptionCode::PORT_SET, writer);
}

std::optional<Address> read_third_party(const Option& option) {
  if (!is(option, OptionCode::THIRD_PARTY, 16)) return std::nullopt;
  WireReader reader(option.data);
  return read_address(reader);
}

std::optional<Filter> read_filter(const Option& option) {
  if (!is(option, OptionCode::FILTER, 20)) return std::nullopt;
  WireReader reader(option.data, 1);
  Filter filter;
  filter.prefix_bits = reader.u8();
  filter.port = reader.u16();
  filter.peer = read_address(reader);
  return filter;
}

std::optional<std::string> read_description(const Option& option) {
  if (option.code != OptionCode::DESCRIPTION) return std::nullopt;
  return std::string(option.data.begin(), option.data.end());
}

std::optional<PortSet> read_port_set(const Option& option) {
  if (!is(option, OptionCode::PORT_SET, 5)) return std::nullopt;
  WireReader reader(option.data);
  PortSet set;
  set.size = reader.u16();
  set.first_internal_port = reader.u16();
  set.parity = (reader.u8() & 1) != 0;
  return set;
}

std::vector<std::uint8_t> to_wire(const PcpRequest& request) {
  std::array<std::uint8_t, MAX_PCP_OCTETS> buffer{};
  WireWriter writer(buffer);
  writer.u8(PCP_VERSION);
  writer.u8(static_cast<std::uint8_t>(request.opcode));
  writer.u16(0);
  writer.u32(request.lifetime);
  writer.octets(request.client);
  write_body(writer, request);
  return written(writer);
}

std::vector<std::uint8_t> to_wire(const PcpResponse& response) {
  std::array<std::uint8_t, MAX_PCP_OCTETS> buffer{};
  WireWriter writer(buffer);
  writer.u8(response.version);
  writer.u8(static_cast<std::uint8_t>(RESPONSE_BIT | static_cast<std::uint8_t>(response.opcode)));
  writer.u8(0);
  writer.u8(static_cast<std::uint8_t>(response.result));
  writer.u32(response.lifetime);
  writer.u32(response.epoch);
  writer.octets(std::array<std::uint8_t, 12>{});
  write_body(writer, response);
  return written(writer);
}

std::optional<PcpResponse> parse_response(std::span<const std::uint8_t> octets) {
  if (octets.size() < SMALLEST_RESPONSE || (octets[1] & RESPONSE_BIT) == 0) return std::nullopt;
  WireReader reader(octets);
  PcpResponse response;
  response.version = reader.u8();
  const auto opcode = static_cast<std::uint8_t>(reader.u8() & ~RESPONSE_BIT);
  reader.skip(1);
  response.opcode = static_cast<Opcode>(opcode);
  response.result = static_cast<ResultCode>(reader.u8());
  if (!is_known(opcode)) return std::nullopt;
  if (response.result == ResultCode::UNSUPP_VERSION) return response;
  if (response.version != PCP_VERSION || octets.size() < HEADER_OCTETS ||
      octets.size() > MAX_PCP_OCTETS || octets.size() % 4 != 0) {
    return std::nullopt;
  }
  response.lifetime = reader.u32();
  response.epoch = reader.u32();
  reader.skip(12);
  read_body(reader, response);
  if (reader.failed()) return std::nullopt;
  const bool whole = read_options(reader, response.options);
  if (!whole && response.result == ResultCode::SUCCESS) return std::nullopt;
  return response;
}

std::optional<PcpRequest> parse_request(std::span<const std::uint8_t> octets) {
  if (octets.size() < HEADER_OCTETS || octets.size() > MAX_PCP_OCTETS || octets.size() % 4 != 0 ||
      octets[0] != PCP_VERSION || !is_known(octets[1])) {
    return std::nullopt;
  }
  WireReader reader(octets, 1);
  PcpRequest request;
  request.opcode = static_cast<Opcode>(reader.u8());
  reader.skip(2);
  request.lifetime = reader.u32();
  request.client = read_address(reader);
  read_body(reader, request);
  if (reader.failed() || !read_options(reader, request.options)) return std::nullopt;
  return request;
}

}  // namespace pcp_ddns
