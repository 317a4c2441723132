#include "keys/protected_memory.h"

#include <sodium.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <new>
#include <stdexcept>

namespace keys {
namespace {

constexpr std::size_t UNIT = 16;       // sizes are rounded up to it
constexpr std::size_t MAX_SLOT = 512;  // larger ones get pages of their own
constexpr std::size_t SLAB_OCTETS =
    65536;  // one sodium_malloc(): locked, no dump, guard pages around

struct FreeSlot {
  FreeSlot* next;
};

/// The slots of one size. Slabs are kept for the next secret, never given back.
struct SizeClass {
  FreeSlot* free = nullptr;
  std::uint8_t* fresh = nullptr;  // the newest slab's part that was never in use
  std::size_t fresh_octets = 0;
};

class Pool {
 public:
  Pool() {
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
  }

  void* allocate(std::size_t octets) {
    const std::size_t slot = octets == 0 ? UNIT : (octets + UNIT - 1) / UNIT * UNIT;
    if (slot > MAX_SLOT) return whole_pages(slot);
    const std::lock_guard lock(mutex_);
    SizeClass& size_class = classes_[slot / UNIT - 1];
    if (FreeSlot* const reused = size_class.free) {
      size_class.free = reused->next;
      return reused;
    }
    if (size_class.fresh_octets < slot) {
      size_class.fresh = static_cast<std::uint8_t*>(whole_pages(SLAB_OCTETS));
      size_class.fresh_octets = SLAB_OCTETS;
    }
    std::uint8_t* const fresh = size_class.fresh;
    size_class.fresh += slot;
    size_class.fresh_octets -= slot;
    return fresh;
  }

  void free(void* memory, std::size_t octets) noexcept {
    const std::size_t slot = octets == 0 ? UNIT : (octets + UNIT - 1) / UNIT * UNIT;
    if (slot > MAX_SLOT) {
      sodium_free(memory);  // wipes
      return;
    }
    sodium_memzero(memory, slot);
    const std::lock_guard lock(mutex_);
    SizeClass& size_class = classes_[slot / UNIT - 1];
    size_class.free = new (memory) FreeSlot{size_class.free};
  }

 private:
  // A refused mlock() (RLIMIT_MEMLOCK) is no failure: libsodium goes on without the lock.
  static void* whole_pages(std::size_t octets) {
    void* const memory = sodium_malloc(octets);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }

  std::mutex mutex_;
  std::array<SizeClass, MAX_SLOT / UNIT> classes_{};
};

// Never destroyed: secrets with static lifetime may be freed after it.
Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

}  // namespace

void* protected_allocate(std::size_t octets) { return pool().allocate(octets); }

void protected_free(void* memory, std::size_t octets) noexcept {
  if (memory != nullptr) pool().free(memory, octets);
}

}  // namespace keys
