#include "tools/pcp-ddns/gateway.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "tools/pcp-ddns/nat_pmp.h"
#include "tools/pcp-ddns/pcp_socket.h"
#include "tools/pcp-ddns/upnp.h"

namespace pcp_ddns {
namespace {

namespace asio = boost::asio;

class PcpGateway : public Gateway {
 public:
  PcpGateway(asio::io_context& context, const PcpServer& server)
      : socket_(context), server_(server) {}
  std::string open(OnResponse on_response) override {
    on_response_ = std::move(on_response);
    return socket_.open(server_, [this](std::span<const std::uint8_t> octets) { take_in(octets); });
  }
  Address local() const override { return socket_.local(); }
  void send(std::span<const std::uint8_t> octets) override { socket_.send(octets); }
  bool announced(std::span<const std::uint8_t> octets) override {
    // A NAT-PMP notice, which a server of both sends as well, is too short to be read.
    const auto response = parse_response(octets);
    if (response && response->opcode == Opcode::ANNOUNCE) on_response_(octets);
    return false;
  }

 protected:
  virtual void take_in(std::span<const std::uint8_t> octets) { on_response_(octets); }

  PcpSocket socket_;
  OnResponse on_response_;

 private:
  const PcpServer server_;
};

class NatPmpGateway : public PcpGateway {
 public:
  NatPmpGateway(asio::io_context& context, const PcpServer& server)
      : PcpGateway(context, server),
        nat_pmp_([this](std::span<const std::uint8_t> octets) { socket_.send(octets); },
                 [this, &context](std::span<const std::uint8_t> octets) {
                   // A refusal comes while the request is being sent.
                   asio::post(context, [weak = std::weak_ptr(alive_), this,
                                        copy = std::vector(octets.begin(), octets.end())] {
                     if (weak.lock()) on_response_(copy);
                   });
                 }) {}
  void send(std::span<const std::uint8_t> octets) override { nat_pmp_.request(octets); }
  bool announced(std::span<const std::uint8_t> octets) override {
    return nat_pmp_.announced(octets);
  }

 private:
  void take_in(std::span<const std::uint8_t> octets) override { nat_pmp_.received(octets); }

  NatPmp nat_pmp_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// Nothing translates: what listens here is reached here.
class InterfaceGateway : public Gateway {
 public:
  InterfaceGateway(asio::io_context& context, const Address& own) : context_(context), own_(own) {}
  std::string open(OnResponse on_response) override {
    on_response_ = std::make_shared<OnResponse>(std::move(on_response));
    return {};
  }
  Address local() const override { return own_; }
  void send(std::span<const std::uint8_t> octets) override {
    const auto request = parse_request(octets);
    if (!request) return;
    PcpResponse response;
    response.opcode = Opcode::MAP;
    response.lifetime = request->lifetime;
    response.epoch = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_)
            .count());
    response.map = request->map;
    response.map.external_address = own_;
    response.map.external_port = request->map.internal_port;
    for (const Option& option : request->options) {
      if (option.code == OptionCode::PORT_SET) response.options.push_back(option);
      if (option.code != OptionCode::THIRD_PARTY && option.code != OptionCode::FILTER) continue;
      response.result = ResultCode::UNSUPP_OPTION;
      response.options.push_back(option);
    }
    asio::post(context_, [weak = std::weak_ptr(on_response_), answer = to_wire(response)] {
      if (const auto respond = weak.lock()) (*respond)(answer);
    });
  }
  bool announced(std::span<const std::uint8_t>) override { return false; }

 private:
  asio::io_context& context_;
  const Address own_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::shared_ptr<OnResponse> on_response_;
};

class UpnpGateway : public Gateway {
 public:
  UpnpGateway(UpnpWorker& worker, const Address& own) : worker_(worker), own_(own) {}
  ~UpnpGateway() override { worker_.close(); }
  std::string open(OnResponse on_response) override {
    worker_.open(own_, std::move(on_response));
    return {};
  }
  Address local() const override { return own_; }
  void send(std::span<const std::uint8_t> octets) override { worker_.ask(octets); }
  bool announced(std::span<const std::uint8_t>) override { return false; }

 private:
  UpnpWorker& worker_;
  const Address own_;
};

}  // namespace

std::unique_ptr<Gateway> make_gateway(asio::io_context& context, const Way& way,
                                      const Surroundings& surroundings, UpnpWorker& upnp) {
  const auto& [routers, local_v4, local_v6] = surroundings;
  switch (way.protocol) {
    case Protocol::PCP:
      return std::make_unique<PcpGateway>(context, way.server);
    case Protocol::NAT_PMP:
      return std::make_unique<NatPmpGateway>(context, way.server);
    case Protocol::UPNP:
      return std::make_unique<UpnpGateway>(upnp, local_v4.value_or(Address{}));
    case Protocol::INTERFACE:
      break;
  }
  const bool v4 = local_v4 && keys::is_global(*local_v4);
  return std::make_unique<InterfaceGateway>(
      context, v4 ? *local_v4 : local_v6.value_or(local_v4.value_or(Address{})));
}

}  // namespace pcp_ddns
