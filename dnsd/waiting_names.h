// Names that wait for the checkpoint: each once, in little memory, put in the table's order at
// once.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "zones/name.h"

namespace dnsd {

/// A set of (apex, owner), in the order in which they came, or, after sort(), about in that of the
/// store's table. Compares without case. 54 octets a name.
class WaitingNames {
 public:
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  /// The name's place, if it is there.
  std::optional<std::size_t> find(zones::NameView apex, zones::NameView owner) const;
  /// At the end. @return false when it is there already
  bool add(zones::NameView apex, zones::NameView owner);
  /// When the name's records changed last; 1970-01-01 for a new one.
  std::chrono::sys_seconds changed(std::size_t place) const {
    return std::chrono::sys_seconds(std::chrono::seconds(items_[place].changed));
  }
  void set_changed(std::size_t place, std::chrono::sys_seconds time) noexcept {
    items_[place].changed = static_cast<std::uint32_t>(time.time_since_epoch().count());
  }
  /// Takes back the last add() that returned true; not after sort().
  void remove_last() noexcept;
  /// Zone by zone, names that are neighbours in a zone side by side: by the first octets of their
  /// keys, which is near enough for rows to share pages.
  void sort();

  zones::NameView owner(std::size_t place) const {
    return {octets_.data() + items_[place].offset, items_[place].owner_octets};
  }
  zones::NameView apex(std::size_t place) const {
    const zones::NameView whole = owner(place);
    return {whole.data() + whole.size() - items_[place].apex_octets, items_[place].apex_octets};
  }

 private:
  struct Item {
    std::uint32_t offset;  // of the owner in octets_
    std::uint32_t hash;
    std::uint32_t changed;  // seconds since 1970, to 2106
    std::uint8_t owner_octets;
    std::uint8_t apex_octets;  // the apex is a suffix of the owner
  };
  static constexpr std::uint32_t NONE = UINT32_MAX;

  std::size_t slot_of(std::uint32_t hash, zones::NameView apex, zones::NameView owner) const;
  void rebuild_slots(std::size_t count);

  std::vector<std::uint8_t> octets_;
  std::vector<Item> items_;
  std::vector<std::uint32_t> slots_;  // open addressing, a power of two; places in items_
};

}  // namespace dnsd
