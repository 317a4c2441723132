#include "dnsd/upstream_link.h"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace dnsd {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;
using zones::Lsn;

constexpr auto AS_TUPLE = asio::as_tuple(asio::use_awaitable);

// Of the journal at a time: about one message, in which an upstream far behind gets many batches.
constexpr std::size_t FEED_RRSETS = 300;
constexpr std::size_t FEED_BATCHES = 1'000;
// Of a full synchronisation at a time.
constexpr std::size_t MAX_DIFFERENCES = 50'000;
// The upstream's name servers are asked for again, and what it refused is sent again.
constexpr std::chrono::hours LOOK_AGAIN{1};
constexpr std::chrono::hours MAX_WHOLE_AGAIN{24};
constexpr auto SAVE_EVERY = UpstreamThread::SAVE_EVERY;

std::string types_text(const std::vector<zones::Type>& types, char mark) {
  std::string text;
  for (const zones::Type type : types) text += (text.empty() ? mark : ',') + zones::to_text(type);
  return text;
}

std::string filter_text(const UpstreamFilter& filter) {
  std::string text = filter.apex_ns ? "all" : "default";
  return text + types_text(filter.types, '+') + types_text(filter.excluded, '-');
}

/// Batches after a position, as changes for the upstream.
struct FeedSink final : zones::JournalSink {
  /// @param newest  that is published
  FeedSink(const zones::Name& apex, const UpstreamFilter& filter, const UpstreamPosition& from,
           Lsn newest_in)
      : zone(apex), newest(newest_in), position(from), changes(apex, filter) {}

  bool batch(const zones::JournalBatch& batch) override {
    if (batch.lsn > newest) return false;
    if (batch.lsn != position.lsn + 1) {
      broken = "the journal no longer reaches back to where it stands";
      return false;
    }
    for (const zones::ChangeSet& change : batch.changes) {
      if (change.apex != zone) continue;
      if (position.serial && *position.serial != change.from_serial) {
        broken = "the zone was made anew";
        return false;
      }
      changes.add(change);
      position.serial = change.to_serial;
    }
    position.lsn = batch.lsn;
    return ++batches < FEED_BATCHES && changes.rrsets() < FEED_RRSETS;
  }

  const zones::Name& zone;
  const Lsn newest;
  UpstreamPosition position;
  UpstreamChanges changes;
  std::size_t batches = 0;
  std::string broken;
};

}  // namespace

UpstreamLink::UpstreamLink(const zones::Name& zone, UpstreamConfig config, UpstreamThread& thread)
    : zone_(zone),
      config_(std::move(config)),
      name_(zone.lowered().to_text() + " " + to_text(config_.server) + " " +
            filter_text(config_.filter)),
      text_("upstream " + to_text(config_.server) + " of zone " + zone.to_text()),
      thread_(thread),
      filter_(config_.filter),
      requests_(zone_, config_, text_, thread),
      delivery_(zone_, filter_, text_, thread, requests_),
      timer_(thread.context) {
  delivery_.on_taken = [this](std::size_t records) {
    update_status([&](UpstreamStatus& status) {
      ++status.messages;
      status.records += records;
    });
  };
  status_.zone = zone.to_text();
  status_.server = to_text(config_.server);
}

UpstreamStatus UpstreamLink::status() const {
  const std::lock_guard lock(mutex_);
  UpstreamStatus status = status_;
  const Lsn newest = thread_.committed.load(std::memory_order_relaxed);
  status.behind = newest > status.acknowledged_lsn ? newest - status.acknowledged_lsn : 0;
  return status;
}

void UpstreamLink::committed() {
  if (waits_for_commit_) timer_.cancel();
}

void UpstreamLink::retry_now() {
  hurry_ = true;
  whole_again_ = LOOK_AGAIN;
  if (!delivery_.refused().empty()) refused_due_ = {};
  timer_.cancel();
}

void UpstreamLink::stop() {
  stopping_ = true;
  timer_.cancel();
  delivery_.stop();
  requests_.stop();
}

asio::awaitable<void> UpstreamLink::run() {
  position_ = thread_.positions.get(name_);
  if (position_) {
    update_status([&](UpstreamStatus& status) { status.acknowledged_lsn = position_->lsn; });
    delivery_.refused() = RefusedNames::from_text(thread_.positions.refused(name_));
    note_refused();
  }
  while (!stopping_) {
    Failure failure;
    bool idle = false;
    try {
      failure = co_await step(idle);
    } catch (const std::exception& error) {  // the journal cannot be read, or there is no memory
      failure = UpstreamFailure{"journal", error.what(), true};
      thread_.reader.idle();  // what was being read of may be reclaimed
    }
    note_refused();
    if (stopping_) break;
    note(failure);
    if (failure) {
      co_await pause(failures_, slow_);
    } else if (idle) {
      syncs_ = 0;
      co_await wait_for_commit();
    }
  }
}

asio::awaitable<UpstreamLink::Failure> UpstreamLink::step(bool& idle) {
  if (steady_clock::now() >= servers_due_) {
    Failure failure = co_await learn_servers();
    if (failure) co_return failure;
  }
  if (!position_) co_return co_await synchronise();
  if (steady_clock::now() >= refused_due_) {
    refused_due_ = steady_clock::now() + LOOK_AGAIN;
    if (delivery_.refused().is_complete()) {
      Failure failure = co_await send_refused();
      if (failure && !failure->rcode) refused_due_ = steady_clock::now() + config_.retry_max;
      co_return failure;
    }
    whole_again_ = std::min(2 * whole_again_, MAX_WHOLE_AGAIN);
    start_over("it differs by more than is known");
    co_return std::nullopt;
  }
  co_return co_await feed(idle);
}

/// Whose addresses are the upstream's own, as the NS records are that lead to them.
asio::awaitable<UpstreamLink::Failure> UpstreamLink::learn_servers() {
  if (!filter_.apex_ns) {
    Failure failure = co_await requests_.servers(filter_.servers);
    // A transfer and updates may be permitted all the same.
    if (failure && !failure->rcode) co_return failure;
    if (failure) spdlog::warn("{}: {}", text_, failure->text);
  }
  servers_due_ = steady_clock::now() + LOOK_AGAIN;
  co_return std::nullopt;
}

asio::awaitable<UpstreamLink::Failure> UpstreamLink::send_refused() {
  UpstreamChanges changes(zone_, filter_);
  for (const auto& [name, types] : delivery_.refused().names()) changes.touch_again(name, types);
  co_return co_await delivery_.send(changes);
}

/// What was refused goes to the file with the next position, and to the metrics.
void UpstreamLink::note_refused() {
  const RefusedNames& refused = delivery_.refused();
  thread_.positions.set_refused(name_, refused.to_text());
  if (refused.empty()) {
    refused_due_ = Time::max();
  } else if (refused_due_ == Time::max()) {
    refused_due_ = steady_clock::now() + (refused.is_complete() ? LOOK_AGAIN : whole_again_);
  }
  if (delivery_.take_servfailed()) {
    refused_due_ = std::min(refused_due_, steady_clock::now() + Time::duration(config_.retry_max));
  }
  update_status([&](UpstreamStatus& status) {
    status.refused_names = refused.size();
    status.needs_full_sync = !refused.is_complete();
  });
}

/// The next piece of the journal.
asio::awaitable<UpstreamLink::Failure> UpstreamLink::feed(bool& idle) {
  FeedSink sink(zone_, filter_, *position_, thread_.committed.load(std::memory_order_acquire));
  thread_.journal->read(position_->lsn + 1, sink);
  if (!sink.broken.empty()) {
    start_over(sink.broken);
    co_return std::nullopt;
  }
  if (sink.batches == 0) {
    idle = is_sound();
    co_return std::nullopt;
  }
  Failure failure = co_await delivery_.send(sink.changes);
  if (!failure) {
    note_refused();  // not later than the position that passes over it
    acknowledge(sink.position);
  }
  co_return failure;
}

/// The serial of the zone as of batch `lsn`, when that is what is published now.
std::optional<std::uint32_t> UpstreamLink::serial_at(Lsn lsn) {
  const auto zone = thread_.reader.current().catalogue.zone(zone_);
  const std::uint32_t serial = zone ? zone->serial() : 0;
  thread_.reader.idle();
  // A batch is on disk before it is published: none is newer than what was just looked at.
  if (!zone || thread_.journal->last() != lsn) return std::nullopt;
  return serial;
}

/// With the whole journal told: the position belongs to this store and this zone. False after
/// start_over().
bool UpstreamLink::is_sound() {
  if (thread_.journal->last() < position_->lsn) {
    start_over("the store is older than where it stands");
    return false;
  }
  if (thread_.committed.load(std::memory_order_acquire) != position_->lsn) return true;
  const auto serial = serial_at(position_->lsn);
  if (!serial) return true;
  if (position_->serial && *position_->serial != *serial) {
    start_over("the zone was made anew");
    return false;
  }
  if (!position_->serial) acknowledge({position_->lsn, serial});
  return true;
}

void UpstreamLink::start_over(const std::string& why) {
  spdlog::warn("{}: {}: it is synchronised whole", text_, why);
  position_.reset();
  delivery_.refused().clear();
  thread_.positions.set(name_, std::nullopt);
  thread_.save(true);
  update_status([](UpstreamStatus& status) { status.acknowledged_lsn = 0; });
}

void UpstreamLink::acknowledge(const UpstreamPosition& position) {
  position_ = position;
  thread_.positions.set(name_, position);
  thread_.save(false);
  update_status([&](UpstreamStatus& status) { status.acknowledged_lsn = position.lsn; });
}

/// What changes from here on is in the journal above, and sent again where it was seen already.
UpstreamPosition UpstreamLink::position_now() {
  UpstreamPosition position;
  position.lsn = thread_.committed.load(std::memory_order_acquire);
  position.serial = serial_at(position.lsn);
  return position;
}

asio::awaitable<UpstreamLink::Failure> UpstreamLink::synchronise() {
  // One after the other, because the journal is too short for the way there, must not be all that
  // both sides do.
  if (syncs_ != 0) co_await pause(syncs_, false);
  if (stopping_) co_return std::nullopt;
  UpstreamPosition start = position_now();
  Failure failure;
  if (config_.full_sync == UpstreamConfig::FullSync::TRANSFER) {
    failure = co_await compare(start);
  } else {
    failure = co_await replace();
  }
  if (failure || stopping_) co_return failure;
  ++syncs_;
  note_refused();  // not later than the position that passes over it
  acknowledge(start);
  thread_.save(true);
  update_status([](UpstreamStatus& status) { ++status.full_syncs; });
  spdlog::info("{}: synchronised whole, as of batch {}", text_, start.lsn);
  co_return std::nullopt;
}

/// @param start  as of which the last comparison was
asio::awaitable<UpstreamLink::Failure> UpstreamLink::compare(UpstreamPosition& start) {
  using Next = UpstreamRounds::Next;
  UpstreamRounds rounds(MAX_DIFFERENCES);
  while (!stopping_) {
    start = position_now();
    UpstreamComparison comparison(zone_, filter_, MAX_DIFFERENCES, rounds.ttl());
    Failure failure = co_await requests_.transfer(comparison);
    if (failure) co_return failure;
    const Next next = rounds.after(comparison);
    if (next == Next::GIVE_UP) {
      spdlog::error(
          "{}: after {} transfers more than {} RRsets are still others than what was sent: it is "
          "left at that for {} h; compare its zone with this one, then send SIGHUP",
          text_, rounds.count(), MAX_DIFFERENCES, whole_again_.count());
      delivery_.refused().set_incomplete();
      co_return std::nullopt;
    }
    if (next == Next::WAIT_SEND) co_await pause(rounds.vain(), false);
    failure = co_await delivery_.send(comparison.changes());
    if (failure || comparison.is_complete()) co_return failure;
  }
  co_return std::nullopt;
}

asio::awaitable<UpstreamLink::Failure> UpstreamLink::replace() {
  std::optional<zones::Name> after;
  for (bool more = true; more && !stopping_;) {
    more = false;
    UpstreamChanges all(zone_, filter_);
    if (const auto zone = thread_.reader.current().catalogue.zone(zone_)) {
      zone->for_each_after(after, [&](zones::NameView owner, zones::RRsetsView rrsets) {
        all.touch_all(owner, rrsets);
        after = zones::Name(owner);
        more = all.rrsets() >= FEED_RRSETS;
        return !more;
      });
    }
    thread_.reader.idle();
    Failure failure = co_await delivery_.send(all);
    if (failure) co_return failure;
  }
  co_return std::nullopt;
}

/// A line when it begins, when it becomes another failure, and when it is over.
void UpstreamLink::note(const Failure& failure) {
  if (!failure) {
    if (!logged_.empty()) spdlog::info("{}: takes updates again", text_);
    logged_.clear();
    failures_ = 0;
    update_status([](UpstreamStatus& status) { status.failing = false; });
    return;
  }
  ++failures_;
  slow_ = failure->slow;
  update_status([&](UpstreamStatus& status) {
    ++status.failures;
    status.failing = true;
    status.last_error = failure->kind;
    status.last_error_at = wall_clock();
  });
  if (logged_ == failure->text) return;
  logged_ = failure->text;
  spdlog::warn("{}: {}; tried again until it takes them", text_, failure->text);
}

asio::awaitable<void> UpstreamLink::wait_for_commit() {
  waits_for_commit_ = true;
  // The thread's queue has what was committed since: committed() comes after this.
  while (!stopping_ && !std::exchange(hurry_, false) &&
         thread_.committed.load(std::memory_order_acquire) <= position_->lsn) {
    if (steady_clock::now() >= refused_due_) break;
    timer_.expires_at(thread_.positions.is_changed()
                          ? std::min(refused_due_, thread_.saved_at + SAVE_EVERY)
                          : refused_due_);
    co_await timer_.async_wait(AS_TUPLE);
    thread_.save(false);
  }
  waits_for_commit_ = false;
}

asio::awaitable<void> UpstreamLink::pause(std::size_t failures, bool slow) {
  const auto longest = longest_wait(config_, failures, slow).count();
  const auto half = static_cast<std::uint32_t>(longest / 2);
  // Jitter: many servers behind one upstream must not come back all at once.
  const std::chrono::milliseconds wait(half + randombytes_uniform(half + 1));
  const auto until = steady_clock::now() + wait;
  while (!stopping_ && !std::exchange(hurry_, false) && steady_clock::now() < until) {
    timer_.expires_at(std::min(until, steady_clock::now() + SAVE_EVERY));
    co_await timer_.async_wait(AS_TUPLE);
    thread_.save(false);
  }
}

}  // namespace dnsd
