#include "tools/pcp-ddns/check.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <ostream>

#include "tools/pcp-ddns/default_router.h"
#include "tools/pcp-ddns/dns_exchange.h"
#include "tools/pcp-ddns/pcp_socket.h"
#include "tools/pcp-ddns/primary.h"
#include "zones/text.h"

namespace pcp_ddns {
namespace {

using boost::asio::ip::udp;

constexpr int PCP_TRIES = 3;
constexpr std::chrono::seconds PCP_TRY_TIME{2};
constexpr std::chrono::seconds PROVIDER_TIME{30};
constexpr keys::ExchangeOptions EXCHANGE{.try_timeout = std::chrono::milliseconds(1500),
                                         .udp_tries = 3,
                                         .total_timeout = std::chrono::milliseconds(10'000)};

struct Finding {
  bool well = false;
  std::string text;
};

std::ostream& operator<<(std::ostream& out, const Finding& finding) {
  return out << (finding.well ? "ok      " : "FAILED  ") << finding.text << std::endl;
}

Finding check_state(const std::filesystem::path& path) {
  if (::access(path.parent_path().c_str(), W_OK | X_OK) == 0)
    return {true, "state " + path.string()};
  return {false,
          "state " + path.string() + ": its folder cannot be written: " + std::strerror(errno)};
}

Finding judge(const PcpResponse& response, const std::string& server) {
  if (response.result == ResultCode::SUCCESS) {
    return {true, server + " answers; its epoch is " + std::to_string(response.epoch) + " s"};
  }
  if (response.result == ResultCode::UNSUPP_VERSION && response.version == 0) {
    return {true, server + " knows NAT-PMP only, by which it will be asked"};
  }
  return {false, server + " answers " + to_text(response.result)};
}

/// Asks for nothing but an answer, from which the epoch can be seen.
Finding check_pcp_server(const PcpServer& server) {
  boost::asio::io_context context;
  PcpSocket socket(context);
  std::optional<PcpResponse> response;
  const std::string failure = socket.open(server, [&](std::span<const std::uint8_t> octets) {
    response = parse_response(octets);
    if (response) context.stop();
  });
  std::string name = "PCP server " + to_text(server);
  if (!failure.empty()) return {false, name + ": " + failure};
  name += ", asked from " + keys::to_text(socket.local()) + ",";
  PcpRequest request;
  request.opcode = Opcode::ANNOUNCE;
  request.client = socket.local();
  const auto octets = to_wire(request);
  for (int i = 0; i < PCP_TRIES && !response; ++i) {
    socket.send(octets);
    context.restart();
    context.run_for(PCP_TRY_TIME);
  }
  if (response) return judge(*response, name);
  return {false, name +
                     " does not answer: is the port open, is it a PCP server? Without one, the NAT "
                     "gives no mappings"};
}

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
  if (outcome.exchange == nullptr) return {false, name + ": " + outcome.failure};
  const zones::Message& response = outcome.exchange->response();
  const unsigned upper = response.edns ? response.edns->extended_rcode : 0;
  const auto rcode = static_cast<zones::Rcode>(upper << 4 | response.header.rcode);
  if (rcode == zones::Rcode::NOERROR && outcome.exchange->tsig_error() == 0) {
    return {true, name + " knows the key, and takes updates of " + zone};
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
  return {false, text};
}

Finding check_provider(const ProviderConfig& config) {
  boost::asio::io_context context;
  PrimaryFinder finder(context, config);
  const std::string name = "provider " + config.name;
  Finding finding{false,
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
    if (finding.well) break;
  }
  return finding;
}

}  // namespace

bool check_surroundings(const Config& config, std::ostream& out) {
  const Finding state = check_state(config.state);
  out << state;
  bool well = state.well;
  std::vector<PcpServer> servers = config.pcp.servers;
  if (servers.empty()) servers = default_routers();
  if (servers.empty()) {
    out << Finding{false, "there is no default router, and no [pcp] servers are named"};
  }
  bool mapped = false;
  for (const PcpServer& server : servers) {
    const Finding finding = check_pcp_server(server);
    out << finding;
    mapped = mapped || finding.well;
  }
  well = well && mapped;
  for (const ProviderConfig& provider : config.providers) {
    const Finding finding = check_provider(provider);
    out << finding;
    well = well && finding.well;
  }
  return well;
}

}  // namespace pcp_ddns
