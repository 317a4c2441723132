#include "dnsd/upstream_delivery.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace dnsd {
namespace {

namespace asio = boost::asio;

// Of messages that are made at a time.
constexpr std::size_t SEND_OCTETS = 200'000;
// New refused names in a row while nothing is taken: beyond, it is rather about all of them.
constexpr std::size_t MAX_UNPROVEN = 16;
// In a row in one message, after which it may have become about all of them.
constexpr std::size_t PROBE_AGAIN = 8;
// SERVFAIL often passes by itself; only if it stays it may be a record's.
constexpr std::size_t SERVFAIL_TRIES = 3;

bool is_of_one_name(const UpdateSection& section) {
  return !section.empty() && std::ranges::all_of(section, [&](const zones::Record& record) {
    return record.owner == section.front().owner;
  });
}

UpstreamFailure stopped() { return {"stop", "dnsd stops", false}; }

}  // namespace

struct UpstreamDelivery::Search {
  std::vector<UpdateSection> waiting{};  // the next one last
  bool began = false;
  bool proven = false;     // it takes other updates
  std::size_t in_row = 0;  // names refused, while nothing was taken
};

asio::awaitable<MaybeUpstreamFailure> UpstreamDelivery::send(UpstreamChanges& changes) {
  for (const auto& [name, types] : refused_.names()) {
    if (changes.touches(name)) changes.touch_again(name, types);
  }
  refused_now_.clear();
  known_taken_.clear();
  taken_since_ = false;
  MaybeUpstreamFailure failure = co_await send_all(changes);
  if (!failure && !refused_now_.empty() && taken_since_) {
    // What was taken after it may be what it lacked: the address of a name server or mail
    // exchanger.
    UpstreamChanges again(zone_, filter_);
    for (const zones::Name& name : std::exchange(refused_now_, {})) {
      const auto found = refused_.names().find(name);
      if (found != refused_.names().end()) again.touch_again(name, found->second);
    }
    failure = co_await send_all(again);
  }
  if (failure) co_return failure;
  // Not before: a name of several messages is right when all of them were taken.
  for (const zones::Name& name : known_taken_) {
    if (!refused_now_.contains(name)) refused_.remove(name);
  }
  co_return std::nullopt;
}

/// A failure unless all was taken, or put aside.
asio::awaitable<MaybeUpstreamFailure> UpstreamDelivery::send_all(UpstreamChanges& changes) {
  while (!changes.empty()) {
    const auto zone = thread_.reader.current().catalogue.zone(zone_);
    if (!zone) {
      thread_.reader.idle();
      co_return UpstreamFailure{"zone", "the zone is not served any more", true};
    }
    std::vector<UpdateSection> sections = changes.take(*zone, SEND_OCTETS);
    thread_.reader.idle();
    for (UpdateSection& section : sections) {
      MaybeUpstreamFailure failure = co_await send_section(std::move(section));
      if (failure) co_return failure;
    }
  }
  co_return std::nullopt;
}

asio::awaitable<MaybeUpstreamFailure> UpstreamDelivery::send_section(UpdateSection section) {
  Search search;
  search.waiting.push_back(std::move(section));
  while (!search.waiting.empty()) {
    if (stopping_) co_return stopped();
    MaybeUpstreamFailure failure = co_await requests_.update(search.waiting.back());
    if (!failure) {
      taken(search.waiting.back());
      search.waiting.pop_back();
      search.proven = true;
      search.in_row = 0;
      continue;
    }
    if (stopping_) co_return stopped();
    if (!failure->rcode) co_return failure;
    UpstreamFailure why = std::move(*failure);
    failure = co_await look_into(search, std::move(why));
    if (failure) co_return failure;
  }
  co_return std::nullopt;
}

/// Of the part that was refused: halves it, or puts its name aside.
asio::awaitable<MaybeUpstreamFailure> UpstreamDelivery::look_into(Search& search,
                                                                  UpstreamFailure failure) {
  const bool is_servfail = failure.rcode == zones::Rcode::SERVFAIL;
  if (!std::exchange(search.began, true)) {
    const bool is_known = refused_.contains_any(search.waiting.back());
    if (is_servfail && !is_known && ++servfails_ < SERVFAIL_TRIES) co_return failure;
    MaybeUpstreamFailure all = co_await probe(search, failure);
    if (all) co_return all;
    // It may have passed meanwhile, as when the zone was being loaded.
    if (is_of_one_name(search.waiting.back())) co_return std::nullopt;
  }
  UpdateSection second = split_between_names(search.waiting.back());
  if (!second.empty()) {
    UpdateSection first = std::move(search.waiting.back());
    search.waiting.back() = std::move(second);
    search.waiting.push_back(std::move(first));
    co_return std::nullopt;
  }
  if (++search.in_row % PROBE_AGAIN == 0) {
    MaybeUpstreamFailure all = co_await probe(search, failure);
    if (all) co_return all;
  }
  const UpdateSection part = std::move(search.waiting.back());
  search.waiting.pop_back();
  if (refuse(search, part, failure)) co_return std::nullopt;
  // Before this counts for everything: is there anything that it takes?
  for (std::size_t at = search.waiting.size(); at-- > 0;) {
    const MaybeUpstreamFailure other = co_await requests_.update(search.waiting[at]);
    if (other && !other->rcode) co_return other;
    if (other) continue;
    taken(search.waiting[at]);
    search.proven = true;
    search.in_row = 0;
    search.waiting.erase(search.waiting.begin() + static_cast<std::ptrdiff_t>(at));
  }
  if (!search.proven || !refuse(search, part, failure)) co_return failure;
  co_return std::nullopt;
}

/// Is it this key, or this zone? @return the failure when it is
asio::awaitable<MaybeUpstreamFailure> UpstreamDelivery::probe(Search& search,
                                                              UpstreamFailure failure) {
  // What it has taken already changes nothing.
  UpdateSection nothing;
  if (has_taken_) {
    UpstreamChanges same(zone_, filter_);
    same.touch(last_taken_.owner, last_taken_.type);
    const auto zone = thread_.reader.current().catalogue.zone(zone_);
    std::vector<UpdateSection> sections;
    if (zone) sections = same.take(*zone, SEND_OCTETS);
    thread_.reader.idle();
    if (!sections.empty()) nothing = std::move(sections.front());
  }
  const bool asks = !nothing.empty();
  const MaybeUpstreamFailure general = co_await requests_.update(std::move(nothing));
  if (general && (!general->rcode || !asks)) co_return general->rcode ? failure : *general;
  if (general) {
    const MaybeUpstreamFailure empty = co_await requests_.update({});
    if (empty) co_return empty->rcode ? failure : *empty;
  }
  // A full disk is no matter to an update without effect.
  if (asks && !general && failure.rcode != zones::Rcode::SERVFAIL) search.proven = true;
  co_return std::nullopt;
}

/// @return false when it is rather not about this name
bool UpstreamDelivery::refuse(Search& search, const UpdateSection& section,
                              const UpstreamFailure& failure) {
  if (section.empty()) return false;
  const zones::Name& name = section.front().owner;
  if (!search.proven && !refused_.contains(name) && ++unproven_ > MAX_UNPROVEN) {
    unproven_ = 0;  // the next try gets past those that are known by then
    return false;
  }
  const bool was_complete = refused_.is_complete();
  const bool is_new = refused_.add(section);
  refused_now_.insert(name);
  if (failure.rcode == zones::Rcode::SERVFAIL) put_aside_for_servfail_ = true;
  taken_since_ = false;
  if (is_new) {
    warn(lines_, [&] {
      return text_ + ": a change of " + name.to_text() + " is answered " + failure.kind +
             ", which its log may explain: left out until it changes again, as are " +
             std::to_string(refused_.size() - 1) + " other names";
    });
  }
  if (was_complete && !refused_.is_complete()) {
    spdlog::error(
        "{}: it refuses more changes than are kept: it needs a full synchronisation, which "
        "comes with the next SIGHUP or within an hour",
        text_);
  }
  return true;
}

void UpstreamDelivery::taken(const UpdateSection& section) {
  on_taken(section.size());
  unproven_ = 0;
  servfails_ = 0;
  taken_since_ = true;
  if (section.empty()) return;
  const zones::Record& last = section.back();
  last_taken_ = {last.owner, last.type, last.rrclass, 0, {}};
  has_taken_ = true;
  if (refused_.names().empty()) return;
  for (const zones::Record& record : section) {
    if (refused_.contains(record.owner)) known_taken_.insert(record.owner);
  }
}

}  // namespace dnsd
