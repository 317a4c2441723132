// What a store ought to hold: the model that tests of the store compare it with.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "zones/change_set.h"
#include "zones/store.h"
#include "zones/text.h"

namespace zones::test {

inline Name name(std::string_view text) { return Name::from_text(text).value(); }

/// "a.example.org. 60 A 192.0.2.1"
inline Record record(std::string_view text) {
  const std::size_t owner = text.find(' ');
  const std::size_t ttl = text.find(' ', owner + 1);
  const std::size_t type = text.find(' ', ttl + 1);
  Record record;
  record.owner = name(text.substr(0, owner));
  record.ttl =
      static_cast<std::uint32_t>(std::stoul(std::string(text.substr(owner + 1, ttl - owner - 1))));
  EXPECT_TRUE(type_from_text(text.substr(ttl + 1, type - ttl - 1), record.type)) << text;
  record.rdata = rdata_from_text(record.type, text.substr(type + 1)).value();
  return record;
}

inline Record soa(const Name& apex, std::uint32_t serial) {
  return record(apex.to_text() + " 300 SOA ns.example.org. admin.example.org. " +
                std::to_string(serial) + " 3600 900 604800 300");
}

/// Packed RRsets with the RDATAs of each in a fixed order, so that equal RRsets have equal octets.
inline std::vector<std::uint8_t> normal(RRsetsView view) {
  std::vector<RRset> rrsets = unpack(view);
  for (RRset& rrset : rrsets) std::ranges::sort(rrset.rdatas);
  std::vector<std::uint8_t> packed;
  EXPECT_TRUE(pack(rrsets, packed));
  return packed;
}

/// Zones by apex, names by owner: the owner's spelling and the packed RRsets; and when records end.
struct Contents {
  using LeaseKey = std::tuple<Name, Name, Type, Rdata>;
  std::map<LeaseKey, std::chrono::sys_seconds> leases;  // by apex, owner and record
  using Names = std::map<Name, std::pair<std::string, std::vector<std::uint8_t>>>;
  std::map<Name, Names> zones;

  void put(const Name& apex, NameView owner, RRsetsView rrsets) {
    Names& names = zones[apex];
    names.erase(Name(owner));
    if (!rrsets.empty()) names[Name(owner)] = {owner.to_text(), normal(rrsets)};
  }
  RRsetsView get(const Name& apex, NameView owner) const {
    const Names& names = zones.at(apex);
    const auto found = names.find(Name(owner));
    return found == names.end() ? RRsetsView() : RRsetsView(found->second.second);
  }
  /// The names it changed.
  std::vector<Name> apply(const ChangeSet& change) {
    std::vector<Name> owners;
    EXPECT_TRUE(apply_change_set(
        change, [&](NameView owner) { return get(change.apex, owner); },
        [&](NameView owner, RRsetsView rrsets) {
          put(change.apex, owner,
              RRsetsView(
                  std::vector<std::uint8_t>(rrsets.packed().begin(), rrsets.packed().end())));
          owners.emplace_back(owner);
        }));
    return owners;
  }
  void set_lease(const LeaseKey& key, std::chrono::sys_seconds expires) {
    leases.erase(key);
    if (expires != std::chrono::sys_seconds{}) leases[key] = expires;
  }
  void apply_leases(const JournalBatch& batch) {
    for (const JournalMessage& message : batch.messages) {
      for (const LeaseChange& change : message.leases) {
        set_lease({message.zone, change.owner, change.type, change.rdata}, change.expires);
      }
    }
  }
  /// As the checkpoint keeps them.
  std::vector<RecordLease> leases_of(const Name& apex, const Name& owner) const {
    std::vector<RecordLease> found;
    std::uint32_t place = 0;
    for (const RRsetView rrset : get(apex, owner)) {
      for (const RdataView rdata : rrset) {
        const auto lease = leases.find({apex, owner, rrset.type(), {rdata.begin(), rdata.end()}});
        if (lease != leases.end()) found.push_back({place, lease->second});
        ++place;
      }
    }
    return found;
  }
  bool operator==(const Contents&) const = default;
};

/// Collects what load() gives: the checkpoint with the journal replayed onto it.
class Loader final : public StateSink {
 public:
  void zone(NameView apex) override {
    apex_ = Name(apex);
    EXPECT_TRUE(contents.zones.emplace(apex_, Contents::Names()).second) << "a zone came twice";
    last_.reset();
  }
  void node(NameView owner, RRsetsView rrsets) override {
    EXPECT_TRUE(!last_ || last_->view() < owner) << owner.to_text() << " is not in canonical order";
    last_ = Name(owner);
    contents.put(apex_, owner, rrsets);
    ++nodes;
  }
  void leases(NameView owner, RRsetsView rrsets, std::span<const RecordLease> leases) override {
    EXPECT_EQ(Name(owner), last_) << "leases follow their name";
    EXPECT_FALSE(leases.empty());
    std::uint32_t place = 0;
    for (const RRsetView rrset : rrsets) {
      for (const RdataView rdata : rrset) {
        const auto lease = std::ranges::find(leases, place++, &RecordLease::record);
        if (lease == leases.end()) continue;
        contents.set_lease({apex_, Name(owner), rrset.type(), {rdata.begin(), rdata.end()}},
                           lease->expires);
      }
    }
  }
  void batch(const JournalBatch& batch) override {
    batches.push_back(batch);
    for (const ChangeSet& change : batch.changes) contents.apply(change);
    contents.apply_leases(batch);
  }
  Contents contents;
  std::vector<JournalBatch> batches;
  std::size_t nodes = 0;

 private:
  Name apex_;
  std::optional<Name> last_;
};

class Collector final : public JournalSink {
 public:
  bool batch(const JournalBatch& batch) override {
    lsns.push_back(batch.lsn);
    return lsns.size() < limit;
  }
  std::vector<Lsn> lsns;
  std::size_t limit = 1000000;
};

/// A folder that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dnsd-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("cannot make a temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(std::string_view file) const { return path_ / file; }

 private:
  std::filesystem::path path_;
};

/// Fills a store with a zone and changes it as a server would, with the model beside it.
class Workload {
 public:
  explicit Workload(unsigned seed = 1) : random_(seed) {}
  const Name apex = name("dyn.example.org.");

  Contents contents;  // what is to be there

  /// What create() puts into the zone.
  Contents initial() const {
    Contents initial;
    std::vector<std::uint8_t> packed;
    EXPECT_TRUE(pack(RRset{Type::SOA, 300, {soa(apex, 1).rdata}}, packed));
    initial.put(apex, apex, RRsetsView(packed));
    for (int i = 0; i < HOSTS; ++i) {
      packed.clear();
      EXPECT_TRUE(pack(RRset{Type::A, 60, {{192, 0, 2, static_cast<std::uint8_t>(i)}}}, packed));
      initial.put(apex, host(i), RRsetsView(packed));
    }
    return initial;
  }
  void create(Store& store) {
    const Contents made = initial();
    store.create_zone(apex, [&](ZoneWriter& writer) {
      for (const auto& [owner, row] : made.zones.at(apex))
        writer.node(name(row.first), RRsetsView(row.second));
    });
    contents = made;
  }

  static std::chrono::sys_seconds time_of(Lsn lsn) {
    return std::chrono::sys_seconds(std::chrono::seconds(1700000000 + lsn));
  }
  /// A batch of one to `most` changes of hosts; apply() it to the model once the store has taken
  /// it.
  JournalBatch next(const Store& store, unsigned most = 5) {
    JournalBatch batch;
    batch.lsn = store.last_lsn() + 1;
    batch.time = time_of(batch.lsn);
    ChangeSet& change = batch.changes.emplace_back();
    change.apex = apex;
    change.from_serial = serial_;
    change.to_serial = serial_ + 1;
    change.removed.push_back(soa(apex, serial_));
    change.added.push_back(soa(apex, serial_ + 1));
    const std::uint64_t count = 1 + random_() % most;
    for (std::uint64_t i = 0; i < count; ++i) {
      Record record;
      record.owner = host(static_cast<int>(random_() % (2 * HOSTS)));
      record.type = random_() % 4 == 0 ? Type::TXT : Type::A;
      record.ttl = 60;
      if (record.type == Type::A) {
        record.rdata = {198, 51, 100, static_cast<std::uint8_t>(random_())};
      } else {
        record.rdata.assign(1 + 40, static_cast<std::uint8_t>('a' + random_() % 26));
        record.rdata[0] = 40;
      }
      const RRsetView old = contents.get(apex, record.owner).find(record.type);
      if (old) {
        for (const RdataView rdata : old) {
          change.removed.push_back(
              {record.owner, record.type, Class::IN, old.ttl(), {rdata.begin(), rdata.end()}});
        }
      }
      if (!old || random_() % 3 != 0) change.added.push_back(record);
      JournalMessage& message = batch.messages.emplace_back();
      message.key = record.owner;
      message.digest.fill(static_cast<std::uint8_t>(random_()));
      message.source[15] = 1;
      message.source_port = static_cast<std::uint16_t>(random_());
      message.signed_at = batch.time;
      message.zone = apex;
      add_leases(record, old, change, message);
    }
    return batch;
  }
  void apply(const JournalBatch& batch) {
    for (const ChangeSet& change : batch.changes) {
      for (const Name& owner : contents.apply(change)) dirty_[owner] = true;
      serial_ = change.to_serial;
    }
    contents.apply_leases(batch);
    for (const JournalMessage& message : batch.messages) {
      for (const LeaseChange& lease : message.leases) dirty_[lease.owner] = true;
    }
  }
  /// Rows of what changed since the last call.
  std::vector<RowChange> rows() {
    std::vector<RowChange> rows;
    for (const auto& [owner, dirty] : dirty_) {
      const RRsetsView rrsets = contents.get(apex, owner);
      rows.push_back({apex,
                      owner,
                      {rrsets.packed().begin(), rrsets.packed().end()},
                      contents.leases_of(apex, owner)});
    }
    return rows;
  }
  void checkpointed() { dirty_.clear(); }
  std::uint32_t serial() const { return serial_; }

  static constexpr int HOSTS = 40;
  Name host(int number) const {
    return name("Host" + std::to_string(number) + ".dyn.example.org.");
  }

 private:
  // Records that go end their leases, half of those that come have one, and now and then one that
  // stays is refreshed.
  void add_leases(const Record& record, RRsetView old, const ChangeSet& change,
                  JournalMessage& message) {
    const auto add = [&](const Rdata& rdata, std::chrono::sys_seconds expires) {
      message.leases.push_back({record.owner, record.type, rdata, expires});
    };
    if (old) {
      for (const RdataView rdata : old) add({rdata.begin(), rdata.end()}, {});
    }
    const bool is_added =
        change.added.back().owner == record.owner && change.added.back().rdata == record.rdata;
    const auto expires = message.signed_at + std::chrono::seconds(1 + random_() % 10'000);
    if (is_added && random_() % 2 == 0) add(record.rdata, expires);
    if (contents.leases.empty() || random_() % 4 != 0) return;
    const auto& [key, ignored] = *std::next(
        contents.leases.begin(), static_cast<std::ptrdiff_t>(random_() % contents.leases.size()));
    const auto& [zone, owner, type, rdata] = key;
    if (std::ranges::none_of(change.removed, [&](const Record& gone) {
          return gone.owner == owner && gone.type == type;
        })) {
      message.leases.push_back({owner, type, rdata, expires});
    }
  }

  std::mt19937 random_;
  std::uint32_t serial_ = 1;
  std::map<Name, bool> dirty_;
};

}  // namespace zones::test
