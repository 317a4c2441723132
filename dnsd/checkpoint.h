// Checkpoint: the store's rows follow the journal, in slices, and the journal is cut behind them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_set>

#include "zones/loader.h"
#include "zones/name.h"
#include "zones/snapshot.h"
#include "zones/store.h"

namespace dnsd {

/// Which names' rows are behind, oldest change first. A name that changes again while it waits
/// keeps its place: its row will be written as it is by then. Used by the writer's thread.
class Checkpoint {
 public:
  Checkpoint(zones::Store& store, const zones::Loaded& loaded);

  /// Before batch `lsn` is appended: it changes this name.
  void add(zones::Lsn lsn, zones::NameView apex, zones::NameView owner);
  /// Takes back what was added for `lsn`, which was not appended.
  void forget(zones::Lsn lsn) noexcept;

  /// Names whose rows are behind.
  std::size_t lag() const { return waiting_.size(); }
  /// Nothing is behind, and the store knows.
  bool is_complete() const;
  /// Writes the rows of the next `names` names as they stand in `newest`, the version of the newest
  /// batch. Throws StoreError; nothing is lost then.
  void write_slice(const zones::Catalogue& newest, std::size_t names);

  /// Removes batches that the checkpoint does not need and that are beyond `keep_batches` or older
  /// than `keep_since`, some at a time. @return false when there are no more of them
  bool prune(std::uint64_t keep_batches, std::chrono::sys_seconds keep_since);

 private:
  // The apex is a suffix of the owner, so its size tells it.
  struct Key {
    std::string owner;
    std::uint8_t apex_octets = 0;
    zones::NameView name() const {
      return {reinterpret_cast<const std::uint8_t*>(owner.data()), owner.size()};
    }
    zones::NameView apex() const {
      return {name().data() + owner.size() - apex_octets, apex_octets};
    }
  };
  struct KeyView {
    zones::NameView owner;
    std::size_t apex_octets;
  };
  static KeyView view(const Key& key) { return {key.name(), key.apex_octets}; }
  static KeyView view(KeyView key) { return key; }
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const auto& key) const {
      return zones::NameHash()(view(key).owner) + view(key).apex_octets;
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const {
      return view(a).apex_octets == view(b).apex_octets && view(a).owner == view(b).owner;
    }
  };
  struct Waiting {
    zones::Lsn lsn;
    const Key* key;  // in keys_
  };

  zones::Store& store_;
  std::unordered_set<Key, Hash, Equal> keys_;  // of those that wait
  std::deque<Waiting> waiting_;                // ascending by LSN
};

}  // namespace dnsd
