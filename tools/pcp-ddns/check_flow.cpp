#include "tools/pcp-ddns/check_flow.h"

#include <sodium.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <ostream>

#include "tools/pcp-ddns/check_ask.h"
#include "tools/pcp-ddns/pcp_message.h"
#include "tools/pcp-ddns/pcp_socket.h"
#include "tools/pcp-ddns/records.h"
#include "zones/message.h"
#include "zones/reachability.h"

namespace pcp_ddns {
namespace {

using boost::asio::ip::udp;

/// Of a mapping that is there already, or lasts as long as a NAT leaves such ones; it cannot be
/// made shorter (RFC 6887 §12.1).
constexpr std::uint32_t PEER_LIFETIME = 30;

/// What makes the flow: an answer is not waited for.
std::vector<std::uint8_t> any_query() {
  zones::Message query;
  query.header.id = static_cast<std::uint16_t>(randombytes_uniform(0x10000));
  query.question.push_back({zones::Name(), zones::Type::SOA, zones::Class::IN});
  return zones::to_wire(query);
}

}  // namespace

PcpRequest peer_request(const Address& client, std::uint16_t port, const RemotePeer& peer,
                        const Nonce& nonce) {
  PcpRequest request;
  request.opcode = Opcode::PEER;
  request.lifetime = PEER_LIFETIME;
  request.client = client;
  request.map.nonce = nonce;
  request.map.protocol = zones::ip_protocol::UDP;
  request.map.internal_port = port;
  if (keys::is_ipv4(peer.address)) {
    request.map.external_address[10] = request.map.external_address[11] = 0xff;
  }
  request.peer = peer;
  return request;
}

bool answers(const PcpResponse& response, const PcpRequest& request) {
  if (response.opcode != Opcode::PEER) return false;
  return response.result != ResultCode::SUCCESS ||
         (response.map.nonce == request.map.nonce &&
          response.map.protocol == request.map.protocol &&
          response.map.internal_port == request.map.internal_port && response.peer == request.peer);
}

Finding judge_flow(const PcpResponse& response, const std::string& server, const std::string& peer,
                   const std::vector<External>& published) {
  if (response.result == ResultCode::UNSUPP_OPCODE) {
    return {Verdict::NO, server +
                             " has no PEER, so it does not tell from which address this host's "
                             "own traffic comes"};
  }
  if (response.result != ResultCode::SUCCESS) {
    return {Verdict::NO, server +
                             " does not tell from which address this host's own traffic comes: " +
                             to_text(response.result)};
  }
  const External outside{response.map.external_address, response.map.external_port};
  const std::string text = "this host's own traffic to " + peer + " comes from " + to_text(outside);
  const auto other = std::ranges::find_if(published, [&](const External& one) {
    return keys::is_ipv4(one.address) == keys::is_ipv4(outside.address) &&
           one.address != outside.address;
  });
  if (other == published.end()) return {Verdict::OK, text};
  return {
      Verdict::WARNING,
      text + ", but the mappings are at " + keys::to_text(other->address) +
          ": the NAT gives this host several external addresses (RFC 4787 REQ-2, paired "
          "pooling, is not kept), so a grant with addresses = [\"source\"] refuses the mappings"};
}

void check_flow(const Way& pcp, const udp::endpoint& name_server,
                const std::vector<External>& published, std::ostream& out) {
  boost::asio::io_context context;
  udp::socket flow(context);
  boost::system::error_code error;
  flow.connect(name_server, error);
  if (!error) flow.send(boost::asio::buffer(any_query()), 0, error);
  const auto local = error ? udp::endpoint() : flow.local_endpoint(error);
  if (error) return;  // the provider's own line has said so
  const Address host = from_asio(local.address());
  // The PCP server knows this host by another address: it has no word for the flow.
  if (PcpSocket::local_towards(context, pcp.server) != host) return;
  Nonce nonce;
  randombytes_buf(nonce.data(), nonce.size());
  const PcpRequest request = peer_request(
      host, local.port(), {.port = name_server.port(), .address = from_asio(name_server.address())},
      nonce);
  const auto parse = [&](std::span<const std::uint8_t> octets) {
    auto response = parse_response(octets);
    if (response && !answers(*response, request)) response.reset();
    return response;
  };
  const auto reply = ask<PcpResponse>(pcp, parse, [&](const Address&) { return to_wire(request); });
  if (!reply.response) {
    out << Finding{Verdict::NO, reply.name + " does not answer PEER"};
    return;
  }
  out << judge_flow(*reply.response, reply.name,
                    name_server.address().to_string() + "#" + std::to_string(name_server.port()),
                    published);
}

}  // namespace pcp_ddns
