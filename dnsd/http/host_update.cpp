#include "dnsd/http/host_update.h"

#include <sodium.h>

#include <memory>
#include <utility>

#include "dnsd/http/login.h"
#include "dnsd/update_grants.h"

namespace dnsd::http {
namespace {

class HostResponder : public dnsd::Responder {
 public:
  HostResponder(std::function<void(DynDnsWord)> decided, bool may_change_host)
      : decided_(std::move(decided)), may_change_host_(may_change_host) {}
  ~HostResponder() override {
    if (decided_) decided_(DynDnsWord::E911);  // the server stops
  }
  void reply(const UpdateReply& reply) override {
    std::exchange(decided_, nullptr)(to_word(reply, may_change_host_));
  }

 private:
  std::function<void(DynDnsWord)> decided_;
  const bool may_change_host_;
};

}  // namespace

void submit_host_update(UpdateWriter& writer, const HostUpdate& update, LogLimiter& log_limiter,
                        std::function<void(DynDnsWord)> decided) {
  const State& state = update.state;
  const zones::Name& host = update.host;
  const keys::Requester requester{update.key.view(), source_of(update.request), true};
  const auto zone = state.catalogue.enclosing(host.view());
  const keys::ZoneGrants* const grants = zone ? state.policy->grants_of(zone->apex()) : nullptr;
  // The writer judges each record; a key without any grant does not come that far.
  if (!grants || !grants->may_update(update.key)) {
    warn(log_limiter, [&] {
      return "update over HTTP of " + host.to_text() + " from " + peer_of(update.request) +
             " by key " + update.key.to_text() + " refused: no grant lets it";
    });
    return decided(DynDnsWord::NOHOST);
  }
  UpdateJob job;
  job.message = dyndns_update(zone->apex(), host, update.asked, update.addresses);
  if (job.message.question.empty()) return decided(DynDnsWord::NOTFQDN);
  const bool may_change_host = may_change(*state.policy, zone->apex(), requester, host.view());
  job.key = update.key;
  job.source_proven = true;
  // Nothing is signed, so no two requests are the same message.
  randombytes_buf(job.digest.data(), job.digest.size());
  job.source = requester.source;
  job.source_port = update.request.peer.port();
  job.signed_at = update.now;
  job.responder = std::make_unique<HostResponder>(std::move(decided), may_change_host);
  if (!writer.submit(job)) {
    job.responder->reply({.rcode = zones::Rcode::SERVFAIL, .granted = {}, .reason = {}});
  }
}

}  // namespace dnsd::http
