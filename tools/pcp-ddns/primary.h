// Where a zone's updates go: a configured server, or the primary that its SOA names (RFC 2136
// §4.2).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/pcp-ddns/config.h"
#include "zones/message.h"

namespace pcp_ddns {

/// The primary that an answer to an SOA query names; empty when it has no SOA of the zone.
std::optional<zones::Name> primary_of(const zones::Message& response, const zones::Name& zone);

class PrimaryFinder {
 public:
  using Servers = std::vector<boost::asio::ip::udp::endpoint>;
  /// No servers: `failure` says why.
  using OnFound = std::function<void(Servers servers, const std::string& failure)>;

  /// @param config  must outlive it
  PrimaryFinder(boost::asio::io_context& context, const ProviderConfig& config)
      : context_(context), config_(config), resolver_(context) {}
  ~PrimaryFinder();
  PrimaryFinder(const PrimaryFinder&) = delete;
  PrimaryFinder& operator=(const PrimaryFinder&) = delete;

  /// Calls `on_found` once, perhaps before it returns. One search at a time.
  void find(OnFound on_found);

 private:
  void ask_for_soa(std::size_t resolver);
  void resolve(const std::string& host);

  boost::asio::io_context& context_;
  const ProviderConfig& config_;
  boost::asio::ip::udp::resolver resolver_;
  Servers resolvers_;  // that are asked for the SOA
  OnFound on_found_;
  std::function<void()> cancel_;
};

}  // namespace pcp_ddns
