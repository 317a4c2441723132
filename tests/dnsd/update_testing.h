// What the tests of updates share: zones and messages from text, and a store in memory that can
// fail.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "zones/message.h"
#include "zones/snapshot.h"
#include "zones/store.h"
#include "zones/text.h"

namespace dnsd::testing {

inline zones::Name name(std::string_view text) {
  static const zones::Name origin = *zones::Name::from_text("example.org.");
  return *zones::Name::from_text(text, origin.view());
}

/// "owner TTL [class] type [rdata]"; names are relative to example.org.
inline zones::Record record(const std::string& line) {
  std::istringstream in(line);
  std::string owner;
  std::string word;
  zones::Record record;
  in >> owner >> record.ttl >> word;
  record.owner = name(owner);
  static const std::set<std::string> classes{"IN", "ANY", "NONE", "CH"};
  if (classes.contains(word)) {
    EXPECT_TRUE(zones::class_from_text(word, record.rrclass));
    in >> word;
  }
  EXPECT_TRUE(zones::type_from_text(word, record.type)) << line;
  std::string rdata;
  std::getline(in >> std::ws, rdata);
  if (rdata.empty()) return record;
  auto parsed = zones::rdata_from_text(record.type, rdata, name("@").view());
  EXPECT_TRUE(parsed) << line << ": " << (parsed ? "" : parsed.error());
  if (parsed) record.rdata = *parsed;
  return record;
}

/// A record a line.
inline std::vector<zones::Record> records(const std::string& text) {
  std::vector<zones::Record> records;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) records.push_back(record(line));
  }
  return records;
}

/// Puts records into a zone of a builder, which gets the zone if it lacks it.
inline void fill(zones::CatalogueBuilder& builder, const zones::Name& apex,
                 const std::vector<zones::Record>& content) {
  builder.add_zone(apex.view());
  std::map<zones::Name, std::vector<zones::RRset>> names;
  for (const zones::Record& record : content) {
    std::vector<zones::RRset>& rrsets = names[record.owner];
    auto rrset = std::ranges::find(rrsets, record.type, &zones::RRset::type);
    if (rrset == rrsets.end()) {
      rrset = rrsets.insert(rrsets.end(), {record.type, record.ttl, {}});
    }
    rrset->rdatas.push_back(record.rdata);
  }
  for (const auto& [owner, rrsets] : names) {
    std::vector<std::uint8_t> packed;
    ASSERT_TRUE(zones::pack(rrsets, packed));
    builder.put(apex.view(), owner.view(), zones::RRsetsView(packed));
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
  zones::ZoneSnapshot snapshot() const { return *builder_.working().zone(name("@").view()); }
  zones::CatalogueBuilder& builder() { return builder_; }

 private:
  zones::CatalogueBuilder builder_;
};

/// All records as text, a line each, sorted; the SOA only on demand.
inline std::string dump(const zones::ZoneSnapshot& zone, bool with_soa = false) {
  std::vector<std::string> lines;
  zone.for_each([&](zones::NameView owner, zones::RRsetsView rrsets) {
    for (const zones::RRsetView rrset : rrsets) {
      if (rrset.type() == zones::Type::SOA && !with_soa) continue;
      for (const zones::RdataView rdata : rrset) {
        const zones::Record record{zones::Name(owner),
                                   rrset.type(),
                                   zones::Class::IN,
                                   rrset.ttl(),
                                   {rdata.begin(), rdata.end()}};
        lines.push_back(record.to_text());
      }
    }
    return true;
  });
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}
inline std::string dump(const zones::Catalogue& catalogue) {
  std::string text;
  catalogue.for_each([&](const zones::ZoneSnapshot& zone) {
    text += dump(zone, true) + "\n";
    return true;
  });
  return text;
}

/// What a MemoryStore writes to; outlives it as a disk does. Thread-safe when the store's user has
/// stopped.
struct MemoryDisk {
  using Rows = std::map<zones::Name, std::vector<std::uint8_t>>;
  std::map<zones::Name, Rows> zones;
  std::map<zones::Lsn, zones::JournalBatch> journal;
  zones::Lsn applied = 0;
  zones::Lsn last = 0;
};

/// A store in memory that keeps the promises of zones::Store.
class MemoryStore final : public zones::Store {
 public:
  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

  zones::Lsn load(zones::StateSink& sink) override {
    for (const auto& [apex, rows] : disk_->zones) {
      sink.zone(apex.view());
      for (const auto& [owner, packed] : rows) sink.node(owner.view(), zones::RRsetsView(packed));
    }
    for (const auto& [lsn, batch] : disk_->journal) {
      if (lsn > disk_->applied) sink.batch(batch);
    }
    return disk_->last;
  }
  void append(const zones::JournalBatch& batch) override {
    if (batch.lsn != disk_->last + 1) {
      throw zones::StoreError(zones::StoreError::Kind::CONFLICT, "not the next batch");
    }
    disk_->journal[batch.lsn] = batch;
    disk_->last = batch.lsn;
  }
  void checkpoint(std::span<const zones::RowChange> rows, zones::Lsn applied) override {
    ASSERT_GE(applied, disk_->applied);
    ASSERT_LE(applied, disk_->last);
    for (const zones::RowChange& row : rows) {
      if (row.rrsets.empty()) {
        disk_->zones.at(row.apex).erase(row.owner);
      } else {
        disk_->zones.at(row.apex)[row.owner] = row.rrsets;
      }
    }
    disk_->applied = applied;
  }
  zones::Lsn applied_lsn() const override { return disk_->applied; }
  zones::Lsn last_lsn() const override { return disk_->last; }
  zones::Lsn journal(zones::Lsn from, zones::JournalSink& sink) override {
    const auto first = disk_->journal.lower_bound(from);
    for (auto at = first; at != disk_->journal.end() && sink.batch(at->second);) ++at;
    return first == disk_->journal.end() ? disk_->last + 1 : first->first;
  }
  void prune(zones::Lsn before) override {
    const zones::Lsn end = std::min(before, disk_->applied + 1);
    disk_->journal.erase(disk_->journal.begin(), disk_->journal.lower_bound(end));
  }
  void create_zone(zones::NameView apex,
                   const std::function<void(zones::ZoneWriter&)>& source) override {
    struct Writer final : zones::ZoneWriter {
      MemoryDisk::Rows rows;
      void node(zones::NameView owner, zones::RRsetsView rrsets) override {
        rows[zones::Name(owner)] = {rrsets.packed().begin(), rrsets.packed().end()};
      }
    } writer;
    source(writer);
    disk_->zones[zones::Name(apex)] = writer.rows;
  }
  void remove_zone(zones::NameView apex) override { disk_->zones.erase(zones::Name(apex)); }
  std::vector<zones::Name> zones() const override {
    std::vector<zones::Name> names;
    for (const auto& [apex, rows] : disk_->zones) names.push_back(apex);
    return names;
  }

 private:
  std::shared_ptr<MemoryDisk> disk_;
};

/// Creates a zone in a store from records.
inline void create_zone(zones::Store& store, const zones::Name& apex,
                        const std::vector<zones::Record>& content) {
  zones::CatalogueBuilder builder;
  fill(builder, apex, content);
  store.create_zone(apex.view(), [&](zones::ZoneWriter& writer) {
    builder.working()
        .zone(apex.view())
        ->for_each([&](zones::NameView owner, zones::RRsetsView rrsets) {
          writer.node(owner, rrsets);
          return true;
        });
  });
}

/// Passes calls on to another store, unless a test says that they fail.
class FaultyStore final : public zones::Store {
 public:
  enum class Call { APPEND, CHECKPOINT, PRUNE };
  /// Called before each writing call, from the writer's thread; throws what the call is to throw.
  using Hook = std::function<void(Call)>;
  FaultyStore(std::unique_ptr<zones::Store> inner, Hook hook)
      : inner_(std::move(inner)), hook_(std::move(hook)) {}

  zones::Lsn load(zones::StateSink& sink) override { return inner_->load(sink); }
  void append(const zones::JournalBatch& batch) override {
    hook_(Call::APPEND);
    inner_->append(batch);
  }
  void checkpoint(std::span<const zones::RowChange> rows, zones::Lsn applied) override {
    hook_(Call::CHECKPOINT);
    inner_->checkpoint(rows, applied);
  }
  zones::Lsn applied_lsn() const override { return inner_->applied_lsn(); }
  zones::Lsn last_lsn() const override { return inner_->last_lsn(); }
  zones::Lsn journal(zones::Lsn from, zones::JournalSink& sink) override {
    return inner_->journal(from, sink);
  }
  void prune(zones::Lsn before) override {
    hook_(Call::PRUNE);
    inner_->prune(before);
  }
  void create_zone(zones::NameView apex,
                   const std::function<void(zones::ZoneWriter&)>& source) override {
    inner_->create_zone(apex, source);
  }
  void remove_zone(zones::NameView apex) override { inner_->remove_zone(apex); }
  std::vector<zones::Name> zones() const override { return inner_->zones(); }

 private:
  std::unique_ptr<zones::Store> inner_;
  Hook hook_;
};

}  // namespace dnsd::testing
