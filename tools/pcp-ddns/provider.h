// One name server: its publisher, and the exchanges with it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <vector>

#include "tools/pcp-ddns/config.h"
#include "tools/pcp-ddns/primary.h"
#include "tools/pcp-ddns/publisher.h"

namespace pcp_ddns {

class Provider {
 public:
  /// @param config  must outlive it
  /// @param write_down  called before an update is sent and after its answer: what is ours has
  ///                    changed
  Provider(boost::asio::io_context& context, const ProviderConfig& config, const Random& random,
           const std::vector<OwnRecord>& ours, std::function<void()> write_down);
  ~Provider();
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;

  const ProviderConfig& config() const { return config_; }
  const Publisher& publisher() const { return publisher_; }
  void want(Wanted wanted, const std::set<RRsetKey>& undecided);
  bool is_clean() const { return publisher_.is_clean() && !publisher_.is_busy(); }

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
