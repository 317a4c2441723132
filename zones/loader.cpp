#include "zones/loader.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "zones/change_set.h"
#include "zones/load_pipeline.h"
#include "zones/rdata.h"
#include "zones/rrset.h"

namespace zones {

namespace {

// A name as the replay makes it. RRsets are unpacked: between two batches one may hold more than a
// packed one could, when the row is newer than the batch.
struct ReplayedName {
  Name owner;
  Lsn first_lsn = 0;
  std::vector<RRset> rrsets;
  std::chrono::sys_seconds changed{};
};

class Loader final : public StateSink {
 public:
  Loader(CatalogueBuilder& builder, LeaseSink* leases) : builder_(builder), leases_(leases) {}

  void zone(NameView apex) override {
    apex_ = Name(apex);
    if (!builder_.add_zone(apex)) throw corrupt(apex, "comes twice");
    replayed_.try_emplace(apex_);
  }

  void node(NameView owner, RRsetsView rrsets) override {
    if (!owner.is_at_or_below(apex_.view())) {
      throw corrupt(apex_.view(), "holds " + owner.to_text() + ", which is not in it");
    }
    builder_.put(apex_.view(), owner, rrsets);
    ++loaded_.names;
  }

  void leases(NameView owner, RRsetsView rrsets, std::span<const RecordLease> leases) override {
    if (leases_ != nullptr) leases_->row(apex_, owner, rrsets, leases);
  }

  void batch(const JournalBatch& batch) override {
    for (const ChangeSet& changes : batch.changes) {
      const auto zone = replayed_.find(changes.apex.view());
      if (zone == replayed_.end()) continue;
      for (const Record& record : changes.removed) {
        remove_record(changed_name(zone->first, zone->second, record.owner, batch).rrsets, record);
      }
      for (const Record& record : changes.added) {
        add_record(changed_name(zone->first, zone->second, record.owner, batch).rrsets, record);
      }
    }
    for (const JournalMessage& message : batch.messages) replay_leases(message, batch.lsn);
    ++loaded_.batches;
  }

  Loaded finish(Lsn last_lsn) && {
    loaded_.last_lsn = last_lsn;
    for (const auto& [apex, names] : replayed_) {
      for (const auto& [key, name] : names) {
        std::vector<std::uint8_t> packed;
        if (!pack(name.rrsets, packed)) {
          throw corrupt(apex.view(), "gets an RRset too large at " + name.owner.to_text());
        }
        builder_.put(apex.view(), name.owner.view(), RRsetsView(packed));
        loaded_.dirty.push_back({name.first_lsn, apex, name.owner, name.changed});
      }
      const std::optional<ZoneSnapshot> zone = builder_.working().zone(apex.view());
      if (!zone || !zone->soa()) throw corrupt(apex.view(), "has no SOA");
    }
    std::ranges::sort(loaded_.dirty, {}, &DirtyName::lsn);
    return std::move(loaded_);
  }

 private:
  using Names = std::unordered_map<Name, ReplayedName, NameHash, NameEqual>;

  static StoreError corrupt(NameView apex, const std::string& what) {
    return StoreError(StoreError::Kind::CORRUPT, "zone " + apex.to_text() + " in the store " +
                                                     what +
                                                     "; restore a backup or import the zone anew");
  }

  // A row that is newer than the batch has newer leases: the batches that made them follow.
  void replay_leases(const JournalMessage& message, Lsn lsn) {
    if (message.leases.empty()) return;
    const auto zone = replayed_.find(message.zone.view());
    if (zone == replayed_.end()) return;
    for (const LeaseChange& change : message.leases) {
      name(zone->first, zone->second, change.owner, lsn);  // its row is behind
      if (leases_ == nullptr) continue;
      leases_->lease(zone->first, change.owner, change.type, change.rdata, change.expires);
    }
  }

  ReplayedName& name(const Name& apex, Names& names, const Name& owner, Lsn lsn) {
    if (!owner.is_at_or_below(apex.view())) {
      throw corrupt(apex.view(), "has a journal with " + owner.to_text() + ", which is not in it");
    }
    const auto [found, is_new] = names.try_emplace(owner);
    if (is_new) {
      const ZoneSnapshot zone = *builder_.working().zone(apex.view());
      found->second = {owner, lsn, unpack(zone.rrsets(owner.view()))};
    }
    return found->second;
  }

  ReplayedName& changed_name(const Name& apex, Names& names, const Name& owner,
                             const JournalBatch& batch) {
    ReplayedName& found = name(apex, names, owner, batch.lsn);
    found.changed = batch.time;
    return found;
  }

  CatalogueBuilder& builder_;
  LeaseSink* leases_;
  Name apex_;  // whose names are coming
  std::unordered_map<Name, Names, NameHash, NameEqual> replayed_;
  Loaded loaded_;
};

}  // namespace

void LeaseSink::row(NameView apex, NameView owner, RRsetsView rrsets,
                    std::span<const RecordLease> leases) {
  for_each_leased(rrsets, leases, [&](Type type, RdataView rdata, const RecordLease& found) {
    lease(apex, owner, type, rdata, found.expires);
  });
}

Loaded load(Store& store, CatalogueBuilder& builder, LeaseSink* leases) {
  Loader loader(builder, leases);
  Lsn last_lsn = 0;
  {
    LoadPipeline pipeline(loader);
    last_lsn = store.load(pipeline);
    pipeline.drain();
  }
  return std::move(loader).finish(last_lsn);
}

}  // namespace zones
