// Where a NAT lets this host's own traffic out: asked for by PEER (RFC 6887 §12).
#pragma once

#include <boost/asio/ip/udp.hpp>
#include <iosfwd>
#include <optional>
#include <vector>

#include "tools/pcp-ddns/check_finding.h"
#include "tools/pcp-ddns/mapping.h"
#include "tools/pcp-ddns/ways.h"

namespace pcp_ddns {

/// Sends a query to the name server, and asks the PCP server for that flow's mapping. Prints what
/// that says of the mappings' endpoints: a grant with the rule `source` refuses another address
/// than that of the update.
/// @param pcp  that answers by PCP
void check_flow(const Way& pcp, const boost::asio::ip::udp::endpoint& name_server,
                const std::vector<External>& published, std::ostream& out);

/// The request for the mapping of a UDP flow.
PcpRequest peer_request(const Address& client, std::uint16_t port, const RemotePeer& peer,
                        const Nonce& nonce);
/// Whether the response is the answer; of errors, that it is about PEER is all that is asked for.
bool answers(const PcpResponse& response, const PcpRequest& request);
/// What the answer means, in plain words.
/// @param server  for the user
/// @param peer  for the user
Finding judge_flow(const PcpResponse& response, const std::string& server, const std::string& peer,
                   const std::vector<External>& published);

}  // namespace pcp_ddns
