#include "dnsd/lease_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "dnsd/zone_text.h"
#include "zones/text.h"

namespace dnsd {
namespace {

using Time = LeaseTable::Time;
using zones::Name;
using zones::Type;

Name name(const std::string& text) { return Name::from_text(text).value(); }
Time at(std::int64_t seconds) { return Time(std::chrono::seconds(seconds)); }
zones::Rdata rdata(Type type, const std::string& text) {
  return zones::rdata_from_text(type, text).value();
}

const Name APEX = name("example.org.");

TEST(LeaseTable, RecordsAreKnownAsRfc2136Compares) {
  LeaseTable table;
  const auto set = [&](const char* owner, Type type, const char* data, int when) {
    return table.set(APEX, name(owner), type, rdata(type, data), at(when));
  };
  EXPECT_EQ(set("h1.example.org.", Type::SRV, "0 0 8001 H1.example.org.", 100), at(0));
  EXPECT_EQ(set("H1.EXAMPLE.org.", Type::SRV, "0 0 8001 h1.example.ORG.", 200), at(100));
  EXPECT_EQ(set("h1.example.org.", Type::TXT, "x", 300), at(0));
  EXPECT_EQ(set("h1.example.org.", Type::TXT, "X", 300), at(0)) << "text has case";
  EXPECT_EQ(table.lease_count(), 3U);
  EXPECT_EQ(table.name_count(), 1U);
  EXPECT_EQ(table.find(APEX, name("h1.example.org."), Type::TXT, rdata(Type::TXT, "x")), at(300));
  EXPECT_EQ(table.find(APEX, name("h2.example.org."), Type::TXT, rdata(Type::TXT, "x")), at(0));
  // The same octets of another type, and the same name of another zone, are others.
  EXPECT_EQ(set("h1.example.org.", static_cast<Type>(65280), "\\# 2 0178", 400), at(0));
  EXPECT_EQ(table.find(name("h1.example.org."), name("h1.example.org."), Type::TXT,
                       rdata(Type::TXT, "x")),
            at(0));
  EXPECT_EQ(set("h1.example.org.", Type::TXT, "x", 0), at(300));
  EXPECT_EQ(set("h1.example.org.", Type::TXT, "x", 0), at(0));
}

TEST(LeaseTable, TimesBeyond32Bits) {
  LeaseTable table;
  const zones::Rdata address = rdata(Type::A, "192.0.2.1");
  table.set(APEX, name("a.example.org."), Type::A, address, at(std::int64_t{1} << 40));
  EXPECT_EQ(table.find(APEX, name("a.example.org."), Type::A, address), at(UINT32_MAX - 1));
}

TEST(LeaseTable, RowsOfTheCheckpoint) {
  LeaseTable table;
  const Name owner = name("a.example.org.");
  std::vector<std::uint8_t> packed;
  ASSERT_TRUE(zones::pack(
      zones::RRset{Type::A, 60, {rdata(Type::A, "192.0.2.1"), rdata(Type::A, "192.0.2.2")}},
      packed));
  ASSERT_TRUE(zones::pack(zones::RRset{Type::TXT, 60, {rdata(Type::TXT, "x")}}, packed));
  const zones::RRsetsView rrsets(packed);
  EXPECT_TRUE(table.leases_of(APEX, owner, rrsets).empty());
  table.set(APEX, owner, Type::A, rdata(Type::A, "192.0.2.2"), at(100));
  table.set(APEX, owner, Type::TXT, rdata(Type::TXT, "x"), at(200));
  table.set(APEX, owner, Type::TXT, rdata(Type::TXT, "gone"), at(300));
  EXPECT_EQ(table.leases_of(APEX, owner, rrsets),
            (std::vector<zones::RecordLease>{{1, at(100)}, {2, at(200)}}));
}

TEST(LeaseTable, RowsOfAStartAreAsIfSetOneByOne) {
  constexpr int NAMES = 1'000;
  const Name other = name("example.com.");
  LeaseTable table;
  const auto packed_of = [](int i) {
    std::vector<std::uint8_t> packed;
    const std::string last = std::to_string(i % 250);
    EXPECT_TRUE(zones::pack(
        zones::RRset{
            Type::A, 60, {rdata(Type::A, "192.0.2." + last), rdata(Type::A, "198.51.100." + last)}},
        packed));
    return packed;
  };
  const auto owner_in = [](const Name& apex, int i) {
    return i == 0 ? apex : name("H" + std::to_string(i) + "." + apex.to_text());
  };
  for (const Name& apex : {APEX, other}) {
    for (int i = 0; i < NAMES; ++i) {
      const std::vector<std::uint8_t> packed = packed_of(i);
      const std::vector<zones::RecordLease> leases = {{1, at(5'000 - i)}};
      table.row(apex, owner_in(apex, i), zones::RRsetsView(packed), leases);
    }
  }
  // Of the journal: one of a name with a row, one without.
  table.lease(APEX, name("h7.example.org."), Type::A, rdata(Type::A, "198.51.100.7"), at(9'000));
  table.lease(APEX, name("new.example.org."), Type::A, rdata(Type::A, "192.0.2.1"), at(100));
  table.commit();
  EXPECT_EQ(table.name_count(), 2U * NAMES + 1);
  EXPECT_EQ(table.lease_count(), 2U * NAMES + 1);
  EXPECT_EQ(table.next(), at(100));
  for (int i = 0; i < NAMES; ++i) {
    const std::vector<std::uint8_t> packed = packed_of(i);
    const Time end = i == 7 ? at(9'000) : at(5'000 - i);
    EXPECT_EQ(table.leases_of(
                  APEX, name(i == 0 ? "EXAMPLE.org." : "h" + std::to_string(i) + ".example.org."),
                  zones::RRsetsView(packed)),
              (std::vector<zones::RecordLease>{{1, end}}));
  }
  const auto due = table.due(at(4'002), 10);
  ASSERT_EQ(due.size(), 5U);
  EXPECT_EQ(due[0].owner, name("new.example.org."));
  EXPECT_TRUE(due[1].owner == owner_in(due[1].apex, NAMES - 1));
  table.forget_zone(APEX);
  EXPECT_EQ(table.name_count(), std::size_t{NAMES});
  EXPECT_EQ(table.due(at(5'000), 10'000).size(), std::size_t{NAMES});
}

TEST(LeaseTable, NamesComeInTheOrderOfTheirEnds) {
  LeaseTable table;
  const auto set = [&](const char* owner, const char* data, int when) {
    table.set(APEX, name(owner), Type::A, rdata(Type::A, data), at(when));
  };
  const auto due = [&](int now, std::size_t most = 100) {
    table.commit();
    std::string text;
    for (const LeaseTable::DueName& entry : table.due(at(now), most)) {
      EXPECT_EQ(entry.apex, APEX);
      text += entry.owner.to_text() + " ";
    }
    return text;
  };
  EXPECT_EQ(table.next(), std::nullopt);
  set("c.example.org.", "192.0.2.1", 300);
  set("a.example.org.", "192.0.2.1", 100);
  set("b.example.org.", "192.0.2.1", 200);
  set("b.example.org.", "192.0.2.2", 900);
  table.commit();
  EXPECT_EQ(table.next(), at(100));
  EXPECT_EQ(due(99), "");
  EXPECT_EQ(due(250), "a.example.org. b.example.org. ");
  EXPECT_EQ(due(250), "a.example.org. b.example.org. ") << "until they are changed";
  EXPECT_EQ(due(900, 1), "a.example.org. ");
  set("a.example.org.", "192.0.2.1", 1000);  // a refresh
  set("b.example.org.", "192.0.2.1", 0);     // an end
  EXPECT_EQ(due(250), "");
  EXPECT_EQ(due(900), "c.example.org. b.example.org. ");
  set("c.example.org.", "192.0.2.1", 50);  // shorter than it was
  EXPECT_EQ(table.next(), at(50));
  EXPECT_EQ(due(60), "c.example.org. ");
}

TEST(LeaseTable, ForgetsAZone) {
  LeaseTable table;
  const zones::Rdata address = rdata(Type::A, "192.0.2.1");
  table.set(APEX, name("cut.example.org."), Type::A, address, at(100));
  table.set(name("cut.example.org."), name("cut.example.org."), Type::A, address, at(200));
  table.set(name("example.com."), name("a.example.com."), Type::A, address, at(300));
  table.forget_zone(APEX);
  EXPECT_EQ(table.lease_count(), 2U);
  EXPECT_EQ(table.find(APEX, name("cut.example.org."), Type::A, address), at(0));
  EXPECT_EQ(table.due(at(1000), 10).size(), 2U);
}

// Against a plain map: sets, ends, commits and rollbacks in any order.
TEST(LeaseTable, EqualsAModel) {
  std::mt19937 random(1);
  const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  using Key = std::pair<std::string, std::string>;
  std::map<Key, Time> model;
  std::map<Key, Time> committed;
  LeaseTable table;
  Time now = at(1'000);
  for (int step = 0; step < 60'000; ++step) {
    const Key key{"h" + std::to_string(pick(300)) + ".example.org.",
                  "192.0.2." + std::to_string(pick(4))};
    const auto call = [&](Time when) {
      return table.set(APEX, name(key.first), Type::A, rdata(Type::A, key.second), when);
    };
    switch (pick(12)) {
      case 0:
        table.commit();
        committed = model;
        break;
      case 1:
        table.rollback();
        model = committed;
        break;
      case 2: {
        table.commit();
        committed = model;
        now += std::chrono::seconds(pick(30));
        std::set<std::string> want;
        for (const auto& [record, when] : model) {
          if (when <= now) want.insert(record.first);
        }
        std::set<std::string> got;
        for (const LeaseTable::DueName& due : table.due(now, 1'000)) {
          got.insert(due.owner.to_text());
        }
        ASSERT_EQ(got, want) << step;
        for (const std::string& owner : want) {
          if (pick(2) != 0) continue;
          table.end_due(APEX, name(owner), now);
          std::erase_if(model, [&](const auto& entry) {
            return entry.first.first == owner && entry.second <= now;
          });
        }
        break;
      }
      case 3:
      case 4:
        EXPECT_EQ(call(LeaseTable::PERMANENT), model.contains(key) ? model[key] : at(0));
        model.erase(key);
        break;
      default: {
        const Time when = now + std::chrono::seconds(1 + pick(500));
        EXPECT_EQ(call(when), model.contains(key) ? model[key] : at(0));
        model[key] = when;
      }
    }
    ASSERT_EQ(table.lease_count(), model.size()) << step;
    ASSERT_EQ(table.find(APEX, name(key.first), Type::A, rdata(Type::A, key.second)),
              model.contains(key) ? model[key] : at(0));
  }
  table.commit();
  std::set<std::string> names;
  for (const auto& [key, when] : model) names.insert(key.first);
  EXPECT_EQ(table.name_count(), names.size());
}

// Hosts as they are: A at the name, SRV and TXT below it.
TEST(LeaseTable, MemoryOfALease) {
  LeaseTable table;
  constexpr unsigned HOSTS = 50'000;
  const zones::Rdata address = rdata(Type::A, "192.0.2.1");
  const zones::Rdata service = rdata(Type::SRV, "0 0 8001 h.dyn.example.org.");
  const zones::Rdata text = rdata(Type::TXT, "path=/");
  for (unsigned host = 0; host < HOSTS; ++host) {
    const std::string owner = "host" + std::to_string(host) + ".example.org.";
    const Name below = name("_http._tcp." + owner);
    table.lease(APEX, name(owner), Type::A, address, at(1'000 + host % 7'200));
    table.lease(APEX, below, Type::SRV, service, at(1'000 + host % 7'200));
    table.lease(APEX, below, Type::TXT, text, at(1'000 + host % 7'200));
  }
  table.commit();
  ASSERT_EQ(table.lease_count(), 3 * HOSTS);
  RecordProperty("octets-a-lease", static_cast<int>(table.memory_octets() / table.lease_count()));
  EXPECT_LT(table.memory_octets() / table.lease_count(), 75U);
  // Refreshes for ever take no more.
  const std::size_t before = table.memory_octets();
  for (unsigned round = 1; round < 20; ++round) {
    for (unsigned host = 0; host < 1'000; ++host) {
      const Name owner = name("host" + std::to_string(host) + ".example.org.");
      table.set(APEX, owner, Type::A, address, at(1'000 + 1'000 * (20 - round)));
    }
    table.commit();
  }
  EXPECT_LT(table.memory_octets(), before + before / 5);
}

}  // namespace
}  // namespace dnsd
