// UPnP Internet Gateway Device, by miniupnpc, which blocks: in a thread of its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "tools/pcp-ddns/pcp_message.h"

namespace pcp_ddns {

/// Does what PCP MAP requests ask for at the gateway that answers first, and makes PCP responses of
/// what it says. open(), ask(), close() and the destructor are for the io_context's thread, which
/// they never keep waiting, but for the destructor (seconds).
class UpnpWorker {
 public:
  using OnResponse = std::function<void(std::span<const std::uint8_t> octets)>;

  explicit UpnpWorker(boost::asio::io_context& context) : context_(context) {}
  ~UpnpWorker();
  UpnpWorker(const UpnpWorker&) = delete;
  UpnpWorker& operator=(const UpnpWorker&) = delete;

  /// @param local  of the interface on which the gateway is looked for
  /// @param on_response  called by the io_context's thread
  void open(const Address& local, OnResponse on_response);
  /// A PCP request. One that asks for the same mapping, and has not had its turn, is replaced.
  void ask(std::span<const std::uint8_t> octets);
  /// What is under way is not answered any more.
  void close();

 private:
  using Key = std::pair<std::uint8_t, std::uint16_t>;  // protocol and internal port

  void work();

  boost::asio::io_context& context_;
  std::shared_ptr<OnResponse> on_response_;
  std::mutex mutex_;  // of the rest
  std::condition_variable wakes_;
  std::map<Key, PcpRequest> jobs_;
  Address local_{};
  std::weak_ptr<OnResponse> answers_to_;
  unsigned generation_ = 0;
  bool ends_ = false;
  std::thread thread_;
};

/// Looks for a gateway without a word of mappings. Blocks for seconds.
/// @return its external address, zeros when it tells none; empty when there is no gateway
std::optional<Address> find_upnp_gateway(const Address& local);

}  // namespace pcp_ddns
