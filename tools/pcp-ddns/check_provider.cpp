#include "tools/pcp-ddns/check_provider.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <map>
#include <optional>
#include <ostream>

#include "tools/pcp-ddns/check_finding.h"
#include "tools/pcp-ddns/dns_exchange.h"
#include "tools/pcp-ddns/https_exchange.h"
#include "tools/pcp-ddns/primary.h"
#include "tools/pcp-ddns/reachability.h"
#include "tools/pcp-ddns/records.h"
#include "zones/text.h"

namespace pcp_ddns {
namespace {

using boost::asio::ip::udp;

constexpr std::chrono::seconds PROVIDER_TIME{30};
constexpr std::size_t MAX_QUESTIONS = 64;
constexpr keys::ExchangeOptions EXCHANGE{.try_timeout = std::chrono::milliseconds(1500),
                                         .udp_tries = 3,
                                         .total_timeout = std::chrono::milliseconds(10'000)};

zones::Message empty_update(const zones::Name& zone) {
  zones::Message message;
  message.header.opcode = zones::Opcode::UPDATE;
  message.question.push_back({zone, zones::Type::SOA, zones::Class::IN});
  return message;
}

std::string name_of(const udp::endpoint& server) {
  return server.address().to_string() + "#" + std::to_string(server.port());
}

Finding judge(const DnsOutcome& outcome, const std::string& name, const std::string& zone) {
  if (outcome.exchange == nullptr) return {Verdict::FAILED, name + ": " + outcome.failure};
  const zones::Message& response = outcome.exchange->response();
  const unsigned upper = response.edns ? response.edns->extended_rcode : 0;
  const auto rcode = static_cast<zones::Rcode>(upper << 4 | response.header.rcode);
  if (rcode == zones::Rcode::NOERROR && outcome.exchange->tsig_error() == 0) {
    return {Verdict::OK, name + " knows the key, and takes updates of " + zone};
  }
  std::string text = name + " answers " + zones::to_text(rcode);
  // Of those that are signed (RFC 8945 §5.4); others end the exchange with a sentence.
  if (outcome.exchange->tsig_error() == static_cast<std::uint16_t>(keys::TsigError::BADTIME)) {
    text += ": BADTIME, this clock and the server's differ";
  }
  if (rcode == zones::Rcode::NOTAUTH && outcome.exchange->tsig_error() == 0) {
    text += ": it is no primary of " + zone;
  }
  if (rcode == zones::Rcode::REFUSED) text += ": it takes no updates of " + zone + " from this key";
  return {Verdict::FAILED, text};
}

/// A login without a name: nothing is changed by it.
Finding check_dyndns(const ProviderConfig& config) {
  boost::asio::io_context context;
  const std::string name = "provider " + config.name + " at " + config.server;
  Finding finding{Verdict::FAILED,
                  name + ": no answer within " + std::to_string(PROVIDER_TIME.count()) + " s"};
  run_https_exchange(context, {config.server, config.port, config.dyndns->ca_file},
                     {config.dyndns->path, config.dyndns->login, config.dyndns->password},
                     [&](const HttpsOutcome& outcome) {
                       if (!outcome.failure.empty()) {
                         finding.text = name + ": " + outcome.failure;
                       } else if (outcome.status == 401 || outcome.body.starts_with("badauth")) {
                         finding.text = name + " does not know this login and password";
                       } else if (outcome.status != 200) {
                         finding.text =
                             name + " answers HTTP status " + std::to_string(outcome.status);
                       } else {
                         finding = {Verdict::OK, name + " takes the login"};
                       }
                     });
  context.run_for(PROVIDER_TIME);
  return finding;
}

/// @param server  that the update was taken by
Finding check_key(const ProviderConfig& config, std::optional<udp::endpoint>& server_found) {
  boost::asio::io_context context;
  PrimaryFinder finder(context, config);
  const std::string name = "provider " + config.name;
  Finding finding{Verdict::FAILED,
                  name + ": no answer within " + std::to_string(PROVIDER_TIME.count()) + " s"};
  PrimaryFinder::Servers servers;
  finder.find([&](PrimaryFinder::Servers found, const std::string& failure) {
    servers = std::move(found);
    if (servers.empty()) finding.text = name + ": " + failure;
  });
  context.run_for(PROVIDER_TIME);
  for (const udp::endpoint& server : servers) {
    context.restart();
    keys::Exchange exchange([&] { return empty_update(config.zone); }, config.signer, EXCHANGE);
    const auto cancel =
        run_dns_exchange(context, std::move(exchange), server, [&](const DnsOutcome& outcome) {
          finding = judge(outcome, name + " at " + name_of(server), config.zone.to_text());
        });
    context.run_for(PROVIDER_TIME);
    cancel();
    if (finding.verdict != Verdict::OK) continue;
    server_found = server;
    break;
  }
  return finding;
}

/// Empty: no answer.
std::optional<zones::Message> ask(const udp::endpoint& server, const zones::Message& question) {
  boost::asio::io_context context;
  std::optional<zones::Message> response;
  const auto cancel =
      run_dns_exchange(context, keys::Exchange([&] { return question; }, {}, EXCHANGE), server,
                       [&](const DnsOutcome& outcome) {
                         if (outcome.exchange != nullptr) response = outcome.exchange->response();
                       });
  context.run_for(PROVIDER_TIME);
  cancel();
  return response;
}

Finding judge(const zones::ReachabilityAnswer& answer, const zones::Name& owner,
              const External& endpoint) {
  const std::string age = ", " + std::to_string(answer.age_seconds) + " s ago";
  switch (answer.state) {
    case zones::Reachability::ANSWERED:
      return {Verdict::OK, owner.to_text() + ": " + describe(answer.state, endpoint) + age};
    case zones::Reachability::REFUSED:
    case zones::Reachability::SILENT:
      return {Verdict::FAILED, owner.to_text() + ": " + describe(answer.state, endpoint) + age};
    case zones::Reachability::UNKNOWN:
      return {Verdict::NO,
              owner.to_text() + ": the server has not tried " + to_text(endpoint) + " lately"};
    case zones::Reachability::TRYING:
      break;
  }
  return {Verdict::NO, owner.to_text() + ": the server is trying " + to_text(endpoint)};
}

/// The names and endpoints of the services that are published now.
struct Published {
  const ServiceConfig* service = nullptr;
  External endpoint;
};
std::vector<Published> find_published(const Config& config, std::size_t index,
                                      const udp::endpoint& server) {
  std::map<zones::Name, const ServiceConfig*> owners;
  for (const ServiceConfig& service : config.services) {
    if (std::ranges::find(service.providers, index) != service.providers.end() &&
        owners.size() < MAX_QUESTIONS) {
      owners.emplace(service.owner, &service);
    }
  }
  std::vector<Published> all;
  for (const auto& [owner, service] : owners) {
    zones::Message question;
    question.question.push_back({owner, zones::Type::TXT, zones::Class::IN});
    const auto response = ask(server, question);
    if (!response) break;
    for (const External& endpoint : endpoints_of(response->answer, owner)) {
      all.push_back({service, endpoint});
    }
  }
  return all;
}

/// A server that tries nothing is not spoken of.
bool check_reachability(const std::vector<Published>& published, const udp::endpoint& server,
                        std::ostream& out) {
  bool well = true;
  for (const auto& [service, endpoint] : published) {
    if (service->protocol != zones::ip_protocol::TCP) continue;
    const zones::Name& owner = service->owner;
    const auto response = ask(server, reachability_question(owner, endpoint));
    const auto answer = response ? read_reachability(*response, endpoint) : std::nullopt;
    if (!answer) break;
    const Finding finding = judge(*answer, owner, endpoint);
    out << finding;
    well = well && finding.verdict != Verdict::FAILED;
  }
  return well;
}

}  // namespace

ProviderFinding check_provider(const Config& config, std::size_t index, std::ostream& out) {
  const ProviderConfig& provider = config.providers[index];
  ProviderFinding found;
  if (provider.dyndns) {
    const Finding finding = check_dyndns(provider);
    out << finding;
    found.well = finding.verdict == Verdict::OK;
    return found;
  }
  out << check_key(provider, found.server);
  if (!found.server) return found;
  const std::vector<Published> published = find_published(config, index, *found.server);
  for (const Published& one : published) {
    // Other hosts' mappings may well be at another address.
    if (one.service->internal == Address{}) found.published.push_back(one.endpoint);
  }
  found.well = check_reachability(published, *found.server, out);
  return found;
}

}  // namespace pcp_ddns
