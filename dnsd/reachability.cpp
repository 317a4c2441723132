#include "dnsd/reachability.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "dnsd/endpoint.h"

namespace dnsd {

using zones::Reachability;

namespace {

// A cell: tag (32 bits) | state (3) | seconds since the table began, and one (29: 17 years). 0 is
// an empty one.
constexpr unsigned TAG_BITS = 32;
constexpr unsigned STATE_BITS = 3;
constexpr unsigned TIME_BITS = 64 - TAG_BITS - STATE_BITS;
constexpr std::uint64_t TIME_MASK = (std::uint64_t{1} << TIME_BITS) - 1;

std::uint64_t tag_of(std::uint64_t cell) { return cell >> (STATE_BITS + TIME_BITS); }
std::uint64_t time_of(std::uint64_t cell) { return cell & TIME_MASK; }
Reachability state_of(std::uint64_t cell) {
  return static_cast<Reachability>(cell >> TIME_BITS & ((1U << STATE_BITS) - 1));
}

}  // namespace

struct ReachabilityTable::Place {
  std::uint64_t tag;
  std::size_t cells[2];
};

ReachabilityTable::ReachabilityTable(std::size_t cells)
    : started_(std::chrono::steady_clock::now()),
      index_mask_(std::bit_ceil(std::max<std::size_t>(cells, 2)) - 1),
      cells_(std::make_unique<Cell[]>(index_mask_ + 1)) {
  static_assert(Cell::is_always_lock_free);
  randombytes_buf(hash_key_.data(), hash_key_.size());
}

ReachabilityTable::Place ReachabilityTable::place_of(
    const zones::TransportEndpoint& endpoint) const {
  std::uint8_t octets[1 + 2 + 16];
  octets[0] = endpoint.protocol;
  octets[1] = static_cast<std::uint8_t>(endpoint.port >> 8);
  octets[2] = static_cast<std::uint8_t>(endpoint.port);
  std::memcpy(octets + 3, endpoint.address.data(), endpoint.address.size());
  std::uint32_t hash[crypto_shorthash_siphashx24_BYTES / sizeof(std::uint32_t)];
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == std::tuple_size_v<decltype(hash_key_)>);
  crypto_shorthash_siphashx24(reinterpret_cast<unsigned char*>(hash), octets, sizeof(octets),
                              hash_key_.data());
  return {hash[2], {hash[0] & index_mask_, hash[1] & index_mask_}};
}

std::uint64_t ReachabilityTable::second_of(Time time) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time - started_).count();
  return std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0)) + 1, 1, TIME_MASK);
}

void ReachabilityTable::set(const zones::TransportEndpoint& endpoint, Reachability state,
                            Time now) {
  const Place place = place_of(endpoint);
  const std::uint64_t cell = place.tag << (STATE_BITS + TIME_BITS) |
                             static_cast<std::uint64_t>(state) << TIME_BITS | second_of(now);
  for (;;) {
    std::uint64_t held[2];
    for (int i = 0; i < 2; ++i) {
      held[i] = cells_[place.cells[i]].load(std::memory_order_relaxed);
    }
    const auto is_ours = [&](int i) { return held[i] != 0 && tag_of(held[i]) == place.tag; };
    int chosen = time_of(held[1]) < time_of(held[0]) ? 1 : 0;
    if (is_ours(0)) {
      chosen = 0;
    } else if (is_ours(1)) {
      chosen = 1;
    } else if (state == Reachability::UNKNOWN) {
      return;
    }
    const std::uint64_t next = state == Reachability::UNKNOWN ? 0 : cell;
    if (cells_[place.cells[chosen]].compare_exchange_weak(held[chosen], next,
                                                          std::memory_order_relaxed)) {
      return;
    }
  }
}

ReachabilityTable::Result ReachabilityTable::find(const zones::TransportEndpoint& endpoint,
                                                  Time now) const {
  const Place place = place_of(endpoint);
  for (const std::size_t index : place.cells) {
    const std::uint64_t cell = cells_[index].load(std::memory_order_relaxed);
    if (cell == 0 || tag_of(cell) != place.tag) continue;
    const std::uint64_t second = second_of(now);
    return {state_of(cell), std::chrono::seconds(second - std::min(second, time_of(cell)))};
  }
  return {};
}

bool ReachabilityRules::permit(const zones::TransportEndpoint& endpoint,
                               const keys::Address& source, bool source_proven) const {
  if (!enabled || endpoint.protocol != zones::ip_protocol::TCP || endpoint.port == 0) return false;
  const auto has_port = [&](const keys::PortRange& range) {
    return endpoint.port >= range.first && endpoint.port <= range.last;
  };
  if (!ports.empty() && std::ranges::none_of(ports, has_port)) return false;
  // An IPv6 prefix as short as ::/0 is not meant for IPv4.
  const auto is_in = [&](const keys::AddressRule& rule) {
    return keys::is_ipv4(endpoint.address) == keys::is_ipv4(rule.prefix) &&
           rule.contains(endpoint.address);
  };
  if (std::ranges::any_of(networks, is_in)) return true;
  return source_proven && endpoint.address == source && keys::is_global(source) &&
         std::ranges::find(own, source) == own.end();
}

std::vector<keys::Address> interface_addresses() {
  std::vector<keys::Address> addresses;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return addresses;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, freeifaddrs);
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    Endpoint endpoint;
    std::memcpy(endpoint.data(), one->ifa_addr,
                family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    addresses.push_back(mapped_octets(endpoint.address()));
  }
  return addresses;
}

}  // namespace dnsd
