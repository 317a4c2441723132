#include "zones/history.h"

#include <algorithm>
#include <unordered_set>

namespace zones {
namespace {

using NameSet = std::unordered_set<Name, NameHash, NameEqual>;

class HistoryReader final : public JournalSink {
 public:
  HistoryReader(const HistoryQuery& query, const std::function<bool(const HistoryEntry&)>& each)
      : query_(query), each_(each) {}

  bool batch(const JournalBatch& batch) override {
    if (batch.lsn >= query_.to) return false;
    if (batch.time < query_.since) return true;
    NameSet told;  // whose records are in an entry
    for (const JournalMessage& message : batch.messages) {
      HistoryEntry entry = entry_of(batch);
      JournalMessage& own = entry.message.emplace(message);
      std::erase_if(own.touched, [&](const Name& owner) { return !is_asked_for(owner); });
      std::erase_if(own.leases, [&](const LeaseChange& one) { return !is_asked_for(one.owner); });
      if (own.touched.empty() && own.leases.empty()) continue;
      if (message.rcode == Rcode::NOERROR && !own.touched.empty()) {
        const NameSet owners(own.touched.begin(), own.touched.end());
        take_records(batch, own.zone, owners, entry);
        told.insert(owners.begin(), owners.end());
        entry.others = count_others(batch, message, owners);
      }
      if (!each_(entry)) return false;
    }
    return tell_the_rest(batch, told);
  }

 private:
  bool is_asked_for(const Name& owner) const {
    return owner == query_.name || (query_.below && owner.is_below(query_.name));
  }

  static HistoryEntry entry_of(const JournalBatch& batch) {
    HistoryEntry entry;
    entry.lsn = batch.lsn;
    entry.time = batch.time;
    return entry;
  }

  static void take_records(const JournalBatch& batch, const Name& apex, const NameSet& owners,
                           HistoryEntry& entry) {
    for (const ChangeSet& change : batch.changes) {
      if (change.apex != apex) continue;
      entry.from_serial = change.from_serial;
      entry.to_serial = change.to_serial;
      for (const Record& record : change.removed) {
        if (owners.contains(record.owner)) entry.removed.push_back(record);
      }
      for (const Record& record : change.added) {
        if (owners.contains(record.owner)) entry.added.push_back(record);
      }
    }
  }

  static std::size_t count_others(const JournalBatch& batch, const JournalMessage& message,
                                  const NameSet& owners) {
    const auto touches = [&](const JournalMessage& other) {
      return &other != &message && other.rcode == Rcode::NOERROR && other.zone == message.zone &&
             std::ranges::any_of(other.touched,
                                 [&](const Name& owner) { return owners.contains(owner); });
    };
    return static_cast<std::size_t>(std::ranges::count_if(batch.messages, touches));
  }

  // What no message says of itself, apart from the steps of the serial.
  bool tell_the_rest(const JournalBatch& batch, const NameSet& told) const {
    for (const ChangeSet& change : batch.changes) {
      NameSet owners;
      const auto collect = [&](const std::vector<Record>& records) {
        for (const Record& record : records) {
          const bool is_step = record.type == Type::SOA && record.owner == change.apex;
          if (!is_step && is_asked_for(record.owner) && !told.contains(record.owner)) {
            owners.insert(record.owner);
          }
        }
      };
      collect(change.removed);
      collect(change.added);
      if (owners.empty()) continue;
      HistoryEntry entry = entry_of(batch);
      take_records(batch, change.apex, owners, entry);
      if (!each_(entry)) return false;
    }
    return true;
  }

  const HistoryQuery& query_;
  const std::function<bool(const HistoryEntry&)>& each_;
};

}  // namespace

void read_history(Store& store, const HistoryQuery& query,
                  const std::function<bool(const HistoryEntry&)>& each) {
  HistoryReader reader(query, each);
  const Lsn since =
      query.since == std::chrono::sys_seconds() ? 0 : store.newest_batch_before(query.since);
  store.journal(std::max(query.from, since), reader);
}

}  // namespace zones
