// What the tests of updates share: zones and messages from text, and a store in memory that can
// fail.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "zones/message.h"
#include "zones/snapshot.h"
#include "zones/store.h"
#include "zones/text.h"

namespace zones::testing {

inline Name name(std::string_view text) {
  static const Name origin = *Name::from_text("example.org.");
  return *Name::from_text(text, origin.view());
}

/// "owner TTL [class] type [rdata]"; names are relative to example.org.
inline Record record(const std::string& line) {
  std::istringstream in(line);
  std::string owner;
  std::string word;
  Record record;
  in >> owner >> record.ttl >> word;
  record.owner = name(owner);
  static const std::set<std::string> classes{"IN", "ANY", "NONE", "CH"};
  if (classes.contains(word)) {
    EXPECT_TRUE(class_from_text(word, record.rrclass));
    in >> word;
  }
  EXPECT_TRUE(type_from_text(word, record.type)) << line;
  std::string rdata;
  std::getline(in >> std::ws, rdata);
  if (rdata.empty()) return record;
  auto parsed = rdata_from_text(record.type, rdata, name("@").view());
  EXPECT_TRUE(parsed) << line << ": " << (parsed ? "" : parsed.error());
  if (parsed) record.rdata = *parsed;
  return record;
}

/// A record a line.
inline std::vector<Record> records(const std::string& text) {
  std::vector<Record> records;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) records.push_back(record(line));
  }
  return records;
}

/// Puts records into a zone of a builder, which gets the zone if it lacks it.
inline void fill(CatalogueBuilder& builder, const Name& apex, const std::vector<Record>& content) {
  builder.add_zone(apex.view());
  std::map<Name, std::vector<RRset>> names;
  for (const Record& record : content) {
    std::vector<RRset>& rrsets = names[record.owner];
    auto rrset = std::ranges::find(rrsets, record.type, &RRset::type);
    if (rrset == rrsets.end()) {
      rrset = rrsets.insert(rrsets.end(), {record.type, record.ttl, {}});
    }
    rrset->rdatas.push_back(record.rdata);
  }
  for (const auto& [owner, rrsets] : names) {
    std::vector<std::uint8_t> packed;
    ASSERT_TRUE(pack(rrsets, packed));
    builder.put(apex.view(), owner.view(), RRsetsView(packed));
  }
}

constexpr const char* APEX = "@ 3600 SOA ns host 10 7200 900 1209600 300\n@ 3600 NS ns\n";

/// example.org. with an SOA of serial 10 and an NS, and these records.
class TestZone {
 public:
  explicit TestZone(const std::string& text, const std::string& apex = APEX) {
    fill(builder_, name("@"), records(apex + text));
    builder_.freeze();
  }
  ZoneSnapshot snapshot() const { return *builder_.working().zone(name("@").view()); }
  CatalogueBuilder& builder() { return builder_; }

 private:
  CatalogueBuilder builder_;
};

/// All records as text, a line each, sorted; the SOA only on demand.
inline std::string dump(const ZoneSnapshot& zone, bool with_soa = false) {
  std::vector<std::string> lines;
  zone.for_each([&](NameView owner, RRsetsView rrsets) {
    for (const RRsetView rrset : rrsets) {
      if (rrset.type() == Type::SOA && !with_soa) continue;
      for (const RdataView rdata : rrset) {
        const Record record{
            Name(owner), rrset.type(), Class::IN, rrset.ttl(), {rdata.begin(), rdata.end()}};
        lines.push_back(record_to_text(record));
      }
    }
    return true;
  });
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}
inline std::string dump(const Catalogue& catalogue) {
  std::string text;
  catalogue.for_each([&](const ZoneSnapshot& zone) {
    text += dump(zone, true) + "\n";
    return true;
  });
  return text;
}

/// What a MemoryStore writes to; outlives it as a disk does. Thread-safe when the store's user has
/// stopped.
struct MemoryDisk {
  using Rows = std::map<Name, std::vector<std::uint8_t>>;
  std::map<Name, Rows> zones;
  std::map<std::pair<Name, Name>, std::vector<RecordLease>> leases;   // by apex and owner
  std::map<std::pair<Name, Name>, std::chrono::sys_seconds> changed;  // likewise
  std::map<Lsn, JournalBatch> journal;
  Lsn applied = 0;
  Lsn last = 0;
  // Held by the store while it writes: for a test that copies the disk beside a writer's thread.
  std::shared_ptr<std::mutex> writing = std::make_shared<std::mutex>();
};

/// A store in memory that keeps the promises of Store.
class MemoryStore final : public Store {
 public:
  static constexpr std::uint64_t BATCH_OCTETS = 100;  // as it says of each

  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

  Lsn load(StateSink& sink) override {
    for (const auto& [apex, rows] : disk_->zones) {
      sink.zone(apex.view());
      for (const auto& [owner, packed] : rows) {
        sink.node(owner.view(), RRsetsView(packed));
        const auto leases = disk_->leases.find({apex, owner});
        if (leases == disk_->leases.end()) continue;
        sink.leases(owner.view(), RRsetsView(packed), leases->second);
      }
    }
    for (const auto& [lsn, batch] : disk_->journal) {
      if (lsn > disk_->applied) sink.batch(batch);
    }
    return disk_->last;
  }
  void append(const JournalBatch& batch) override {
    const std::lock_guard lock(*disk_->writing);
    if (batch.lsn != disk_->last + 1) {
      throw StoreError(StoreError::Kind::CONFLICT, "not the next batch");
    }
    disk_->journal[batch.lsn] = batch;
    disk_->last = batch.lsn;
  }
  void checkpoint(std::span<const RowChange> rows, Lsn applied) override {
    const std::lock_guard lock(*disk_->writing);
    ASSERT_GE(applied, disk_->applied);
    ASSERT_LE(applied, disk_->last);
    for (const RowChange& row : rows) {
      if (row.changed != std::chrono::sys_seconds()) {
        disk_->changed[{row.apex, row.owner}] = row.changed;
      }
      disk_->leases.erase({row.apex, row.owner});
      if (!row.leases.empty()) disk_->leases[{row.apex, row.owner}] = row.leases;
      if (row.rrsets.empty()) {
        disk_->zones.at(row.apex).erase(row.owner);
      } else {
        disk_->zones.at(row.apex)[row.owner] = row.rrsets;
      }
    }
    disk_->applied = applied;
  }
  Lsn applied_lsn() const override { return disk_->applied; }
  Lsn last_lsn() const override { return disk_->last; }
  Lsn journal(Lsn from, JournalSink& sink) override {
    const auto first = disk_->journal.lower_bound(from);
    for (auto at = first; at != disk_->journal.end() && sink.batch(at->second);) ++at;
    return first == disk_->journal.end() ? disk_->last + 1 : first->first;
  }
  Lsn newest_batch_before(std::chrono::sys_seconds time) override {
    Lsn found = 0;
    for (const auto& [lsn, batch] : disk_->journal) {
      if (batch.time < time) found = lsn;
    }
    return found;
  }
  void journal_rows(const std::function<bool(const JournalRow&)>& each) override {
    for (const auto& [lsn, batch] : disk_->journal) {
      if (!each({lsn, batch.time, BATCH_OCTETS})) return;
    }
  }
  std::uint64_t journal_octets() override { return disk_->journal.size() * BATCH_OCTETS; }
  void prune(Lsn before) override {
    const std::lock_guard lock(*disk_->writing);
    const Lsn end = std::min(before, disk_->applied + 1);
    disk_->journal.erase(disk_->journal.begin(), disk_->journal.lower_bound(end));
  }
  void create_zones(std::span<const NewZone> zones) override {
    struct Writer final : ZoneWriter {
      MemoryDisk::Rows rows;
      void node(NameView owner, RRsetsView rrsets) override {
        rows[Name(owner)] = {rrsets.packed().begin(), rrsets.packed().end()};
      }
    };
    for (const NewZone& zone : zones) {
      Writer writer;
      zone.source(writer);
      disk_->zones[zone.apex] = writer.rows;
    }
  }
  void remove_zone(NameView apex) override { disk_->zones.erase(Name(apex)); }
  std::vector<Name> zones() const override {
    std::vector<Name> names;
    for (const auto& [apex, rows] : disk_->zones) names.push_back(apex);
    return names;
  }

 private:
  std::shared_ptr<MemoryDisk> disk_;
};

/// Creates a zone in a store from records.
inline void create_zone(Store& store, const Name& apex, const std::vector<Record>& content) {
  CatalogueBuilder builder;
  fill(builder, apex, content);
  store.create_zone(apex.view(), [&](ZoneWriter& writer) {
    builder.working().zone(apex.view())->for_each([&](NameView owner, RRsetsView rrsets) {
      writer.node(owner, rrsets);
      return true;
    });
  });
}

/// Passes calls on to another store, unless a test says that they fail.
class FaultyStore final : public Store {
 public:
  enum class Call { APPEND, CHECKPOINT, PRUNE };
  /// Called before each writing call, from the writer's thread; throws what the call is to throw.
  using Hook = std::function<void(Call)>;
  FaultyStore(std::unique_ptr<Store> inner, Hook hook)
      : inner_(std::move(inner)), hook_(std::move(hook)) {}

  Lsn load(StateSink& sink) override { return inner_->load(sink); }
  void append(const JournalBatch& batch) override {
    hook_(Call::APPEND);
    inner_->append(batch);
  }
  void checkpoint(std::span<const RowChange> rows, Lsn applied) override {
    hook_(Call::CHECKPOINT);
    inner_->checkpoint(rows, applied);
  }
  Lsn applied_lsn() const override { return inner_->applied_lsn(); }
  Lsn last_lsn() const override { return inner_->last_lsn(); }
  Lsn journal(Lsn from, JournalSink& sink) override { return inner_->journal(from, sink); }
  Lsn newest_batch_before(std::chrono::sys_seconds time) override {
    return inner_->newest_batch_before(time);
  }
  void journal_rows(const std::function<bool(const JournalRow&)>& each) override {
    inner_->journal_rows(each);
  }
  std::uint64_t journal_octets() override { return inner_->journal_octets(); }
  void prune(Lsn before) override {
    hook_(Call::PRUNE);
    inner_->prune(before);
  }
  void create_zones(std::span<const NewZone> zones) override { inner_->create_zones(zones); }
  void remove_zone(NameView apex) override { inner_->remove_zone(apex); }
  std::vector<Name> zones() const override { return inner_->zones(); }

 private:
  std::unique_ptr<Store> inner_;
  Hook hook_;
};

}  // namespace zones::testing
