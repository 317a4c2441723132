#include "dnsd/leases.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <unordered_map>

#include "dnsd/rrsets_editor.h"

namespace dnsd {

namespace {

using zones::Name;
using zones::NameView;
using zones::Record;
using zones::RRsetView;
using zones::to_record;
using zones::Type;
using Time = Leases::Time;

// October 2024, when RFC 9664 came out: no clock that is right is behind it.
constexpr Time EARLIEST{std::chrono::seconds{1'727'740'800}};
constexpr std::size_t MOST_HIDDEN_NAMES = 100'000;  // by one call

Time newest_batch_time(zones::Store& store) {
  struct Newest final : zones::JournalSink {
    Time time{};
    bool batch(const zones::JournalBatch& batch) override {
      time = batch.time;
      return true;
    }
  } newest;
  if (store.last_lsn() != 0) store.journal(store.last_lsn(), newest);
  return newest.time;
}

// What a zone cannot be without is never leased.
bool may_be_leased(NameView apex, NameView owner, Type type) {
  return type != Type::SOA && (type != Type::NS || owner != apex);
}

// The RRsets of names as a message leaves them.
class After {
 public:
  After(const zones::ZoneSnapshot& before, const ZoneUpdate& update) : before_(before) {
    for (const NameChange& change : update.names) changes_[change.owner] = &change;
  }
  bool has(const Record& record) const {
    const auto change = changes_.find(record.owner.view());
    const zones::RRsetsView rrsets = change == changes_.end()
                                         ? before_.rrsets(record.owner)
                                         : zones::RRsetsView(change->second->rrsets);
    return index_of(rrsets.find(record.type), record.rdata) >= 0;
  }

 private:
  const zones::ZoneSnapshot& before_;
  std::unordered_map<NameView, const NameChange*, zones::NameHash, zones::NameEqual> changes_;
};

}  // namespace

Leases::Leases(std::unique_ptr<LeaseTable> table, LeaseLimits limits, zones::Store& store)
    : table_(table ? std::move(table) : std::make_unique<LeaseTable>()),
      limits_(limits),
      reached_(std::max(EARLIEST, newest_batch_time(store))) {
  table_->commit();
}

// The journal gets every change, so that a replay comes to the same without knowing these rules.
void Leases::put(const Name& apex, const Record& record, Time expires, Outcome& outcome) {
  if (table_->set(apex, record.owner, record.type, record.rdata, expires) == expires) return;
  outcome.leases.push_back({record.owner, record.type, record.rdata, expires});
}

void Leases::accept(const UpdateJob& job, const Judgement& judgement, const zones::Catalogue& zones,
                    const Policy* policy, Time now, Outcome& outcome) {
  outcome.leases.clear();
  if (judgement.rcode != zones::Rcode::NOERROR) return;
  const auto request = requested_lease(job.message);
  const keys::ZoneGrants* const grants = policy->grants_of(judgement.apex);
  const LeaseGrant granted =
      grant_lease(request ? *request : std::nullopt, limits_,
                  grants ? grants->limits(job.key).max_lease : std::chrono::seconds(0));
  outcome.reply.granted = granted.answer;
  const auto zone = zones.zone(judgement.apex);
  if (!zone || (!granted.records && table_->empty())) return;

  const After after(*zone, judgement.update);
  for (const NameChange& change : judgement.update.names) {
    if (!table_->has_leases(judgement.apex, change.owner)) continue;
    for (const RRsetView rrset : zone->rrsets(change.owner)) {
      for (const zones::RdataView rdata : rrset) {
        const Record record = to_record(change.owner, rrset, rdata);
        if (!after.has(record)) put(judgement.apex, record, LeaseTable::PERMANENT, outcome);
      }
    }
  }
  const Time from = std::max(now, reached_);
  for (const Record& record : job.message.authority) {
    if (record.rrclass != zones::Class::IN) continue;
    if (!may_be_leased(judgement.apex, record.owner, record.type) || !after.has(record)) continue;
    const auto time = record.type == Type::KEY ? granted.keys : granted.records;
    put(judgement.apex, record, time ? from + *time : LeaseTable::PERMANENT, outcome);
  }
}

void Leases::commit(Time batch_time) {
  reached_ = std::max(reached_, batch_time);
  table_->commit();
}

std::vector<Record> Leases::over(const zones::ZoneSnapshot& zone, NameView owner, Time now,
                                 NameChange& rest) const {
  std::vector<Record> records;
  const zones::RRsetsView rrsets = zone.rrsets(owner);
  RRsetsEditor editor(rrsets);
  for (const RRsetView rrset : rrsets) {
    if (!may_be_leased(zone.apex(), owner, rrset.type())) continue;
    for (const zones::RdataView rdata : rrset) {
      const Time expires = table_->find(zone.apex(), owner, rrset.type(), rdata);
      if (expires == LeaseTable::PERMANENT || expires > now) continue;
      records.push_back(to_record(owner, rrset, rdata));
      const auto index = index_of(editor.find(rrset.type()), rdata);
      editor.remove(rrset.type(), static_cast<std::size_t>(index));
    }
  }
  rest = {Name(owner), editor.packed()};
  return records;
}

zones::JournalBatch Leases::expire(UpdateBatch& batch, const zones::CatalogueBuilder& builder,
                                   Time now, std::size_t names) {
  Zones zones;
  const auto end = [&](const Name& apex, const Record& record) {
    table_->set(apex, record.owner, record.type, record.rdata, LeaseTable::PERMANENT);
    zones::JournalMessage& message = zones[apex].message;
    message.leases.push_back({record.owner, record.type, record.rdata, {}});
    if (message.touched.empty() || message.touched.back() != record.owner) {
      message.touched.push_back(record.owner);
    }
  };
  const std::vector<LeaseTable::DueName> names_due = table_->due(now, names);
  for (const auto& [apex, records] : owed_) {
    for (const Record& record : records) end(apex, record);
  }
  for (const LeaseTable::DueName& due : names_due) {
    NameChange rest;
    std::vector<Record> records;
    const auto zone = builder.working().zone(due.apex);
    if (zone) records = over(*zone, due.owner, now, rest);
    for (const Record& record : records) end(due.apex, record);
    if (!records.empty()) zones[due.apex].update.names.push_back(std::move(rest));
    table_->end_due(due.apex, due.owner, now);  // of what is not there; none, unless by a mistake
  }

  zones::JournalBatch record;
  record.time = now;
  for (auto& [apex, ended] : zones) {
    step_serial(*builder.working().zone(apex), ended.update);
    ended.update.sets_serial = true;
    batch.accept({.rcode = {}, .reason = {}, .apex = apex, .update = std::move(ended.update)});
    ended.message.zone = apex;
    record.messages.push_back(std::move(ended.message));
  }
  record.changes = batch.changes();
  for (zones::ChangeSet& change : record.changes) {
    const auto owed = owed_.find(change.apex);
    if (owed == owed_.end()) continue;
    change.removed.insert(change.removed.end(), owed->second.begin(), owed->second.end());
  }
  return record;
}

bool Leases::hide(zones::CatalogueBuilder& builder, Time now) {
  bool is_any = false;
  for (const LeaseTable::DueName& due : table_->due(now, MOST_HIDDEN_NAMES)) {
    const auto zone = builder.working().zone(due.apex);
    if (!zone) continue;
    NameChange rest;
    std::vector<Record> records = over(*zone, due.owner, now, rest);
    if (records.empty()) continue;
    builder.put(due.apex, due.owner, zones::RRsetsView(rest.rrsets));
    std::vector<Record>& owed = owed_[due.apex];
    owed.insert(owed.end(), std::make_move_iterator(records.begin()),
                std::make_move_iterator(records.end()));
    is_any = true;
  }
  return is_any;
}

}  // namespace dnsd
