#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "dnsd/history_reader.h"
#include "dnsd/http/account_page.h"
#include "temp_dir.h"
#include "zones/sqlite_store.h"
#include "zones/zone_testing.h"

namespace dnsd::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using zones::testing::name;
using zones::testing::record;
using zones::testing::records;

constexpr std::chrono::sys_seconds START{std::chrono::seconds{1'700'000'000}};

zones::HistoryEntry entry(int second, const std::string& removed, const std::string& added) {
  zones::HistoryEntry entry;
  entry.time = START + std::chrono::seconds(second);
  entry.message.emplace();
  entry.message->key = name("h1");
  entry.removed = records(removed);
  entry.added = records(added);
  return entry;
}

TEST(AccountPage, TheNewestEntryThatAddedARecordTellsSinceWhen) {
  std::vector<http::AccountRecord> shown{{.record = record("h1 60 A 192.0.2.1")},
                                         {.record = record("h1 60 A 192.0.2.2")},
                                         {.record = record("h1 60 A 192.0.2.3")}};
  std::vector<zones::HistoryEntry> entries{entry(30, "", ""), entry(20, "", "h1 60 A 192.0.2.1"),
                                           entry(15, "", "h1 60 A 192.0.2.2"),
                                           entry(10, "", "h1 60 A 192.0.2.1")};
  entries[0].message->leases = {
      {name("h1"), zones::Type::A, record("h1 60 A 192.0.2.1").rdata, START + 90s},
      {name("h1"), zones::Type::A, record("h1 60 A 192.0.2.2").rdata, {}}};
  entries[1].message->leases = {
      {name("h1"), zones::Type::A, record("h1 60 A 192.0.2.1").rdata, START + 80s}};
  entries[2].message->rcode = zones::Rcode::REFUSED;
  http::add_history(shown, entries, name("h1"));
  EXPECT_EQ(shown[0].since, START + 20s);
  EXPECT_EQ(shown[0].until, START + 90s) << "the newest lease counts";
  EXPECT_EQ(shown[1].since, std::nullopt) << "what was refused put nothing there";
  EXPECT_EQ(shown[1].until, std::nullopt) << "without end";
  EXPECT_EQ(shown[2].since, std::nullopt);
}

TEST(AccountPage, WhereTheHistoryDoesNotReachTheStoresRowsTell) {
  std::vector<http::AccountRecord> shown{{.record = record("h1 60 A 192.0.2.1")},
                                         {.record = record("h1 60 A 192.0.2.2")},
                                         {.record = record("h2 60 A 192.0.2.3")}};
  const std::vector<PublishedTime> times{
      {START + 20s, START + 80s}, {START + 20s, START + 81s}, {START + 5s, START + 82s}};
  std::vector<zones::HistoryEntry> entries{entry(30, "", ""), entry(20, "", "h1 60 A 192.0.2.1")};
  entries[0].message->leases = {
      {name("h1"), zones::Type::A, record("h1 60 A 192.0.2.1").rdata, START + 90s},
      {name("h2"), zones::Type::A, record("h2 60 A 192.0.2.3").rdata, {}}};
  http::add_times(shown, times, entries);
  http::add_history(shown, entries, name("h1"));
  EXPECT_EQ(shown[0].since, START + 20s);
  EXPECT_EQ(shown[0].until, START + 90s) << "a row may be behind the history";
  EXPECT_EQ(shown[1].since, std::nullopt) << "it was there before the owner's last change";
  EXPECT_EQ(shown[1].until, START + 81s);
  EXPECT_EQ(shown[2].since, START + 5s);
  EXPECT_EQ(shown[2].until, std::nullopt) << "permanent by now";
  http::add_times(shown, {}, {});
  EXPECT_EQ(shown[2].since, START + 5s) << "times that could not be told";
}

TEST(AccountPage, AnotherKeysSourceIsNotTold) {
  const std::vector<zones::HistoryEntry> entries{entry(20, "", "h1 60 A 192.0.2.1")};
  std::vector<http::AccountRecord> shown{{.record = record("h1 60 A 192.0.2.1")}};
  http::add_history(shown, entries, name("h1"));
  EXPECT_EQ(shown[0].by, "by the key h1.example.org from ::");
  http::add_history(shown, entries, name("h2"));
  EXPECT_EQ(shown[0].by, "by the key h1.example.org");
}

TEST(AccountPage, WhatIsBelowTheHostMayBeAnothersAndIsNotTold) {
  std::vector<zones::HistoryEntry> entries{entry(3, "h1 60 A 192.0.2.1", "a.h1 60 A 192.0.2.2"),
                                           entry(2, "", "a.h1 60 A 192.0.2.3"), entry(1, "", "")};
  entries[0].message->touched = {name("h1"), name("a.h1")};
  entries[2].message->touched = {name("a.h1")};
  entries[2].message->rcode = zones::Rcode::REFUSED;
  http::keep_visible(entries, [](zones::NameView owner) { return owner == name("h1").view(); });
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].removed.size(), 1U);
  EXPECT_TRUE(entries[0].added.empty());
  EXPECT_EQ(entries[0].message->touched, std::vector{name("h1")});
}

TEST(AccountPage, EverythingIsEscaped) {
  http::AccountContent content;
  content.host = *zones::Name::from_text("<b>.example.org.");
  content.key = content.host;
  content.records = {{.record = record("h1 60 TXT \"<script>\"")}};
  content.agent_config = "</pre><script>";
  const std::string page =
      http::account_page(content, std::vector{entry(1, "", "h1 60 TXT \"<img>\"")}, "n0nce");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, HasSubstr("nonce=\"n0nce\""));
}

TEST(AccountPage, HistoryThatCannotBeToldIsNotCalledEmpty) {
  EXPECT_THAT(http::account_page({}, std::nullopt, ""), HasSubstr("cannot be told"));
  EXPECT_THAT(http::account_page({}, std::vector<zones::HistoryEntry>{}, ""),
              HasSubstr("Nothing that is still kept"));
}

class HistoryReaderTest : public ::testing::Test {
 protected:
  // Each batch changes h1 when its number can be divided by `every`, else another name.
  void append(zones::Lsn batches, zones::Lsn every) {
    for (zones::Lsn i = 0; i < batches; ++i) {
      zones::JournalBatch batch;
      batch.lsn = store_.last_lsn() + 1;
      batch.time = START;
      zones::JournalMessage message;
      message.key = name("key");
      message.zone = name("@");
      message.rcode = zones::Rcode::REFUSED;  // no zone is needed for those
      message.touched = {name(batch.lsn % every == 0 ? "_http._tcp.h1" : "h2")};
      batch.messages.push_back(std::move(message));
      store_.append(batch);
    }
  }
  HistoryReader::Entries ask(HistoryReader& reader, const char* of) {
    std::promise<HistoryReader::Entries> promise;
    EXPECT_TRUE(reader.ask(name(of), name("@"), {}, [&](HistoryReader::Answer answer) {
      promise.set_value(std::move(answer.entries));
    }));
    return promise.get_future().get();
  }
  std::vector<zones::Lsn> lsns(HistoryReader& reader, const char* of) {
    std::vector<zones::Lsn> lsns;
    const HistoryReader::Entries entries = ask(reader, of);
    EXPECT_TRUE(entries.has_value());
    if (!entries) return lsns;
    for (const zones::HistoryEntry& one : *entries) lsns.push_back(one.lsn);
    return lsns;
  }

  TempDir folder_;
  const std::filesystem::path path_ = folder_.path() / "store";
  zones::SqliteStore store_{path_};
};

TEST_F(HistoryReaderTest, TheNewestFirstAcrossWhatIsReadAtATime) {
  append(650, 100);
  HistoryReader reader(path_);
  EXPECT_EQ(lsns(reader, "h1"), (std::vector<zones::Lsn>{600, 500, 400, 300, 200, 100}));
  append(50, 100);
  EXPECT_EQ(lsns(reader, "h1").front(), 700U) << "what was written since";
  EXPECT_TRUE(lsns(reader, "h3").empty());
  EXPECT_EQ(lsns(reader, "h2").size(), HistoryReader::ENTRIES);
}

TEST_F(HistoryReaderTest, AnEmptyJournalHasNoEntries) {
  HistoryReader reader(path_);
  EXPECT_TRUE(lsns(reader, "h1").empty());
}

TEST_F(HistoryReaderTest, AStoreThatCannotBeReadIsNoEmptyHistory) {
  HistoryReader reader(folder_.path() / "none");
  EXPECT_FALSE(ask(reader, "h1").has_value());
}

TEST_F(HistoryReaderTest, AnswersWhatWaitsWhenItStopsAndTakesNoMore) {
  HistoryReader reader(path_);
  std::promise<void> go;
  std::atomic<std::size_t> nothing{0};
  const auto ask = [&](std::function<void(HistoryReader::Answer)> done) {
    return reader.ask(name("h1"), name("@"), {}, std::move(done));
  };
  EXPECT_TRUE(ask([&](const auto&) { go.get_future().wait(); }));
  std::size_t taken = 0;
  while (ask([&](const auto& answer) { nothing += answer.entries ? 0 : 1; })) ++taken;
  EXPECT_GE(taken, HistoryReader::QUEUE - 1);
  EXPECT_LE(taken, HistoryReader::QUEUE + 1);
  std::thread stopping([&] { reader.stop(); });
  go.set_value();
  stopping.join();
  EXPECT_FALSE(ask([](const auto&) {}));
  EXPECT_LE(nothing, taken);
}

}  // namespace
}  // namespace dnsd::test
