// What gives mappings, whichever protocol it speaks: asked in PCP's words, it answers in them. So
// renewal, retransmission, loss of state and deletion are those of PcpClient for all.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "tools/pcp-ddns/ways.h"

namespace pcp_ddns {

class UpnpWorker;

/// Used by the thread of its io_context. Gives no response from inside send().
class Gateway {
 public:
  using OnResponse = std::function<void(std::span<const std::uint8_t> octets)>;

  virtual ~Gateway() = default;
  /// @return empty, or what went wrong: "network is unreachable"
  virtual std::string open(OnResponse on_response) = 0;
  /// The address that requests come from. After open().
  virtual Address local() const = 0;
  /// A PCP request. What the network refuses is lost.
  virtual void send(std::span<const std::uint8_t> octets) = 0;
  /// What the server said to all. @return true when all mappings are to be asked for anew
  virtual bool announced(std::span<const std::uint8_t> octets) = 0;
};

/// @param upnp  must outlive it
std::unique_ptr<Gateway> make_gateway(boost::asio::io_context& context, const Way& way,
                                      const Surroundings& surroundings, UpnpWorker& upnp);

}  // namespace pcp_ddns
