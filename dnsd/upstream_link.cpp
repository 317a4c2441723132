#include "dnsd/upstream_link.h"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "keys/exchange.h"
#include "keys/tsig.h"

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
// Of messages that are made at a time.
constexpr std::size_t SEND_OCTETS = 200'000;
// A position that is too old costs sending again; one that is written each time, a disk's patience.
constexpr std::chrono::milliseconds SAVE_EVERY{500};

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

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

/// What a stream is known by to stop(), as long as it is used.
class StreamUse {
 public:
  StreamUse(UpstreamStream*& place, UpstreamStream& stream) : place_(place) { place_ = &stream; }
  ~StreamUse() { place_ = nullptr; }
  StreamUse(const StreamUse&) = delete;
  StreamUse& operator=(const StreamUse&) = delete;

 private:
  UpstreamStream*& place_;
};

UpstreamFailure network_failure(const UpstreamStream& stream) {
  return {stream.timed_out() ? "timeout" : "connection", stream.failure(), false};
}

}  // namespace

void UpstreamThread::save(bool now) {
  if (!positions.is_changed()) return;
  if (!now && steady_clock::now() < saved_at + SAVE_EVERY) return;
  saved_at = steady_clock::now();
  const std::string problem = positions.save();
  if (!problem.empty() && !save_fails) {
    spdlog::error("upstreams: their positions cannot be written, so that a restart sends again: {}",
                  problem);
  }
  save_fails = !problem.empty();
}

UpstreamLink::UpstreamLink(const zones::Name& zone, UpstreamConfig config, UpstreamThread& thread)
    : zone_(zone),
      config_(std::move(config)),
      name_(zone.lowered().to_text() + " " + to_text(config_.server) + " " +
            filter_text(config_.filter)),
      text_("upstream " + to_text(config_.server) + " of zone " + zone.to_text()),
      thread_(thread),
      timer_(thread.context) {
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
  timer_.cancel();
}

void UpstreamLink::stop() {
  stopping_ = true;
  timer_.cancel();
  if (stream_) stream_->close();
}

asio::awaitable<void> UpstreamLink::run() {
  position_ = thread_.positions.get(name_);
  if (position_) {
    update_status([&](UpstreamStatus& status) { status.acknowledged_lsn = position_->lsn; });
  }
  while (!stopping_) {
    Failure failure;
    bool idle = false;
    try {
      if (position_) {
        failure = co_await feed(idle);
      } else {
        failure = co_await synchronise();
      }
    } catch (const std::exception& error) {  // the journal cannot be read, or there is no memory
      failure = UpstreamFailure{"journal", error.what(), true};
      thread_.reader.idle();  // what was being read of may be reclaimed
    }
    if (stopping_) break;
    note(failure);
    if (failure) {
      co_await pause();
    } else if (idle) {
      co_await wait_for_commit();
    }
  }
}

/// The next piece of the journal.
asio::awaitable<UpstreamLink::Failure> UpstreamLink::feed(bool& idle) {
  FeedSink sink(zone_, config_.filter, *position_,
                thread_.committed.load(std::memory_order_acquire));
  thread_.journal->read(position_->lsn + 1, sink);
  if (!sink.broken.empty()) {
    start_over(sink.broken);
    co_return std::nullopt;
  }
  if (sink.batches == 0) {
    idle = is_sound();
    co_return std::nullopt;
  }
  Failure failure = co_await send_changes(sink.changes);
  if (!failure && sink.changes.empty()) acknowledge(sink.position);
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

asio::awaitable<UpstreamLink::Failure> UpstreamLink::synchronise() {
  // What changes from here on is in the journal above, and sent again where it was seen already.
  UpstreamPosition start;
  start.lsn = thread_.committed.load(std::memory_order_acquire);
  start.serial = serial_at(start.lsn);
  Failure failure;
  if (config_.full_sync == UpstreamConfig::FullSync::TRANSFER) {
    failure = co_await compare();
  } else {
    failure = co_await replace();
  }
  if (failure || stopping_) co_return failure;
  acknowledge(start);
  thread_.save(true);
  update_status([](UpstreamStatus& status) { ++status.full_syncs; });
  spdlog::info("{}: synchronised whole, as of batch {}", text_, start.lsn);
  co_return std::nullopt;
}

asio::awaitable<UpstreamLink::Failure> UpstreamLink::compare() {
  for (bool complete = false; !complete && !stopping_;) {
    UpstreamComparison comparison(zone_, config_.filter, MAX_DIFFERENCES);
    Failure failure = co_await transfer(comparison);
    if (failure) co_return failure;
    complete = comparison.is_complete();
    failure = co_await send_changes(comparison.changes());
    if (failure) co_return failure;
  }
  co_return std::nullopt;
}

asio::awaitable<UpstreamLink::Failure> UpstreamLink::replace() {
  std::optional<zones::Name> after;
  for (bool more = true; more && !stopping_;) {
    more = false;
    UpstreamChanges all(zone_, config_.filter);
    if (const auto zone = thread_.reader.current().catalogue.zone(zone_)) {
      zone->for_each_after(after, [&](zones::NameView owner, zones::RRsetsView rrsets) {
        for (const zones::RRsetView rrset : rrsets) all.touch(owner, rrset.type());
        after = zones::Name(owner);
        more = all.rrsets() >= FEED_RRSETS;
        return !more;
      });
    }
    thread_.reader.idle();
    Failure failure = co_await send_changes(all);
    if (failure) co_return failure;
  }
  co_return std::nullopt;
}

std::optional<keys::TsigKey> UpstreamLink::key() {
  const State& state = thread_.reader.current();
  const auto found = state.policy ? state.policy->keyring.find(config_.key) : std::nullopt;
  std::optional<keys::TsigKey> key;
  if (found) {
    key = {zones::Name(found->name), found->algorithm,
           std::make_shared<const keys::Secret>(found->secret)};
  }
  thread_.reader.idle();
  return key;
}

/// AXFR (RFC 5936), into the comparison.
asio::awaitable<UpstreamLink::Failure> UpstreamLink::transfer(UpstreamComparison& comparison) {
  const auto own_key = key();
  if (!own_key) {
    co_return UpstreamFailure{"key", "there is no key " + config_.key.to_text() + " any more",
                              true};
  }
  zones::Message query;
  query.header.id = static_cast<std::uint16_t>(randombytes_uniform(0x10000));
  query.question = {{zone_, zones::Type::AXFR, zones::Class::IN}};
  std::vector<std::uint8_t> octets = zones::to_wire(query);
  keys::TsigClient signer(*own_key);
  signer.sign(octets, wall_clock());

  UpstreamStream stream(thread_.context.get_executor());
  const StreamUse use(stream_, stream);
  stream.set_deadline(steady_clock::now() + config_.timeout);
  if (!co_await stream.connect(config_.server)) co_return network_failure(stream);
  if (!co_await stream.write(octets)) co_return network_failure(stream);
  for (int soas = 0; soas < 2;) {
    stream.set_deadline(steady_clock::now() + config_.timeout);
    if (!co_await stream.read(octets)) co_return network_failure(stream);
    std::uint16_t tsig_error = 0;
    std::optional<std::chrono::sys_seconds> server_time;
    const auto verdict = signer.verify(octets, wall_clock(), tsig_error, server_time);
    const auto message = zones::parse_message(octets);
    if (!message || message->header.id != query.header.id) {
      co_return UpstreamFailure{"malformed", "the transfer is malformed", true};
    }
    using Verdict = keys::TsigClient::Verdict;
    if (message->header.rcode != 0 && verdict != Verdict::BAD_SIGNATURE) {
      if (tsig_error != 0) {
        co_return UpstreamFailure{"TSIG",
                                  "the transfer is answered with TSIG error " +
                                      std::to_string(tsig_error) +
                                      " (16 BADSIG: another secret; 17 BADKEY: it has no key " +
                                      config_.key.to_text() + "; 18 BADTIME: the clocks differ)",
                                  true};
      }
      co_return failure_of(static_cast<zones::Rcode>(message->header.rcode),
                           UpstreamRequest::TRANSFER, zone_, config_.key);
    }
    if (verdict != Verdict::VALID && verdict != Verdict::PENDING) {
      co_return UpstreamFailure{
          "TSIG", std::string("the transfer cannot be believed: ") + keys::to_text(verdict), true};
    }
    const auto ours = thread_.reader.current().catalogue.zone(zone_);
    for (const zones::Record& record : message->answer) {
      const bool is_soa = record.type == zones::Type::SOA && record.owner == zone_;
      if (soas == 2 || (soas == 0) != (is_soa && soas == 0)) {
        thread_.reader.idle();
        co_return UpstreamFailure{"malformed", "the transfer does not stand between two SOA", true};
      }
      if (is_soa) {
        ++soas;
      } else if (ours) {
        comparison.theirs(*ours, record);
      }
    }
    thread_.reader.idle();
  }
  if (!signer.complete()) {
    co_return UpstreamFailure{"TSIG", "the transfer's end is not signed", true};
  }
  if (const auto ours = thread_.reader.current().catalogue.zone(zone_)) comparison.rest(*ours);
  thread_.reader.idle();
  co_return std::nullopt;
}

/// As the zone is now, which is never older than the changes.
asio::awaitable<UpstreamLink::Failure> UpstreamLink::send_changes(UpstreamChanges& changes) {
  while (!changes.empty() && !stopping_) {
    const auto zone = thread_.reader.current().catalogue.zone(zone_);
    if (!zone) co_return UpstreamFailure{"zone", "the zone is not served any more", true};
    std::vector<UpdateSection> sections = changes.take(*zone, SEND_OCTETS);
    thread_.reader.idle();
    Failure failure = co_await send_all(std::move(sections));
    if (failure) co_return failure;
  }
  co_return std::nullopt;
}

asio::awaitable<UpstreamLink::Failure> UpstreamLink::send_all(std::vector<UpdateSection> sections) {
  for (UpdateSection& section : sections) {
    // Its names are taken already: without a failure they would count as sent.
    if (stopping_) co_return UpstreamFailure{"stop", "dnsd stops", false};
    const std::size_t records = section.size();
    Failure failure = co_await send(std::move(section));
    if (failure) co_return failure;
    update_status([&](UpstreamStatus& status) {
      ++status.messages;
      status.records += records;
    });
  }
  co_return std::nullopt;
}

/// One UPDATE. Over TCP only: a datagram that the network delivers late, behind newer updates,
/// would take those back, and one that is truncated would have to be sent twice.
asio::awaitable<UpstreamLink::Failure> UpstreamLink::send(UpdateSection section) {
  const auto own_key = key();
  if (!own_key) {
    co_return UpstreamFailure{"key", "there is no key " + config_.key.to_text() + " any more",
                              true};
  }
  zones::Message update;
  update.header.opcode = zones::Opcode::UPDATE;
  update.question = {{zone_, zones::Type::SOA, zones::Class::IN}};
  update.authority = std::move(section);
  constexpr std::size_t LARGE_OCTETS = 60'000;
  if (update.authority.size() == 1 && update.authority[0].rdata.size() > LARGE_OCTETS &&
      zones::to_wire(update).size() + keys::MAX_TSIG_OCTETS > zones::MAX_MESSAGE_OCTETS) {
    spdlog::error("{}: a record of {} at {} is too large for an update and left out", text_,
                  zones::to_text(update.authority[0].type), update.authority[0].owner.to_text());
    co_return std::nullopt;
  }
  const keys::ExchangeOptions options{.total_timeout = config_.timeout, .tcp_only = true};
  keys::Exchange exchange([&update] { return update; }, *own_key, options);
  UpstreamStream stream(thread_.context.get_executor());
  const StreamUse use(stream_, stream);
  stream.set_deadline(steady_clock::now() + config_.timeout);
  std::vector<std::uint8_t> octets;
  using Action = keys::Exchange::Action;
  for (;;) {
    const keys::Exchange::Step step = exchange.next(steady_clock::now(), wall_clock());
    bool works = true;
    if (step.action == Action::SEND_TCP || step.action == Action::SEND_UDP) {
      octets.assign(step.octets.begin(), step.octets.end());
      works = co_await stream.connect(config_.server);
      if (works) works = co_await stream.write(octets);
    } else if (step.action == Action::WAIT) {
      works = co_await stream.read(octets);
      if (works) exchange.received(octets, steady_clock::now(), wall_clock());
    } else {
      break;
    }
    if (!works) co_return network_failure(stream);
  }
  if (exchange.next(steady_clock::now(), wall_clock()).action == Action::FAILED) {
    co_return UpstreamFailure{"TSIG", exchange.failure(), true};
  }
  if (exchange.tsig_error() != 0) {
    co_return UpstreamFailure{"TSIG",
                              "the update is answered with TSIG error " +
                                  std::to_string(exchange.tsig_error()) +
                                  " (18 BADTIME: the clocks differ)",
                              true};
  }
  const auto rcode = static_cast<zones::Rcode>(exchange.response().header.rcode);
  if (rcode != zones::Rcode::NOERROR) {
    co_return failure_of(rcode, UpstreamRequest::UPDATE, zone_, config_.key);
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
    timer_.expires_at(thread_.positions.is_changed() ? thread_.saved_at + SAVE_EVERY
                                                     : steady_clock::time_point::max());
    co_await timer_.async_wait(AS_TUPLE);
    thread_.save(false);
  }
  waits_for_commit_ = false;
}

asio::awaitable<void> UpstreamLink::pause() {
  const auto longest = longest_wait(config_, failures_, slow_).count();
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
