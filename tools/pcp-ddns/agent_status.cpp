// What the agent tells of itself, and when a single run is over.
#include <algorithm>
#include <cstdlib>

#include "tools/pcp-ddns/agent.h"
#include "tools/pcp-ddns/log.h"

namespace pcp_ddns {
namespace {

constexpr std::chrono::seconds ONCE_TIME{30};

std::chrono::seconds from_now(Time time) {
  return std::chrono::ceil<std::chrono::seconds>(time - std::chrono::steady_clock::now());
}

ProviderStatus provider_status(const Provider& provider, const ServiceConfig& service,
                               const std::optional<External>& endpoint) {
  ProviderStatus status;
  status.name = provider.config().name;
  if (!endpoint) return status;
  status.state = ProviderStatus::State::PUBLISHED;
  for (const RRsetKey& key :
       {RRsetKey{service.owner, zones::Type::SRV}, RRsetKey{service.owner, zones::Type::TXT}}) {
    const Progress progress = provider.progress(key);
    if (progress.published) continue;
    status.state =
        progress.error.empty() ? ProviderStatus::State::WAITING : ProviderStatus::State::FAILED;
    status.error = progress.error;
  }
  status.reached = provider.reached(service.owner, *endpoint);
  return status;
}

}  // namespace

Status Agent::status() const {
  Status status;
  if (client_) {
    status.gateway = to_text(ways_.current()) + ", asked from " + keys::to_text(gateway_->local());
  } else {
    status.error = connect_failure_;
  }
  for (std::size_t i = 0; i < config_.services.size(); ++i) {
    const ServiceConfig& config = config_.services[i];
    ServiceStatus service;
    service.name = config.owner.to_text();
    service.internal =
        config.type.substr(config.type.find('.') + 2) + " " + std::to_string(config.port);
    std::optional<External> endpoint;  // that is published, or will be
    if (client_) {
      const Mapping& mapping = client_->mappings()[service_mapping_[i]];
      service.error = mapping.error();
      service.renewal = from_now(mapping.next());
      if (mapping.state() == Mapping::State::REFUSED) service.state = ServiceStatus::State::REFUSED;
      if (mapping.external()) {
        service.external =
            to_text(*mapping.external(), std::min(mapping.port_count(), config.port_count));
        service.end = from_now(mapping.expires());
        if (may_be_published(mapping.external()->address)) endpoint = mapping.external();
        service.state = endpoint ? ServiceStatus::State::MAPPED : ServiceStatus::State::NOT_GLOBAL;
      }
    }
    for (const std::size_t index : config.providers) {
      service.providers.push_back(provider_status(*providers_[index], config, endpoint));
    }
    status.services.push_back(std::move(service));
  }
  return status;
}

int Agent::run_once() {
  once_ = true;
  begin();
  context_.run_for(ONCE_TIME);
  save();
  return status().is_well() ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool Agent::is_settled() const {
  const Status now = status();
  return std::ranges::none_of(now.services, [](const ServiceStatus& service) {
    return service.state == ServiceStatus::State::ASKING ||
           std::ranges::any_of(service.providers, [](const ProviderStatus& provider) {
             return provider.state == ProviderStatus::State::WAITING;
           });
  });
}

}  // namespace pcp_ddns
