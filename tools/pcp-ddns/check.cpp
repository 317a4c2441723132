#include "tools/pcp-ddns/check.h"

#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <ostream>

#include "tools/pcp-ddns/dns_exchange.h"
#include "tools/pcp-ddns/https_exchange.h"
#include "tools/pcp-ddns/nat_pmp.h"
#include "tools/pcp-ddns/pcp_socket.h"
#include "tools/pcp-ddns/primary.h"
#include "tools/pcp-ddns/upnp.h"
#include "tools/pcp-ddns/ways.h"
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

enum class Verdict : std::uint8_t {
  OK,
  NO,  // one of several that may be there
  FAILED,
};

struct Finding {
  Verdict verdict{};
  std::string text;
};

std::ostream& operator<<(std::ostream& out, const Finding& finding) {
  const char* word = finding.verdict == Verdict::OK   ? "ok      "
                     : finding.verdict == Verdict::NO ? "no      "
                                                      : "FAILED  ";
  return out << word << finding.text << std::endl;
}

Finding check_state(const std::filesystem::path& path) {
  if (::access(path.parent_path().c_str(), W_OK | X_OK) == 0)
    return {Verdict::OK, "state " + path.string()};
  return {Verdict::FAILED,
          "state " + path.string() + ": its folder cannot be written: " + std::strerror(errno)};
}

Finding judge(const PcpResponse& response, const std::string& server) {
  if (response.result == ResultCode::SUCCESS) {
    return {Verdict::OK,
            server + " answers; its epoch is " + std::to_string(response.epoch) + " s"};
  }
  if (response.result == ResultCode::UNSUPP_VERSION && response.version == 0) {
    return {Verdict::OK, server + " knows NAT-PMP only, by which it will be asked"};
  }
  return {Verdict::FAILED, server + " answers " + to_text(response.result)};
}

/// An address that visitors may come to.
std::string judge_external(const Address& external) {
  std::string text = "; its external address is " + keys::to_text(external);
  if (!keys::is_global(external)) text += ", which is not global: there is another NAT behind it";
  return text;
}

/// What the server of a way says to one request.
template <class Response>
struct Reply {
  std::string name;  // of the server, for the user
  std::optional<Response> response;
  Finding failure{};  // without a response
};

/// Sends until there is an answer.
/// @param make  the request, from this host's address
template <class Response, class Make>
Reply<Response> ask(const Way& way,
                    std::optional<Response> (*parse)(std::span<const std::uint8_t> octets),
                    const Make& make) {
  boost::asio::io_context context;
  PcpSocket socket(context);
  Reply<Response> reply{to_text(way), {}};
  const std::string failure = socket.open(way.server, [&](std::span<const std::uint8_t> octets) {
    reply.response = parse(octets);
    if (reply.response) context.stop();
  });
  if (!failure.empty()) {
    reply.failure = {Verdict::FAILED, reply.name + ": " + failure};
    return reply;
  }
  reply.name += ", asked from " + keys::to_text(socket.local()) + ",";
  for (int i = 0; i < PCP_TRIES && !reply.response; ++i) {
    socket.send(make(socket.local()));
    context.restart();
    context.run_for(PCP_TRY_TIME);
  }
  if (!reply.response) reply.failure = {Verdict::FAILED, reply.name + " does not answer"};
  return reply;
}

/// Asks for nothing but an answer, from which the epoch can be seen.
Finding check_pcp(const Way& way) {
  const auto reply = ask<PcpResponse>(way, parse_response, [](const Address& local) {
    PcpRequest request;
    request.opcode = Opcode::ANNOUNCE;
    request.client = local;
    return to_wire(request);
  });
  return reply.response ? judge(*reply.response, reply.name) : reply.failure;
}

/// Asks for the external address.
Finding check_nat_pmp(const Way& way) {
  const auto reply = ask<NatPmpResponse>(
      way, parse_nat_pmp_response, [](const Address&) { return std::array<std::uint8_t, 2>{}; });
  if (!reply.response) return reply.failure;
  if (reply.response->result == 3) {  // RFC 6886 §3.5
    return {Verdict::FAILED, reply.name + " has no external address itself"};
  }
  if (reply.response->opcode != 0 || reply.response->result != 0) {
    return {Verdict::FAILED,
            reply.name + " answers result " + std::to_string(reply.response->result)};
  }
  return {Verdict::OK, reply.name + " answers" + judge_external(reply.response->external)};
}

Finding check_way(const Way& way, const Surroundings& surroundings) {
  const Address local = surroundings.local_v4.value_or(Address{});
  switch (way.protocol) {
    case Protocol::PCP:
      return check_pcp(way);
    case Protocol::NAT_PMP:
      return check_nat_pmp(way);
    case Protocol::UPNP: {
      const std::string name = to_text(way) + ", looked for from " + keys::to_text(local) + ",";
      const auto external = find_upnp_gateway(local);
      if (!external) return {Verdict::FAILED, name + " does not answer"};
      if (*external == Address{}) return {Verdict::FAILED, name + " has no external address"};
      return {Verdict::OK, name + " answers" + judge_external(*external)};
    }
    case Protocol::INTERFACE:
      break;
  }
  return {Verdict::OK, "this host has a global address, so that no mapping is needed"};
}

/// What gives mappings. Servers that are configured are all asked; else one that is found is
/// enough.
bool check_ways(const Config& config, std::ostream& out) {
  boost::asio::io_context context;
  const Surroundings surroundings = look_around(context);
  const std::vector<Way> ways = list_ways(config.pcp, surroundings);
  const bool guessed = config.pcp.servers.empty();
  bool well = false;
  for (const Way& way : ways) {
    Finding finding = check_way(way, surroundings);
    well = well || finding.verdict == Verdict::OK;
    if (guessed && finding.verdict == Verdict::FAILED) finding.verdict = Verdict::NO;
    out << finding;
    if (guessed && well) return true;
  }
  if (ways.empty()) {
    out << Finding{Verdict::FAILED, "there is no default router, and no [pcp] servers are named"};
  } else if (!well) {
    out << Finding{Verdict::FAILED,
                   "nobody gives mappings: does the router have PCP, NAT-PMP or "
                   "UPnP, and is it switched on?"};
  }
  return well;
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

Finding check_provider(const ProviderConfig& config) {
  if (config.dyndns) return check_dyndns(config);
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
    if (finding.verdict == Verdict::OK) break;
  }
  return finding;
}

}  // namespace

bool check_surroundings(const Config& config, std::ostream& out) {
  const Finding state = check_state(config.state);
  out << state;
  bool well = state.verdict == Verdict::OK;
  well = check_ways(config, out) && well;
  for (const ProviderConfig& provider : config.providers) {
    const Finding finding = check_provider(provider);
    out << finding;
    well = well && finding.verdict == Verdict::OK;
  }
  return well;
}

}  // namespace pcp_ddns
