// State: everything one request may see, published together; readers never lock and never free.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "dnsd/cookies.h"
#include "dnsd/identity.h"
#include "dnsd/reachability.h"
#include "keys/grant.h"
#include "keys/keyring.h"
#include "keys/public_key.h"
#include "keys/tsig.h"
#include "zones/snapshot.h"

namespace dnsd {

class ResponseLimiter;

/// What changes with the configuration only.
struct Policy {
  keys::Keyring keyring;
  keys::TsigPolicy tsig{};
  /// Public keys of SIG(0) that are registered; others are KEY records of the zones (signers.h). No
  /// name is in here and in the keyring.
  std::unordered_map<zones::Name, keys::PublicKey, zones::NameHash, zones::NameEqual> public_keys{};
  /// Names of keys that a grant names.
  std::unordered_set<zones::Name, zones::NameHash, zones::NameEqual> named_in_grants{};
  /// Apexes of the zones where a new name is whose key comes first (first_come.h).
  std::unordered_set<zones::Name, zones::NameHash, zones::NameEqual> first_come{};
  /// Signs answers to updates that came with a SIG(0); none: they are unsigned.
  std::shared_ptr<const keys::PrivateKey> server_key{};
  /// Grants of each zone, by apex; a zone without an entry grants nothing.
  std::unordered_map<zones::Name, keys::ZoneGrants, zones::NameHash, zones::NameEqual> grants;
  keys::Portal portal{};
  std::uint16_t udp_octets = 1232;                // the largest UDP answer, and what OPT says
  std::shared_ptr<const Cookies> cookies{};       // none: the option is ignored
  std::shared_ptr<ResponseLimiter> rate_limit{};  // of answers over UDP; none: they are not limited
  Identity identity{};                            // what is told by NSID and in class CHAOS
  ReachabilityRules reachability_rules{};         // which endpoints are tried
  /// What became of those that were; none: nothing is tried, and the option is ignored.
  std::shared_ptr<const ReachabilityTable> reachability{};

  const keys::ZoneGrants* grants_of(zones::NameView apex) const {
    const auto found = grants.find(apex);
    return found == grants.end() ? nullptr : &found->second;
  }
  /// True for a name that the configuration has for a key: of a key, or in a grant (signers.h).
  bool is_named(zones::NameView name) const {
    return named_in_grants.contains(name) || public_keys.contains(name) || keyring.find(name);
  }
  const keys::PublicKey* public_key(zones::NameView name) const {
    const auto found = public_keys.find(name);
    return found == public_keys.end() ? nullptr : &found->second;
  }
};

struct State {
  std::uint64_t version = 0;  // of the catalogue: CatalogueBuilder::version()
  zones::Catalogue catalogue;
  std::shared_ptr<const Policy> policy;
};

class StateReader;
class StatePin;

/// Holds the newest state, and those before it that a reader or a pin may still look at. All of it
/// belongs to the writer's thread; other threads come in through a StateReader.
class StatePublisher {
 public:
  static constexpr std::size_t MAX_READERS = 256;
  static constexpr std::size_t MAX_PINS = 64;

  /// @param max_pin_age  how long a pin may keep an old state alive, see StatePin::expired()
  explicit StatePublisher(State first, std::chrono::seconds max_pin_age = std::chrono::seconds(60));
  ~StatePublisher();
  StatePublisher(const StatePublisher&) = delete;
  StatePublisher& operator=(const StatePublisher&) = delete;

  /// Allocates what the next publish() needs, so that it cannot fail once a commit is on disk.
  void prepare();
  /// Makes `next` the newest state. States that no reader can hold any more are freed here, by the
  /// writer. @return states that must still wait
  std::size_t publish(State next);
  /// Frees what publish() had to keep since somebody still looked at it. @return states that must
  /// still wait
  std::size_t collect();
  /// The lowest catalogue version that a reader or a pin may still look at.
  std::uint64_t oldest_in_use() const;
  /// The newest state; for the writer's thread only.
  const State& newest() const;
  /// Pins in use, by any thread.
  std::size_t pin_count() const;

 private:
  friend class StateReader;
  friend class StatePin;
  struct Impl;
  struct Node;
  std::unique_ptr<Impl> impl_;
};

/// Keeps one state alive beyond a batch, for a transfer; may move between threads. The publisher
/// must outlive it.
class StatePin {
 public:
  StatePin(StatePin&& other) noexcept;
  StatePin& operator=(StatePin&& other) noexcept;
  ~StatePin() { release(); }

  /// Valid until release(), even when the pin has expired.
  const State& state() const { return *state_; }
  /// True when this state is not the newest and the pin is older than the publisher allows: its
  /// holder must end and release it. Look between messages. A pin on the newest state costs nothing
  /// and never expires.
  bool expired(std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now()) const;
  void release();

 private:
  friend class StateReader;
  StatePin(StatePublisher::Impl& publisher, std::size_t slot, const State& state,
           std::uint64_t sequence);
  StatePublisher::Impl* publisher_;
  std::size_t slot_;
  const State* state_;
  std::uint64_t sequence_;
  std::chrono::steady_clock::time_point since_;
};

/// One thread's view of the published state. One per thread, in a cache line of its own; throws
/// std::runtime_error when there are MAX_READERS. The publisher must outlive it.
class StateReader {
 public:
  explicit StateReader(StatePublisher& publisher);
  ~StateReader();
  StateReader(const StateReader&) = delete;
  StateReader& operator=(const StateReader&) = delete;

  /// The newest state; announces that it is in use. Call once a batch: the reference is valid until
  /// the next call or idle(), and not across a co_await. Wait-free; a load and a comparison when
  /// nothing was published.
  const State& current();
  /// Before blocking: holds nothing back.
  void idle();
  /// Pins the state that current() gave last (the newest one after idle()). Empty when MAX_PINS are
  /// in use.
  std::optional<StatePin> pin();

 private:
  StatePublisher::Impl& publisher_;
  std::size_t slot_;
  const StatePublisher::Node* held_ = nullptr;  // nullptr: idle
};

}  // namespace dnsd
