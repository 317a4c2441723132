// Memory for secrets: locked where the system lets us, kept out of core dumps, between guard pages,
// wiped when freed. Slots share pages, so that a million secrets do not take four pages each.
#pragma once

#include <cstddef>

namespace keys {

/// Aligned to 16 octets; contents are undefined. Throws std::bad_alloc. Any thread.
void* protected_allocate(std::size_t octets);
/// Wipes and frees; `octets` as at the allocation. Any thread.
void protected_free(void* memory, std::size_t octets) noexcept;

}  // namespace keys
