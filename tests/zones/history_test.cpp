#include "zones/history.h"

#include <gtest/gtest.h>

#include "zones/zone_testing.h"

namespace zones {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using testing::name;
using testing::record;
using testing::records;

const sys_seconds START{seconds(1'700'000'000)};

class HistoryTest : public ::testing::Test {
 protected:
  JournalMessage message(const char* key, std::vector<const char*> touched,
                         Rcode rcode = Rcode::NOERROR) {
    JournalMessage message;
    message.key = name(key);
    message.source[15] = 9;
    message.rcode = rcode;
    message.zone = name("@");
    for (const char* owner : touched) message.touched.push_back(name(owner));
    return message;
  }
  void append(int second, const std::string& removed, const std::string& added,
              std::vector<JournalMessage> messages) {
    JournalBatch batch;
    batch.lsn = store_.last_lsn() + 1;
    batch.time = START + seconds(second);
    if (!removed.empty() || !added.empty()) {
      const auto serial = static_cast<std::uint32_t>(batch.lsn);
      const auto soa = [](std::uint32_t number) {
        return "@ 60 SOA ns host " + std::to_string(number) + " 1 1 1 1\n";
      };
      batch.changes.push_back({name("@"), serial, serial + 1, records(soa(serial) + removed),
                               records(soa(serial + 1) + added)});
    }
    batch.messages = std::move(messages);
    store_.append(batch);
  }
  // "LSN key RCODE -removed +added …" a line.
  std::string history(const char* of, bool below = false, int since = 0) {
    std::string text;
    read_history(store_, {name(of), below, START + seconds(since)}, [&](const HistoryEntry& entry) {
      text += std::to_string(entry.lsn) + " ";
      text += entry.message ? entry.message->key.to_text() : "?";
      if (entry.message && entry.message->rcode != Rcode::NOERROR) {
        text += " " + to_text(entry.message->rcode);
        for (const Name& owner : entry.message->touched) text += " " + owner.to_text();
      }
      for (const Record& one : entry.removed)
        text += " -" + one.owner.to_text() + to_text(one.type);
      for (const Record& one : entry.added) text += " +" + one.owner.to_text() + to_text(one.type);
      if (entry.message) {
        for (const LeaseChange& lease : entry.message->leases) {
          text += " lease " + lease.owner.to_text();
        }
      }
      if (entry.from_serial != entry.to_serial) text += " =" + std::to_string(entry.to_serial);
      if (entry.others != 0) text += " with " + std::to_string(entry.others);
      text += "\n";
      return text.size() < limit_;
    });
    return text;
  }

  std::shared_ptr<testing::MemoryDisk> disk_ = std::make_shared<testing::MemoryDisk>();
  testing::MemoryStore store_{disk_};
  std::size_t limit_ = 100'000;
};

TEST_F(HistoryTest, TellsWhatEachMessageDid) {
  append(1, "", "a 60 A 192.0.2.1\n_x.a 60 SRV 0 0 1 a\nb 60 A 192.0.2.2",
         {message("k1.", {"a", "_x.a"}), message("k2.", {"b"})});
  append(2, "A 60 A 192.0.2.1", "a 60 A 192.0.2.3", {message("k1.", {"A"})});
  append(3, "", "c 60 A 192.0.2.1", {message("k3.", {"c"})});
  EXPECT_EQ(history("a"),
            "1 k1. +a.example.org.A =2\n"
            "2 k1. -A.example.org.A +a.example.org.A =3\n");
  EXPECT_EQ(history("a", true),
            "1 k1. +a.example.org.A +_x.a.example.org.SRV =2\n"
            "2 k1. -A.example.org.A +a.example.org.A =3\n");
  EXPECT_EQ(history("a", true, 2), "2 k1. -A.example.org.A +a.example.org.A =3\n");
  EXPECT_EQ(history("b"), "1 k2. +b.example.org.A =2\n");
  EXPECT_EQ(history("x"), "");
  limit_ = 10;
  EXPECT_EQ(history("a"), "1 k1. +a.example.org.A =2\n");
}

TEST_F(HistoryTest, MessagesOfOneCommitThatMetShareTheRecords) {
  append(1, "", "a 60 A 192.0.2.1\nb 60 A 192.0.2.2",
         {message("k1.", {"a"}), message("k2.", {"a", "b"}), message("k3.", {"b"})});
  EXPECT_EQ(history("a"),
            "1 k1. +a.example.org.A =2 with 1\n"
            "1 k2. +a.example.org.A =2 with 1\n");
  EXPECT_EQ(history("@", true),
            "1 k1. +a.example.org.A =2 with 1\n"
            "1 k2. +a.example.org.A +b.example.org.A =2 with 2\n"
            "1 k3. +b.example.org.A =2 with 1\n");
}

TEST_F(HistoryTest, RefusalsAndLeases) {
  append(1, "", "", {message("bad.", {"a", "b"}, Rcode::REFUSED)});
  JournalMessage refresh = message("k1.", {});
  refresh.leases.push_back({name("a"), Type::A, {192, 0, 2, 1}, START + seconds(60)});
  append(2, "", "", {refresh});
  append(3, "", "", {message("k1.", {})});  // changed nothing
  EXPECT_EQ(history("a"),
            "1 bad. REFUSED a.example.org.\n"
            "2 k1. lease a.example.org.\n");
}

TEST_F(HistoryTest, WhatNoMessageTellsOfItselfIsNotKeptBack) {
  append(1, "", "a 60 A 192.0.2.1", {message("k1.", {})});  // as version 1 of the journal has it
  EXPECT_EQ(history("a"), "1 ? +a.example.org.A =2\n");
  EXPECT_EQ(history("@"), "");  // a step of the serial alone is nobody's
}

}  // namespace
}  // namespace zones
