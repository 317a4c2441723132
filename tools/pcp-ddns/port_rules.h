// External ports that will not do, and what is done about them: ports that browsers refuse, and
// unequal ones where TCP and UDP are to have the same. No I/O; time and chance are passed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "tools/pcp-ddns/pcp_client.h"

namespace pcp_ddns {

/// How often another port is asked for before the one that there is has to do.
constexpr int MAX_PORT_TRIES = 6;

/// "Port blocking" of the Fetch standard, §2.9 "bad ports", as Chromium and Firefox have it.
bool is_refused_by_browsers(std::uint16_t port);

/// Used by one thread.
class PortRules {
 public:
  explicit PortRules(Random random) : random_(std::move(random)) {}

  /// Of the client's next mapping.
  /// @param web  browsers visit it
  /// @param twin  the index of an earlier mapping whose external port it shall have too
  void add(bool web, std::optional<std::size_t> twin);
  /// The mappings are others than those before.
  void restart();
  /// Asks for other ports where they will not do.
  void apply(PcpClient& client, Time now);
  /// True when it goes by another port than it shall, since no other was to be had.
  bool has_given_up(const PcpClient& client, std::size_t index) const;
  /// False as long as its port may soon be exchanged for another.
  bool is_settled(const PcpClient& client, std::size_t index) const;

 private:
  struct Rule {
    bool web = false;
    std::optional<std::size_t> twin;    // an earlier one
    std::optional<std::size_t> second;  // a later one, whose twin this is
    int tries = 0;
  };

  bool is_wrong(const PcpClient& client, std::size_t index) const;
  std::uint16_t random_port();
  void apply_twin(PcpClient& client, std::size_t index, Time now);

  Random random_;
  std::vector<Rule> rules_;
};

}  // namespace pcp_ddns
