// Publication by announcement: a reader first says which sequence number it saw, then loads the
// newest pointer; the writer first stores the pointer, then looks at the announcements. All four
// are sequentially consistent, so either the writer sees the announcement, or the reader gets the
// newer state. (No fences: ThreadSanitizer cannot see them.)
#include "dnsd/state.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <utility>

namespace dnsd {

namespace {

constexpr std::uint64_t NOTHING = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t CACHE_LINE_OCTETS = 64;

// The lowest sequence number that its owner may look at. In a cache line of its own, since its
// owner writes it often.
struct alignas(CACHE_LINE_OCTETS) Slot {
  std::atomic<std::uint64_t> announced{NOTHING};
  std::atomic<bool> taken{false};
};

// The first free slot, now taken; the array's size when there is none.
template <std::size_t SIZE>
std::size_t take_slot(std::array<Slot, SIZE>& slots) {
  std::size_t index = 0;
  while (index < SIZE && slots[index].taken.exchange(true)) ++index;
  return index;
}

void give_back(Slot& slot) {
  slot.announced.store(NOTHING);
  slot.taken.store(false);
}

}  // namespace

struct StatePublisher::Node {
  State state;
  std::uint64_t sequence =
      0;  // of publication: a new policy is a new state of the same catalogue version
  std::unique_ptr<Node> next;  // published after this one
};

struct StatePublisher::Impl {
  // What readers load; the writer alone stores.
  alignas(CACHE_LINE_OCTETS) std::atomic<const Node*> newest{nullptr};
  std::atomic<std::uint64_t> sequence{0};
  std::chrono::seconds max_pin_age{};

  std::array<Slot, MAX_READERS> readers;
  std::array<Slot, MAX_PINS> pins;

  // Of the writer: all states alive, oldest first, as a list that needs no memory of its own.
  alignas(CACHE_LINE_OCTETS) std::unique_ptr<Node> oldest;
  Node* last = nullptr;
  std::unique_ptr<Node> spare;

  std::uint64_t lowest_announced() const {
    std::uint64_t lowest = NOTHING;
    // Readers before pins: a reader that pins and then moves on has stored the pin before its next
    // announcement.
    for (const Slot& slot : readers) lowest = std::min(lowest, slot.announced.load());
    for (const Slot& slot : pins) lowest = std::min(lowest, slot.announced.load());
    return lowest;
  }
};

StatePublisher::StatePublisher(State first, std::chrono::seconds max_pin_age)
    : impl_(std::make_unique<Impl>()) {
  impl_->max_pin_age = max_pin_age;
  publish(std::move(first));
}

StatePublisher::~StatePublisher() {
  // One after the other: a long list must not unwind by recursion.
  while (impl_->oldest) impl_->oldest = std::move(impl_->oldest->next);
}

void StatePublisher::prepare() {
  if (!impl_->spare) impl_->spare = std::make_unique<Node>();
}

std::size_t StatePublisher::publish(State next) {
  prepare();
  std::unique_ptr<Node> node = std::move(impl_->spare);
  node->state = std::move(next);
  Node* const raw = node.get();
  if (impl_->last == nullptr) {
    impl_->oldest = std::move(node);
  } else {
    raw->sequence = impl_->last->sequence + 1;
    impl_->last->next = std::move(node);
  }
  impl_->last = raw;
  impl_->newest.store(raw);
  // After the pointer: who reads this number finds a state at least as new, so announcing it
  // protects that one.
  impl_->sequence.store(raw->sequence);
  return collect();
}

std::size_t StatePublisher::collect() {
  if (impl_->oldest.get() == impl_->last) return 0;
  const std::uint64_t lowest = impl_->lowest_announced();
  while (impl_->oldest.get() != impl_->last && impl_->oldest->sequence < lowest) {
    impl_->oldest = std::move(impl_->oldest->next);
  }
  return static_cast<std::size_t>(impl_->last->sequence - impl_->oldest->sequence);
}

std::uint64_t StatePublisher::oldest_in_use() const {
  const std::uint64_t lowest = impl_->lowest_announced();
  const Node* node = impl_->oldest.get();
  while (node != impl_->last && node->sequence < lowest) node = node->next.get();
  return node->state.version;
}

const State& StatePublisher::newest() const { return impl_->last->state; }

std::size_t StatePublisher::pin_count() const {
  std::size_t count = 0;
  for (const Slot& slot : impl_->pins) count += slot.announced.load() != NOTHING ? 1 : 0;
  return count;
}

StatePin::StatePin(StatePublisher::Impl& publisher, std::size_t slot, const State& state,
                   std::uint64_t sequence)
    : publisher_(&publisher),
      slot_(slot),
      state_(&state),
      sequence_(sequence),
      since_(std::chrono::steady_clock::now()) {}

StatePin::StatePin(StatePin&& other) noexcept
    : publisher_(std::exchange(other.publisher_, nullptr)),
      slot_(other.slot_),
      state_(std::exchange(other.state_, nullptr)),
      sequence_(other.sequence_),
      since_(other.since_) {}

StatePin& StatePin::operator=(StatePin&& other) noexcept {
  if (this == &other) return *this;
  release();
  publisher_ = std::exchange(other.publisher_, nullptr);
  slot_ = other.slot_;
  state_ = std::exchange(other.state_, nullptr);
  sequence_ = other.sequence_;
  since_ = other.since_;
  return *this;
}

bool StatePin::expired(std::chrono::steady_clock::time_point now) const {
  return publisher_ != nullptr &&
         publisher_->sequence.load(std::memory_order_relaxed) != sequence_ &&
         now - since_ >= publisher_->max_pin_age;
}

void StatePin::release() {
  if (publisher_ == nullptr) return;
  give_back(publisher_->pins[slot_]);
  publisher_ = nullptr;
  state_ = nullptr;
}

StateReader::StateReader(StatePublisher& publisher)
    : publisher_(*publisher.impl_), slot_(take_slot(publisher_.readers)) {
  if (slot_ == StatePublisher::MAX_READERS) {
    throw std::runtime_error("too many threads read the state");
  }
}

StateReader::~StateReader() { give_back(publisher_.readers[slot_]); }

const State& StateReader::current() {
  const StatePublisher::Node* node = publisher_.newest.load(std::memory_order_acquire);
  if (node == held_)
    return node->state;  // still announced, hence not freed: the same pointer is the same state
  publisher_.readers[slot_].announced.store(publisher_.sequence.load());
  held_ = publisher_.newest.load();
  return held_->state;
}

void StateReader::idle() {
  held_ = nullptr;
  publisher_.readers[slot_].announced.store(NOTHING, std::memory_order_release);
}

std::optional<StatePin> StateReader::pin() {
  const bool was_idle = held_ == nullptr;
  if (was_idle) current();
  std::optional<StatePin> pin;
  const std::size_t slot = take_slot(publisher_.pins);
  if (slot != StatePublisher::MAX_PINS) {
    publisher_.pins[slot].announced.store(held_->sequence);
    pin = StatePin(publisher_, slot, held_->state, held_->sequence);
  }
  if (was_idle) idle();
  return pin;
}

}  // namespace dnsd
