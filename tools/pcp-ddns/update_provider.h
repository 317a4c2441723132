// One name server that takes UPDATE: its publisher, and the exchanges with it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <vector>

#include "tools/pcp-ddns/primary.h"
#include "tools/pcp-ddns/provider.h"
#include "tools/pcp-ddns/publisher.h"

namespace pcp_ddns {

class UpdateProvider : public Provider {
 public:
  /// @param config  must outlive it
  /// @param write_down  called before an update is sent and after its answer: what is ours has
  ///                    changed
  UpdateProvider(boost::asio::io_context& context, const ProviderConfig& config,
                 const Random& random, const std::vector<OwnRecord>& ours,
                 std::function<void()> write_down);
  ~UpdateProvider() override;

  const ProviderConfig& config() const override { return config_; }
  void want(Wanted wanted, const std::set<RRsetKey>& undecided) override;
  std::vector<RRsetKey> known() const override { return publisher_.known(); }
  std::vector<OwnRecord> ours() const override { return publisher_.ours(); }
  Progress progress(const RRsetKey& key) const override { return publisher_.progress(key); }
  bool is_clean() const override { return publisher_.is_clean() && !publisher_.is_busy(); }

 private:
  void drive();
  void find_server();
  void exchange();
  void finished(const Report& report);

  boost::asio::io_context& context_;
  const ProviderConfig& config_;
  Publisher publisher_;
  std::function<void()> write_down_;
  boost::asio::steady_timer timer_;
  PrimaryFinder finder_;
  PrimaryFinder::Servers servers_;  // known until one fails
  std::size_t next_server_ = 0;
  std::function<void()> cancel_;
};

}  // namespace pcp_ddns
