// The agent: sockets, timers and signals around the PCP client and the publishers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/pcp-ddns/config.h"
#include "tools/pcp-ddns/gateway.h"
#include "tools/pcp-ddns/network_watch.h"
#include "tools/pcp-ddns/pcp_client.h"
#include "tools/pcp-ddns/pcp_socket.h"
#include "tools/pcp-ddns/port_rules.h"
#include "tools/pcp-ddns/provider.h"
#include "tools/pcp-ddns/state_file.h"
#include "tools/pcp-ddns/status.h"
#include "tools/pcp-ddns/status_socket.h"
#include "tools/pcp-ddns/upnp.h"
#include "tools/pcp-ddns/ways.h"

namespace pcp_ddns {

/// One thread; run() is called once.
class Agent {
 public:
  Agent(Config config, StateFile& file, State state);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Until SIGTERM or SIGINT, and the withdrawal that follows. @return the exit status
  int run();
  /// Maps, publishes, and returns: mappings and names last until their leases end. At most half a
  /// minute. @return 0 when all is published
  int run_once();
  Status status() const;

 private:
  /// A mapping, and what was last said of it in the log.
  struct Mapped {
    std::uint8_t protocol = 0;
    std::uint16_t port = 0;
    std::uint16_t external_port = 0;  // a wish
    Address internal{};               // of another host; zeros: this one
    bool web = false;
    bool equal_ports = false;
    bool prefer_failure = false;
    std::uint16_t port_count = 1;
    bool port_parity = false;
    std::string description;
    std::vector<Filter> filters;
    bool decided = false;  // there has been a mapping, or there was time enough for one
    std::optional<External> logged;
    std::uint16_t logged_count = 1;
    std::string logged_error;
    bool unfiltered_logged = false;
    bool given_up_logged = false;
  };

  void connect();
  void connect_later(const std::string& why);
  void network_changed();
  void probe_later();
  /// The network, or time, may have brought other ways to mappings.
  void look_for_ways();
  /// Whether another way was taken, since the current one is of no use.
  bool leave_useless_way(Time now);
  void announced(std::span<const std::uint8_t> octets, const PcpServer& from);
  MapWish wish(const Mapped& mapped) const;
  /// What was mapped last.
  const SavedMapping* saved(const Mapped& mapped) const;
  void add_port_rules();
  /// Lets work() run once, after all that is at hand was taken in.
  void schedule_work();
  void work();
  void log_mapping(const Mapping& mapping, Mapped& mapped);
  /// Of mapped_.
  void log_port(std::size_t index);
  bool may_be_published(const Address& address) const;
  void publish(Time now);
  void save();
  /// Once the update is on its way.
  void note_saved(std::string failure);
  void settle_later();
  void begin();
  /// Whether nothing more is to be waited for by run_once().
  bool is_settled() const;
  void wait_for_signal();
  void begin_stop();
  void continue_stop(Time now);

  const Config config_;
  StateFile& file_;
  State state_;
  boost::asio::io_context context_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer connect_timer_;
  boost::asio::steady_timer work_timer_;
  boost::asio::steady_timer probe_timer_;
  boost::asio::steady_timer settle_timer_;
  UpnpWorker upnp_;
  std::unique_ptr<Gateway> gateway_;
  AnnounceSocket announce_socket_;
  NetworkWatch network_;
  StatusSocket status_socket_;
  const Random random_;

  std::vector<Mapped> mapped_;
  PortRules port_rules_;
  std::vector<std::size_t> service_mapping_;  // of each service, an index into mapped_
  std::vector<std::unique_ptr<Provider>> providers_;
  std::optional<PcpClient> client_;
  Surroundings surroundings_;
  WayWalk ways_;
  std::optional<Address> unpublishable_;  // the external address that was last complained of
  Time decide_by_{};
  std::string connect_failure_;  // what was last said in the log
  std::string save_failure_;
  bool work_scheduled_ = false;
  bool state_changed_ = false;
  bool settles_ = false;
  bool once_ = false;
  std::optional<Time> stop_by_;
  bool unmapping_ = false;
};

}  // namespace pcp_ddns
