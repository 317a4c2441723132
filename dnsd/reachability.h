// Reachability: what became of the endpoints that the server tried, and which it may try at all.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "keys/grant.h"
#include "zones/reachability.h"

namespace dnsd {

/// What became of each endpoint, in fixed memory. Any thread, no lock, no allocation.
///
/// Endpoints are hashed with a random key, so that nobody can choose whose result is displaced;
/// each has two cells that it may be in, and takes the one whose result is older.
class ReachabilityTable {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t CELLS = 65'536;  // of 8 octets

  struct Result {
    zones::Reachability state = zones::Reachability::UNKNOWN;
    std::chrono::seconds age{0};  // since the state was reached
  };

  /// @param cells  rounded up to a power of two
  explicit ReachabilityTable(std::size_t cells = CELLS);

  /// With UNKNOWN, whatever is known of the endpoint is forgotten.
  void set(const zones::TransportEndpoint& endpoint, zones::Reachability state, Time now);
  Result find(const zones::TransportEndpoint& endpoint, Time now) const;

 private:
  struct Place;
  using Cell = std::atomic<std::uint64_t>;

  Place place_of(const zones::TransportEndpoint& endpoint) const;
  std::uint64_t second_of(Time time) const;

  std::array<std::uint8_t, 16> hash_key_{};
  const Time started_;
  const std::size_t index_mask_;
  const std::unique_ptr<Cell[]> cells_;
};

/// [reachability]: default deny, so that nobody can have others scanned by the server.
struct ReachabilityRules {
  bool enabled = false;
  std::vector<keys::AddressRule> networks{};  // prefixes that may be tried whoever publishes them
  std::vector<keys::PortRange> ports{};       // none: all
  std::uint32_t rate = 50;                    // tries a second, in total
  std::uint32_t address_rate = 30;            // tries a minute for one address
  /// Addresses of the server and of the portal: tried only where `networks` has them.
  std::vector<keys::Address> own{};

  /// Whether an endpoint may be tried that an update from `source` published: one in `networks`; or
  /// the source itself, when that is proven, global, and not the server.
  bool permit(const zones::TransportEndpoint& endpoint, const keys::Address& source,
              bool source_proven) const;
};

/// Addresses of the network interfaces, as far as the system tells.
std::vector<keys::Address> interface_addresses();

}  // namespace dnsd
