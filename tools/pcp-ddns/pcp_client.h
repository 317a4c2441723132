// All mappings at one PCP server (RFC 6887 §8, §14): epoch, state loss, announcements, holds. No
// I/O; time and chance are passed in. Used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "tools/pcp-ddns/mapping.h"
#include "tools/pcp-ddns/pcp_message.h"

namespace pcp_ddns {

constexpr std::chrono::seconds MAX_ANNOUNCE_DELAY{5};  // RFC 6887 §14.1.3
constexpr int MAX_BURST = 50;                          // requests sent at once …
constexpr std::chrono::milliseconds BURST_PAUSE{20};   // … and how long after them none is

/// The server's Epoch Time against our clock (RFC 6887 §8.5).
class Epoch {
 public:
  /// False when the server may have lost its state since the last response. The first is always
  /// right.
  bool accept(std::uint32_t server_time, Time now);

 private:
  struct Seen {
    std::int64_t server;
    Time client;
  };
  std::optional<Seen> last_;
};

class PcpClient {
 public:
  using Send = std::function<void(std::span<const std::uint8_t> octets)>;

  /// @param client  the address that requests come from
  PcpClient(const Address& client, Random random) : client_(client), random_(std::move(random)) {}

  /// @return the mapping's index
  std::size_t add(MapWish wish, const Nonce& nonce, Time now);
  const std::vector<Mapping>& mappings() const { return mappings_; }
  /// See Mapping::exchange().
  void exchange_port(std::size_t index, const External& suggested, bool strict, Time now) {
    mappings_[index].exchange(suggested, strict, now);
  }
  /// Asks the server to end every mapping.
  void remove_all(Time now);
  /// True when every mapping has ended.
  bool is_finished() const;
  /// Asks for the first mapping now, though it need not be renewed yet: the answer shows whether
  /// the server has lost its state or moved it (RFC 7393 §2.3).
  void probe(Time now);
  /// The server may have lost its state, which something else than its responses has shown: asks
  /// for everything anew.
  void lost_state(Time now) { recreate_all_at(now); }
  /// True when no mapping is there, and none of at least `tries` requests for each was answered.
  bool is_silent(int tries) const;
  /// True when every mapping was refused, and none is left from before.
  bool is_refused() const;
  bool has_answered() const { return answered_; }
  /// The server said that it does not know version 2, but this one. 0 is NAT-PMP.
  std::optional<std::uint8_t> other_version() const { return other_version_; }

  /// Sends what is due.
  void poll(Time now, const Send& send);
  /// When poll() is due.
  Time next() const;
  /// A datagram that the server sent to the socket that requests come from. All others, and what is
  /// no response to anything, are ignored.
  void received(std::span<const std::uint8_t> octets, Time now);

 private:
  void recreate_all_at(Time at);

  const Address client_;
  const Random random_;
  std::vector<Mapping> mappings_;
  Epoch epoch_;
  Time hold_new_{};  // NO_RESOURCES: no new mappings before (RFC 6887 §11.4)
  Time hold_all_{};  // … in answer to a deletion: nothing before
  Time burst_end_{};
  bool answered_ = false;
  std::optional<std::uint8_t> other_version_;
};

}  // namespace pcp_ddns
