// Whom to ask for mappings, one after another (RFC 6887 §8.1, RFC 7723, RFC 6333 §5.7).
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tools/pcp-ddns/config.h"
#include "tools/pcp-ddns/mapping.h"

namespace pcp_ddns {

/// One way to a mapping. Of UPNP and INTERFACE, `server` is of no meaning.
struct Way {
  Protocol protocol{};
  PcpServer server{};
  bool operator==(const Way&) const = default;
};
/// "PCP server 10.64.0.1", "UPnP gateway", …
std::string to_text(const Way& way);

/// Where this host stands.
struct Surroundings {
  std::vector<PcpServer> routers;   // the default ones, the best first
  std::optional<Address> local_v4;  // that this host would talk to the Internet from
  std::optional<Address> local_v6;
};
Surroundings look_around(boost::asio::io_context& context);

/// With configured servers: those alone. Else the default routers by PCP and NAT-PMP, the AFTR of a
/// DS-Lite tunnel, PCP's anycast addresses, UPnP, and the host's own global address.
std::vector<Way> list_ways(const PcpConfig& config, const Surroundings& surroundings);

/// Which of them is asked, and when another one is.
class WayWalk {
 public:
  /// A round begins.
  void begin(std::vector<Way> ways);
  /// What begin() was given.
  const std::vector<Way>& listed() const { return listed_; }
  bool is_empty() const { return ways_.empty(); }
  /// Not when empty.
  const Way& current() const { return ways_[at_]; }
  /// The current server knows NAT-PMP only, and is asked by that from now on.
  void use_nat_pmp() { ways_[at_].protocol = Protocol::NAT_PMP; }
  /// It has given a mapping that is of use.
  void worked() { worked_ = at_; }
  bool has_worked() const { return worked_ == at_; }
  /// It has answered at all.
  void answered();
  /// Whether move_on() leads to another one now.
  bool may_move_on(Time now) const;
  /// To the next. After the last of a round, to the best that was found, for a while (`rest`);
  /// without `rest`, to the first.
  void move_on(Time now, Duration rest);

 private:
  std::vector<Way> listed_;
  std::vector<Way> ways_;
  std::size_t at_ = 0;
  std::optional<std::size_t> worked_;
  std::optional<std::size_t> answered_;
  Time settled_until_{};
};

}  // namespace pcp_ddns
