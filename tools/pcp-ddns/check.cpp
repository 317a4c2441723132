#include "tools/pcp-ddns/check.h"

#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <ostream>

#include "tools/pcp-ddns/check_ask.h"
#include "tools/pcp-ddns/check_flow.h"
#include "tools/pcp-ddns/check_provider.h"
#include "tools/pcp-ddns/nat_pmp.h"
#include "tools/pcp-ddns/upnp.h"
#include "tools/pcp-ddns/ways.h"

namespace pcp_ddns {
namespace {

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
/// @param pcp  the first that answers by PCP
bool check_ways(const Config& config, std::optional<Way>& pcp, std::ostream& out) {
  boost::asio::io_context context;
  const Surroundings surroundings = look_around(context);
  const std::vector<Way> ways = list_ways(config.pcp, surroundings);
  const bool guessed = config.pcp.servers.empty();
  bool well = false;
  for (const Way& way : ways) {
    Finding finding = check_way(way, surroundings);
    well = well || finding.verdict == Verdict::OK;
    if (finding.verdict == Verdict::OK && way.protocol == Protocol::PCP && !pcp) pcp = way;
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

}  // namespace

bool check_surroundings(const Config& config, std::ostream& out) {
  const Finding state = check_state(config.state);
  out << state;
  bool well = state.verdict == Verdict::OK;
  std::optional<Way> pcp;
  well = check_ways(config, pcp, out) && well;
  for (std::size_t i = 0; i < config.providers.size(); ++i) {
    const ProviderFinding found = check_provider(config, i, out);
    well = well && found.well;
    if (pcp && found.server) check_flow(*pcp, *found.server, found.published, out);
  }
  return well;
}

}  // namespace pcp_ddns
