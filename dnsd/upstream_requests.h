// What is asked of one upstream: updates, its name servers, its zone. Each request over a TCP
// connection of its own, made and signed afresh. Private to the upstreams.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "dnsd/upstream_compare.h"
#include "dnsd/upstream_failure.h"
#include "dnsd/upstream_stream.h"
#include "dnsd/upstream_thread.h"
#include "keys/tsig.h"
#include "zones/message.h"

namespace dnsd {

class UpstreamRequests {
 public:
  /// @param text  the upstream's name in the log. All must outlive this
  UpstreamRequests(const zones::Name& zone, const UpstreamConfig& config, const std::string& text,
                   UpstreamThread& thread)
      : zone_(zone), config_(config), text_(text), thread_(thread) {}

  /// One UPDATE (RFC 2136). A record that fits into no message is left out, with a line in the log.
  boost::asio::awaitable<MaybeUpstreamFailure> update(UpdateSection section);
  /// The zone's name servers there that are within the zone.
  boost::asio::awaitable<MaybeUpstreamFailure> servers(std::vector<zones::Name>& servers);
  /// AXFR (RFC 5936), into the comparison.
  boost::asio::awaitable<MaybeUpstreamFailure> transfer(UpstreamComparison& comparison);
  /// Ends what is being asked.
  void stop();

 private:
  boost::asio::awaitable<MaybeUpstreamFailure> exchange(const zones::Message& request,
                                                        zones::Message& response);
  std::optional<keys::TsigKey> key();
  MaybeUpstreamFailure no_key() const;

  const zones::Name& zone_;
  const UpstreamConfig& config_;
  const std::string& text_;
  UpstreamThread& thread_;
  UpstreamStream* stream_ = nullptr;  // in use
};

}  // namespace dnsd
