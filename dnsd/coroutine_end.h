// What happens when a coroutine ends: nothing, unless it ended by an exception.
#pragma once

#include <spdlog/spdlog.h>

#include <exception>

namespace dnsd {

/// The one completion handler of co_spawn(): `detached` would swallow exceptions.
struct CoroutineEnd {
  const char* name;

  void operator()(const std::exception_ptr& failure) const {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& exception) {
      spdlog::error("{} ended: {}", name, exception.what());
    }
  }
};

}  // namespace dnsd
