#include "keys/keyring_table.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>

#include "keys/protected_memory.h"

namespace keys {
namespace {

/// Before the name, which the secret follows.
struct Head {
  std::uint32_t secret_octets;
  Algorithm algorithm;
  std::uint8_t name_octets;
};
static_assert(std::is_trivially_copyable_v<Head>);

constexpr std::size_t FIRST_BLOCK_OCTETS = 1024;
constexpr std::size_t FIRST_SLOTS = 16;

}  // namespace

KeyringTable::~KeyringTable() {
  for (const Block& block : blocks_) protected_free(block.octets, block.capacity);
}

std::uint8_t* KeyringTable::octets_at(std::uint32_t place) const {
  const std::size_t unit = place & ((std::uint32_t{1} << UNIT_BITS) - 1);
  return blocks_[place >> UNIT_BITS].octets + unit * UNIT_OCTETS;
}

KeyView KeyringTable::key_at(std::uint32_t place) const {
  const std::uint8_t* const at = octets_at(place);
  Head head;
  std::memcpy(&head, at, sizeof head);
  const std::uint8_t* const name = at + sizeof head;
  return {.name = {name, head.name_octets},
          .algorithm = head.algorithm,
          .secret = {name + head.name_octets, head.secret_octets}};
}

// That of the name, or the free one where it would be.
std::size_t KeyringTable::slot_of(zones::NameView name) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = zones::NameHash()(name) & mask;
  while (slots_[slot] != NONE && !(key_at(slots_[slot]).name == name)) slot = (slot + 1) & mask;
  return slot;
}

void KeyringTable::grow_slots() {
  std::vector<std::uint32_t> old(std::max(FIRST_SLOTS, 2 * slots_.size()), NONE);
  old.swap(slots_);
  for (const std::uint32_t place : old) {
    if (place != NONE) slots_[slot_of(key_at(place).name)] = place;
  }
}

std::uint32_t KeyringTable::take(std::size_t octets) {
  octets = (octets + UNIT_OCTETS - 1) / UNIT_OCTETS * UNIT_OCTETS;
  if (blocks_.empty() || blocks_.back().capacity - blocks_.back().used < octets) {
    constexpr std::size_t MAX_BLOCKS = NONE >> UNIT_BITS;
    if (blocks_.size() == MAX_BLOCKS) throw std::bad_alloc();
    // Most keyrings have a few keys; a secret larger than a block gets one of its own.
    const std::size_t doubled = FIRST_BLOCK_OCTETS << std::min<std::size_t>(blocks_.size(), 32);
    const std::size_t capacity = std::max(octets, std::min(doubled, BLOCK_OCTETS));
    blocks_.reserve(blocks_.size() + 1);
    blocks_.push_back({static_cast<std::uint8_t*>(protected_allocate(capacity)), capacity, 0});
  }
  Block& block = blocks_.back();
  const auto place =
      static_cast<std::uint32_t>((blocks_.size() - 1) << UNIT_BITS | block.used / UNIT_OCTETS);
  block.used += octets;
  return place;
}

bool KeyringTable::add(const KeyView& key) {
  if ((size_ + 1) * 4 > slots_.size() * 3) grow_slots();
  const std::size_t slot = slot_of(key.name);
  if (slots_[slot] != NONE) return false;
  const Head head{.secret_octets = static_cast<std::uint32_t>(key.secret.size()),
                  .algorithm = key.algorithm,
                  .name_octets = static_cast<std::uint8_t>(key.name.size())};
  const std::uint32_t place = take(sizeof head + key.name.size() + key.secret.size());
  std::uint8_t* at = octets_at(place);
  std::memcpy(at, &head, sizeof head);
  at = std::ranges::copy(key.name.wire(), at + sizeof head).out;
  std::ranges::copy(key.secret, at);
  slots_[slot] = place;
  ++size_;
  return true;
}

std::optional<KeyView> KeyringTable::find(zones::NameView name) const {
  if (size_ == 0) return std::nullopt;
  const std::uint32_t place = slots_[slot_of(name)];
  return place == NONE ? std::nullopt : std::optional(key_at(place));
}

std::optional<KeyView> KeyringTable::next(std::size_t& position) const {
  while (position < slots_.size()) {
    const std::uint32_t place = slots_[position++];
    if (place != NONE) return key_at(place);
  }
  return std::nullopt;
}

}  // namespace keys
