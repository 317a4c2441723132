// One name server that takes UPDATE: its publisher, the exchanges with it, and the questions to it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "keys/client_cookie.h"
#include "tools/pcp-ddns/primary.h"
#include "tools/pcp-ddns/provider.h"
#include "tools/pcp-ddns/publisher.h"
#include "tools/pcp-ddns/reachability.h"

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
  bool grants_leases() const override { return publisher_.grants_leases(); }
  Progress progress(const RRsetKey& key) const override { return publisher_.progress(key); }
  zones::Reachability reached(const zones::Name& owner, const External& endpoint) const override {
    return watch_.reached(owner, endpoint);
  }
  bool is_clean() const override { return publisher_.is_clean() && !publisher_.is_busy(); }

 private:
  using Then = std::function<void(const std::string& failure)>;  // empty: there are servers_

  void drive();
  void find_server(Then then);
  const boost::asio::ip::udp::endpoint& server() const;
  void forget_server();
  /// @param again  for a cookie that came with a refusal
  void exchange(bool again = false);
  void answered(const zones::Message& response, std::uint16_t tsig_error);
  void finished(const Report& report);
  /// Has the server's cookie ready, with which an update proves where it comes from.
  void greet();
  void greet_later();
  void ask();

  boost::asio::io_context& context_;
  const ProviderConfig& config_;
  Publisher publisher_;
  std::function<void()> write_down_;
  boost::asio::steady_timer timer_;
  PrimaryFinder finder_;
  PrimaryFinder::Servers servers_;  // known until one fails
  std::vector<Then> waiting_;       // for them
  std::size_t next_server_ = 0;
  std::function<void()> cancel_;
  std::shared_ptr<keys::ClientCookie> cookie_;
  bool proven_ = false;       // where the last update came from
  bool may_refresh_ = false;  // once for each publishing
  boost::asio::steady_timer greet_timer_;
  std::function<void()> cancel_greeting_;
  ReachabilityWatch watch_;
  boost::asio::steady_timer ask_timer_;
  std::function<void()> cancel_question_;
};

}  // namespace pcp_ddns
