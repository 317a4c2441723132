#include "tools/pcp-ddns/nat_pmp.h"

#include <algorithm>
#include <array>

namespace pcp_ddns {
namespace {

constexpr std::uint8_t VERSION = 0;
constexpr std::uint8_t RESPONSE = 128;
constexpr std::uint8_t EXTERNAL_ADDRESS = 0;
constexpr std::uint8_t MAP_UDP = 1;
constexpr std::uint8_t MAP_TCP = 2;
constexpr std::uint8_t TCP = 6;  // IANA "Protocol Numbers"
constexpr std::uint8_t UDP = 17;
constexpr std::size_t ADDRESS_RESPONSE_OCTETS = 12;
constexpr std::size_t MAP_RESPONSE_OCTETS = 16;
constexpr std::uint32_t REFUSED_SECONDS = 30;  // RFC 6887 §7.4, short

std::uint32_t read_number(std::span<const std::uint8_t> octets) {
  std::uint32_t number = 0;
  for (const std::uint8_t octet : octets) number = number << 8 | octet;
  return number;
}

std::uint16_t read_u16(std::span<const std::uint8_t> octets) {
  return static_cast<std::uint16_t>(read_number(octets.first(2)));
}

void append(std::vector<std::uint8_t>& octets, std::uint32_t number, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    octets.push_back(static_cast<std::uint8_t>(number >> shift & 0xff));
  }
}

/// RFC 6886 §3.5.
ResultCode pcp_result(std::uint16_t result) {
  switch (result) {
    case 0:
      return ResultCode::SUCCESS;
    case 2:
      return ResultCode::NOT_AUTHORIZED;
    case 3:
      return ResultCode::NETWORK_FAILURE;
    case 4:
      return ResultCode::NO_RESOURCES;
    case 5:
      return ResultCode::UNSUPP_OPCODE;
    default:
      return ResultCode::MALFORMED_REQUEST;
  }
}

bool has_option(const PcpRequest& request, OptionCode code) {
  return std::ranges::find(request.options, code, &Option::code) != request.options.end();
}

}  // namespace

std::optional<NatPmpResponse> parse_nat_pmp_response(std::span<const std::uint8_t> octets) {
  if (octets.size() < 8 || octets[0] != VERSION || octets[1] < RESPONSE) return std::nullopt;
  NatPmpResponse response;
  response.opcode = octets[1] - RESPONSE;
  response.result = read_u16(octets.subspan(2));
  response.epoch = read_number(octets.subspan(4, 4));
  if (response.opcode == EXTERNAL_ADDRESS) {
    if (response.result != 0) return response;  // the address is to be ignored
    if (octets.size() < ADDRESS_RESPONSE_OCTETS) return std::nullopt;
    response.external[10] = response.external[11] = 0xff;
    std::ranges::copy(octets.subspan(8, 4), response.external.begin() + 12);
    return response;
  }
  if (response.opcode > MAP_TCP || octets.size() < MAP_RESPONSE_OCTETS) return std::nullopt;
  response.internal_port = read_u16(octets.subspan(8));
  response.external_port = read_u16(octets.subspan(10));
  response.lifetime = read_number(octets.subspan(12, 4));
  return response;
}

std::vector<std::uint8_t> to_wire(const NatPmpResponse& response) {
  std::vector<std::uint8_t> octets{VERSION, static_cast<std::uint8_t>(RESPONSE + response.opcode)};
  append(octets, response.result, 2);
  append(octets, response.epoch, 4);
  if (response.opcode == EXTERNAL_ADDRESS) {
    octets.insert(octets.end(), response.external.begin() + 12, response.external.end());
    return octets;
  }
  append(octets, response.internal_port, 2);
  append(octets, response.external_port, 2);
  append(octets, response.lifetime, 4);
  return octets;
}

void NatPmp::send_map(const PcpRequest& request) {
  const bool deletes = request.lifetime == 0;
  std::vector<std::uint8_t> octets{VERSION, request.map.protocol == UDP ? MAP_UDP : MAP_TCP, 0, 0};
  append(octets, request.map.internal_port, 2);
  append(octets, deletes ? 0 : request.map.external_port, 2);  // §3.4
  append(octets, request.lifetime, 4);
  send_(octets);
}

void NatPmp::request(std::span<const std::uint8_t> octets) {
  auto request = parse_request(octets);
  if (!request || request->opcode != Opcode::MAP) return;
  const std::uint8_t protocol = request->map.protocol;
  // §3.3: the mapping is for who asks. §3.4: port 0 would delete all of them.
  if (has_option(*request, OptionCode::THIRD_PARTY) || has_option(*request, OptionCode::FILTER)) {
    return refuse(*request, ResultCode::UNSUPP_OPTION);
  }
  if ((protocol != TCP && protocol != UDP) || request->map.internal_port == 0) {
    return refuse(*request, ResultCode::UNSUPP_PROTOCOL);
  }
  // The address as well each time: it may be another since.
  if (request->lifetime != 0) send_(std::array{VERSION, EXTERNAL_ADDRESS});
  send_map(*request);
  asked_[{protocol, request->map.internal_port}] = {std::move(*request), std::nullopt};
}

void NatPmp::refuse(const PcpRequest& request, ResultCode result) {
  PcpResponse response;
  response.opcode = Opcode::MAP;
  response.result = result;
  response.lifetime = REFUSED_SECONDS;
  response.map = request.map;
  response.options = request.options;
  respond_(to_wire(response));
}

void NatPmp::received(std::span<const std::uint8_t> octets) {
  const auto response = parse_nat_pmp_response(octets);
  if (!response) return;
  if (response->opcode == EXTERNAL_ADDRESS) {
    if (response->result == 0) external_ = response->external;
    for (auto& [key, asked] : asked_) {
      if (!asked.waiting) continue;
      NatPmpResponse waiting = *asked.waiting;
      if (!external_) waiting.result = response->result;
      answer(asked, waiting);
    }
    return;
  }
  const auto found =
      asked_.find({response->opcode == MAP_UDP ? UDP : TCP, response->internal_port});
  if (found != asked_.end()) answer(found->second, *response);
}

void NatPmp::answer(Asked& asked, const NatPmpResponse& response) {
  const bool deleted = asked.request.lifetime == 0;
  // A late answer to what was asked before.
  if (deleted != (response.lifetime == 0) && response.result == 0) return;
  if (response.result == 0 && !deleted && !external_) {
    asked.waiting = response;
    return;
  }
  asked.waiting.reset();
  PcpResponse pcp;
  pcp.opcode = Opcode::MAP;
  pcp.result = pcp_result(response.result);
  pcp.lifetime = pcp.result == ResultCode::SUCCESS ? response.lifetime : REFUSED_SECONDS;
  pcp.epoch = response.epoch;
  pcp.map = asked.request.map;
  if (pcp.result == ResultCode::SUCCESS && !deleted) {
    const std::uint16_t wanted = asked.request.map.external_port;
    if (has_option(asked.request, OptionCode::PREFER_FAILURE) && wanted != 0 &&
        response.external_port != wanted) {
      asked.request.lifetime = 0;
      send_map(asked.request);
      return refuse(asked.request, ResultCode::CANNOT_PROVIDE_EXTERNAL);
    }
    pcp.map.external_port = response.external_port;
    pcp.map.external_address = *external_;
  }
  respond_(to_wire(pcp));
}

bool NatPmp::announced(std::span<const std::uint8_t> octets) {
  const auto response = parse_nat_pmp_response(octets);
  if (!response || response->opcode != EXTERNAL_ADDRESS || response->result != 0) return false;
  const bool changed = external_ && *external_ != response->external;
  external_ = response->external;
  PcpResponse pcp;
  pcp.opcode = Opcode::ANNOUNCE;
  pcp.epoch = response->epoch;
  respond_(to_wire(pcp));
  return changed;
}

}  // namespace pcp_ddns
