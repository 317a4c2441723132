#include "zones/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace zones {
namespace {

constexpr std::size_t HUGE_PAGE_OCTETS = std::size_t{2} << 20;
constexpr std::size_t COMMIT_STEP_OCTETS = std::size_t{16} << 20;
constexpr std::size_t MIN_RESERVATION_OCTETS = std::size_t{1} << 20;

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

// Free units are poisoned, so that AddressSanitizer finds a reader of memory that was reclaimed.
void poison([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t octets) {
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(at, octets);
#endif
}

void unpoison([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t octets) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(at, octets);
#endif
}

}  // namespace

Arena::Arena(std::size_t unit_octets, std::size_t max_octets) : unit_octets_(unit_octets) {
  constexpr std::uint64_t MAX_UNITS = std::uint64_t{1} << 32;
  max_octets = std::min<std::size_t>(max_octets, MAX_UNITS * unit_octets);
  // PROT_NONE costs address space only, under any overcommit policy; a limit on that (RLIMIT_AS)
  // means a smaller arena.
  for (std::size_t octets = max_octets;; octets /= 2) {
    mapping_octets_ = round_up(octets, HUGE_PAGE_OCTETS) + HUGE_PAGE_OCTETS;
    mapping_ = ::mmap(nullptr, mapping_octets_, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping_ != MAP_FAILED) {
      capacity_octets_ = octets;
      break;
    }
    if (octets < MIN_RESERVATION_OCTETS) throw std::bad_alloc();
  }
  const auto address = reinterpret_cast<std::uintptr_t>(mapping_);
  base_ = static_cast<std::uint8_t*>(mapping_) + (round_up(address, HUGE_PAGE_OCTETS) - address);
}

Arena::~Arena() {
  unpoison(base_, committed_octets_);
  ::munmap(mapping_, mapping_octets_);
}

Arena::SizeClass Arena::size_class(std::size_t units) {
  if (units <= 32) {
    return {static_cast<std::uint8_t>(units), static_cast<std::uint32_t>(units)};
  }
  const std::size_t width = static_cast<std::size_t>(std::bit_width(units - 1));  // at least 6
  const std::size_t eighths = (units - 1) >> (width - 4);                         // 8 to 15
  return {static_cast<std::uint8_t>(33 + (width - 6) * 8 + (eighths - 8)),
          static_cast<std::uint32_t>((eighths + 1) << (width - 4))};
}

std::uint32_t Arena::class_units(std::uint8_t number) {
  if (number <= 32) return number;
  const unsigned step = number - 33U;
  return (step % 8 + 9) << (step / 8 + 2);
}

void Arena::commit(std::size_t end_octets) {
  if (end_octets > capacity_octets_) throw std::bad_alloc();
  if (end_octets <= committed_octets_) return;
  // A small server stays small: huge pages begin where the first one would end.
  const std::size_t wanted =
      end_octets <= HUGE_PAGE_OCTETS ? HUGE_PAGE_OCTETS : round_up(end_octets, COMMIT_STEP_OCTETS);
  const std::size_t reserved =
      mapping_octets_ - static_cast<std::size_t>(base_ - static_cast<std::uint8_t*>(mapping_));
  const std::size_t end = std::min(wanted, reserved / HUGE_PAGE_OCTETS * HUGE_PAGE_OCTETS);
  std::uint8_t* from = base_ + committed_octets_;
  if (::mprotect(from, end - committed_octets_, PROT_READ | PROT_WRITE) != 0) {
    throw std::bad_alloc();
  }
  if (end > HUGE_PAGE_OCTETS) {
    // Advice: where there are no huge pages, small ones do.
    ::madvise(std::max(from, base_ + HUGE_PAGE_OCTETS),
              end - std::max(committed_octets_, HUGE_PAGE_OCTETS), MADV_HUGEPAGE);
  }
  committed_octets_ = end;
}

void Arena::push(FreeList& list, Chunk chunk) {
  std::uint8_t* memory = at(chunk.index);
  std::memcpy(memory, &list.head, sizeof list.head);
  poison(memory, std::size_t{class_units(chunk.size_class)} * unit_octets_);
  if (list.head == 0) list.tail = chunk.index;
  list.head = chunk.index;
}

std::uint32_t Arena::pop(FreeList& list, std::uint8_t size_class) {
  const std::uint32_t index = list.head;
  const std::uint8_t* memory = at(index);
  unpoison(memory, std::size_t{class_units(size_class)} * unit_octets_);
  std::memcpy(&list.head, memory, sizeof list.head);
  return index;
}

std::uint32_t Arena::allocate(std::size_t units) {
  const SizeClass size = size_class(units);
  std::uint32_t index = 0;
  if (FreeList& list = fresh_free_[size.number]; list.head != 0) {
    index = pop(list, size.number);
  } else if (FreeList& old = free_[size.number]; old.head != 0) {
    const std::size_t word = old.head / 64;
    if (word >= reused_bits_.size()) reused_bits_.resize(frozen_end_ / 64 + 1);
    reused_.push_back({old.head, size.number});
    index = pop(old, size.number);
    reused_bits_[word] |= std::uint64_t{1} << (index % 64);
  } else {
    commit((end_ + size.units) * unit_octets_);
    index = static_cast<std::uint32_t>(end_);
    end_ += size.units;
    unpoison(at(index), std::size_t{size.units} * unit_octets_);
  }
  units_in_use_ += size.units;
  return index;
}

void Arena::release(std::uint32_t index, std::size_t units) {
  const SizeClass size = size_class(units);
  if (!fresh(index)) {
    retired_now_.push_back({index, size.number});
    return;
  }
  push(fresh_free_[size.number], {index, size.number});
  units_in_use_ -= size.units;
}

void Arena::clear_reused_bits() {
  for (const Chunk& chunk : reused_) {
    reused_bits_[chunk.index / 64] &= ~(std::uint64_t{1} << (chunk.index % 64));
  }
}

void Arena::freeze(std::uint64_t version) {
  if (!retired_now_.empty()) {
    retired_.push_back({version, std::move(retired_now_)});
    retired_now_.clear();
  }
  clear_reused_bits();
  reused_.clear();
  for (std::size_t number = 0; number < CLASSES; ++number) {
    FreeList& fresh = fresh_free_[number];
    if (fresh.head == 0) continue;
    FreeList& old = free_[number];
    std::uint8_t* tail = at(fresh.tail);
    unpoison(tail, sizeof old.head);
    std::memcpy(tail, &old.head, sizeof old.head);
    poison(tail, unit_octets_);
    if (old.head == 0) old.tail = fresh.tail;
    old.head = fresh.head;
    fresh = {};
  }
  frozen_end_ = end_;
  frozen_units_in_use_ = units_in_use_;
}

void Arena::rollback() {
  clear_reused_bits();
  fresh_free_ = {};  // whatever they hold is in reused_ or above frozen_end_
  for (const Chunk& chunk : reused_) {
    unpoison(at(chunk.index), unit_octets_);
    push(free_[chunk.size_class], chunk);
  }
  reused_.clear();
  retired_now_.clear();
  // A failed load of a big zone must not keep its memory.
  const std::size_t from = round_up(frozen_end_ * unit_octets_, HUGE_PAGE_OCTETS);
  const std::size_t to =
      std::min(round_up(end_ * unit_octets_, HUGE_PAGE_OCTETS), committed_octets_);
  if (to > from) ::madvise(base_ + from, to - from, MADV_DONTNEED);
  end_ = frozen_end_;
  units_in_use_ = frozen_units_in_use_;
}

void Arena::reclaim(std::uint64_t oldest_in_use) {
  while (!retired_.empty() && retired_.front().version <= oldest_in_use) {
    for (const Chunk& chunk : retired_.front().chunks) {
      push(free_[chunk.size_class], chunk);
      const std::uint32_t units = class_units(chunk.size_class);
      units_in_use_ -= units;
      frozen_units_in_use_ -= units;
    }
    retired_.pop_front();
  }
}

}  // namespace zones
