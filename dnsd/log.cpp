#include "dnsd/log.h"

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace dnsd {
namespace {

constexpr std::size_t MAX_WAITING_LINES = 8192;

std::shared_ptr<spdlog::sinks::sink> sink;
std::shared_ptr<spdlog::details::thread_pool> writer;

/// sd-daemon(3): "<6>" tells the journal a line's priority.
class PriorityFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string_view text = prefix(message.level);
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }

 private:
  static std::string_view prefix(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::critical:
        return "<2>";
      case spdlog::level::err:
        return "<3>";
      case spdlog::level::warn:
        return "<4>";
      case spdlog::level::info:
        return "<6>";
      default:
        return "<7>";
    }
  }
};

/// systemd.exec(5): $JOURNAL_STREAM names the device and inode of the journal's socket, and is
/// inherited by those whose stderr leads elsewhere.
bool stderr_is_the_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (!stream || fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::DEBUG:
      return spdlog::level::debug;
    case LogLevel::INFO:
      return spdlog::level::info;
    case LogLevel::WARNING:
      return spdlog::level::warn;
    case LogLevel::ERROR:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void start_log(LogLevel level) {
  sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  if (stderr_is_the_journal()) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<PriorityFlag>('*').set_pattern("%*%v");
    sink->set_formatter(std::move(formatter));
  } else {
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l: %v");
  }
  auto logger = std::make_shared<spdlog::logger>("dnsd", sink);
  logger->set_level(spdlog_level(level));
  spdlog::set_default_logger(std::move(logger));
}

void make_log_asynchronous() {
  writer = std::make_shared<spdlog::details::thread_pool>(MAX_WAITING_LINES, 1);
  auto logger = std::make_shared<spdlog::async_logger>(
      "dnsd", sink, writer, spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(spdlog::get_level());
  spdlog::set_default_logger(std::move(logger));
}

void set_log_level(LogLevel level) { spdlog::default_logger_raw()->set_level(spdlog_level(level)); }

bool stop_log(std::chrono::milliseconds patience) {
  if (!writer) return true;
  auto logger = std::make_shared<spdlog::logger>("dnsd", sink);
  logger->set_level(spdlog::get_level());
  spdlog::set_default_logger(std::move(logger));
  // Its destructor writes what waits, then joins; a pipe that nobody reads must not hold up the
  // end.
  std::promise<void> written;
  std::future<void> is_written = written.get_future();
  std::thread end([last = std::move(writer), done = std::move(written)]() mutable {
    last.reset();
    done.set_value();
  });
  if (is_written.wait_for(patience) == std::future_status::timeout) {
    end.detach();
    return false;
  }
  end.join();
  return true;
}

bool LogLimiter::allow(std::uint64_t& suppressed, Time now) {
  constexpr unsigned COUNT_BITS = 24;
  constexpr std::uint64_t COUNT_MASK = (std::uint64_t{1} << COUNT_BITS) - 1;
  const auto second = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  std::uint64_t window = window_.load(std::memory_order_relaxed);
  for (;;) {
    const bool same = window >> COUNT_BITS == second;
    const std::uint64_t lines = same ? window & COUNT_MASK : 0;
    if (lines >= limit_) {
      suppressed_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    if (window_.compare_exchange_weak(window, second << COUNT_BITS | (lines + 1),
                                      std::memory_order_relaxed)) {
      suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
      return true;
    }
  }
}

}  // namespace dnsd
