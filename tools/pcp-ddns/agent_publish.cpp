// What the agent has published, and what it writes down of it.
#include <algorithm>
#include <set>
#include <utility>

#include "tools/pcp-ddns/agent.h"
#include "tools/pcp-ddns/log.h"

namespace pcp_ddns {
namespace {

using boost::system::error_code;

constexpr std::chrono::milliseconds SETTLE_TIME{100};  // mostly, the answer is there by then
constexpr std::chrono::seconds SETTLE_AGAIN{30};       // after a failure

/// Whether there are records where none of ours were: one that is forgotten is taken for somebody
/// else's.
bool has_new_rrset(const std::vector<OwnRecord>& records, const std::vector<OwnRecord>& before) {
  std::set<std::pair<zones::Name, zones::Type>> known;
  for (const OwnRecord& one : before) known.emplace(one.record.owner, one.record.type);
  return std::ranges::any_of(records, [&](const OwnRecord& one) {
    return !known.contains({one.record.owner, one.record.type});
  });
}

}  // namespace

bool Agent::may_be_published(const Address& address) const {
  if (keys::is_global(address)) return true;
  return std::ranges::any_of(config_.pcp.accept_external,
                             [&](const keys::AddressRule& rule) { return rule.contains(address); });
}

void Agent::publish(Time time) {
  for (std::size_t index = 0; index < providers_.size(); ++index) {
    std::vector<ServiceEndpoint> endpoints;
    std::vector<const ServiceConfig*> undecided;
    for (std::size_t i = 0; i < config_.services.size(); ++i) {
      const ServiceConfig& service = config_.services[i];
      if (std::ranges::find(service.providers, index) == service.providers.end()) continue;
      const std::size_t at = service_mapping_[i];
      const Mapping& mapping = client_->mappings()[at];
      const bool settled = port_rules_.is_settled(*client_, at);
      if (settled && mapping.external() && may_be_published(mapping.external()->address)) {
        endpoints.push_back({&service, *mapping.external(), mapping.expires(), mapping.lifetime(),
                             std::min(mapping.port_count(), service.port_count)});
      } else if ((!settled && mapping.external()) || (!mapped_[at].decided && time < decide_by_)) {
        undecided.push_back(&service);
      }
    }
    Provider& provider = *providers_[index];
    std::set<RRsetKey> kept;
    for (const RRsetKey& key : provider.known()) {
      const auto owns = [&](const ServiceConfig* service) {
        return may_belong_to(key, *service, provider.config().zone);
      };
      if (std::ranges::any_of(undecided, owns)) kept.insert(key);
    }
    provider.want(wanted_records(endpoints, provider.config()), kept);
  }
}

void Agent::save() {
  state_changed_ = false;
  std::vector<SavedMapping> mappings;
  for (std::size_t i = 0; i < mapped_.size(); ++i) {
    const Mapped& mapped = mapped_[i];
    const SavedMapping* before = saved(mapped);
    if (client_ && client_->mappings()[i].external()) {
      mappings.push_back(
          {mapped.protocol, mapped.port, *client_->mappings()[i].external(), mapped.internal});
    } else if (before != nullptr) {
      mappings.push_back(*before);
    }
  }
  state_.mappings = std::move(mappings);
  const auto before = std::exchange(state_.published, {});
  // What changes only, and ends by itself, is on its way before a disk that may take seconds: after
  // a power cut in between, the same mapping, or the lease's end, puts right what is there.
  bool waits = once_ || stop_by_;
  for (const auto& provider : providers_) {
    const std::string& name = provider->config().name;
    auto ours = provider->ours();
    const auto at = before.find(name);
    const std::vector<OwnRecord> none;
    const std::vector<OwnRecord>& known = at == before.end() ? none : at->second;
    waits = waits || (ours != known && !provider->grants_leases()) || has_new_rrset(ours, known);
    if (!ours.empty()) state_.published[name] = std::move(ours);
  }
  std::string failure = waits ? file_.save(state_) : file_.stage(state_);
  if (file_.is_staged() && !waits) settle_later();
  note_saved(std::move(failure));
  if (stop_by_) schedule_work();
}

/// A failure is told once.
void Agent::note_saved(std::string failure) {
  if (failure != save_failure_ && !failure.empty()) {
    spdlog::error("{} cannot be written: {}", file_.path().string(), failure);
  }
  save_failure_ = std::move(failure);
}

void Agent::settle_later() {
  if (std::exchange(settles_, true)) return;
  settle_timer_.expires_after(save_failure_.empty() ? SETTLE_TIME : SETTLE_AGAIN);
  settle_timer_.async_wait([this](const error_code& error) {
    settles_ = false;
    if (error) return;
    note_saved(file_.settle());
    if (file_.is_staged()) settle_later();
  });
}

}  // namespace pcp_ddns
