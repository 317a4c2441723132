// Sockets under a keys::Exchange that do not block.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <string>

#include "keys/exchange.h"

namespace pcp_ddns {

/// What came of it: the exchange is done, or `failure` says why not.
struct DnsOutcome {
  const keys::Exchange* exchange = nullptr;  // for the length of the call; null when not done
  std::string failure;
};
using OnDnsOutcome = std::function<void(const DnsOutcome& outcome)>;

/// Runs one exchange with one server on the context's thread; calls `on_outcome` once, from the
/// context.
/// @return what to call when the outcome is of no interest any more
std::function<void()> run_dns_exchange(boost::asio::io_context& context, keys::Exchange exchange,
                                       const boost::asio::ip::udp::endpoint& server,
                                       OnDnsOutcome on_outcome);

}  // namespace pcp_ddns
