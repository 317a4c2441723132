#include "tools/common/endpoint.h"

#include <netdb.h>

#include <cstring>
#include <fstream>
#include <sstream>

namespace tools {
namespace {

int to_af(Family family) {
  switch (family) {
    case Family::ANY:
      return AF_UNSPEC;
    case Family::IPV4:
      return AF_INET;
    case Family::IPV6:
      return AF_INET6;
  }
  return AF_UNSPEC;
}

/// Empty, with `error` set to what getaddrinfo() said, when there is none.
std::vector<Endpoint> look_up(const std::string& host, std::uint16_t port, int family, int flags,
                              int& error) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  std::vector<Endpoint> found;
  if (error != 0) return found;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    found.emplace_back(at->ai_addr, at->ai_addrlen);
  }
  freeaddrinfo(list);
  return found;
}

}  // namespace

Endpoint::Endpoint(const sockaddr* address, socklen_t size) : size_(size) {
  std::memcpy(&storage_, address, size);
}

zones::Result<std::vector<Endpoint>, std::string> Endpoint::resolve(const std::string& host,
                                                                    std::uint16_t port,
                                                                    Family family) {
  int error = 0;
  std::vector<Endpoint> found = look_up(host, port, to_af(family), 0, error);
  if (!found.empty()) return found;
  if (error == EAI_NONAME || error == EAI_NODATA || error == EAI_ADDRFAMILY) {
    return tl::unexpected(std::string("not found"));
  }
  return tl::unexpected(std::string(gai_strerror(error)));
}

std::optional<Endpoint> Endpoint::numeric(const std::string& address, std::uint16_t port) {
  int error = 0;
  const std::vector<Endpoint> found = look_up(address, port, AF_UNSPEC, AI_NUMERICHOST, error);
  if (found.empty()) return std::nullopt;
  return found.front();
}

std::uint16_t Endpoint::port() const {
  if (family() == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
}

std::string Endpoint::to_text() const {
  char host[NI_MAXHOST];
  if (getnameinfo(address(), size_, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0) return "?";
  return std::string(host) + "#" + std::to_string(port());
}

std::vector<Endpoint> resolvers(const std::string& resolv_conf, std::uint16_t port, Family family) {
  std::vector<Endpoint> servers;
  std::ifstream in(resolv_conf);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string keyword;
    std::string address;
    if (!(words >> keyword >> address) || keyword != "nameserver") continue;
    const std::optional<Endpoint> server = Endpoint::numeric(address, port);
    if (!server) continue;
    if (family == Family::ANY || server->family() == to_af(family)) servers.push_back(*server);
  }
  if (servers.empty()) {
    servers.push_back(*Endpoint::numeric(family == Family::IPV6 ? "::1" : "127.0.0.1", port));
  }
  return servers;
}

}  // namespace tools
