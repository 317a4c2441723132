// Counts allocations of the calling thread, so that a test can prove that there are none.
#pragma once

#include <cstddef>

namespace dnsd::test {

/// Calls of operator new by this thread so far.
std::size_t allocations();

}  // namespace dnsd::test
