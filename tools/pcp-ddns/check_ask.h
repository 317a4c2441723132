// One request of `pcp-ddns check` to who gives mappings, and its answer.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "tools/pcp-ddns/check_finding.h"
#include "tools/pcp-ddns/pcp_socket.h"
#include "tools/pcp-ddns/ways.h"

namespace pcp_ddns {

constexpr int PCP_TRIES = 3;
constexpr std::chrono::seconds PCP_TRY_TIME{2};

/// What the server of a way says to one request.
template <class Response>
struct Reply {
  std::string name;  // of the server, for the user
  std::optional<Response> response;
  Finding failure{};  // without a response
};

/// Sends until there is an answer.
/// @param parse  of octets, an optional Response: empty for what is no answer
/// @param make  the request, from this host's address
template <class Response, class Parse, class Make>
Reply<Response> ask(const Way& way, const Parse& parse, const Make& make) {
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

}  // namespace pcp_ddns
