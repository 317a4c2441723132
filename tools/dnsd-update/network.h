// What a session needs of the network, so that tests can give it another one.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "keys/exchange.h"
#include "tools/common/endpoint.h"
#include "tools/common/transport.h"

namespace dnsd_update {

struct Reply {
  std::optional<zones::Message> message;  // nothing: see `failure`
  /// The error field of the answer's TSIG. Without a message: of an unsigned answer, which says
  /// that the server did not accept the signature.
  std::uint16_t tsig_error = 0;
  std::string failure;  // "timed out", "connection refused"
  std::optional<std::chrono::sys_seconds> server_time;  // with BADTIME
};

class Network {
 public:
  using Endpoints = std::vector<tools::Endpoint>;

  virtual ~Network() = default;
  /// Servers to ask when none was named.
  virtual Endpoints resolvers() = 0;
  virtual zones::Result<Endpoints, std::string> resolve(const std::string& host,
                                                        std::uint16_t port) = 0;
  /// One exchange with one server; `make` is called for each try.
  virtual Reply exchange(const tools::Endpoint& server, keys::Exchange::MakeRequest make,
                         keys::Signer signer, const tools::OnSend& on_send) = 0;
  /// Where requests to servers of the address's family come from, from now on.
  virtual void set_local(const tools::Endpoint& local) = 0;
};

struct NetworkOptions {
  std::string resolv_conf = "/etc/resolv.conf";
  std::uint16_t port = 53;
  tools::Family family = tools::Family::ANY;
  keys::ExchangeOptions exchange;
};

class SystemNetwork final : public Network {
 public:
  explicit SystemNetwork(NetworkOptions options) : options_(std::move(options)) {}
  Endpoints resolvers() override;
  zones::Result<Endpoints, std::string> resolve(const std::string& host,
                                                std::uint16_t port) override;
  Reply exchange(const tools::Endpoint& server, keys::Exchange::MakeRequest make,
                 keys::Signer signer, const tools::OnSend& on_send) override;
  void set_local(const tools::Endpoint& local) override;

 private:
  NetworkOptions options_;
  std::optional<tools::Endpoint> local_ipv4_;
  std::optional<tools::Endpoint> local_ipv6_;
};

}  // namespace dnsd_update
