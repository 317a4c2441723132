#include "dnsd/octet_pool.h"

#include <cstring>
#include <new>

namespace dnsd {

std::uint32_t OctetPool::take(std::size_t octets) {
  const std::size_t size = units(octets);
  if (const std::uint32_t piece = free_.at(size); piece != NONE) {
    std::memcpy(&free_[size], at(piece), sizeof(std::uint32_t));
    return piece;
  }
  if (used_units_ + size > BLOCK_UNITS) {
    if ((blocks_.size() + 1) * BLOCK_UNITS >= NONE) throw std::bad_alloc();
    blocks_.push_back(std::make_unique<std::uint8_t[]>(BLOCK_UNITS * UNIT_OCTETS));
    used_units_ = 0;
  }
  const auto piece = static_cast<std::uint32_t>((blocks_.size() - 1) * BLOCK_UNITS + used_units_);
  used_units_ += size;
  return piece;
}

void OctetPool::give(std::uint32_t piece, std::size_t octets) {
  const std::size_t size = units(octets);
  std::memcpy(at(piece), &free_.at(size), sizeof(std::uint32_t));
  free_[size] = piece;
}

}  // namespace dnsd
