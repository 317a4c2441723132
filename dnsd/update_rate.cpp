#include "dnsd/update_rate.h"

#include <algorithm>
#include <vector>

namespace dnsd {
namespace {

using namespace std::chrono_literals;

std::string bucket_name(zones::NameView zone, zones::NameView key) {
  std::string name;
  name.reserve(zone.size() + key.size());
  for (const zones::NameView part : {zone, key}) {
    for (const std::uint8_t octet : part.wire()) {
      name.push_back(static_cast<char>(zones::lower(octet)));
    }
  }
  return name;
}

}  // namespace

// A bucket is known by the time at which it will be full; each update moves that by what it takes
// to fill in one.
bool UpdateRates::take(zones::NameView zone, zones::NameView key, std::uint32_t per_minute,
                       Time now) {
  const Time::duration each = Time::duration(1min) / std::max(per_minute, 1U);
  std::string name = bucket_name(zone, key);
  const auto found = full_at_.find(name);
  const Time full_at = found == full_at_.end() ? now : std::max(now, found->second);
  if (full_at - now > 1min - each) return false;
  if (found != full_at_.end()) {
    found->second = full_at + each;
    return true;
  }
  if (full_at_.size() >= max_keys_) make_room(now);
  full_at_.emplace(std::move(name), full_at + each);
  return true;
}

void UpdateRates::make_room(Time now) {
  std::erase_if(full_at_, [now](const auto& bucket) { return bucket.second <= now; });
  if (full_at_.size() < max_keys_) return;
  std::vector<Time> times;
  times.reserve(full_at_.size());
  for (const auto& [name, full_at] : full_at_) times.push_back(full_at);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  std::erase_if(full_at_, [&](const auto& bucket) { return bucket.second <= *middle; });
}

std::optional<UpdateReply> refusal_by_rate(UpdateRates& rates, const Policy* policy,
                                           const UpdateJob& job, UpdateRates::Time now) {
  if (policy == nullptr || job.message.question.size() != 1) return std::nullopt;
  const zones::NameView zone = job.message.question.front().name;
  const keys::ZoneGrants* const grants = policy->grants_of(zone);
  if (grants == nullptr) return std::nullopt;
  const std::uint32_t per_minute = grants->limits(job.key).rate_per_minute;
  if (per_minute == 0 || rates.take(zone, job.key, per_minute, now)) return std::nullopt;
  return UpdateReply{.rcode = zones::Rcode::REFUSED,
                     .granted = {},
                     .reason = zones::ExtendedError{zones::extended_error::PROHIBITED,
                                                    "more than " + std::to_string(per_minute) +
                                                        " updates a minute ('rate' of the grant)"}};
}

}  // namespace dnsd
