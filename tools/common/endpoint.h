// An address and port to send to or from.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zones/result.h"

namespace tools {

enum class Family : std::uint8_t { ANY, IPV4, IPV6 };

class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(const sockaddr* address, socklen_t size);

  /// Every address of a host, by the system's resolver (getaddrinfo), in the order that it
  /// recommends. The error is a sentence's end: "not found".
  static zones::Result<std::vector<Endpoint>, std::string> resolve(const std::string& host,
                                                                   std::uint16_t port,
                                                                   Family family);
  /// An address in digits; nullopt for anything else, host names included.
  static std::optional<Endpoint> numeric(const std::string& address, std::uint16_t port);

  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  std::uint16_t port() const;
  /// "192.0.2.1#53", as DNS tools write it.
  std::string to_text() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

/// The servers of a resolv.conf, in their order; the loopback address when it names none, as the
/// system's resolver does.
std::vector<Endpoint> resolvers(const std::string& resolv_conf, std::uint16_t port, Family family);

}  // namespace tools
