#include "zones/sqlite_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "zones/journal_codec.h"
#include "zones/store_model.h"

namespace zones::test {
namespace {

using Kind = StoreError::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

// What the action throws, as "KIND text"; empty when it throws nothing.
template <class Action>
std::string failure(Action&& action) {
  try {
    action();
  } catch (const StoreError& error) {
    const char* const kinds[] = {"UNWRITABLE", "CORRUPT", "LOCKED", "CONFLICT"};
    return std::string(kinds[static_cast<int>(error.kind())]) + " " + error.what();
  }
  return {};
}

Contents load(Store& store) {
  Loader loader;
  EXPECT_EQ(store.load(loader), store.last_lsn());
  return loader.contents;
}

void run_sql(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
      << sql << ": " << (message == nullptr ? "" : message);
  sqlite3_free(message);
  sqlite3_close(database);
}

TEST(SqliteStore, NewStoreIsEmptyAndPrivate) {
  TemporaryFolder folder;
  const auto file = folder / "dnsd.sqlite";
  SqliteStore store(file);
  EXPECT_EQ(store.last_lsn(), 0U);
  EXPECT_EQ(store.applied_lsn(), 0U);
  EXPECT_TRUE(store.zones().empty());
  EXPECT_TRUE(load(store).zones.empty());
  struct stat status {};
  for (const char* suffix : {"", "-wal"}) {
    ASSERT_EQ(stat((file.string() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << suffix;
  }
}

TEST(SqliteStore, KeepsCheckpointAndJournal) {
  TemporaryFolder folder;
  Workload work;
  {
    SqliteStore store(folder / "dnsd.sqlite");
    work.create(store);
  }
  // Opened anew after each step, with the checkpoint at any distance behind.
  for (int step = 0; step < 30; ++step) {
    SqliteStore store(folder / "dnsd.sqlite");
    ASSERT_EQ(load(store), work.contents) << "step " << step;
    for (int i = 0; i < 3; ++i) {
      const JournalBatch batch = work.next(store);
      store.append(batch);
      work.apply(batch);
      EXPECT_EQ(store.last_lsn(), batch.lsn);
    }
    if (step % 4 == 1) {
      store.checkpoint(work.rows(), store.last_lsn());
      work.checkpointed();
      EXPECT_EQ(store.applied_lsn(), store.last_lsn());
      Loader loader;
      store.load(loader);
      EXPECT_TRUE(loader.batches.empty());
      EXPECT_EQ(loader.contents, work.contents);
    }
    if (step % 4 == 3) {
      // A slice: rows newer than the number that they claim, which replay makes good.
      std::vector<RowChange> rows = work.rows();
      rows.resize(rows.size() / 2);
      store.checkpoint(rows, store.applied_lsn());
    }
  }
  SqliteStore store(folder / "dnsd.sqlite");
  EXPECT_EQ(load(store), work.contents);
  store.check();
}

TEST(SqliteStore, JournalKeepsEveryFieldOfABatch) {
  TemporaryFolder folder;
  Workload work;
  SqliteStore store(folder / "dnsd.sqlite");
  work.create(store);
  JournalBatch batch = work.next(store);
  batch.messages[0].rcode = Rcode::NXRRSET;
  store.append(batch);
  Loader loader;
  store.load(loader);
  ASSERT_EQ(loader.batches.size(), 1U);
  const JournalBatch& got = loader.batches[0];
  EXPECT_EQ(got.lsn, 1U);
  EXPECT_EQ(got.time, batch.time);
  ASSERT_EQ(got.messages.size(), batch.messages.size());
  EXPECT_EQ(got.messages[0].digest, batch.messages[0].digest);
  EXPECT_EQ(got.messages[0].rcode, Rcode::NXRRSET);
  ASSERT_EQ(got.changes.size(), 1U);
  EXPECT_EQ(got.changes[0].added.size(), batch.changes[0].added.size());
}

TEST(SqliteStore, ReadsTheJournalFromAnyNumber) {
  TemporaryFolder folder;
  Workload work;
  SqliteStore store(folder / "dnsd.sqlite");
  work.create(store);
  for (int i = 0; i < 6; ++i) {
    const JournalBatch batch = work.next(store);
    store.append(batch);
    work.apply(batch);
  }
  Collector all;
  EXPECT_EQ(store.journal(0, all), 1U);
  EXPECT_THAT(all.lsns, ElementsAre(1, 2, 3, 4, 5, 6));
  Collector some;
  some.limit = 2;
  EXPECT_EQ(store.journal(3, some), 3U);
  EXPECT_THAT(some.lsns, ElementsAre(3, 4));
  Collector none;
  EXPECT_EQ(store.journal(7, none), 0U);
  EXPECT_TRUE(none.lsns.empty());
  EXPECT_EQ(store.newest_batch_before(work.time_of(1)), 0U);
  EXPECT_EQ(store.newest_batch_before(work.time_of(2)), 1U);
  EXPECT_EQ(store.newest_batch_before(work.time_of(100)), 6U);
  std::vector<Lsn> rows;
  std::uint64_t octets = 0;
  store.journal_rows([&](const JournalRow& row) {
    EXPECT_EQ(row.time, work.time_of(row.lsn));
    rows.push_back(row.lsn);
    octets += row.octets;
    return true;
  });
  EXPECT_THAT(rows, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(store.journal_octets(), octets);
  // Pruning stops at the checkpoint.
  store.checkpoint(work.rows(), 4);
  store.prune(6);
  Collector rest;
  EXPECT_EQ(store.journal(0, rest), 5U);
  EXPECT_THAT(rest.lsns, ElementsAre(5, 6));
  octets = 0;
  store.journal_rows([&](const JournalRow& row) {
    octets += row.octets;
    return true;
  });
  EXPECT_EQ(store.journal_octets(), octets);
  const JournalBatch another = work.next(store);
  store.append(another);
  std::vector<std::uint8_t> encoded;
  encode_batch(another, encoded);
  EXPECT_EQ(store.journal_octets(), octets + encoded.size());
  store.checkpoint({}, 7);
  store.prune(100);
  Collector pruned;
  EXPECT_EQ(store.journal(0, pruned), 0U);
  EXPECT_EQ(store.last_lsn(), 7U);
}

TEST(SqliteStore, NumbersGoOnAfterPruningAndReopening) {
  TemporaryFolder folder;
  Workload work;
  {
    SqliteStore store(folder / "dnsd.sqlite");
    work.create(store);
    const JournalBatch batch = work.next(store);
    store.append(batch);
    work.apply(batch);
    store.checkpoint(work.rows(), 1);
    store.prune(2);
  }
  SqliteStore store(folder / "dnsd.sqlite");
  EXPECT_EQ(store.last_lsn(), 1U);
  store.append(work.next(store));
  EXPECT_EQ(store.last_lsn(), 2U);
}

TEST(SqliteStore, RefusesWhatDoesNotFollow) {
  TemporaryFolder folder;
  Workload work;
  SqliteStore store(folder / "dnsd.sqlite");
  work.create(store);
  JournalBatch batch = work.next(store);
  batch.lsn = 2;
  EXPECT_THAT(failure([&] { store.append(batch); }), HasSubstr("CONFLICT"));
  batch.lsn = 0;
  EXPECT_THAT(failure([&] { store.append(batch); }), HasSubstr("CONFLICT"));
  batch.lsn = 1;
  store.append(batch);
  EXPECT_THAT(failure([&] { store.append(batch); }), HasSubstr("CONFLICT"));
  EXPECT_THAT(failure([&] { store.checkpoint({}, 2); }), HasSubstr("CONFLICT"));
  store.checkpoint({}, 1);
  EXPECT_THAT(failure([&] { store.checkpoint({}, 0); }), HasSubstr("CONFLICT"));
  EXPECT_THAT(failure([&] { store.create_zone(work.apex, [](ZoneWriter&) {}); }),
              HasSubstr("CONFLICT"));
  EXPECT_THAT(failure([&] { store.remove_zone(name("example.net.")); }), HasSubstr("CONFLICT"));
  const RowChange stray{name("example.net."), name("example.net."), {}};
  EXPECT_THAT(failure([&] { store.checkpoint(std::span(&stray, 1), 1); }), HasSubstr("CONFLICT"));
}

TEST(SqliteStore, CreateZoneIsAllOrNothing) {
  TemporaryFolder folder;
  Workload work;
  SqliteStore store(folder / "dnsd.sqlite");
  work.create(store);
  const Contents before = load(store);
  const Name other = name("example.net.");
  std::vector<std::uint8_t> packed;
  ASSERT_TRUE(pack(RRset{Type::A, 60, {{192, 0, 2, 1}}}, packed));
  EXPECT_THROW(store.create_zone(other,
                                 [&](ZoneWriter& writer) {
                                   writer.node(other, RRsetsView(packed));
                                   throw std::runtime_error("enough");
                                 }),
               std::runtime_error);
  EXPECT_EQ(load(store), before);
  EXPECT_THAT(failure([&] {
                store.create_zone(other, [&](ZoneWriter& writer) {
                  writer.node(name("a.example.net."), RRsetsView(packed));
                  writer.node(name("A.example.net."), RRsetsView(packed));
                });
              }),
              HasSubstr("CONFLICT the name A.example.net. came twice"));
  EXPECT_EQ(load(store), before);
  EXPECT_THROW(store.create_zone(
                   other, [&](ZoneWriter& writer) { writer.node(work.apex, RRsetsView(packed)); }),
               std::invalid_argument);
  EXPECT_EQ(load(store), before);
  store.create_zone(other, [&](ZoneWriter& writer) { writer.node(other, RRsetsView(packed)); });
  EXPECT_EQ(load(store).zones.size(), 2U);
}

TEST(SqliteStore, ManyNamesAtOnce) {
  // Around the number of rows in a statement; in order, out of order, and through either journal.
  std::vector<std::uint8_t> packed;
  ASSERT_TRUE(pack(RRset{Type::A, 60, {{192, 0, 2, 1}}}, packed));
  for (const std::uint64_t bulk_names : {std::uint64_t{0}, std::uint64_t{1'000'000}}) {
    TemporaryFolder folder;
    SqliteOptions options;
    options.bulk_names = bulk_names;
    std::optional<SqliteStore> store(std::in_place, folder / "dnsd.sqlite", options);
    Contents want;
    for (const int count : {1, 63, 64, 65, 128, 1000}) {
      for (const int step : {1, 11}) {
        const Name apex = name("z" + std::to_string(count) + "-" + std::to_string(step) + ".");
        store->create_zone(
            apex,
            [&](ZoneWriter& writer) {
              for (int i = 0; i < count; ++i) {
                const Name owner =
                    Name::from_text("n" + std::to_string(100'000 + i * step % count), apex).value();
                writer.node(owner, RRsetsView(packed));
                want.put(apex, owner, RRsetsView(packed));
              }
            },
            static_cast<std::uint64_t>(count));
      }
    }
    EXPECT_EQ(load(*store), want);
    store.emplace(folder / "dnsd.sqlite", options);
    EXPECT_EQ(load(*store), want);
    store->check();
    std::optional<SqliteStore> reader;
    SqliteOptions read_only;
    read_only.read_only = true;
    reader.emplace(folder / "dnsd.sqlite", read_only);
    EXPECT_EQ(load(*reader), want);
    // Somebody reads: then it goes through the write-ahead log.
    const Name late = name("late.");
    store->create_zone(late, [&](ZoneWriter& writer) { writer.node(late, RRsetsView(packed)); });
    want.put(late, late, RRsetsView(packed));
    EXPECT_EQ(load(*store), want);
  }
}

TEST(SqliteStore, ZonesAreCreatedTogetherOrNotAtAll) {
  TemporaryFolder folder;
  SqliteStore store(folder / "dnsd.sqlite");
  std::vector<std::uint8_t> packed;
  ASSERT_TRUE(pack(RRset{Type::A, 60, {{192, 0, 2, 1}}}, packed));
  const auto zone = [&](const char* apex) {
    return NewZone{name(apex), 1, [&packed, apex](ZoneWriter& writer) {
                     writer.node(name(apex), RRsetsView(packed));
                   }};
  };
  std::vector<NewZone> zones = {zone("a."), zone("b."), zone("A.")};
  EXPECT_THAT(failure([&] { store.create_zones(zones); }), HasSubstr("CONFLICT"));
  zones.back() = zone("c.");
  zones.back().source = [](ZoneWriter&) { throw StoreError(StoreError::Kind::UNWRITABLE, "no"); };
  EXPECT_THAT(failure([&] { store.create_zones(zones); }), HasSubstr("no"));
  EXPECT_TRUE(load(store).zones.empty());
  zones.back() = zone("c.");
  store.create_zones(zones);
  EXPECT_EQ(load(store).zones.size(), 3U);
}

TEST(SqliteStore, LoadGivesCanonicalOrderWhateverTheOrderOfWriting) {
  // RFC 4034 §6.1's own example, backwards.
  const char* const owners[] = {"\\200.z.example.",    "*.z.example.",    "\\001.z.example.",
                                "z.example.",          "zABC.a.example.", "Z.a.example.",
                                "yljkjljk.a.example.", "a.example.",      "example."};
  TemporaryFolder folder;
  SqliteStore store(folder / "dnsd.sqlite");
  std::vector<std::uint8_t> packed;
  ASSERT_TRUE(pack(RRset{Type::A, 60, {{192, 0, 2, 1}}}, packed));
  store.create_zone(name("example."), [&](ZoneWriter& writer) {
    for (const char* owner : owners) writer.node(name(owner), RRsetsView(packed));
  });
  struct Order final : StateSink {
    void zone(NameView) override {}
    void node(NameView owner, RRsetsView) override { names.push_back(owner.to_text()); }
    void batch(const JournalBatch&) override {}
    std::vector<std::string> names;
  } order;
  store.load(order);
  ASSERT_EQ(order.names.size(), std::size(owners));
  for (std::size_t i = 0; i < std::size(owners); ++i) {
    EXPECT_EQ(order.names[i], name(owners[std::size(owners) - 1 - i]).to_text());
  }
}

TEST(SqliteStore, BatchesOfAnEarlierZoneAreNotReplayed) {
  TemporaryFolder folder;
  Workload work;
  {
    SqliteStore store(folder / "dnsd.sqlite");
    work.create(store);
    const JournalBatch batch = work.next(store);
    store.append(batch);
    store.remove_zone(work.apex);
    EXPECT_TRUE(load(store).zones.empty());
  }
  {
    SqliteStore store(folder / "dnsd.sqlite");
    EXPECT_TRUE(load(store).zones.empty());
    Workload again;
    again.create(store);
    EXPECT_EQ(load(store), again.contents);
    const JournalBatch batch = again.next(store);
    store.append(batch);
    again.apply(batch);
    EXPECT_EQ(load(store), again.contents);
  }
}

TEST(SqliteStore, ManyZones) {
  TemporaryFolder folder;
  std::vector<std::uint8_t> packed;
  ASSERT_TRUE(pack(RRset{Type::A, 60, {{192, 0, 2, 1}}}, packed));
  {
    SqliteStore store(folder / "dnsd.sqlite");
    for (int i = 0; i < 50; ++i) {
      const Name apex = name("Z" + std::to_string(i) + ".example.");
      store.create_zone(apex, [&](ZoneWriter& writer) { writer.node(apex, RRsetsView(packed)); });
    }
    store.create_zone(Name(),
                      [&](ZoneWriter& writer) { writer.node(name("a."), RRsetsView(packed)); });
  }
  SqliteStore store(folder / "dnsd.sqlite");
  const Contents contents = load(store);
  EXPECT_EQ(contents.zones.size(), 51U);
  EXPECT_EQ(contents.zones.at(Name()).size(), 1U);
  EXPECT_EQ(store.zones().size(), 51U);
  EXPECT_TRUE(store.zones()[0].is_root());
}

TEST(SqliteStore, OneProcessOnly) {
  TemporaryFolder folder;
  const auto file = folder / "dnsd.sqlite";
  SqliteStore store(file);
  const std::string want = "LOCKED " + file.string() + " is in use by another process";
  EXPECT_THAT(failure([&] { SqliteStore second(file); }), HasSubstr(want));
  const pid_t child = fork();
  if (child == 0) {
    std::string said;
    try {
      SqliteStore second(file);
    } catch (const StoreError& error) {
      said = error.what();
      _exit(error.kind() == Kind::LOCKED ? 17 : 1);
    }
    _exit(2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 17);
}

SqliteOptions to_read() {
  SqliteOptions options;
  options.read_only = true;
  return options;
}

TEST(SqliteStore, IsReadBesideTheProcessThatWritesIt) {
  TemporaryFolder folder;
  const auto file = folder / "dnsd.sqlite";
  EXPECT_THAT(failure([&] { SqliteStore reader(file, to_read()); }), HasSubstr("UNWRITABLE"));
  EXPECT_FALSE(std::filesystem::exists(file));
  SqliteOptions options;
  options.max_wal_octets = 100'000;  // so that commits copy it
  SqliteStore store(file, options);
  Workload work;
  work.create(store);
  const auto commit = [&] {
    const JournalBatch batch = work.next(store);
    store.append(batch);
    work.apply(batch);
  };
  for (int i = 0; i < 10; ++i) commit();
  const Contents before = work.contents;
  {
    SqliteStore reader(file, to_read());
    SqliteStore second_reader(file, to_read());
    for (int i = 0; i < 200; ++i) {
      commit();
      if (i % 10 != 0) continue;
      store.checkpoint(work.rows(), store.last_lsn());
      store.prune(store.last_lsn() - 5);
    }
    // Of the moment when it was opened.
    EXPECT_EQ(load(reader), before);
    EXPECT_EQ(reader.last_lsn(), 10U);
    EXPECT_EQ(load(second_reader), before);
    Collector journal;
    reader.journal(0, journal);
    EXPECT_EQ(journal.lsns.size(), 10U);
    reader.check();
    EXPECT_EQ(load(store), work.contents);
    SqliteStore late_reader(file, to_read());
    EXPECT_EQ(load(late_reader), work.contents);
    // It changes nothing.
    JournalBatch batch = work.next(store);
    EXPECT_THAT(failure([&] { late_reader.append(batch); }), HasSubstr("UNWRITABLE"));
    EXPECT_THAT(failure([&] { late_reader.checkpoint({}, 12); }), HasSubstr("CONFLICT"));
    EXPECT_THAT(failure([&] { late_reader.prune(1'000); }), HasSubstr("UNWRITABLE"));
    EXPECT_THAT(failure([&] { late_reader.remove_zone(work.apex); }), HasSubstr("UNWRITABLE"));
  }
  commit();
  EXPECT_EQ(load(store), work.contents);
}

TEST(SqliteStore, IsReadWhileNobodyHasItOpen) {
  TemporaryFolder folder;
  const auto file = folder / "dnsd.sqlite";
  Workload work;
  {
    SqliteStore store(file);
    work.create(store);
    const JournalBatch batch = work.next(store);
    store.append(batch);
    work.apply(batch);
  }
  EXPECT_EQ(load(*std::make_unique<SqliteStore>(file, to_read())), work.contents);
  {
    SqliteStore store(file);  // a reader keeps no lock
    EXPECT_EQ(load(store), work.contents);
  }
  run_sql(file, "PRAGMA user_version = 1");
  EXPECT_THAT(failure([&] { SqliteStore reader(file, to_read()); }),
              HasSubstr("was written by an older version"));
}

TEST(SqliteStore, AnotherOpensItAfterAKill) {
  TemporaryFolder folder;
  const auto file = folder / "dnsd.sqlite";
  Workload work;
  const pid_t child = fork();
  if (child == 0) {
    SqliteStore store(file);
    work.create(store);
    const JournalBatch batch = work.next(store);
    store.append(batch);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  SqliteStore store(file);
  EXPECT_EQ(store.last_lsn(), 1U);
  EXPECT_EQ(load(store).zones.size(), 1U);
}

// ---- what must be refused

void copy_store(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const char* suffix : {"", "-wal", ".marker"}) {
    std::filesystem::remove(to.string() + suffix);
    if (std::filesystem::exists(from.string() + suffix)) {
      std::filesystem::copy_file(from.string() + suffix, to.string() + suffix);
    }
  }
}

class DamagedStore : public testing::Test {
 protected:
  DamagedStore() {
    SqliteStore store(good());
    work_.create(store);
    for (int i = 0; i < 8; ++i) {
      const JournalBatch batch = work_.next(store);
      store.append(batch);
      work_.apply(batch);
      if (i == 3) {
        store.checkpoint(work_.rows(), store.last_lsn());
        work_.checkpointed();
      }
    }
  }
  std::filesystem::path good() const { return folder_ / "good.sqlite"; }
  std::filesystem::path file() const { return folder_ / "dnsd.sqlite"; }
  // Opens, loads and checks the copy.
  std::string verdict() {
    return failure([&] {
      SqliteStore store(file());
      Loader loader;
      store.load(loader);
      contents_ = loader.contents;
    });
  }
  void expect_refused(const std::string& because = "") {
    const auto size_before = std::filesystem::file_size(file());
    const std::string said = verdict();
    EXPECT_THAT(said, HasSubstr("CORRUPT"));
    EXPECT_THAT(said, HasSubstr(file().string()));
    EXPECT_THAT(said, HasSubstr("estore a backup"));
    EXPECT_THAT(said, HasSubstr(because));
    EXPECT_EQ(std::filesystem::file_size(file()), size_before);
  }

  TemporaryFolder folder_;
  Workload work_;
  Contents contents_;
};

TEST_F(DamagedStore, GoodCopyIsTaken) {
  copy_store(good(), file());
  EXPECT_EQ(verdict(), "");
  EXPECT_EQ(contents_, work_.contents);
}

TEST_F(DamagedStore, RowsChangedBehindItsBack) {
  const std::pair<const char*, const char*> rows[] = {
      {"UPDATE name SET checksum = checksum + 1 WHERE key = (SELECT max(key) FROM name)",
       "a row of the zone"},
      {"UPDATE name SET value = substr(value, 1, length(value) - 1)", "a row of the zone"},
      {"UPDATE name SET leases = x'000000000000000065432100'", "a row of the zone"},
      {"UPDATE name SET leases = NULL WHERE leases IS NOT NULL", "a row of the zone"},
      {"UPDATE name SET key = key || x'6100' WHERE key = (SELECT max(key) FROM name)",
       "a row of the zone"},
      {"DELETE FROM name WHERE key = (SELECT max(key) FROM name)", "names instead of"},
      {"UPDATE name SET zone = 7 WHERE key = (SELECT max(key) FROM name)", "names instead of"},
      {"INSERT INTO name SELECT 7, key, checksum, value, leases, since FROM name",
       "belong to no zone"},
      {"UPDATE zone SET names = names - 1", "zone number 1"},
      {"UPDATE zone SET apex = x'00'", "zone number 1"},
      {"UPDATE zone SET since = 100", "zone number 1"},
      {"DELETE FROM zone", "belong to no zone"},
      {"UPDATE store SET applied_lsn = 6", "how far its tables are"},
      {"DELETE FROM store", "no identity"},
      {"DELETE FROM journal WHERE lsn = 6", "batch 6 of the journal is missing"},
      {"DELETE FROM journal WHERE lsn = 5", "batch 5 of the journal is missing"},
      {"DELETE FROM journal WHERE lsn > 3", "newest batches are missing"},
      {"UPDATE journal SET batch = substr(batch, 1, length(batch) - 1) WHERE lsn = 7",
       "batch 7 of the journal"},
      {"UPDATE journal SET batch = x'' WHERE lsn = 7", "batch 7 of the journal: it ends too early"},
      {"UPDATE journal SET batch = (SELECT batch FROM journal WHERE lsn = 6) WHERE lsn = 7",
       "batch 7 of the journal has another number"},
      {"DROP TABLE journal", "its tables are not those"},
      {"ALTER TABLE journal ADD COLUMN more", "its tables are not those"},
      {"PRAGMA application_id = 5", "not a store of dnsd"},
      {"PRAGMA user_version = 1000", "run the newer program"},
      {"PRAGMA user_version = -1", "schema version -1"},
  };
  for (const auto& [sql, because] : rows) {
    SCOPED_TRACE(sql);
    copy_store(good(), file());
    run_sql(file(), sql);
    expect_refused(because);
  }
}

TEST_F(DamagedStore, FlippedBitsAreFoundOrHarmless) {
  copy_store(good(), file());
  std::string octets;
  {
    std::ifstream in(good(), std::ios::binary);
    octets.assign(std::istreambuf_iterator<char>(in), {});
  }
  ASSERT_FALSE(std::filesystem::exists(good().string() + "-wal")) << "a clean close leaves no log";
  std::size_t refused = 0;
  std::size_t flips = 0;
  // Every octet that is used would take long; a stride that is prime to the page size meets all
  // offsets of a page.
  for (std::size_t at = 0; at < octets.size(); at += 37) {
    std::string damaged = octets;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    {
      std::ofstream out(file(), std::ios::binary | std::ios::trunc);
      out.write(damaged.data(), static_cast<std::streamsize>(damaged.size()));
    }
    ++flips;
    contents_ = {};
    const std::string said = verdict();
    if (said.empty()) {
      EXPECT_EQ(contents_, work_.contents)
          << "octet " << at << " was damaged and the zone is wrong";
    } else {
      EXPECT_THAT(said, testing::AnyOf(HasSubstr("CORRUPT"), HasSubstr("UNWRITABLE"))) << at;
      ++refused;
    }
    std::filesystem::remove(file().string() + "-wal");
  }
  // Most octets of a page hold content in this small store; free space may change as it likes.
  EXPECT_GT(refused, flips / 8);
}

TEST_F(DamagedStore, TruncatedFile) {
  const auto size = std::filesystem::file_size(good());
  for (const std::uintmax_t cut : {std::uintmax_t{1}, std::uintmax_t{50}, std::uintmax_t{100},
                                   std::uintmax_t{4096}, size / 2, size - 4096, size - 1}) {
    SCOPED_TRACE(cut);
    copy_store(good(), file());
    std::filesystem::resize_file(file(), cut);
    expect_refused();
  }
}

TEST_F(DamagedStore, NoDatabaseAtAll) {
  copy_store(good(), file());
  std::ofstream(file(), std::ios::trunc)
      << "dyn.example.org. 300 IN SOA and so on, this is a zone file\n"
      << std::string(5000, 'x');
  expect_refused("is damaged or no database");
}

TEST_F(DamagedStore, MissingOrEmptyAfterZonesIsNoNewStart) {
  const auto marker = file().string() + ".marker";
  copy_store(good(), file());
  ASSERT_TRUE(std::filesystem::exists(marker));
  std::filesystem::remove(file());
  EXPECT_THAT(verdict(), testing::AllOf(HasSubstr("CORRUPT"), HasSubstr("missing or empty"),
                                        HasSubstr(marker)));
  EXPECT_FALSE(std::filesystem::exists(file()));
  std::ofstream(file(), std::ios::trunc).flush();
  expect_refused("missing or empty");
  // A database without tables.
  std::filesystem::remove(file());
  run_sql(file(), "PRAGMA journal_mode = WAL; CREATE TABLE a(b); DROP TABLE a");
  expect_refused("missing or empty");
  // The way out.
  std::filesystem::remove(file());
  std::filesystem::remove(marker);
  EXPECT_EQ(verdict(), "");
}

TEST_F(DamagedStore, AnotherStoreThanTheMarkerTells) {
  copy_store(good(), file());
  std::filesystem::remove(file());
  std::filesystem::rename(file().string() + ".marker", (folder_ / "kept").string());
  {
    SqliteStore other(file());
    Workload work;
    work.create(other);
  }
  std::filesystem::copy_file(folder_ / "kept", file().string() + ".marker",
                             std::filesystem::copy_options::overwrite_existing);
  expect_refused("is another store");
}

TEST_F(DamagedStore, AMarkerThatIsGoneComesBack) {
  copy_store(good(), file());
  std::filesystem::remove(file().string() + ".marker");
  EXPECT_EQ(verdict(), "");
  EXPECT_TRUE(std::filesystem::exists(file().string() + ".marker"));
}

TEST(SqliteStore, AnEmptyStoreThatHadNoZonesMayVanish) {
  TemporaryFolder folder;
  { SqliteStore store(folder / "dnsd.sqlite"); }
  std::filesystem::remove(folder / "dnsd.sqlite");
  EXPECT_EQ(failure([&] { SqliteStore store(folder / "dnsd.sqlite"); }), "");
}

TEST(SqliteStore, AStoreWhoseLastZoneWasRemovedIsStillThatStore) {
  TemporaryFolder folder;
  {
    SqliteStore store(folder / "dnsd.sqlite");
    Workload work;
    work.create(store);
    store.remove_zone(work.apex);
  }
  EXPECT_EQ(failure([&] { SqliteStore store(folder / "dnsd.sqlite"); }), "");
}

TEST(SqliteStore, AnotherProgramsDatabaseIsRefused) {
  TemporaryFolder folder;
  run_sql(folder / "dnsd.sqlite", "CREATE TABLE bookmarks(url)");
  EXPECT_THAT(failure([&] { SqliteStore store(folder / "dnsd.sqlite"); }),
              testing::AllOf(HasSubstr("CORRUPT"), HasSubstr("another program")));
}

TEST(SqliteStore, AFileTooShortForADatabaseIsRefusedAndKept) {
  TemporaryFolder folder;
  std::ofstream(folder / "dnsd.sqlite") << "x";
  EXPECT_THAT(failure([&] { SqliteStore store(folder / "dnsd.sqlite"); }),
              testing::AllOf(HasSubstr("CORRUPT"), HasSubstr("no SQLite database")));
  EXPECT_EQ(std::filesystem::file_size(folder / "dnsd.sqlite"), 1U);
}

TEST(SqliteStore, AFolderThatIsNotThereIsNamed) {
  TemporaryFolder folder;
  const auto file = folder / "no/such/dnsd.sqlite";
  EXPECT_THAT(failure([&] { SqliteStore store(file); }),
              testing::AllOf(HasSubstr("UNWRITABLE"), HasSubstr(file.string()),
                             HasSubstr("folder must exist")));
}

}  // namespace
}  // namespace zones::test
