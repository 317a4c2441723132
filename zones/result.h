// Result<T, E>: the one way to return a failure that a client, a peer or a file can cause.
#pragma once

#include <tl/expected.hpp>

namespace zones {

/// tl::expected that the compiler does not let a caller drop.
template <class T, class E>
struct [[nodiscard]] Result : tl::expected<T, E> {
  using tl::expected<T, E>::expected;
};

}  // namespace zones
