// A thread for questions to the store that pages ask: few may wait, and DNS comes first.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace dnsd {

class ReadingThread {
 public:
  /// Called once, by the thread. False: answer with nothing, for it has waited too long, or the
  /// thread stops.
  using Task = std::function<void(bool may_read)>;

  /// @param queue  tasks that wait
  /// @param patience  how long one may wait
  explicit ReadingThread(std::size_t queue,
                         std::chrono::milliseconds patience = std::chrono::minutes(1));
  /// Stops as stop() does.
  ~ReadingThread();

  /// Any thread. False when too many wait, or it stops; `task` is then not called.
  bool push(Task task);
  /// For a task that takes long.
  bool is_stopping() const;
  /// Lets what waits answer with nothing, ends the thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
