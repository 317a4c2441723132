#include "tools/dnsdctl/endpoint_history.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "keys/claims.h"
#include "tools/common/utc_time.h"
#include "zones/rdata.h"

namespace dnsdctl {
namespace {

using zones::Name;
using zones::Type;

struct Key {
  Name apex;  // a name may be in two zones, at the cut between them
  Name owner;
  Type type{};
  zones::Rdata rdata;
  auto tie() const { return std::tie(apex, owner, type, rdata); }
  bool operator<(const Key& other) const { return tie() < other.tie(); }
};

struct Event {
  enum class Kind : std::uint8_t { ADDED, REMOVED, PROLONGED };
  Kind kind{};
  Act act;
};

struct Life {
  bool is_there = false;  // now
  std::vector<Event> events;
};

/// The records that may have to do with the endpoint, and what happened to each.
class Lives {
 public:
  explicit Lives(const EndpointQuery& query) : query_(query) {}

  void add_row(const Name& apex, zones::NameView owner, zones::RRsetsView rrsets) {
    for (const zones::RRsetView rrset : rrsets) {
      for (const zones::RdataView rdata : rrset) {
        if (is_of_interest(owner, rrset.type(), rdata)) {
          life(apex, owner, rrset.type(), rdata).is_there = true;
        }
      }
    }
  }

  /// Of a batch that the rows may lack.
  void apply(const zones::ChangeSet& change) {
    set(change, change.removed, false);
    set(change, change.added, true);
  }

  /// Of every batch, in their order.
  void note(const zones::JournalBatch& batch) {
    if (batch.time <= query_.at) newest_ = batch.lsn;
    for (const zones::ChangeSet& change : batch.changes) {
      note(batch, change, change.removed, Event::Kind::REMOVED);
      note(batch, change, change.added, Event::Kind::ADDED);
    }
    for (const zones::JournalMessage& message : batch.messages) {
      for (const zones::LeaseChange& lease : message.leases) {
        if (lease.expires == std::chrono::sys_seconds() ||
            !is_of_interest(lease.owner, lease.type, lease.rdata)) {
          continue;
        }
        life(message.zone, lease.owner, lease.type, lease.rdata)
            .events.push_back({Event::Kind::PROLONGED, {batch.lsn, batch.time, {message}}});
      }
    }
  }

  std::vector<Holder> holders() const {
    // Who had the address, and under which aliases.
    std::multimap<Name, HeldRecord> addresses;
    std::multimap<Name, Name> aliases;
    for (const auto& [key, life] : lives_) {
      if (key.type != Type::A && key.type != Type::AAAA && key.type != Type::CNAME) continue;
      const std::optional<HeldRecord> held = held_at(key, life);
      if (!held) continue;
      if (key.type == Type::CNAME) {
        aliases.emplace(key.owner, Name(zones::target_name(key.type, key.rdata)));
      } else {
        addresses.emplace(key.owner, *held);
      }
    }
    std::vector<Holder> found;
    for (const auto& [key, life] : lives_) {
      const keys::Claims claims = keys::claims_of(key.owner, key.type, key.rdata);
      if (std::ranges::find(claims.ports, query_.port) == claims.ports.end()) continue;
      const std::optional<HeldRecord> endpoint = held_at(key, life);
      if (!endpoint) continue;
      if (std::ranges::find(claims.addresses, query_.address) != claims.addresses.end()) {
        found.push_back({key.owner, *endpoint, std::nullopt});
      }
      for (const Name& target : claims.targets) {
        const Name host = follow(aliases, target);
        const auto [from, to] = addresses.equal_range(host);
        for (auto at = from; at != to; ++at) found.push_back({host, *endpoint, at->second});
      }
    }
    std::ranges::stable_sort(found, {}, &Holder::host);
    return found;
  }

 private:
  bool is_of_interest(zones::NameView owner, Type type, zones::RdataView rdata) const {
    switch (type) {
      case Type::CNAME:
        return true;
      case Type::A:
      case Type::AAAA:
        return keys::claims_of(owner, type, rdata).addresses.front() == query_.address;
      case Type::SRV:
      case Type::SVCB:
      case Type::HTTPS:
      case Type::URI: {
        const keys::Claims claims = keys::claims_of(owner, type, rdata);
        return std::ranges::find(claims.ports, query_.port) != claims.ports.end();
      }
      default:
        return false;
    }
  }

  Life& life(const Name& apex, zones::NameView owner, Type type, zones::RdataView rdata) {
    return lives_[{apex, Name(owner), type, {rdata.begin(), rdata.end()}}];
  }

  void set(const zones::ChangeSet& change, const std::vector<zones::Record>& records,
           bool is_there) {
    for (const zones::Record& record : records) {
      if (!is_of_interest(record.owner, record.type, record.rdata)) continue;
      life(change.apex, record.owner, record.type, record.rdata).is_there = is_there;
    }
  }

  void note(const zones::JournalBatch& batch, const zones::ChangeSet& change,
            const std::vector<zones::Record>& records, Event::Kind kind) {
    for (const zones::Record& record : records) {
      if (!is_of_interest(record.owner, record.type, record.rdata)) continue;
      Event event{kind, {batch.lsn, batch.time, {}}};
      for (const zones::JournalMessage& message : batch.messages) {
        if (message.rcode == zones::Rcode::NOERROR && message.zone == change.apex &&
            std::ranges::find(message.touched, record.owner) != message.touched.end()) {
          event.act.messages.push_back(message);
        }
      }
      std::vector<Event>& events =
          life(change.apex, record.owner, record.type, record.rdata).events;
      // Removed and added in one commit: its TTL has changed, and it has been there all the time.
      if (kind == Event::Kind::ADDED && !events.empty() && events.back().act.lsn == batch.lsn &&
          events.back().kind == Event::Kind::REMOVED) {
        events.back().kind = Event::Kind::PROLONGED;
        continue;
      }
      events.push_back(std::move(event));
    }
  }

  /// The record as it was at the moment; empty when it was not there.
  std::optional<HeldRecord> held_at(const Key& key, const Life& life) const {
    HeldRecord held{key.owner, key.type, key.rdata, {}, {}, {}};
    bool is_settled = false;
    bool is_there = life.is_there;
    for (const Event& event : life.events) {
      const bool is_before = event.act.lsn <= newest_;
      if (event.kind == Event::Kind::PROLONGED) {
        if (is_before && !(held.put && held.put->lsn == event.act.lsn)) held.prolonged = event.act;
        continue;
      }
      const bool added = event.kind == Event::Kind::ADDED;
      if (is_before) {
        is_settled = true;
        is_there = added;
        if (added) held.put = event.act;
        held.prolonged.reset();
        continue;
      }
      // The first that happened after it tells what was, when nothing before did.
      if (!is_settled) is_there = !added;
      is_settled = true;
      if (is_there) held.removed = event.act;
      break;
    }
    if (!is_there) return std::nullopt;
    return held;
  }

  static Name follow(const std::multimap<Name, Name>& aliases, Name name) {
    constexpr int MAX_ALIASES = 8;
    for (int hops = 0; hops < MAX_ALIASES; ++hops) {
      const auto alias = aliases.find(name);
      if (alias == aliases.end()) break;
      name = alias->second;
    }
    return name;
  }

  const EndpointQuery& query_;
  zones::Lsn newest_ = 0;  // batch that was made up to the moment
  std::map<Key, Life> lives_;
};

class PresentReader final : public zones::StateSink {
 public:
  explicit PresentReader(Lives& lives) : lives_(lives) {}
  void zone(zones::NameView apex) override { apex_ = Name(apex); }
  void node(zones::NameView owner, zones::RRsetsView rrsets) override {
    lives_.add_row(apex_, owner, rrsets);
  }
  void batch(const zones::JournalBatch& batch) override {
    for (const zones::ChangeSet& change : batch.changes) lives_.apply(change);
  }

 private:
  Lives& lives_;
  Name apex_;
};

class JournalReader final : public zones::JournalSink {
 public:
  explicit JournalReader(Lives& lives) : lives_(lives) {}
  bool batch(const zones::JournalBatch& batch) override {
    if (!begin_) begin_ = batch.time;
    lives_.note(batch);
    return true;
  }
  std::optional<std::chrono::sys_seconds> begin() const { return begin_; }

 private:
  Lives& lives_;
  std::optional<std::chrono::sys_seconds> begin_;
};

}  // namespace

zones::Result<std::vector<Holder>, std::string> find_holders(zones::Store& store,
                                                             const EndpointQuery& query,
                                                             std::chrono::sys_seconds now) {
  const std::string moment = tools::to_text(query.at);
  if (query.at > now) return tl::unexpected(moment + " is still to come");
  Lives lives(query);
  JournalReader journal(lives);
  store.journal(0, journal);
  if (!journal.begin() && query.at < now) {
    return tl::unexpected("the journal is empty, so that nothing is known of " + moment +
                          "; 'now' can be asked for");
  }
  if (journal.begin() && query.at < *journal.begin()) {
    return tl::unexpected("the journal begins at " + tools::to_text(*journal.begin()) +
                          ", so that nothing is known of " + moment);
  }
  PresentReader present(lives);
  store.load(present);
  return lives.holders();
}

}  // namespace dnsdctl
