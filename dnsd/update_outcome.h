// Outcomes: what becomes of the messages of a batch, and which of them were here before.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "dnsd/replay_window.h"
#include "dnsd/update_writer.h"

namespace dnsd {

struct Outcome {
  UpdateReply reply{.rcode = zones::Rcode::SERVFAIL};
  bool changed = false;
  bool threw = false;
  bool above_rate = false;             // refused before it was judged
  zones::Name zone{};                  // of a message that changed something …
  std::vector<zones::Name> touched{};  // … and the names that it changed
  std::vector<zones::LeaseChange> leases{};
  /// It was here before, or may have been: not to be judged, nor to be journalled.
  bool is_repeat = false;
  std::optional<std::size_t> copy_of{};  // of the batch; `reply` is that one's in the end

  /// SERVFAIL is no answer that is remembered: the client is to try again.
  bool is_remembered() const { return !is_repeat && reply.rcode != zones::Rcode::SERVFAIL; }
};

/// Fresh outcomes for a batch, in which messages that were answered before have their first answer,
/// further copies of one in the batch are marked, and those that are too old for the window are
/// refused: with BADTIME (RFC 8945 §5.2.3), or REFUSED when signed with SIG(0).
std::vector<Outcome> recognise(const ReplayWindow& window, std::span<const UpdateJob> jobs);
/// What the journal keeps of a message. Of a refused one too: the zone, and the first of the names
/// that it wanted to change.
zones::JournalMessage journal_message(const UpdateJob& job, const Outcome& outcome);
/// Once a batch was decided: remembers its answers, and gives copies that of their original.
void settle(ReplayWindow& window, std::span<const UpdateJob> jobs,
            std::span<Outcome> outcomes) noexcept;

}  // namespace dnsd
