// The log never holds up those who write to it.
#include "dnsd/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace dnsd {
namespace {

using namespace std::chrono_literals;

/// Logs more than is kept into a pipe that nobody reads; then ends as dnsd does.
[[maybe_unused]] void log_into_a_full_pipe() {
  int ends[2];
  if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0) _exit(1);
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  const std::string block(4096, 'x');
  while (write(ends[1], block.data(), block.size()) > 0) {
  }
  fcntl(ends[1], F_SETFL, 0);
  start_log(LogLevel::INFO);
  make_log_asynchronous();
  for (int i = 0; i < 50'000; ++i) spdlog::info("line {}", i);
  _exit(stop_log(10ms) ? 2 : 0);
}

// ThreadSanitizer's _exit() flushes stderr first, and would wait itself.
#if !defined(__SANITIZE_THREAD__)
TEST(LogDeathTest, APipeThatNobodyReadsHoldsUpNobody) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(log_into_a_full_pipe(), testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace dnsd
