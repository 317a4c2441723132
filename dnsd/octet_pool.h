// Short octet strings by the million, each known by a 32-bit handle.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace dnsd {

/// Pieces of up to 256 octets, in steps of 8, cut from blocks that are never given back; a piece
/// that is freed serves the next one of its size. Used by one thread.
class OctetPool {
 public:
  static constexpr std::size_t MAX_OCTETS = 256;

  /// The piece's octets are undefined; at most 2^32 times 8 octets in all (std::bad_alloc).
  std::uint32_t take(std::size_t octets);
  void give(std::uint32_t piece, std::size_t octets);
  std::uint8_t* at(std::uint32_t piece) {
    return blocks_[piece / BLOCK_UNITS].get() + piece % BLOCK_UNITS * UNIT_OCTETS;
  }
  const std::uint8_t* at(std::uint32_t piece) const {
    return blocks_[piece / BLOCK_UNITS].get() + piece % BLOCK_UNITS * UNIT_OCTETS;
  }
  std::size_t memory_octets() const { return blocks_.size() * BLOCK_UNITS * UNIT_OCTETS; }

 private:
  static constexpr std::size_t UNIT_OCTETS = 8;
  static constexpr std::size_t BLOCK_UNITS = 8192;
  static constexpr std::uint32_t NONE = UINT32_MAX;
  static std::size_t units(std::size_t octets) { return (octets + UNIT_OCTETS - 1) / UNIT_OCTETS; }
  static constexpr std::array<std::uint32_t, MAX_OCTETS / UNIT_OCTETS + 1> no_pieces() {
    std::array<std::uint32_t, MAX_OCTETS / UNIT_OCTETS + 1> none{};
    none.fill(NONE);
    return none;
  }

  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
  std::size_t used_units_ = BLOCK_UNITS;  // of the last block
  // By size in units: the first free piece, whose octets begin with the next one.
  std::array<std::uint32_t, MAX_OCTETS / UNIT_OCTETS + 1> free_ = no_pieces();
};

}  // namespace dnsd
