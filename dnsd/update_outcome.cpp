#include "dnsd/update_outcome.h"

#include <algorithm>
#include <new>
#include <numeric>
#include <utility>

namespace dnsd {
namespace {

using zones::Rcode;

constexpr std::size_t MAX_REFUSED_NAMES = 16;

/// Marks all but the first of those that are one and the same message.
void mark_copies(std::span<const UpdateJob> jobs, std::span<Outcome> outcomes) {
  if (jobs.size() < 2) return;
  std::vector<std::size_t> by_digest(jobs.size());
  std::iota(by_digest.begin(), by_digest.end(), std::size_t{0});
  std::ranges::sort(by_digest, {}, [&](std::size_t index) {
    return std::pair<const ReplayWindow::Digest&, std::size_t>(jobs[index].digest, index);
  });
  for (std::size_t at = 1, first = 0; at < by_digest.size(); ++at) {
    const std::size_t index = by_digest[at];
    if (jobs[index].digest != jobs[by_digest[first]].digest) {
      first = at;
      continue;
    }
    outcomes[index].is_repeat = true;
    outcomes[index].copy_of = by_digest[first];
  }
}

}  // namespace

std::vector<Outcome> recognise(const ReplayWindow& window, std::span<const UpdateJob> jobs) {
  std::vector<Outcome> outcomes(jobs.size());
  mark_copies(jobs, outcomes);
  for (std::size_t index = 0; index < jobs.size(); ++index) {
    const UpdateJob& job = jobs[index];
    Outcome& outcome = outcomes[index];
    if (outcome.is_repeat) continue;
    if (const auto known = window.find(job.digest)) {
      outcome.is_repeat = true;
      outcome.reply = {.rcode = known->rcode, .granted = known->granted};
    } else if (job.signed_at < window.vouched_from()) {
      outcome.is_repeat = true;
      outcome.reply = {.rcode = Rcode::REFUSED};
      if (job.signed_by == zones::SignedBy::TSIG) {
        outcome.reply = {.rcode = Rcode::NOTAUTH, .bad_time = true};
      }
    }
  }
  return outcomes;
}

zones::JournalMessage journal_message(const UpdateJob& job, const Outcome& outcome) {
  zones::JournalMessage message{.key = job.key,
                                .signed_by = job.signed_by,
                                .digest = job.digest,
                                .source = job.source,
                                .source_port = job.source_port,
                                .signed_at = job.signed_at,
                                .rcode = outcome.reply.rcode,
                                .granted = outcome.reply.granted,
                                .zone = outcome.zone,
                                .touched = outcome.touched,
                                .leases = outcome.leases};
  if (message.rcode == Rcode::NOERROR || job.message.question.empty()) return message;
  message.zone = job.message.question.front().name;
  for (const zones::Record& record : job.message.authority) {
    if (message.touched.size() == MAX_REFUSED_NAMES) break;
    if (std::ranges::find(message.touched, record.owner) == message.touched.end()) {
      message.touched.push_back(record.owner);
    }
  }
  return message;
}

void settle(ReplayWindow& window, std::span<const UpdateJob> jobs,
            std::span<Outcome> outcomes) noexcept {
  for (std::size_t index = 0; index < jobs.size(); ++index) {
    Outcome& outcome = outcomes[index];
    if (outcome.copy_of) {
      outcome.reply = outcomes[*outcome.copy_of].reply;
    } else if (outcome.is_remembered()) {
      try {
        window.remember(jobs[index].digest, jobs[index].signed_at,
                        {.rcode = outcome.reply.rcode, .granted = outcome.reply.granted});
      } catch (const std::bad_alloc&) {  // then it must not come again at all
        window.vouch_only_from(jobs[index].signed_at + std::chrono::seconds(1));
      }
    }
  }
}

}  // namespace dnsd
