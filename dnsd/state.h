// State: everything one request may see, published together; readers never lock and never free.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "keys/grant.h"
#include "keys/keyring.h"
#include "zones/snapshot.h"

namespace dnsd {

/// What changes with the configuration only.
struct Policy {
  keys::Keyring keyring;
  /// Grants of each zone, by apex; a zone without an entry grants nothing.
  std::unordered_map<zones::Name, keys::ZoneGrants, zones::NameHash, zones::NameEqual> grants;
  std::uint16_t udp_octets = 1232;  // the largest UDP answer, and what OPT says

  const keys::ZoneGrants* grants_of(zones::NameView apex) const {
    const auto found = grants.find(apex);
    return found == grants.end() ? nullptr : &found->second;
  }
};

struct State {
  std::uint64_t version = 0;  // of the catalogue: CatalogueBuilder::version()
  zones::Catalogue catalogue;
  std::shared_ptr<const Policy> policy;
};

class StateReader;

/// Holds the newest state. publish() and oldest_in_use() belong to the writer's thread.
class StatePublisher {
 public:
  static constexpr std::size_t MAX_READERS = 256;

  explicit StatePublisher(State first);
  ~StatePublisher();
  StatePublisher(const StatePublisher&) = delete;
  StatePublisher& operator=(const StatePublisher&) = delete;

  /// Makes `next` the newest state. States that no reader can hold any more are freed here, by the writer.
  void publish(State next);
  /// The lowest catalogue version that a reader or a pin may still look at.
  std::uint64_t oldest_in_use() const;
  /// The newest state; for the writer's thread only.
  const State& newest() const;

 private:
  friend class StateReader;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One thread's view of the published state. One per thread, in a cache line of its own; throws std::runtime_error
/// when there are MAX_READERS. The publisher must outlive it.
class StateReader {
 public:
  explicit StateReader(StatePublisher& publisher);
  ~StateReader();
  StateReader(const StateReader&) = delete;
  StateReader& operator=(const StateReader&) = delete;

  /// The newest state; announces that it is in use. Call once a batch: the reference is valid until the next call or
  /// idle(), and not across a co_await.
  const State& current();
  /// Before blocking: holds nothing back.
  void idle();

 private:
  StatePublisher& publisher_;
  std::size_t slot_;
};

}  // namespace dnsd
