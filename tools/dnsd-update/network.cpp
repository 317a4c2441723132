#include "tools/dnsd-update/network.h"

#include <utility>

namespace dnsd_update {

Network::Endpoints SystemNetwork::resolvers() {
  return tools::resolvers(options_.resolv_conf, options_.port, options_.family);
}

zones::Result<Network::Endpoints, std::string> SystemNetwork::resolve(const std::string& host,
                                                                      std::uint16_t port) {
  return tools::Endpoint::resolve(host, port == 0 ? options_.port : port, options_.family);
}

void SystemNetwork::set_local(const tools::Endpoint& local) {
  (local.family() == AF_INET6 ? local_ipv6_ : local_ipv4_) = local;
}

Reply SystemNetwork::exchange(const tools::Endpoint& server, keys::Exchange::MakeRequest make,
                              keys::Signer signer, const tools::OnSend& on_send) {
  keys::Exchange exchange(std::move(make), std::move(signer), options_.exchange);
  const auto& local = server.family() == AF_INET6 ? local_ipv6_ : local_ipv4_;
  Reply reply;
  if (const auto failure = tools::run_exchange(exchange, server, local, on_send)) {
    reply.tsig_error = exchange.tsig_error();
    reply.failure = reply.tsig_error == 0 ? *failure : exchange.failure();
    return reply;
  }
  reply.message = exchange.response();
  reply.tsig_error = exchange.tsig_error();
  reply.server_time = exchange.server_time();
  return reply;
}

}  // namespace dnsd_update
