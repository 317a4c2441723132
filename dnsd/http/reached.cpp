#include "dnsd/http/reached.h"

#include <spdlog/fmt/chrono.h>

#include "dnsd/published_endpoints.h"

namespace dnsd::http {
namespace {

using zones::Reachability;

std::tm utc(std::chrono::sys_seconds time) {
  return fmt::gmtime(std::chrono::system_clock::to_time_t(time));
}

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
  return fmt::format("{} at {:%Y-%m-%d %H:%M:%S} UTC", what, utc(reached.at));
}

std::string time_text(const Reached& reached) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc(reached.at));
}

}  // namespace dnsd::http
