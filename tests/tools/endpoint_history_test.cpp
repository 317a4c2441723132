#include "tools/dnsdctl/endpoint_history.h"

#include <gtest/gtest.h>

#include <map>

#include "tools/common/utc_time.h"
#include "zones/text.h"

namespace dnsdctl {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using zones::Name;
using zones::Record;
using zones::Type;

const sys_seconds START{seconds(1'700'000'000)};

Name name(std::string_view text) {
  static const Name origin = *Name::from_text("example.org.");
  return *Name::from_text(text, origin);
}

Record record(const std::string& line) {  // "owner type rdata"
  const std::size_t type = line.find(' ');
  const std::size_t rdata = line.find(' ', type + 1);
  Record made;
  made.owner = name(line.substr(0, type));
  made.ttl = 60;
  EXPECT_TRUE(zones::type_from_text(line.substr(type + 1, rdata - type - 1), made.type)) << line;
  made.rdata = *zones::rdata_from_text(made.type, line.substr(rdata + 1), name("@"));
  return made;
}

/// Rows and a journal as they are written.
class FakeStore final : public zones::Store {
 public:
  std::vector<Record> rows;  // the checkpoint
  std::vector<zones::JournalBatch> batches;
  zones::Lsn applied = 0;

  zones::Lsn load(zones::StateSink& sink) override {
    sink.zone(name("@"));
    for (const Record& row : rows) {
      std::vector<std::uint8_t> packed;
      zones::pack(zones::RRset{row.type, row.ttl, {row.rdata}}, packed);
      sink.node(row.owner, zones::RRsetsView(packed));
    }
    for (const zones::JournalBatch& batch : batches) {
      if (batch.lsn > applied) sink.batch(batch);
    }
    return last_lsn();
  }
  zones::Lsn journal(zones::Lsn, zones::JournalSink& sink) override {
    for (const zones::JournalBatch& batch : batches) {
      if (!sink.batch(batch)) break;
    }
    return 1;
  }
  void append(const zones::JournalBatch& batch) override { batches.push_back(batch); }
  void checkpoint(std::span<const zones::RowChange>, zones::Lsn) override {}
  zones::Lsn applied_lsn() const override { return applied; }
  zones::Lsn last_lsn() const override { return batches.empty() ? 0 : batches.back().lsn; }
  zones::Lsn newest_batch_before(sys_seconds) override { return 0; }
  void journal_rows(const std::function<bool(const zones::JournalRow&)>&) override {}
  std::uint64_t journal_octets() override { return 0; }
  void prune(zones::Lsn) override {}
  void create_zones(std::span<const zones::NewZone>) override {}
  void remove_zone(zones::NameView) override {}
  std::vector<Name> zones() const override { return {}; }
};

class EndpointHistoryTest : public ::testing::Test {
 protected:
  void append(int second, const char* key, const std::vector<std::string>& removed,
              const std::vector<std::string>& added) {
    zones::JournalBatch batch;
    batch.lsn = store_.last_lsn() + 1;
    batch.time = START + seconds(second);
    zones::ChangeSet& change = batch.changes.emplace_back();
    change.apex = name("@");
    zones::JournalMessage& message = batch.messages.emplace_back();
    message.key = name(key);
    message.zone = name("@");
    for (const std::string& line : removed) {
      change.removed.push_back(record(line));
      message.touched.push_back(change.removed.back().owner);
    }
    for (const std::string& line : added) {
      change.added.push_back(record(line));
      message.touched.push_back(change.added.back().owner);
    }
    store_.append(batch);
  }
  /// "host since-LSN:key[-until-LSN]" of the endpoint's record for each, or what is wrong.
  std::string who(const char* address, std::uint16_t port, int second) {
    const auto found =
        find_holders(store_, {*keys::address_from_text(address), port, START + seconds(second)},
                     START + seconds(1000));
    if (!found) return found.error();
    std::string text;
    for (const Holder& holder : *found) {
      if (!text.empty()) text += ", ";
      const HeldRecord& held = holder.endpoint;
      text += holder.host.to_text() + " " + (held.put ? std::to_string(held.put->lsn) : "before");
      if (held.put) {
        for (const zones::JournalMessage& message : held.put->messages) {
          text += ":" + message.key.to_text();
        }
      }
      if (held.removed) text += "-" + std::to_string(held.removed->lsn);
    }
    return text;
  }

  FakeStore store_;
};

TEST_F(EndpointHistoryTest, FollowsAMappingThroughItsTenants) {
  append(10, "k1.", {}, {"h1 A 198.51.100.1", "_http._tcp.h1 SRV 0 0 8001 h1"});
  append(20, "k1.", {"_http._tcp.h1 SRV 0 0 8001 h1"}, {"_http._tcp.h1 SRV 0 0 8002 h1"});
  append(30, "k2.", {}, {"h2 A 198.51.100.1", "_http._tcp.h2 SRV 0 0 8001 h2"});
  append(40, "k2.", {"h2 A 198.51.100.1"}, {"h2 A 198.51.100.2"});
  // As a checkpoint in the middle has it.
  store_.rows = {record("h1 A 198.51.100.1"), record("_http._tcp.h1 SRV 0 0 8002 h1")};
  store_.applied = 2;
  struct Row {
    const char* address;
    std::uint16_t port;
    int second;
    const char* want;
  };
  const Row rows[] = {
      {"198.51.100.1", 8001, 10, "h1.example.org. 1:k1.-2"},
      {"198.51.100.1", 8001, 19, "h1.example.org. 1:k1.-2"},
      {"198.51.100.1", 8001, 20, ""},
      {"198.51.100.1", 8001, 30, "h2.example.org. 3:k2."},
      {"198.51.100.1", 8001, 39, "h2.example.org. 3:k2."},
      {"198.51.100.1", 8001, 40, ""},
      {"198.51.100.2", 8001, 40, "h2.example.org. 3:k2."},
      {"198.51.100.2", 8001, 39, ""},
      {"198.51.100.1", 8002, 999, "h1.example.org. 2:k1."},
      {"198.51.100.1", 8003, 30, ""},
      {"198.51.100.9", 8001, 30, ""},
      {"198.51.100.1", 8001, 9,
       "the journal begins at 2023-11-14T22:13:30Z, so that nothing is known of "
       "2023-11-14T22:13:29Z"},
      {"198.51.100.1", 8001, 1001, "2023-11-14T22:30:01Z is still to come"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(who(row.address, row.port, row.second), row.want)
        << row.address << " " << row.port << " " << row.second;
  }
}

TEST_F(EndpointHistoryTest, WhatIsOlderThanTheJournal) {
  store_.rows = {record("here A 198.51.100.1"), record("_x._tcp.here SRV 0 0 1 here"),
                 record("stays A 198.51.100.1"), record("_y._tcp.stays SRV 0 0 2 stays")};
  append(10, "k.", {"gone A 198.51.100.1", "_z._tcp.gone SRV 0 0 3 gone"}, {});
  append(20, "k.", {}, {"here A 198.51.100.1", "_x._tcp.here SRV 0 0 1 here"});
  store_.applied = 2;
  append(30, "k.", {"_y._tcp.stays SRV 0 0 2 stays"}, {});  // above the checkpoint
  EXPECT_EQ(who("198.51.100.1", 2, 10), "stays.example.org. before-3");
  EXPECT_EQ(who("198.51.100.1", 2, 30), "");
  EXPECT_EQ(who("198.51.100.1", 3, 10), "");  // removed by the first commit that is known
  EXPECT_EQ(who("198.51.100.1", 1, 10), "");
  EXPECT_EQ(who("198.51.100.1", 1, 20), "here.example.org. 2:k.");
}

TEST_F(EndpointHistoryTest, EachRecordThatNamesAPort) {
  append(1, "k.", {},
         {"h A 198.51.100.1", "h AAAA 2001:db8::1", "www CNAME h", "a HTTPS 1 . port=8443",
          "a A 198.51.100.1", "b HTTPS 1 h", "_dns.c SVCB 1 h port=853",
          "d HTTPS 1 x.elsewhere.test. port=4000 ipv4hint=198.51.100.1",
          "_http._tcp.e URI 10 1 \"https://www.example.org:9000/x\"",
          "_http._tcp.f URI 10 1 \"http://198.51.100.1:9001/\"", "_sip._udp.g SRV 0 0 5060 h"});
  const std::map<std::uint16_t, const char*> wants = {
      {8443, "a.example.org. 1:k."}, {443, "h.example.org. 1:k."},
      {853, "h.example.org. 1:k."},  {4000, "d.example.org. 1:k."},
      {9000, "h.example.org. 1:k."}, {9001, "_http._tcp.f.example.org. 1:k."},
      {5060, "h.example.org. 1:k."}};
  for (const auto& [port, want] : wants) EXPECT_EQ(who("198.51.100.1", port, 1), want) << port;
  EXPECT_EQ(who("2001:db8::1", 5060, 1), "h.example.org. 1:k.");
  EXPECT_EQ(who("2001:db8::2", 5060, 1), "");
}

TEST_F(EndpointHistoryTest, ChangeOfTtlAndRefreshAreNoChangeOfTenant) {
  append(10, "k1.", {}, {"h A 198.51.100.1", "_x._tcp.h SRV 0 0 1 h"});
  append(20, "k2.", {"_x._tcp.h SRV 0 0 1 h"}, {"_x._tcp.h SRV 0 0 1 h"});
  zones::JournalBatch refresh;
  refresh.lsn = 3;
  refresh.time = START + seconds(30);
  zones::JournalMessage& message = refresh.messages.emplace_back();
  message.key = name("k3.");
  message.zone = name("@");
  const Record srv = record("_x._tcp.h SRV 0 0 1 h");
  message.leases.push_back({srv.owner, srv.type, srv.rdata, START + seconds(90)});
  store_.append(refresh);
  append(40, "k4.", {"_x._tcp.h SRV 0 0 1 h"}, {});
  EXPECT_EQ(who("198.51.100.1", 1, 15), "h.example.org. 1:k1.-4");
  const auto found =
      find_holders(store_, {*keys::address_from_text("198.51.100.1"), 1, START + seconds(35)},
                   START + seconds(1000));
  ASSERT_TRUE(found && found->size() == 1);
  ASSERT_TRUE(found->front().endpoint.prolonged);
  EXPECT_EQ(found->front().endpoint.prolonged->lsn, 3U);
  EXPECT_EQ(found->front().endpoint.prolonged->messages.front().key, name("k3."));
  EXPECT_EQ(who("198.51.100.1", 1, 40), "");
}

TEST_F(EndpointHistoryTest, WithoutAJournalOnlyThePresentIsKnown) {
  store_.rows = {record("h A 198.51.100.1"), record("_x._tcp.h SRV 0 0 1 h")};
  EXPECT_EQ(who("198.51.100.1", 1, 1000), "h.example.org. before");
  EXPECT_NE(who("198.51.100.1", 1, 999).find("the journal is empty"), std::string::npos);
}

TEST(UtcTime, BothWays) {
  EXPECT_EQ(tools::to_text(START), "2023-11-14T22:13:20Z");
  for (const char* text : {"2023-11-14T22:13:20Z", "2023-11-14 22:13:20", "1700000000"}) {
    EXPECT_EQ(tools::time_from_text(text), START) << text;
  }
  EXPECT_EQ(tools::time_from_text("2023-11-14"), START - seconds(22 * 3600 + 13 * 60 + 20));
  EXPECT_EQ(tools::time_from_text("2023-11-14T22:13"), START - seconds(20));
  for (const char* text :
       {"", "yesterday", "-5", "2023-11-14T22:13:20+01:00", "2023-13-01", "17000000x", "now "}) {
    EXPECT_FALSE(tools::time_from_text(text)) << text;
  }
  EXPECT_TRUE(tools::time_from_text("now"));
}

}  // namespace
}  // namespace dnsdctl
