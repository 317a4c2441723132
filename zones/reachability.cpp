#include "zones/reachability.h"

#include <algorithm>

#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace zones {
namespace {

constexpr std::size_t IPV4_OCTETS = 4;
constexpr std::size_t IPV6_OCTETS = 16;
constexpr std::size_t FIXED_OCTETS = 1 + 2;   // protocol and port
constexpr std::size_t RESULT_OCTETS = 1 + 4;  // state and age
constexpr std::uint8_t MAPPED_PREFIX[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_ipv4(const TransportEndpoint& endpoint) {
  return std::equal(std::begin(MAPPED_PREFIX), std::end(MAPPED_PREFIX), endpoint.address.begin());
}

std::optional<TransportEndpoint> read_endpoint(WireReader& reader, std::size_t address_octets) {
  if (address_octets != IPV4_OCTETS && address_octets != IPV6_OCTETS) return std::nullopt;
  TransportEndpoint endpoint;
  endpoint.protocol = reader.u8();
  endpoint.port = reader.u16();
  const auto address = reader.octets(address_octets);
  if (address_octets == IPV4_OCTETS) std::ranges::copy(MAPPED_PREFIX, endpoint.address.begin());
  std::ranges::copy(address, endpoint.address.end() - static_cast<std::ptrdiff_t>(address_octets));
  if (address_octets == IPV6_OCTETS && is_ipv4(endpoint)) return std::nullopt;
  return endpoint;
}

void write_endpoint(WireWriter& writer, const TransportEndpoint& endpoint) {
  const std::span<const std::uint8_t> address(endpoint.address);
  writer.u8(endpoint.protocol);
  writer.u16(endpoint.port);
  writer.octets(is_ipv4(endpoint) ? address.last(IPV4_OCTETS) : address);
}

}  // namespace

std::optional<TransportEndpoint> read_reachability_request(std::span<const std::uint8_t> data) {
  if (data.size() < FIXED_OCTETS) return std::nullopt;
  WireReader reader(data);
  return read_endpoint(reader, data.size() - FIXED_OCTETS);
}

std::vector<std::uint8_t> reachability_request_data(const TransportEndpoint& endpoint) {
  std::array<std::uint8_t, MAX_REACHABILITY_REQUEST_OCTETS> octets;
  WireWriter writer(octets);
  write_endpoint(writer, endpoint);
  return {writer.written().begin(), writer.written().end()};
}

std::optional<ReachabilityAnswer> read_reachability_answer(std::span<const std::uint8_t> data) {
  if (data.size() < FIXED_OCTETS + RESULT_OCTETS) return std::nullopt;
  WireReader reader(data);
  const auto endpoint = read_endpoint(reader, data.size() - FIXED_OCTETS - RESULT_OCTETS);
  if (!endpoint) return std::nullopt;
  const std::uint8_t state = reader.u8();
  if (state > static_cast<std::uint8_t>(Reachability::SILENT)) return std::nullopt;
  return ReachabilityAnswer{.endpoint = *endpoint,
                            .state = static_cast<Reachability>(state),
                            .age_seconds = reader.u32()};
}

std::size_t write_reachability_answer(const ReachabilityAnswer& answer,
                                      std::span<std::uint8_t, MAX_REACHABILITY_ANSWER_OCTETS> out) {
  WireWriter writer(out);
  write_endpoint(writer, answer.endpoint);
  writer.u8(static_cast<std::uint8_t>(answer.state));
  writer.u32(answer.age_seconds);
  return writer.size();
}

}  // namespace zones
