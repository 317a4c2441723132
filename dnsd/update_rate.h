// How often a key may update: a token bucket for each key of each zone, in bounded memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "dnsd/state.h"
#include "dnsd/update_writer.h"

namespace dnsd {

/// A bucket holds the updates of a minute, and is filled evenly. One thread.
class UpdateRates {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// @param max_keys  whose buckets are kept, about 150 octets each; when more are not full, the
  ///                  half of them that is nearest to it counts as full
  explicit UpdateRates(std::size_t max_keys = 100'000) : max_keys_(max_keys) {}

  /// Takes one update out of the key's bucket; false when it is empty.
  bool take(zones::NameView zone, zones::NameView key, std::uint32_t per_minute, Time now);
  std::size_t size() const { return full_at_.size(); }

 private:
  void make_room(Time now);

  const std::size_t max_keys_;
  std::unordered_map<std::string, Time> full_at_;  // when each bucket will be full again
};

/// Takes one update from the bucket of the message's key. @return the answer to one that comes too
/// soon; empty when it may go on, or when its grants name no rate
std::optional<UpdateReply> refusal_by_rate(UpdateRates& rates, const Policy* policy,
                                           const UpdateJob& job, UpdateRates::Time now);

}  // namespace dnsd
