#include "dnsd/upstream_failure.h"

#include <algorithm>

namespace dnsd {
namespace {

// Where trying often would only fill the other side's log.
constexpr std::chrono::milliseconds FIRST_SLOW_WAIT{30'000};

std::string update_advice(zones::Rcode rcode, const std::string& zone, const std::string& key) {
  using zones::Rcode;
  switch (rcode) {
    case Rcode::REFUSED:
      return "let key " + key + " update zone " + zone +
             " there (BIND: allow-update or update-policy; Knot: an acl with action update; "
             "PowerDNS: TSIG-ALLOW-DNSUPDATE), or leave out types that it does not take "
             "(exclude-types)";
    case Rcode::NOTAUTH:
      return "it is no primary of zone " + zone + ", or does not accept key " + key;
    case Rcode::NOTIMP:
      return "it takes no UPDATE at all (PowerDNS: dnsupdate=yes)";
    case Rcode::SERVFAIL:
      return "its log says why";
    default:
      return "its log may say which record it does not like; exclude-types leaves types out";
  }
}

std::string transfer_advice(const std::string& zone, const std::string& key) {
  return "let key " + key + " transfer zone " + zone +
         " there (BIND: allow-transfer; Knot: an acl with action transfer; PowerDNS: "
         "TSIG-ALLOW-AXFR), or set full-sync = \"replace\"";
}

}  // namespace

UpstreamFailure failure_of(zones::Rcode rcode, UpstreamRequest request, const zones::Name& zone,
                           const zones::Name& key) {
  std::string what;
  std::string advice;
  switch (request) {
    case UpstreamRequest::UPDATE:
      what = "the update";
      advice = update_advice(rcode, zone.to_text(), key.to_text());
      break;
    case UpstreamRequest::TRANSFER:
      what = "the transfer";
      advice = transfer_advice(zone.to_text(), key.to_text());
      break;
    case UpstreamRequest::SERVERS:
      what = "the query for its name servers";
      advice = "addresses of those in the zone cannot be left alone";
      break;
  }
  return {zones::to_text(rcode), what + " is answered " + zones::to_text(rcode) + ": " + advice,
          rcode != zones::Rcode::SERVFAIL, rcode};
}

std::chrono::milliseconds longest_wait(const UpstreamConfig& config, std::size_t failures,
                                       bool slow) {
  constexpr std::size_t MAX_DOUBLINGS = 20;
  std::chrono::milliseconds wait =
      slow ? std::max(config.retry_min, FIRST_SLOW_WAIT) : config.retry_min;
  for (std::size_t i = 1; i < std::min(failures, MAX_DOUBLINGS) && wait < config.retry_max; ++i) {
    wait *= 2;
  }
  return std::min(wait, config.retry_max);
}

}  // namespace dnsd
