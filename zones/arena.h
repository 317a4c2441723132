// Arena: units of memory under 32-bit indices, for one writer that allocates and frees, and readers
// that only read. It knows versions: what the running version took can be undone, what it replaced
// is kept for those who still see it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace zones {

/// A range of address space of which memory is used up to a mark that rises; an index is `base() +
/// index * unit`. Index 0 is never given out. Not thread-safe; the units themselves may be read by
/// other threads.
class Arena {
 public:
  /// @param max_octets  what may be used; the address space is reserved at once, less when there is
  /// less
  Arena(std::size_t unit_octets, std::size_t max_octets);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::uint8_t* base() const { return base_; }
  /// @return the index of the first of at least `units` units, contents undefined. Throws
  /// std::bad_alloc when full.
  std::uint32_t allocate(std::size_t units);
  /// True for what was allocated since freeze(): nobody else can see it, so it may be edited in
  /// place.
  bool fresh(std::uint32_t index) const {
    return index >= frozen_end_ || (index / 64 < reused_bits_.size() &&
                                    (reused_bits_[index / 64] >> (index % 64) & 1) != 0);
  }
  /// Frees what is fresh; what is not is retired: kept until reclaim(), or back in use after
  /// rollback().
  /// @param units  as at allocate()
  void release(std::uint32_t index, std::size_t units);

  /// Ends the running version under this number; numbers must rise.
  void freeze(std::uint64_t version);
  /// Forgets allocate() and release() since freeze().
  void rollback();
  /// Frees what was retired in versions up to `oldest_in_use`, since only older ones can see it.
  void reclaim(std::uint64_t oldest_in_use);
  /// Allocated and not freed, the retired included.
  std::size_t octets_in_use() const { return units_in_use_ * unit_octets_; }

 private:
  // Sizes up to 32 units have a class each, above that there are eight to a doubling.
  static constexpr std::size_t CLASSES = 33 + 8 * 27;
  struct SizeClass {
    std::uint8_t number;
    std::uint32_t units;
  };
  static SizeClass size_class(std::size_t units);
  static std::uint32_t class_units(std::uint8_t number);

  struct Chunk {
    std::uint32_t index;
    std::uint8_t size_class;
  };
  /// Free chunks of one size, linked through their first four octets.
  struct FreeList {
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
  };
  struct Retired {
    std::uint64_t version;
    std::vector<Chunk> chunks;
  };

  std::uint8_t* at(std::uint32_t index) const { return base_ + std::size_t{index} * unit_octets_; }
  void push(FreeList& list, Chunk chunk);
  std::uint32_t pop(FreeList& list, std::uint8_t size_class);
  void commit(std::size_t end_octets);
  void clear_reused_bits();

  std::size_t unit_octets_;
  void* mapping_ = nullptr;
  std::size_t mapping_octets_ = 0;
  std::uint8_t* base_ = nullptr;
  std::size_t capacity_octets_ = 0;
  std::size_t committed_octets_ = 0;
  std::uint64_t end_ = 1;         // units ever used
  std::uint64_t frozen_end_ = 1;  // the same when the running version began
  std::size_t units_in_use_ = 0;
  std::size_t frozen_units_in_use_ = 0;  // less what was reclaimed since

  std::array<FreeList, CLASSES> free_{};
  std::array<FreeList, CLASSES> fresh_free_{};  // allocated and freed again in the running version
  std::vector<Chunk> reused_;                   // taken from free_ in the running version
  std::vector<std::uint64_t> reused_bits_;      // the same as a set
  std::vector<Chunk> retired_now_;              // in the running version
  std::deque<Retired> retired_;                 // in frozen ones, oldest first
};

}  // namespace zones
