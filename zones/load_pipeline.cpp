#include "zones/load_pipeline.h"

#include <cstring>
#include <type_traits>
#include <utility>

namespace zones {
namespace {

constexpr std::size_t PIECE_OCTETS = std::size_t{1} << 20;
constexpr std::size_t MOST_WAITING = 4;

struct Head {
  std::uint32_t rrsets_octets;
  std::uint32_t lease_count;
  std::uint8_t kind;
  std::uint8_t name_octets;
};
static_assert(std::is_trivially_copyable_v<RecordLease>);

void append(std::vector<std::uint8_t>& out, const void* octets, std::size_t size) {
  const auto* const begin = static_cast<const std::uint8_t*>(octets);
  out.insert(out.end(), begin, begin + size);
}

}  // namespace

LoadPipeline::~LoadPipeline() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LoadPipeline::zone(NameView apex) { put(Kind::ZONE, apex, {}, {}); }

void LoadPipeline::node(NameView owner, RRsetsView rrsets) { put(Kind::NODE, owner, rrsets, {}); }

void LoadPipeline::leases(NameView owner, RRsetsView rrsets, std::span<const RecordLease> leases) {
  put(Kind::LEASES, owner, rrsets, leases);
}

void LoadPipeline::batch(const JournalBatch& batch) {
  drain();
  sink_.batch(batch);
}

void LoadPipeline::put(Kind kind, NameView name, RRsetsView rrsets,
                       std::span<const RecordLease> leases) {
  const Head head{.rrsets_octets = static_cast<std::uint32_t>(rrsets.packed().size()),
                  .lease_count = static_cast<std::uint32_t>(leases.size()),
                  .kind = static_cast<std::uint8_t>(kind),
                  .name_octets = static_cast<std::uint8_t>(name.size())};
  append(filling_, &head, sizeof head);
  append(filling_, name.data(), name.size());
  append(filling_, rrsets.packed().data(), rrsets.packed().size());
  append(filling_, leases.data(), leases.size_bytes());
  if (filling_.size() >= PIECE_OCTETS) hand_over();
}

void LoadPipeline::hand_over() {
  Piece next;
  next.reserve(filling_.size() + filling_.size() / 8);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.size() < MOST_WAITING || failure_; });
  if (failure_) std::rethrow_exception(failure_);
  waiting_.push_back(std::exchange(filling_, std::move(next)));
  lock.unlock();
  changed_.notify_all();
}

void LoadPipeline::drain() {
  if (thread_.joinable()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.empty() || failure_; });
    if (failure_) std::rethrow_exception(failure_);
  }
  // Nothing is on its way, so the thread leaves the sink alone.
  pass_on(std::exchange(filling_, {}));
}

void LoadPipeline::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !waiting_.empty() || ends_; });
    if (ends_) return;
    const Piece& piece = waiting_.front();  // stays there while others are put behind it
    lock.unlock();
    std::exception_ptr failure;
    try {
      pass_on(piece);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    waiting_.pop_front();
    if (failure) failure_ = failure;
    changed_.notify_all();
    if (failure) return;
  }
}

void LoadPipeline::pass_on(const Piece& piece) {
  const std::span<const std::uint8_t> octets(piece);
  std::vector<RecordLease> leases;
  for (std::size_t at = 0; at < piece.size();) {
    Head head;
    std::memcpy(&head, piece.data() + at, sizeof head);
    at += sizeof head;
    const NameView name(piece.data() + at, head.name_octets);
    at += head.name_octets;
    const RRsetsView rrsets(octets.subspan(at, head.rrsets_octets));
    at += head.rrsets_octets;
    switch (static_cast<Kind>(head.kind)) {
      case Kind::ZONE:
        sink_.zone(name);
        break;
      case Kind::NODE:
        sink_.node(name, rrsets);
        break;
      case Kind::LEASES:
        leases.resize(head.lease_count);
        std::memcpy(leases.data(), piece.data() + at, leases.size() * sizeof(RecordLease));
        at += leases.size() * sizeof(RecordLease);
        sink_.leases(name, rrsets, leases);
        break;
    }
  }
}

}  // namespace zones
