// The keys of a keyring, packed: names and secrets lie in few large pieces of protected memory, so
// that a million keys take some 70 octets each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "keys/keyring.h"
#include "zones/name.h"

namespace keys {

/// Grows, and forgets nothing before its end. Private to keyring.cpp. Any number of threads may
/// look while nobody adds.
class KeyringTable {
 public:
  KeyringTable() = default;
  ~KeyringTable();
  KeyringTable(const KeyringTable&) = delete;
  KeyringTable& operator=(const KeyringTable&) = delete;

  /// False when the name is there already.
  bool add(const KeyView& key);
  std::optional<KeyView> find(zones::NameView name) const;
  std::size_t size() const { return size_; }
  /// The next key at or after `position`, which moves behind it; in no order. Empty at the end.
  std::optional<KeyView> next(std::size_t& position) const;

 private:
  // A key is known by block and unit.
  static constexpr std::size_t UNIT_OCTETS = 8;
  static constexpr unsigned UNIT_BITS = 16;
  static constexpr std::size_t BLOCK_OCTETS = UNIT_OCTETS << UNIT_BITS;
  static constexpr std::uint32_t NONE = UINT32_MAX;

  struct Block {
    std::uint8_t* octets;
    std::size_t capacity;
    std::size_t used;
  };

  std::uint8_t* octets_at(std::uint32_t place) const;
  KeyView key_at(std::uint32_t place) const;
  std::size_t slot_of(zones::NameView name) const;
  void grow_slots();
  /// Room in the last block, or in a new one.
  std::uint32_t take(std::size_t octets);

  std::vector<Block> blocks_;
  std::vector<std::uint32_t> slots_;  // open addressing, a power of two of them; NONE: free
  std::size_t size_ = 0;
};

}  // namespace keys
