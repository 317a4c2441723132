#include "tools/pcp-ddns/primary.h"

#include <cstring>
#include <utility>

#include "tools/common/endpoint.h"
#include "tools/pcp-ddns/dns_exchange.h"
#include "tools/pcp-ddns/pcp_socket.h"

namespace pcp_ddns {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

constexpr std::uint16_t DNS_PORT = 53;
constexpr keys::ExchangeOptions QUERY{.try_timeout = std::chrono::milliseconds(1500),
                                      .udp_tries = 2,
                                      .total_timeout = std::chrono::milliseconds(5'000)};

udp::endpoint to_asio_endpoint(const tools::Endpoint& endpoint) {
  udp::endpoint converted;
  converted.resize(endpoint.size());
  std::memcpy(converted.data(), endpoint.address(), endpoint.size());
  return converted;
}

}  // namespace

std::optional<zones::Name> primary_of(const zones::Message& response, const zones::Name& zone) {
  for (const zones::Record& record : response.answer) {
    if (record.type == zones::Type::SOA && record.owner == zone) {
      return zones::Name(zones::read_soa(record.rdata).mname);
    }
  }
  return std::nullopt;
}

PrimaryFinder::~PrimaryFinder() {
  if (cancel_) cancel_();
}

void PrimaryFinder::find(OnFound on_found) {
  if (const auto address = keys::address_from_text(config_.server)) {
    return on_found({udp::endpoint(to_asio(*address), config_.port)}, {});
  }
  on_found_ = std::move(on_found);
  if (!config_.server.empty()) return resolve(config_.server);
  resolvers_.clear();
  for (const auto& one : tools::resolvers("/etc/resolv.conf", DNS_PORT, tools::Family::ANY)) {
    resolvers_.push_back(to_asio_endpoint(one));
  }
  ask_for_soa(0);
}

void PrimaryFinder::ask_for_soa(std::size_t resolver) {
  // Unsigned: a resolver does not know the key.
  keys::Exchange exchange(
      [this] {
        zones::Message query;
        query.header.rd = true;
        query.question.push_back({config_.zone, zones::Type::SOA, zones::Class::IN});
        return query;
      },
      {}, QUERY);
  cancel_ = run_dns_exchange(
      context_, std::move(exchange), resolvers_[resolver],
      [this, resolver](const DnsOutcome& outcome) {
        cancel_ = {};
        const auto primary = outcome.exchange != nullptr
                                 ? primary_of(outcome.exchange->response(), config_.zone)
                                 : std::nullopt;
        if (primary) return resolve(primary->to_text());
        if (resolver + 1 < resolvers_.size()) return ask_for_soa(resolver + 1);
        std::exchange(on_found_, {})(
            {}, "the SOA of " + config_.zone.to_text() + " was not found: " +
                    (outcome.exchange != nullptr ? "the answer has none" : outcome.failure));
      });
}

void PrimaryFinder::resolve(const std::string& host) {
  resolver_.async_resolve(
      host, std::to_string(config_.port), udp::resolver::numeric_service,
      [this, host](const error_code& error, const udp::resolver::results_type& found) {
        if (error == asio::error::operation_aborted) return;
        Servers servers;
        for (const auto& one : found) servers.push_back(one.endpoint());
        const std::string failure = servers.empty() ? host + ": " + error.message() : "";
        std::exchange(on_found_, {})(std::move(servers), failure);
      });
}

}  // namespace pcp_ddns
