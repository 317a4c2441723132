// Replay window: the answers to signed messages that may come again, so that each is carried out
// once.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "zones/rfc.h"
#include "zones/store.h"
#include "zones/update_lease.h"

namespace dnsd {

/// Remembers messages by the digest of what was signed, together with the answer, until they are
/// too old to be accepted (twice the fudge after they were signed, so that one which was verified
/// in time may still wait for the writer).
///
/// The memory is fixed: 32 octets a message, used as messages come, and 8 to 16 for the index. When
/// it is full, those that were signed first leave, and the oldest signing time that it can vouch
/// for moves up: what was signed before that may have been here, and is not to be carried out. Used
/// by one thread.
class ReplayWindow {
 public:
  using Digest = std::array<std::uint8_t, 32>;
  struct Answer {
    zones::Rcode rcode{};
    std::optional<zones::UpdateLease> granted;
    bool operator==(const Answer&) const = default;
  };

  /// @param capacity  messages; at least one
  ReplayWindow(std::size_t capacity, std::chrono::seconds fudge);

  /// The answer that a message was given; empty when it is new, or older than vouched_from().
  std::optional<Answer> find(const Digest& digest) const;
  /// A message that is known already keeps its first answer.
  void remember(const Digest& digest, std::chrono::sys_seconds signed_at, const Answer& answer);
  /// Every message that was remembered and signed at this time or later is still there.
  std::chrono::sys_seconds vouched_from() const { return vouched_from_; }
  /// Forgets what was signed before `from`, and vouches for nothing older.
  void vouch_only_from(std::chrono::sys_seconds from);
  /// Forgets what nobody would accept any more.
  void expire(std::chrono::sys_seconds now) { drop_before(now - 2 * fudge_); }

  std::size_t size() const { return size_; }
  std::chrono::seconds fudge() const { return fudge_; }

 private:
  // Half of the digest is as hard to meet again, for somebody who does not have the key.
  using Id = std::array<std::uint8_t, 16>;
  struct Entry {
    Id id;
    std::uint32_t next;  // of those signed in the same second, or free
    std::uint32_t lease;
    std::uint32_t key_lease;
    std::uint16_t rcode;
    bool has_lease;
    bool has_key_lease;
  };
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  static constexpr std::uint32_t NONE = 0xffffffff;

  static Id id_of(const Digest& digest);
  std::size_t home(const Id& id) const;
  /// The slot that holds it, or the free one where it would go.
  std::size_t slot(const Id& id) const;
  void clear_slot(std::size_t at);
  void drop_before(std::chrono::sys_seconds from);
  void drop_oldest_second();

  const std::size_t capacity_;
  const std::chrono::seconds fudge_;
  std::array<std::uint64_t, 2> salt_{};  // so that nobody can choose digests that meet in a slot
  std::size_t mask_;
  // Both as the system gives them: pages that were not used yet take no memory.
  std::unique_ptr<std::uint32_t[], Free> slots_;  // 0: free, else the entry's number plus one
  std::unique_ptr<Entry[], Free> entries_;
  std::uint32_t used_ = 0;     // entries that were in use at some time
  std::uint32_t free_ = NONE;  // a list of those that are not any more
  std::size_t size_ = 0;
  std::map<std::chrono::sys_seconds, std::uint32_t> seconds_;  // by signing time: a list of entries
  std::chrono::sys_seconds vouched_from_ = std::chrono::sys_seconds::min();
};

/// Fills an empty window with what it held when the newest batch was appended, from the store's
/// journal. Where the journal was cut within the window, it vouches only for what cannot have been
/// in the part that is gone. Throws StoreError. Takes about two seconds for a million messages.
void read_replay_window(zones::Store& store, std::chrono::sys_seconds now, ReplayWindow& window);

}  // namespace dnsd
