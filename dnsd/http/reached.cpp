#include "dnsd/http/reached.h"

#include "dnsd/http/time_text.h"
#include "dnsd/published_endpoints.h"

namespace dnsd::http {
namespace {

using zones::Reachability;

std::optional<Reached> best_of(const zones::Catalogue& catalogue, const ReachabilityTable& table,
                               const Service& service) {
  const auto now = std::chrono::steady_clock::now();
  const auto today = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  std::optional<Reached> best;
  for (const auto& address : zone_addresses(catalogue, service.target)) {
    const auto [state, age] = table.find(
        {.protocol = zones::ip_protocol::TCP, .port = service.port, .address = address}, now);
    if (state < Reachability::ANSWERED || (best && best->state <= state)) continue;
    best = Reached{state, today - age};
  }
  return best;
}

}  // namespace

void tell_reached(const zones::Catalogue& catalogue, const ReachabilityTable& table,
                  NameServices& services) {
  for (Service& service : services.services) {
    const bool is_srv = service.source == Service::Source::SRV && service.protocol == "tcp";
    if (!is_srv && service.source != Service::Source::HTTPS) continue;
    service.reached = best_of(catalogue, table, service);
  }
}

std::string_view how(const Reached& reached) {
  switch (reached.state) {
    case Reachability::ANSWERED:
      return "connected";
    case Reachability::REFUSED:
      return "refused";
    default:
      return "silent";
  }
}

std::string to_sentence(const Reached& reached) {
  const char* const what = reached.state == Reachability::ANSWERED  ? "Answered the server"
                           : reached.state == Reachability::REFUSED ? "Refused the server"
                                                                    : "Did not answer the server";
  return std::string(what) + " at " + time_text(reached.at);
}

}  // namespace dnsd::http
