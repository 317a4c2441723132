#include "dnsd/update_log.h"

#include "dnsd/dispatch_log.h"

namespace dnsd {

void UpdateLog::answered(const UpdateJob& job, const UpdateReply& reply) {
  if (reply.rcode != zones::Rcode::REFUSED || !reply.reason) return;
  warn(limiter_, [&] {
    const Peer peer{.address = job.source, .port = job.source_port, .transport = Transport::UDP};
    std::string line = "update";
    if (!job.message.question.empty()) line += " of " + job.message.question.front().name.to_text();
    return line + " from " + to_text(peer) + " by key " + job.key.to_text() +
           " refused: " + reply.reason->text;
  });
}

}  // namespace dnsd
