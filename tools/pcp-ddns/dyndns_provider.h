// One provider that speaks dyndns2: its publisher, and the requests over HTTPS.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <vector>

#include "tools/pcp-ddns/dyndns_publisher.h"
#include "tools/pcp-ddns/provider.h"

namespace pcp_ddns {

class DyndnsProvider : public Provider {
 public:
  /// @param config  with `dyndns`; must outlive it
  DyndnsProvider(boost::asio::io_context& context, const ProviderConfig& config,
                 const Random& random, const std::vector<OwnRecord>& ours,
                 std::function<void()> write_down);
  ~DyndnsProvider() override;

  const ProviderConfig& config() const override { return config_; }
  void want(Wanted wanted, const std::set<RRsetKey>& undecided) override;
  std::vector<RRsetKey> known() const override { return publisher_.known(); }
  std::vector<OwnRecord> ours() const override { return publisher_.ours(); }
  Progress progress(const RRsetKey& key) const override { return publisher_.progress(key); }
  bool is_clean() const override { return publisher_.is_clean(); }

 private:
  void drive();

  boost::asio::io_context& context_;
  const ProviderConfig& config_;
  DyndnsPublisher publisher_;
  std::function<void()> write_down_;
  boost::asio::steady_timer timer_;
  std::function<void()> cancel_;
};

}  // namespace pcp_ddns
