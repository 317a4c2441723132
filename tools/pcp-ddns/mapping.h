// One PCP mapping: when to ask for it, again, and anew (RFC 6887 §8.1.1, §11.2.1, §15). No I/O;
// time and chance are passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/pcp-ddns/pcp_message.h"

namespace pcp_ddns {

using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;
/// Uniform in [0, 1).
using Random = std::function<double()>;

constexpr std::chrono::seconds IRT{3};                      // RFC 6887 §8.1.1
constexpr std::chrono::seconds MRT{1024};                   // RFC 6887 §8.1.1
constexpr std::chrono::seconds MIN_BETWEEN_RENEWALS{4};     // RFC 6887 §11.2.1
constexpr std::chrono::seconds MAX_LIFETIME{24 * 60 * 60};  // RFC 6887 §15
constexpr std::chrono::seconds SHORT_ERROR{30};             // RFC 6887 §7.4
constexpr std::chrono::seconds MAX_VERSION_ERROR{30 * 60};  // RFC 6887 §9
constexpr int MAX_DELETIONS = 3;  // of one mapping that are sent; its lifetime ends it as well

struct External {
  Address address{};
  std::uint16_t port = 0;
  bool operator==(const External&) const = default;
};

/// What is asked for. Protocol and internal port (and the third party) name the mapping.
struct MapWish {
  std::uint8_t protocol = 0;  // IANA: 6 is TCP, 17 UDP
  std::uint16_t internal_port = 0;
  External suggested{};  // all zeros of a family asks for one of that family (RFC 6887 §11.1)
  std::chrono::seconds lifetime{3600};
  std::vector<Option> options{};
  bool strict = false;  // the suggested port or none (PREFER_FAILURE, RFC 6887 §13.2)
};

class Mapping {
 public:
  enum class State : std::uint8_t {
    ASKING,    // sent until an answer comes; what was assigned before may still be valid
    MAPPED,    // renewed in time
    REFUSED,   // until the error's lifetime is over
    DELETING,  // as ASKING, but to end it
    ENDED,
  };

  Mapping(MapWish wish, const Nonce& nonce, Time now);

  State state() const { return state_; }
  const MapWish& wish() const { return wish_; }
  /// What the server assigned, as long as its lifetime lasts.
  const std::optional<External>& external() const { return external_; }
  Time expires() const { return expires_; }
  std::chrono::seconds lifetime() const { return lifetime_; }
  /// Of external(), how many from its port on: more than one only where the wish has a PORT_SET.
  std::uint16_t port_count() const { return port_count_; }
  /// Why there is no mapping, or why the last renewal failed; empty when all is well.
  const std::string& error() const { return error_; }
  /// Of REFUSED.
  Time refused_until() const { return next_; }
  int tries() const { return tries_; }  // since the last answer

  /// When due() has something to do.
  Time next() const;
  /// @return true when request() is to be sent now
  bool due(Time now, const Random& random);
  PcpRequest request(const Address& client) const;
  /// Puts off what is to be sent before `until`.
  void hold(Time until);

  /// True for a response about this mapping, asked for or not (RFC 6887 §11.4).
  bool matches(const PcpResponse& response) const;
  /// Of a response that matches().
  void received(const PcpResponse& response, Time now, const Random& random);
  /// Until `until`; `why` is for the user.
  void refuse(std::string why, Time until);
  /// The server may have lost its state: asks anew at `at` (RFC 6887 §16.3.1). What was assigned
  /// stays until an answer or its end.
  void recreate(Time at);
  /// Asks for the mapping's end (RFC 6887 §15.1).
  void remove(Time now);
  /// Ends the mapping, then asks for it anew with another external port: a server keeps the first
  /// for as long as it lives (§11.3).
  /// @param suggested  without an address: any; without a port: the one wished for before
  /// @param strict  that port or none (PREFER_FAILURE, §13.2)
  void exchange(const External& suggested, bool strict, Time now);
  /// True for a mapping that was asked for with filters, and given without a word of them.
  bool is_unfiltered() const { return unfiltered_; }
  /// REFUSED, since the port that was strictly asked for is not to be had.
  bool is_port_refused() const { return state_ == State::REFUSED && port_refused_; }

 private:
  std::uint16_t asked_ports() const;
  void take_ports(const PcpResponse& response);
  void schedule_renewal(Time now, const Random& random);
  void schedule_retransmission(Time now, const Random& random);
  void ask(Time at);
  /// After a deletion. @return false when nothing is to be asked for
  bool begin_again(Time now);

  MapWish wish_;
  Nonce nonce_;
  State state_ = State::ASKING;
  std::optional<External> external_;
  std::optional<External> last_;  // what was assigned last, to be suggested again
  std::string error_;
  Time expires_{};
  Time granted_{};
  std::chrono::seconds lifetime_{};
  std::uint16_t port_count_ = 1;
  Time next_;
  std::optional<Time> sent_;
  Duration rt_{};  // RFC 6887 §8.1.1; zero before the first transmission
  struct Exchange {
    External suggested;
    bool strict = false;
    Duration rest{};    // before it is asked for …
    std::string why{};  // … and what the user is told meanwhile
  };
  std::optional<Exchange> exchange_;  // once the deletion is over
  bool exchanged_ = false;            // until there is an answer
  bool port_refused_ = false;
  bool unfiltered_ = false;
  int renewals_ = 0;
  int tries_ = 0;
};

}  // namespace pcp_ddns
