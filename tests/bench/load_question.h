// Questions about the hosts that make_zone made, and whether an answer is the right one; for UDP
// and TCP alike.
#pragma once

#include "load.h"

namespace load {

/// One question and what its answer must be like.
struct Question {
  Packet query;
  std::uint8_t want_rcode = 0;
};

class Questions {
 public:
  explicit Questions(const Options& options);

  /// A, TXT or SRV of a random host.
  void make(std::uint16_t id, Question& question);
  /// What is wrong with an answer that has the question's ID; null: nothing.
  const char* fault_of(std::span<const std::uint8_t> answer, const Question& question) const;

 private:
  const Options& options_;
  Packet zone_;
  Random random_;
};

}  // namespace load
