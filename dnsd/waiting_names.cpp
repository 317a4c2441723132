#include "dnsd/waiting_names.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>

#include "zones/name_key.h"

namespace dnsd {

namespace {

constexpr std::size_t FIRST_SLOTS = 64;

std::uint32_t hash_of(zones::NameView apex, zones::NameView owner) {
  // A name may be in two zones, at the cut between them.
  const std::uint64_t hash =
      (zones::NameHash()(owner) + apex.size()) * UINT64_C(0x9e3779b97f4a7c15);
  return static_cast<std::uint32_t>(hash >> 32);
}

// Where a name stands in the order of the table, as far as a few octets tell.
struct Order {
  std::uint64_t zone = 0;
  std::array<std::uint64_t, 2> key{};
  std::uint32_t place = 0;

  bool operator<(const Order& other) const {
    return std::tie(zone, key) < std::tie(other.zone, other.key);
  }
};

}  // namespace

std::size_t WaitingNames::slot_of(std::uint32_t hash, zones::NameView apex,
                                  zones::NameView owner) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    const std::uint32_t place = slots_[slot];
    if (place == NONE) return slot;
    const Item& item = items_[place];
    if (item.hash == hash && item.apex_octets == apex.size() && this->owner(place) == owner) {
      return slot;
    }
  }
}

std::optional<std::size_t> WaitingNames::find(zones::NameView apex, zones::NameView owner) const {
  if (items_.empty()) return std::nullopt;
  const std::uint32_t place = slots_[slot_of(hash_of(apex, owner), apex, owner)];
  return place == NONE ? std::nullopt : std::optional<std::size_t>(place);
}

bool WaitingNames::add(zones::NameView apex, zones::NameView owner) {
  if (2 * (items_.size() + 1) > slots_.size()) {
    rebuild_slots(std::max(FIRST_SLOTS, 2 * slots_.size()));
  }
  const std::uint32_t hash = hash_of(apex, owner);
  const std::size_t slot = slot_of(hash, apex, owner);
  if (slots_[slot] != NONE) return false;
  const auto offset = static_cast<std::uint32_t>(octets_.size());
  octets_.insert(octets_.end(), owner.data(), owner.data() + owner.size());
  items_.push_back({offset, hash, 0, static_cast<std::uint8_t>(owner.size()),
                    static_cast<std::uint8_t>(apex.size())});
  slots_[slot] = static_cast<std::uint32_t>(items_.size() - 1);
  return true;
}

void WaitingNames::remove_last() noexcept {
  // The youngest is in nobody's way, so its slot is free again.
  const std::size_t place = items_.size() - 1;
  slots_[slot_of(items_[place].hash, apex(place), owner(place))] = NONE;
  octets_.resize(items_[place].offset);
  items_.pop_back();
}

void WaitingNames::sort() {
  std::vector<Order> orders(items_.size());
  std::string key;
  for (std::size_t place = 0; place < items_.size(); ++place) {
    Order& order = orders[place];
    order.zone = zones::NameHash()(apex(place));
    key.clear();
    zones::append_name_key(owner(place), apex(place), key);
    for (std::size_t i = 0; i < 16; ++i) {
      std::uint64_t& word = order.key[i / 8];
      word = word << 8 | (i < key.size() ? static_cast<std::uint8_t>(key[i]) : 0U);
    }
    order.place = static_cast<std::uint32_t>(place);
  }
  std::ranges::sort(orders, std::less<>());
  std::vector<Item> sorted;
  sorted.reserve(items_.size());
  for (const Order& order : orders) sorted.push_back(items_[order.place]);
  items_ = std::move(sorted);
  rebuild_slots(slots_.size());
}

void WaitingNames::rebuild_slots(std::size_t count) {
  std::vector<std::uint32_t> slots(count, NONE);
  const std::size_t mask = count - 1;
  for (std::size_t place = 0; place < items_.size(); ++place) {
    std::size_t slot = items_[place].hash & mask;
    while (slots[slot] != NONE) slot = (slot + 1) & mask;
    slots[slot] = static_cast<std::uint32_t>(place);
  }
  slots_ = std::move(slots);
}

}  // namespace dnsd
