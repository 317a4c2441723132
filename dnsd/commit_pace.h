// When the next commit may begin. A commit costs a third of a millisecond of a processor, whether
// it holds one update or a hundred, and queries could have had that.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dnsd/update_writer.h"

namespace dnsd {

/// Many updates a second from ever new senders are hosts, each of which waits for one answer:
/// they share a commit, at the price of some milliseconds. Senders that come back at once with the
/// next update wait for each answer, and would be slowed down; they are served at once, and so is
/// everybody while updates are few. One thread.
class CommitPace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds GATHER{20};  // between the beginnings of two commits
  static constexpr std::size_t ENOUGH = 64;  // messages that wait; more make a commit no cheaper
  static constexpr std::chrono::milliseconds WINDOW{100};
  static constexpr std::size_t MANY = 20;     // messages in a window
  static constexpr std::size_t RECENT = 128;  // senders that are known again

  /// Of each batch, at its beginning.
  void begin(std::span<const UpdateJob> jobs, Time now);
  /// The earliest time for the next batch, unless ENOUGH wait.
  Time next() const { return gathers_ ? begun_ + GATHER : Time::min(); }

 private:
  struct Sender {
    std::uint64_t hash = 0;
    std::uint64_t message = 0;  // its last one's number
  };
  bool is_new(const UpdateJob& job);

  std::array<Sender, 1024> senders_{};  // by hash
  std::uint64_t messages_ = RECENT;
  Time begun_{};
  Time window_{};  // its beginning
  std::size_t in_window_ = 0;
  std::size_t new_in_window_ = 0;
  bool gathers_ = false;
};

}  // namespace dnsd
