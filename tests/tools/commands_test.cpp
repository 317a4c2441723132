// dnsdctl's commands on files of their own.
#include "tools/dnsdctl/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "keys/key_file.h"
#include "zones/sqlite_store.h"
#include "zones/text.h"

namespace dnsdctl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* ZONE =
    "$TTL 60\n"
    "@ SOA ns1 host 7 3600 600 1209600 60\n"
    "@ NS ns1\n"
    "@ NS ns2.test.\n"
    "ns1 A 192.0.2.1\n";

class Commands : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "dnsdctl-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream(path("dyn.zone")) << ZONE;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path path(const char* name) const { return folder_ / name; }
  std::string contents(const char* name) const {
    std::ostringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }
  void import() {
    const Outcome outcome =
        zone_import({path("s.sqlite"), "dyn.example", path("dyn.zone")}, out_, err_);
    ASSERT_TRUE(outcome) << outcome.error();
  }

  fs::path folder_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Commands, KeyNew) {
  ASSERT_TRUE(key_new({"H1.dyn.example", "hmac-sha512", path("k.key"), false}, out_));
  EXPECT_EQ(out_.str(), "");
  struct stat status {};
  ASSERT_EQ(stat(path("k.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const auto keys = keys::read_key_file(path("k.key"));
  ASSERT_TRUE(keys) << keys.error().to_text();
  EXPECT_EQ(keys->front().name.to_text(), "H1.dyn.example.");
  EXPECT_EQ(keys->front().algorithm, keys::Algorithm::HMAC_SHA512);
  EXPECT_EQ(keys->front().secret->octets().size(), 64U);

  const std::string before = contents("k.key");
  const Outcome again = key_new({"other", "hmac-sha256", path("k.key"), false}, out_);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error(), HasSubstr("not overwritten"));
  EXPECT_EQ(contents("k.key"), before);
}

TEST_F(Commands, KeyNewPrints) {
  ASSERT_TRUE(key_new({"h1.dyn.example", "HMAC-SHA256", {}, true}, out_));
  EXPECT_THAT(out_.str(), StartsWith("[[key]]\nname = \"h1.dyn.example.\"\n"
                                     "algorithm = \"hmac-sha256\"\nsecret = \""));
  const std::string first = out_.str();
  out_.str("");
  ASSERT_TRUE(key_new({"h1.dyn.example", "hmac-sha256", {}, true}, out_));
  EXPECT_NE(out_.str(), first);
}

TEST_F(Commands, KeyNewRefuses) {
  for (const char* name : {"", ".", "a b", "a\"b", "a\\.b", "a..b", "é"}) {
    EXPECT_FALSE(key_new({name, "hmac-sha256", {}, false}, out_)) << name;
  }
  for (const char* algorithm : {"", "md5", "hmac-md5", "sha256"}) {
    EXPECT_FALSE(key_new({"h1", algorithm, {}, false}, out_)) << algorithm;
  }
  EXPECT_FALSE(key_new({"h1", "hmac-sha256", path("no/folder"), false}, out_));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(Commands, ImportListExport) {
  import();
  EXPECT_EQ(out_.str(), "dyn.example.: imported 4 records of 2 names\n");
  out_.str("");
  ASSERT_TRUE(zone_list(path("s.sqlite"), out_));
  EXPECT_EQ(out_.str(),
            "zone             serial      names    records\n"
            "dyn.example.          7          2          4\n");
  out_.str("");
  ASSERT_TRUE(zone_export({path("s.sqlite"), "DYN.example.", {}}, out_));
  EXPECT_THAT(out_.str(), HasSubstr("SOA ns1.dyn.example. host.dyn.example. 7 3600"));
  ASSERT_TRUE(zone_export({path("s.sqlite"), "dyn.example", path("out.zone")}, out_));
  EXPECT_EQ(contents("out.zone"), out_.str());
  EXPECT_FALSE(fs::exists(path("out.zone.unfinished")));
  // What was written can be imported again and is the same zone.
  const Outcome again =
      zone_import({path("t.sqlite"), "dyn.example", path("out.zone")}, out_, err_);
  ASSERT_TRUE(again) << again.error();
  std::ostringstream copy;
  ASSERT_TRUE(zone_export({path("t.sqlite"), "dyn.example", {}}, copy));
  EXPECT_EQ(copy.str(), contents("out.zone"));
}

TEST_F(Commands, ImportRefuses) {
  const Outcome missing =
      zone_import({path("s.sqlite"), "dyn.example", path("no.zone")}, out_, err_);
  ASSERT_FALSE(missing);
  EXPECT_FALSE(fs::exists(path("s.sqlite")));  // nothing was begun
  EXPECT_FALSE(zone_import({path("s.sqlite"), "a..b", path("dyn.zone")}, out_, err_));
  std::ofstream(path("bad.zone")) << ZONE << "other.test. A 192.0.2.1\n";
  const Outcome bad = zone_import({path("s.sqlite"), "dyn.example", path("bad.zone")}, out_, err_);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error(), HasSubstr("bad.zone:6"));
  import();
  EXPECT_THROW(
      {
        const Outcome twice =
            zone_import({path("s.sqlite"), "dyn.example", path("dyn.zone")}, out_, err_);
        static_cast<void>(twice);
      },
      zones::StoreError);
}

TEST_F(Commands, AStoreThatIsNotThere) {
  for (const Outcome& outcome :
       {zone_list(path("s.sqlite"), out_), zone_export({path("s.sqlite"), "dyn.example", {}}, out_),
        store_check(path("s.sqlite"), out_)}) {
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error(), HasSubstr("there is no such store"));
  }
  EXPECT_FALSE(fs::exists(path("s.sqlite")));
}

TEST_F(Commands, AStoreThatIsInUse) {
  import();
  const zones::SqliteStore server(path("s.sqlite"));
  for (const Outcome& outcome :
       {zone_list(path("s.sqlite"), out_), zone_export({path("s.sqlite"), "dyn.example", {}}, out_),
        store_check(path("s.sqlite"), out_)}) {
    EXPECT_EQ(outcome, 0);  // they only read
  }
  try {
    static_cast<void>(
        zone_import({path("s.sqlite"), "other.example", path("dyn.zone")}, out_, err_));
    FAIL() << "it was opened twice";
  } catch (const zones::StoreError& error) {
    EXPECT_EQ(error.kind(), zones::StoreError::Kind::LOCKED);
  }
}

zones::Record record(const char* owner, zones::Type type, const char* text) {
  zones::Record made;
  made.owner = *zones::Name::from_text(owner);
  made.type = type;
  made.ttl = 60;
  made.rdata = *zones::rdata_from_text(type, text);
  return made;
}

/// An update as a server commits it, and does not live to write into the checkpoint.
zones::JournalBatch update(zones::Lsn lsn, std::uint32_t from, std::uint32_t to,
                           const char* address) {
  const auto soa = [](std::uint32_t serial) {
    const std::string text =
        "ns1.dyn.example. host.dyn.example. " + std::to_string(serial) + " 3600 600 1209600 60";
    return record("dyn.example.", zones::Type::SOA, text.c_str());
  };
  zones::ChangeSet changes;
  changes.apex = *zones::Name::from_text("dyn.example.");
  changes.from_serial = from;
  changes.to_serial = to;
  changes.removed = {soa(from)};
  changes.added = {soa(to), record("h1.dyn.example.", zones::Type::A, address)};
  zones::JournalBatch batch;
  batch.lsn = lsn;
  batch.changes.push_back(changes);
  return batch;
}

TEST_F(Commands, ExportHasWhatTheJournalHoldsAboveTheCheckpoint) {
  import();
  {
    zones::SqliteStore store(path("s.sqlite"));
    store.append(update(1, 7, 8, "198.51.100.7"));
    store.append(update(2, 8, 9, "198.51.100.8"));
  }
  out_.str("");
  ASSERT_TRUE(zone_export({path("s.sqlite"), "dyn.example", {}}, out_));
  EXPECT_THAT(out_.str(), HasSubstr("host.dyn.example. 9 3600"));
  EXPECT_THAT(out_.str(), HasSubstr("h1.dyn.example. 60 IN A 198.51.100.7\n"));
  EXPECT_THAT(out_.str(), HasSubstr("h1.dyn.example. 60 IN A 198.51.100.8\n"));
  out_.str("");
  ASSERT_TRUE(zone_list(path("s.sqlite"), out_));
  EXPECT_THAT(out_.str(), HasSubstr(" 9          3          6\n"));
  out_.str("");
  const Outcome sound = store_check(path("s.sqlite"), out_);
  ASSERT_TRUE(sound) << sound.error();
  EXPECT_EQ(*sound, 0);
  EXPECT_THAT(out_.str(), HasSubstr("sound; 1 zone, 3 names, 6 records; journal 1 to 2, "
                                    "checkpoint at 0"));
}

TEST_F(Commands, CheckFindsAJournalThatDoesNotFollow) {
  import();
  {
    zones::SqliteStore store(path("s.sqlite"));
    store.append(update(1, 7, 8, "198.51.100.7"));
    store.append(update(2, 9, 10, "198.51.100.8"));
  }
  const Outcome outcome = store_check(path("s.sqlite"), out_);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error(), HasSubstr("from serial 9 to 10, but it was at 8"));
}

TEST_F(Commands, CheckFindsASerialThatGoesBack) {
  import();
  {
    zones::SqliteStore store(path("s.sqlite"));
    store.append(update(1, 7, 6, "198.51.100.7"));
  }
  const Outcome outcome = store_check(path("s.sqlite"), out_);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error(), HasSubstr("from serial 7 to 6"));
}

TEST_F(Commands, CheckFindsDamage) {
  import();
  const std::string whole = contents("s.sqlite");
  const std::size_t at = whole.find("\xc0\x00\x02\x01");  // 192.0.2.1 in its row
  ASSERT_NE(at, std::string::npos);
  std::string damaged = whole;
  damaged[at] = '\xc1';
  std::ofstream(path("s.sqlite"), std::ios::binary) << damaged;
  EXPECT_THROW(static_cast<void>(store_check(path("s.sqlite"), out_)), zones::StoreError);
}

TEST_F(Commands, ZoneCheck) {
  Outcome outcome = zone_check({"dyn.example", path("dyn.zone"), true}, out_);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, 0);
  EXPECT_EQ(out_.str(), "dyn.example.: serial 7, 4 records of 2 names, 0 errors, 0 warnings\n");

  std::ofstream(path("dyn.zone"), std::ios::app) << "h_x A 192.0.2.1\n";
  outcome = zone_check({"dyn.example", path("dyn.zone"), false}, out_);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, 0);
  EXPECT_THAT(out_.str(), HasSubstr("warning: h_x.dyn.example. A: "));
  EXPECT_EQ(*zone_check({"dyn.example", path("dyn.zone"), true}, out_), 1);

  std::ofstream(path("dyn.zone"), std::ios::app) << "@ MX 10 nosuch\n";
  EXPECT_EQ(*zone_check({"dyn.example", path("dyn.zone"), false}, out_), 1);
  EXPECT_THAT(out_.str(), HasSubstr("error: dyn.example. MX: "));
  EXPECT_FALSE(zone_check({"dyn.example", path("no.zone"), false}, out_));
}

constexpr const char* GRANTS =
    "[[key]]\nname = \"h1.dyn.example.\"\nsecret = \"hush\"\n"
    "[[zone]]\nname = \"dyn.example.\"\n"
    "[[zone.grant]]\nkey = \"*.dyn.example.\"\nnames = [\"self\"]\ntypes = [\"service\"]\n"
    "addresses = [\"source\", \"198.51.100.0/24\"]\nports = \"1024-65535\"\nrate = \"30/min\"\n"
    "[[zone.grant]]\nkey = \"admin.\"\nupdate = true\n";

TEST_F(Commands, Explain) {
  std::ofstream(path("dnsd.toml")) << GRANTS;
  struct Row {
    const char* what;
    Explain asked;
    int status;
    std::vector<std::string> lines;
    const char* remark = "";
  };
  const std::string config = path("dnsd.toml").string();
  const std::string key = "h1.dyn.example";
  const Row rows[] = {
      {"permitted",
       {config, key, "h1.dyn.example", "A", {"198.51.100.1"}, ""},
       0,
       {"permitted: to add h1.dyn.example. A 198.51.100.1 by key h1.dyn.example. in zone "
        "dyn.example.\n",
        "grant: " + config + ":6, for *.dyn.example.\n", "limit: 30 updates a minute\n"}},
      {"an address",
       {config, key, "h1.dyn.example", "A", {"8.8.8.8"}, ""},
       1,
       {"refused: to add h1.dyn.example. A 8.8.8.8",
        "why: address 8.8.8.8 is not among source, 198.51.100.0/24\n",
        "nearest grant: " + config + ":6"}},
      {"the source",
       {config, key, "h1.dyn.example", "A", {"8.8.8.8"}, "8.8.8.8"},
       0,
       {"permitted"}},
      {"several words of data",
       {config, key, "h1.dyn.example", "SRV", {"0", "0", "80", "h1.dyn.example."}, ""},
       1,
       {"port 80 is outside"}},
      {"a removal",
       {config, key, "h1.dyn.example", "A", {}, ""},
       0,
       {"permitted: to remove h1.dyn.example. A by key"}},
      {"another's name", {config, key, "h2.dyn.example", "A", {}, ""}, 1, {"why: name h2.dyn"}},
      {"a type", {config, key, "h1.dyn.example", "NS", {}, ""}, 1, {"why: type NS"}},
      {"the whole zone",
       {config, "admin.", "h1.dyn.example", "NS", {"ns.example."}, ""},
       0,
       {"grant: " + config + ":13, for admin., the whole zone"},
       "remark: "},
      {"no grant",
       {config, "stranger", "h1.dyn.example", "A", {}, ""},
       1,
       {"why: no grant of this zone is for key stranger."},
       "has no [[key]] stranger."},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    std::ostringstream out;
    std::ostringstream err;
    const Outcome outcome = explain(row.asked, out, err);
    ASSERT_TRUE(outcome) << outcome.error();
    EXPECT_EQ(*outcome, row.status);
    for (const std::string& line : row.lines) EXPECT_THAT(out.str(), HasSubstr(line));
    EXPECT_THAT(err.str(), HasSubstr(row.remark));
    EXPECT_EQ(err.str().empty(), *row.remark == '\0');
  }
}

TEST_F(Commands, ExplainSaysWhatIsWrong) {
  std::ofstream(path("dnsd.toml")) << GRANTS;
  std::ofstream(path("bad.toml"))
      << "[[zone]]\nname = \"dyn.example.\"\n[[zone.grant]]\nkey = \"k.\"\n";
  struct Row {
    Explain asked;
    const char* error;
  };
  const std::string config = path("dnsd.toml").string();
  const Row rows[] = {
      {{path("none.toml"), "k", "h1.dyn.example", "A", {}, ""}, "none.toml cannot be read"},
      {{path("bad.toml"), "k", "h1.dyn.example", "A", {}, ""},
       "bad.toml:3: this [[zone.grant]] grants nothing"},
      {{config, "k", "h1.elsewhere", "A", {}, ""}, "h1.elsewhere. is in no [[zone]] of"},
      {{config, "", "h1.dyn.example", "A", {}, ""}, "'' is no name of a key"},
      {{config, "k", "a..b", "A", {}, ""}, "'a..b' is no name of a record"},
      {{config, "k", "h1.dyn.example", "AA", {}, ""}, "'AA' is not a type of records"},
      {{config, "k", "h1.dyn.example", "AXFR", {}, ""}, "'AXFR' is not a type of records"},
      {{config, "k", "h1.dyn.example", "A", {"1.2.3"}, ""}, "this is no A record's data"},
      {{config, "k", "h1.dyn.example", "A", {"1.2.3.4"}, "here"}, "'here' is no address"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.error);
    const Outcome outcome = explain(row.asked, out_, err_);
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error(), HasSubstr(row.error));
  }
}

}  // namespace
}  // namespace dnsdctl
