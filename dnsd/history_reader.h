// Reads what became of names lately, for pages: from the store, on a thread of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dnsd/published_times.h"
#include "zones/history.h"
#include "zones/name.h"

namespace dnsd {

class HistoryReader {
 public:
  static constexpr std::size_t QUEUE = 16;               // questions that wait
  static constexpr std::size_t ENTRIES = 20;             // of an answer
  static constexpr zones::Lsn BATCHES = 20'000;          // of the journal that are looked at …
  static constexpr std::chrono::milliseconds TIME{500};  // … and for no longer than about this

  /// Entries, the newest first; empty when the store could not be read or the reader stops.
  using Entries = std::optional<std::vector<zones::HistoryEntry>>;
  struct Answer {
    Entries entries;
    std::vector<PublishedTime> times{};  // of the records; none when they could not be told
  };

  /// @param store  of this process; it is opened for reading at each question
  explicit HistoryReader(std::filesystem::path store);
  /// Stops as stop() does.
  ~HistoryReader();

  /// What became of the name and those below it, whoever may know: the caller judges that; and
  /// since and until when these records of the zone `apex` are there. `done` is called once, by the
  /// reader's thread. Any thread. False when too many wait; `done` is then not called.
  bool ask(const zones::Name& name, const zones::Name& apex, std::vector<PublishedRecord> records,
           std::function<void(Answer)> done);
  /// Answers what waits with nothing, ends the thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
