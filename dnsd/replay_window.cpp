#include "dnsd/replay_window.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <type_traits>

namespace dnsd {

using std::chrono::sys_seconds;

ReplayWindow::ReplayWindow(std::size_t capacity, std::chrono::seconds fudge)
    : capacity_(std::clamp<std::size_t>(capacity, 1, NONE / 4)),
      fudge_(fudge),
      mask_(std::bit_ceil(2 * capacity_) - 1),
      slots_(static_cast<std::uint32_t*>(std::calloc(mask_ + 1, sizeof(std::uint32_t)))),
      entries_(static_cast<Entry*>(std::calloc(capacity_, sizeof(Entry)))) {
  static_assert(std::is_trivially_copyable_v<Entry> && sizeof(Entry) == 32);
  if (!slots_ || !entries_) throw std::bad_alloc();
  randombytes_buf(salt_.data(), sizeof salt_);
}

ReplayWindow::Id ReplayWindow::id_of(const Digest& digest) {
  Id id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

std::size_t ReplayWindow::home(const Id& id) const {
  std::array<std::uint64_t, 2> words;
  std::memcpy(words.data(), id.data(), id.size());
  std::uint64_t hash = (words[0] ^ salt_[0]) * 0x9e3779b97f4a7c15;
  hash = (std::rotl(hash, 32) ^ words[1] ^ salt_[1]) * 0xd6e8feb86659fd93;
  return static_cast<std::size_t>(hash ^ (hash >> 32)) & mask_;
}

// At most half of the slots are taken, so it ends.
std::size_t ReplayWindow::slot(const Id& id) const {
  std::size_t at = home(id);
  while (slots_[at] != 0 && entries_[slots_[at] - 1].id != id) at = (at + 1) & mask_;
  return at;
}

// Moves up what went past this slot on its way, so that it is still found.
void ReplayWindow::clear_slot(std::size_t at) {
  std::size_t hole = at;
  for (std::size_t next = (at + 1) & mask_; slots_[next] != 0; next = (next + 1) & mask_) {
    const std::size_t wanted = home(entries_[slots_[next] - 1].id);
    if (((next - wanted) & mask_) < ((next - hole) & mask_)) continue;
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole] = 0;
}

std::optional<ReplayWindow::Answer> ReplayWindow::find(const Digest& digest) const {
  const std::uint32_t found = slots_[slot(id_of(digest))];
  if (found == 0) return std::nullopt;
  const Entry& entry = entries_[found - 1];
  Answer answer{.rcode = static_cast<zones::Rcode>(entry.rcode), .granted = {}};
  if (entry.has_lease) {
    answer.granted = zones::UpdateLease{.lease = entry.lease, .key_lease = {}};
    if (entry.has_key_lease) answer.granted->key_lease = entry.key_lease;
  }
  return answer;
}

void ReplayWindow::remember(const Digest& digest, sys_seconds signed_at, const Answer& answer) {
  const Id id = id_of(digest);
  if (signed_at < vouched_from_ || slots_[slot(id)] != 0) return;
  if (size_ == capacity_) {
    // What was signed first leaves, be it this one.
    if (signed_at <= seconds_.begin()->first) {
      vouch_only_from(signed_at + std::chrono::seconds(1));
      return;
    }
    drop_oldest_second();
  }
  std::uint32_t& newest_of_second = seconds_.try_emplace(signed_at, NONE).first->second;
  const std::uint32_t number = free_ != NONE ? free_ : used_++;
  Entry& entry = entries_[number];
  if (free_ != NONE) free_ = entry.next;
  entry = {.id = id,
           .next = newest_of_second,
           .lease = answer.granted ? answer.granted->lease : 0,
           .key_lease = answer.granted ? answer.granted->key_lease.value_or(0) : 0,
           .rcode = static_cast<std::uint16_t>(answer.rcode),
           .has_lease = answer.granted.has_value(),
           .has_key_lease = answer.granted && answer.granted->key_lease};
  newest_of_second = number;
  slots_[slot(id)] = number + 1;  // anew: dropping may have moved it
  ++size_;
}

void ReplayWindow::drop_oldest_second() {
  const auto oldest = seconds_.begin();
  for (std::uint32_t number = oldest->second; number != NONE;) {
    Entry& entry = entries_[number];
    clear_slot(slot(entry.id));
    const std::uint32_t next = entry.next;
    entry.next = free_;
    free_ = number;
    number = next;
    --size_;
  }
  vouched_from_ = std::max(vouched_from_, oldest->first + std::chrono::seconds(1));
  seconds_.erase(oldest);
}

// The time itself moves no bound: a clock that was ahead for a while does no harm.
void ReplayWindow::drop_before(sys_seconds from) {
  while (!seconds_.empty() && seconds_.begin()->first < from) drop_oldest_second();
}

void ReplayWindow::vouch_only_from(sys_seconds from) {
  drop_before(from);
  vouched_from_ = std::max(vouched_from_, from);
}

void read_replay_window(zones::Store& store, sys_seconds now, ReplayWindow& window) {
  class Reader final : public zones::JournalSink {
   public:
    Reader(ReplayWindow& into, sys_seconds since) : window_(into), since_(since) {}
    bool batch(const zones::JournalBatch& batch) override {
      // There were batches before this one which may be of the window: nothing in them was signed
      // later than the fudge after this one.
      if (is_first_ && batch.lsn > 1 && batch.time >= since_) {
        window_.vouch_only_from(batch.time + window_.fudge() + std::chrono::seconds(1));
      }
      is_first_ = false;
      for (const zones::JournalMessage& message : batch.messages) {
        if (message.signed_at < since_) continue;
        window_.remember(message.digest, message.signed_at,
                         {.rcode = message.rcode, .granted = message.granted});
      }
      return true;
    }

   private:
    ReplayWindow& window_;
    const sys_seconds since_;
    bool is_first_ = true;
  };

  const sys_seconds since = now - 2 * window.fudge();
  Reader reader(window, since);
  store.journal(store.newest_batch_before(since), reader);
}

}  // namespace dnsd
