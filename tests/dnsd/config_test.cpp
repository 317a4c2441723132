// Configuration: each field, each error with its line, and what of a file is part of a state.
#include "dnsd/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "dnsd/check.h"
#include "temp_dir.h"

namespace dnsd {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr const char* KEY = R"([[key]]
name = "h1.dyn.example."
secret = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
)";

std::string text_of(const std::vector<ConfigProblem>& problems) {
  std::string text;
  for (const ConfigProblem& problem : problems) text += problem.to_text() + "\n";
  return text;
}

Config good(std::string_view text, const std::filesystem::path& file = "/etc/dnsd/dnsd.toml") {
  ConfigResult result = parse_config(text, file);
  EXPECT_EQ(text_of(result.errors), "");
  return result.config.value_or(Config{});
}

TEST(Config, EmptyFileGivesTheDefaults) {
  const Config config = good("");
  ASSERT_EQ(config.listen.size(), 2U);
  EXPECT_EQ(to_text(config.listen[0]), "0.0.0.0:53");
  EXPECT_EQ(to_text(config.listen[1]), "[::]:53");
  EXPECT_EQ(config.workers, 0U);
  EXPECT_EQ(config.udp_octets, 1232);
  EXPECT_EQ(config.store_path, "/etc/dnsd/dnsd.sqlite");
  EXPECT_EQ(config.log_level, LogLevel::INFO);
  EXPECT_EQ(config.tcp, TcpLimits{});
  EXPECT_TRUE(config.zones.empty());
  const Identity identity = make_policy(config)->identity;
  EXPECT_TRUE(identity.nsid.empty() && identity.version.empty() && identity.name.empty());
}

TEST(Config, EveryField) {
  const Config config = good(std::string(R"(
listen = ["127.0.0.1:5300", "[::1]:0"]
workers = 3
user = "nobody"
udp-size = 1400
[store]
path = "data/zones.sqlite"
[log]
level = "debug"
[rate-limit]
responses-per-second = 50
nxdomains-per-second = 20
errors-per-second = 0
slip = 3
ipv4-prefix = 32
ipv6-prefix = 64
table-size = 2048
exempt = ["192.0.2.0/24", "2001:db8::1"]
[tcp]
max-connections = 7
max-connections-per-client = 3
idle-timeout = "2s"
write-timeout = "500ms"
max-in-flight = 9
max-transfers = 2
threads = 2
[update]
queue = 50
batch = 5
replay-window = 2000
journal-batches = 3000
journal-age = "12h"
journal-size = 4000000
max-records = 300
max-records-per-rrset = 30
max-rrsets-per-name = 10
max-records-per-zone = 5000
min-lease = "5s"
max-lease = "2h"
max-key-lease = "48h"
[identity]
nsid = "0x6e7331FF00"
version = "dnsd 7"
name = "ns1.example"
[sig0]
threads = 3
queue = 20
rate = 7
udp-rate = 30
)") + KEY + R"(
[[zone]]
name = "Dyn.Example"
file = "../zones/dyn.zone"
[[zone.grant]]
key = "H1.dyn.example."
update = true
transfer = true
[[zone]]
name = "other.example."
)");
  EXPECT_EQ(to_text(config.listen.at(0)), "127.0.0.1:5300");
  EXPECT_EQ(to_text(config.listen.at(1)), "[::1]:0");
  EXPECT_EQ(config.workers, 3U);
  EXPECT_EQ(config.user, "nobody");
  EXPECT_EQ(config.udp_octets, 1400);
  EXPECT_EQ(config.store_path, "/etc/dnsd/data/zones.sqlite");
  EXPECT_EQ(config.log_level, LogLevel::DEBUG);
  const TcpLimits tcp{.max_connections = 7,
                      .max_connections_per_client = 3,
                      .idle_timeout = 2s,
                      .write_timeout = 500ms,
                      .max_in_flight = 9,
                      .max_transfers = 2,
                      .threads = 2};
  EXPECT_EQ(config.tcp, tcp);
  EXPECT_EQ(config.rate_limit.responses_per_second, 50U);
  EXPECT_EQ(config.rate_limit.nxdomains_per_second, 20U);
  EXPECT_EQ(config.rate_limit.errors_per_second, 0U);
  EXPECT_EQ(config.rate_limit.slip, 3U);
  EXPECT_EQ(config.rate_limit.ipv4_prefix, 32);
  EXPECT_EQ(config.rate_limit.ipv6_prefix, 64);
  EXPECT_EQ(config.rate_limit.table_size, 2048U);
  ASSERT_EQ(config.rate_limit.exempt.size(), 2U);
  EXPECT_EQ(config.rate_limit.exempt[0].to_text(), "192.0.2.0/24");
  EXPECT_EQ(config.update.queue, 50U);
  EXPECT_EQ(config.update.batch, 5U);
  EXPECT_EQ(config.update.replay_window, 2000U);
  EXPECT_EQ(config.update.journal_batches, 3000U);
  EXPECT_EQ(config.update.journal_age, 12h);
  EXPECT_EQ(config.update.journal_octets, 4'000'000U);
  EXPECT_EQ(config.update.message.records_per_message, 300U);
  EXPECT_EQ(config.update.message.records_per_rrset, 30U);
  EXPECT_EQ(config.update.message.rrsets_per_name, 10U);
  EXPECT_EQ(config.update.message.records_per_zone, 5000U);
  EXPECT_EQ(config.update.lease, (LeaseLimits{.min = 5s, .max = 2h, .max_key = 48h}));
  const AuthLimits sig0{.threads = 3, .queue = 20, .rate = 7, .udp_rate = 30};
  EXPECT_EQ(config.sig0, sig0);
  ASSERT_EQ(config.keyring.size(), 1U);
  const zones::Name key = *zones::Name::from_text("h1.dyn.example.");
  const auto found = config.keyring.find(key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->algorithm, keys::Algorithm::HMAC_SHA256);
  EXPECT_EQ(found->secret.size(), 32U);
  ASSERT_EQ(config.zones.size(), 2U);
  EXPECT_EQ(config.zones[0].name.to_text(), "Dyn.Example.");
  EXPECT_EQ(config.zones[0].file, "/etc/zones/dyn.zone");
  EXPECT_TRUE(config.zones[1].file.empty());
  ASSERT_EQ(config.zones[0].grants.size(), 1U);
  EXPECT_TRUE(config.zones[0].grants[0].update);
  EXPECT_TRUE(config.zones[0].grants[0].transfer);

  const auto policy = make_policy(config);
  EXPECT_EQ(policy->udp_octets, 1400);
  EXPECT_EQ(policy->identity.nsid, (std::vector<std::uint8_t>{'n', 's', '1', 0xFF, 0}));
  EXPECT_EQ(policy->identity.version, txt_rdata("dnsd 7"));
  EXPECT_EQ(policy->identity.name, txt_rdata("ns1.example"));
  ASSERT_TRUE(policy->keyring.find(key));
  const keys::ZoneGrants* grants = policy->grants_of(config.zones[0].name);
  ASSERT_TRUE(grants);
  EXPECT_TRUE(grants->may_update(key));
  EXPECT_TRUE(grants->may_transfer(key));
  const keys::ZoneGrants* none = policy->grants_of(config.zones[1].name);
  EXPECT_TRUE(!none || !none->may_update(key));
}

TEST(Config, NothingIsTriedUnlessEnabled) {
  EXPECT_FALSE(good("").reachability.enabled);
  const Config config = good(R"([reachability]
enabled = true
networks = ["198.51.100.0/22", "2001:db8::/32"]
ports = "80,1024-65535"
rate = 7
address-rate = 60
[http]
listen = "127.0.0.1:8080"
addresses = ["203.0.113.80"]
)");
  const ReachabilityRules& rules = config.reachability;
  EXPECT_TRUE(rules.enabled);
  ASSERT_EQ(rules.networks.size(), 2U);
  EXPECT_EQ(rules.networks[0].to_text(), "198.51.100.0/22");
  EXPECT_EQ(rules.ports.size(), 2U);
  EXPECT_EQ(rules.rate, 7U);
  EXPECT_EQ(rules.address_rate, 60U);
  EXPECT_EQ(make_policy(config)->reachability, nullptr);  // the server makes the table
  const auto policy = make_policy(config, {nullptr, std::make_shared<const ReachabilityTable>()});
  EXPECT_NE(policy->reachability, nullptr);
  const auto& own = policy->reachability_rules.own;
  for (const char* address : {"203.0.113.80", "127.0.0.1"}) {
    EXPECT_NE(std::ranges::find(own, *keys::address_from_text(address)), own.end()) << address;
  }
  Config changed = config;
  changed.reachability.rate = 8;
  EXPECT_EQ(needs_restart(config, changed), std::vector<std::string>{});
  changed.reachability.enabled = false;
  EXPECT_EQ(needs_restart(config, changed), std::vector<std::string>{"[reachability] enabled"});
}

TEST(Config, RateLimitIsOffUnlessARateIsGiven) {
  struct Row {
    const char* text;
    bool on;
    std::uint32_t nxdomains;
    std::uint32_t errors;
  };
  const Row rows[] = {
      {"", false, 0, 0},
      {"[rate-limit]\nslip = 1", false, 0, 0},
      {"[rate-limit]\nresponses-per-second = 7", true, 7, 7},
      {"[rate-limit]\nresponses-per-second = 7\nerrors-per-second = 3", true, 7, 3},
      {"[rate-limit]\nnxdomains-per-second = 9", true, 9, 0},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const Config config = good(row.text);
    EXPECT_EQ(config.rate_limit.is_on(), row.on);
    EXPECT_EQ(config.rate_limit.nxdomains_per_second, row.nxdomains);
    EXPECT_EQ(config.rate_limit.errors_per_second, row.errors);
    EXPECT_EQ(make_policy(config)->rate_limit != nullptr, row.on);
  }
}

TEST(Config, AReloadKeepsBudgetsOfTheRateLimitUnlessItsSettingsChange) {
  const Config before = good("[rate-limit]\nresponses-per-second = 7\nexempt = [\"192.0.2.0/24\"]");
  const auto limiter = make_policy(before)->rate_limit;
  EXPECT_EQ(make_policy(before, {limiter, nullptr})->rate_limit, limiter);
  const Config other = good("[rate-limit]\nresponses-per-second = 7\nexempt = [\"192.0.2.0/25\"]");
  const auto changed = make_policy(other, {limiter, nullptr})->rate_limit;
  EXPECT_NE(changed, nullptr);
  EXPECT_NE(changed, limiter);
  EXPECT_EQ(make_policy(good(""), {limiter, nullptr})->rate_limit, nullptr);
}

TEST(Config, NarrowGrantsAndThePortalArePartOfAState) {
  const Config config = good(std::string(R"(
[http]
addresses = ["198.51.100.10"]
names = ["portal.example."]
)") + KEY + R"(
[[zone]]
name = "dyn.example."
[[zone.grant]]
key = "*.dyn.example."
names = ["self"]
types = ["A"]
max-lease = "2h"
)");
  const auto policy = make_policy(config);
  EXPECT_EQ(policy->portal.addresses.size(), 1U);
  EXPECT_EQ(policy->portal.names.size(), 1U);
  const keys::ZoneGrants* grants = policy->grants_of(config.zones.at(0).name);
  ASSERT_TRUE(grants);
  const zones::Name key = *zones::Name::from_text("h1.dyn.example.");
  EXPECT_TRUE(grants->may_update(key));
  EXPECT_FALSE(grants->may_update_all(key));
  EXPECT_EQ(grants->limits(key).max_lease, 2h);
  EXPECT_TRUE(grants->judge({key}, {key, zones::Type::A, {}, false}).allowed);
  EXPECT_FALSE(grants->judge({key}, {key, zones::Type::AAAA, {}, false}).allowed);
}

struct Wrong {
  const char* what;
  const char* text;
  std::vector<const char*> lines;  // what the errors contain, in this order, and no more of them
};

const Wrong WRONG[] = {
    {"no TOML", "listen = [\n", {"f.toml:"}},
    {"no TOML, with a secret in the line",
     "[[key]]\nname = \"k.\"\nsecret = hush-hush",
     {"f.toml:3: this is not TOML: a secret is written in double quotes"}},
    {"no TOML, where toml++ asserts",
     "workers = 1\n[[#\nuser = 1\n",
     {"f.toml:2: this is not TOML"}},
    {"unknown field", "\nfoo = 1", {"f.toml:2: unknown field 'foo'; known here: listen, workers"}},
    {"close to a field", "lisen = []", {"f.toml:1: unknown field 'lisen': did you mean 'listen'?"}},
    {"underscore",
     "udp_size = 1",
     {"f.toml:1: unknown field 'udp_size': did you mean 'udp-size'?"}},
    {"unknown table",
     "[sotre]\npath = \"x\"",
     {"f.toml:1: unknown field 'sotre': did you mean 'store'?"}},
    {"unknown field in a table",
     "[tcp]\nidle = \"1s\"",
     {"f.toml:2: unknown field 'idle' in [tcp]; known here: max-connections,"}},
    {"unknown field of a grant",
     "[[zone]]\nname = \"e.\"\n[[zone.grant]]\nkey = \"k.\"\nupdates = true\n[[key]]\nname = "
     "\"k.\"\n"
     "secret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
     {"f.toml:3: this [[zone.grant]] grants nothing",
      "f.toml:5: unknown field 'updates' in [[zone.grant]]: "
      "did you mean 'update'?"}},
    {"names beside the whole zone",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.grant]]\nkey = \"k.\"\nupdate = true\nnames = [\"name:a.e.\"]",
     {"f.toml:9: 'names' in [[zone.grant]] has no effect beside update = true"}},
    {"a grant that can never match",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.grant]]\nkey = \"k.\"\nnames = [\"self\"]\ntypes = [\"A\"]",
     {"f.toml:8: 'names' in [[zone.grant]] has 'self', but no key 'k.' has its name in the zone "
      "e."}},
    {"a string for an integer",
     "workers = \"2\"",
     {"f.toml:1: 'workers' must be an integer from 0 to 128, not a string"}},
    {"an integer out of range",
     "workers = -1",
     {"f.toml:1: 'workers' must be an integer from 0 to 128, not -1"}},
    {"udp-size below RFC 6891 §6.2.3",
     "udp-size = 511",
     {"'udp-size' must be an integer from 512 to 4096, not 511"}},
    {"a rate below zero",
     "[rate-limit]\nresponses-per-second = -1",
     {"f.toml:2: 'responses-per-second' in [rate-limit] must be an integer from 0 to 1000000, not "
      "-1"}},
    {"exempt from the rate limit by a word",
     "[rate-limit]\nexempt = [\"192.0.2.0/24\", \"global\"]",
     {"f.toml:2: 'exempt' in [rate-limit] must be addresses or prefixes, as \"192.0.2.0/24\" or "
      "\"2001:db8::/32\", not \"global\""}},
    {"a network that is tried, by a word",
     "[reachability]\nnetworks = \"source\"",
     {"f.toml:2: 'networks' in [reachability] must be addresses or prefixes, as "
      "\"198.51.100.0/22\" or \"2001:db8::/32\", not \"source\""}},
    {"an integer for a string",
     "user = 7",
     {"'user' must be a string in double quotes, not an integer"}},
    {"a string for a table",
     "store = \"x\"",
     {"'store' must be a table, written [store], not a string"}},
    {"one table for a list",
     "[key]\nname = \"k.\"",
     {"f.toml:1: 'key' must be a list of tables, each written [[key]], not a table"}},
    {"a list of numbers for tables",
     "zone = [1]",
     {"'zone' must be a list of tables, each written [[zone]], not an integer"}},
    {"one grant for a list",
     "[[zone]]\nname = \"e.\"\n[zone.grant]\nkey = \"k.\"",
     {"f.toml:3: 'grant' in [[zone]] must be a list of tables, each written [[zone.grant]]"}},
    {"address without port", "listen = [\"127.0.0.1\"]", {"'listen' must be \"address:port\""}},
    {"IPv6 without brackets", "listen = [\"::1:53\"]", {"'listen' must be \"address:port\""}},
    {"a host name", "listen = [\"localhost:53\"]", {"not \"localhost:53\""}},
    {"port too large", "listen = [\"127.0.0.1:65536\"]", {"'listen' must be \"address:port\""}},
    {"no address", "listen = []", {"'listen' is empty"}},
    {"an address twice",
     "listen = [\"127.0.0.1:53\",\n\"127.0.0.1:53\"]",
     {"f.toml:2: 'listen' has 127.0.0.1:53 twice"}},
    {"no string", "listen = [1, 2]", {"not an integer", "not an integer"}},
    {"time without unit",
     "[tcp]\nidle-timeout = 10",
     {"f.toml:2: 'idle-timeout' in [tcp] must be a time from \"100ms\" to \"1h\", a number with "
      "ms, s, "
      "min or h, not an integer"}},
    {"time in days", "[tcp]\nidle-timeout = \"1d\"", {"not \"1d\""}},
    {"time too short", "[tcp]\nidle-timeout = \"99ms\"", {"not \"99ms\""}},
    {"time that overflows", "[tcp]\nidle-timeout = \"99999999999h\"", {"not \"99999999999h\""}},
    {"log level", "[log]\nlevel = \"loud\"", {"'level' in [log] must be \"debug\", \"info\""}},
    {"empty store", "[store]\npath = \"\"", {"f.toml:2: 'path' in [store] is empty"}},
    {"key without name",
     "[[key]]\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
     {"f.toml:1: 'name' in [[key]] is missing"}},
    {"key without secret", "[[key]]\nname = \"k.\"", {"f.toml:1: 'secret' in [[key]] is missing"}},
    {"key with two secrets",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAA\"\nsecret-file = \"x\"",
     {"f.toml:1: 'secret' in [[key]] is missing: a key has either"}},
    {"secret not base64",
     "[[key]]\nname = \"k.\"\nsecret = \"hush!\"",
     {"f.toml:3: 'secret' in [[key]] is not base64, or empty"}},
    {"secret empty", "[[key]]\nname = \"k.\"\nsecret = \"\"", {"is not base64, or empty"}},
    {"algorithm",
     "[[key]]\nname = \"k.\"\nalgorithm = \"hmac-foo\"\nsecret = "
     "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
     {"f.toml:3: 'algorithm' in [[key]] must be hmac-sha256, hmac-sha512"}},
    {"MD5",
     "[[key]]\nname = \"k.\"\nalgorithm = \"hmac-md5\"\nsecret = "
     "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
     {"f.toml:3: 'algorithm' in [[key]] is MD5, which is never accepted (RFC 8945 §6)"}},
    {"RFC 8945 §5.2.2.1 no MAC is below 10 octets",
     "[tsig]\nmin-mac = 9",
     {"f.toml:2: 'min-mac' in [tsig] must be"}},
    {"RFC 8945 §6 no MAC is above 64 octets",
     "[tsig]\nmin-mac = 65",
     {"f.toml:2: 'min-mac' in [tsig] must be"}},
    {"key twice, whatever its case",
     "[[key]]\nname = \"k.\"\nsecret = "
     "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[key]]\nname = \"K\"\n"
     "secret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
     {"f.toml:5: 'name' in [[key]] repeats the key of line 1: K."}},
    {"no secret file",
     "[[key]]\nname = \"k.\"\nsecret-file = \"there-is-none\"",
     {"/there-is-none cannot be read: No such file or directory"}},
    {"secret file that never ends",
     "[[key]]\nname = \"k.\"\nsecret-file = \"/dev/zero\"",
     {"/dev/zero is not a regular file"}},
    {"public key",
     "[[key]]\nname = \"k.\"\npublic-key = \"512 3 15\"",
     {"f.toml:3: 'public-key' in [[key]] is not the RDATA of a KEY record, \"512 3 15 <base64>\""}},
    {"public key of an algorithm that is not offered",
     "[[key]]\nname = \"k.\"\npublic-key = \"512 3 5 AAAA\"",
     {"'public-key' in [[key]] cannot be used: algorithm 5 is not offered"}},
    {"public key and secret",
     "[[key]]\nname = \"k.\"\npublic-key-file = \"there-is-none\"\nsecret = \"hush\"",
     {"f.toml:1: this [[key]] has more than one key", "/there-is-none cannot be read",
      "f.toml:4: unknown field 'secret' in [[key]]"}},
    {"NSID that is not hexadecimal",
     "[identity]\nnsid = \"0x6e7\"",
     {"f.toml:2: 'nsid' in [identity] begins with 0x, but no whole hexadecimal octets follow"}},
    {"NSID with a sign", "[identity]\nnsid = \"0x+1\"", {"'nsid' in [identity] begins with 0x"}},
    {"NSID of nothing",
     "[identity]\nnsid = \"0x\"\nversion = \"\"",
     {"f.toml:2: 'nsid' in [identity] must have 1 to 128 octets",
      "f.toml:3: 'version' in [identity] must have 1 to 255 octets"}},
    {"identity of another kind",
     "[identity]\nname = 7\nhost = \"x\"",
     {"f.toml:2: 'name' in [identity] must be", "f.toml:3: unknown field 'host' in [identity]"}},
    {"zone without name", "[[zone]]\nfile = \"x\"", {"f.toml:1: 'name' in [[zone]] is missing"}},
    {"zone name",
     "[[zone]]\nname = \"a..b\"",
     {"f.toml:2: 'name' in [[zone]] is no domain name: \"a..b\""}},
    {"zone name empty", "[[zone]]\nname = \"\"", {"f.toml:2: 'name' in [[zone]] is"}},
    {"zone twice",
     "[[zone]]\nname = \"e.\"\n[[zone]]\nname = \"E\"",
     {"f.toml:4: 'name' in [[zone]] repeats the zone of line 1: E."}},
    {"notify",
     "[[zone]]\nname = \"e.\"\nnotify = [\"there\"]",
     {"'notify' in [[zone]] must be \"address:port\""}},
    {"upstream without anything",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\ntypes = [\"A\"]",
     {"f.toml:6: 'server' in [[zone.upstream]] is missing",
      "f.toml:6: 'key' in [[zone.upstream]] is missing"}},
    {"upstream by a name",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\nserver = \"ns.e:53\"\nkey = \"k.\"",
     {"f.toml:7: 'server' in [[zone.upstream]] must be \"address:port\""}},
    {"upstream at port 0",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\nserver = \"192.0.2.1:0\"\nkey = \"k.\"",
     {"f.toml:7: 'server' in [[zone.upstream]] has port 0"}},
    {"two upstreams in one",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\nserver = [\"192.0.2.1:53\", \"192.0.2.2:53\"]\nkey = "
     "\"k.\"",
     {"f.toml:7: 'server' in [[zone.upstream]] is one server"}},
    {"the same upstream twice",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\nserver = \"192.0.2.1:53\"\nkey = "
     "\"k.\"\n[[zone.upstream]]\nserver = \"192.0.2.1:53\"\nkey = \"k.\"",
     {"f.toml:10: 'server' in [[zone.upstream]] is 192.0.2.1:53, which this zone has"}},
    {"an upstream that is this server",
     "listen = [\"192.0.2.1:53\"]\n[[key]]\nname = \"k.\"\nsecret = "
     "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\nserver = \"192.0.2.1:53\"\nkey = \"k.\"",
     {"f.toml:8: 'server' in [[zone.upstream]] is 192.0.2.1:53, where this server listens itself"}},
    {"an upstream that is this server by any address",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\nserver = \"127.0.0.1:53\"\nkey = \"k.\"",
     {"f.toml:7: 'server' in [[zone.upstream]] is 127.0.0.1:53, where this server listens itself"}},
    {"upstream with a key that is not there",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\nserver = \"192.0.2.1:53\"\nkey = \"other.\"",
     {"f.toml:8: 'key' in [[zone.upstream]] names 'other.', but there is no [[key]] of that name"}},
    {"types of an upstream",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\nserver = \"192.0.2.1:53\"\nkey = \"k.\"\ntypes = [\"A\", "
     "\"SOA\", \"DNSKEY\"]\nexclude-types = [\"ANY\", \"x\", \"DNSKEY\"]\nfull-sync = \"ixfr\"",
     {"f.toml:9: 'types' in [[zone.upstream]] has SOA, which is never sent",
      "f.toml:9: 'types' in [[zone.upstream]] has DNSKEY, which is never sent",
      "f.toml:10: 'exclude-types' in [[zone.upstream]] must be record types, as \"A\", \"SRV\" or "
      "\"TYPE65280\", not \"ANY\"",
      "f.toml:10: 'exclude-types' in [[zone.upstream]] must be record types, as \"A\", \"SRV\" or "
      "\"TYPE65280\", not \"x\"",
      "f.toml:11: 'full-sync' in [[zone.upstream]] must be \"transfer\" or \"replace\""}},
    {"times of an upstream",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.upstream]]\nserver = \"192.0.2.1:53\"\nkey = \"k.\"\ntimeout = "
     "\"1ms\"\nretry-min = \"1min\"\nretry-max = \"1s\"\nretries = 3",
     {"f.toml:9: 'timeout' in [[zone.upstream]] must be",
      "f.toml:11: 'retry-max' in [[zone.upstream]] leaves no time to wait",
      "f.toml:12: unknown field 'retries' in [[zone.upstream]]"}},
    {"grant without key",
     "[[zone]]\nname = \"e.\"\n[[zone.grant]]\nupdate = true",
     {"f.toml:3: 'key' in [[zone.grant]] is missing"}},
    {"grant to nobody",
     "[[zone]]\nname = \"e.\"\n[[zone.grant]]\nkey = \"k.\"\nupdate = true",
     {"f.toml:4: 'key' in [[zone.grant]] names 'k.', but there is no [[key]] of that name"}},
    {"grant to a pattern of nobody",
     "[[zone]]\nname = \"e.\"\n[[zone.grant]]\nkey = \"*.f.\"\nupdate = true",
     {"nor a [[zone]] that could hold a KEY record of that name"}},
    {"grant of nothing",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.grant]]\nkey = \"k.\"\nupdate = false",
     {"f.toml:6: this [[zone.grant]] grants nothing"}},
    {"boolean",
     "[[key]]\nname = \"k.\"\nsecret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n[[zone]]\n"
     "name = \"e.\"\n[[zone.grant]]\nkey = \"k.\"\nupdate = 1",
     {"f.toml:8: 'update' in [[zone.grant]] must be true or false, not an integer"}},
    {"all at once",
     "workers = 1000\nuser = 1\n[log]\nlevel = 2\n",
     {"f.toml:1: 'workers'", "f.toml:2: 'user'", "f.toml:4: 'level'"}},
    {"control characters are not repeated", "\"a\\nb\" = 1", {"unknown field 'a?b'"}},
};

TEST(Config, AGrantMayBeForAKeyThatAZoneCouldHold) {
  for (const char* key : {"e.", "h.e.", "*.e.", "*.", "*.x.f.", "f."}) {
    SCOPED_TRACE(key);
    const ConfigResult result =
        parse_config("[[zone]]\nname = \"e.\"\n[[zone.grant]]\nkey = \"" + std::string(key) +
                         "\"\nupdate = true\n[[zone]]\nname = \"f.\"\n",
                     "f.toml");
    EXPECT_TRUE(result.config) << text_of(result.errors);
  }
}

TEST(Config, APublicKeyIsForSig0) {
  const ConfigResult result = parse_config(
      "[[key]]\nname = \"k.\"\npublic-key = \"512 3 15 "
      "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\"\n[[zone]]\nname = \"e.\"\n[[zone.grant]]\n"
      "key = \"k.\"\nupdate = true\n",
      "f.toml");
  ASSERT_TRUE(result.config) << text_of(result.errors);
  EXPECT_EQ(result.config->keyring.size(), 0U);
  const auto policy = make_policy(*result.config);
  ASSERT_TRUE(policy->public_key(*zones::Name::from_text("K.")));
  EXPECT_EQ(policy->public_key(*zones::Name::from_text("k."))->algorithm(),
            keys::Sig0Algorithm::ED25519);
  EXPECT_TRUE(policy->is_named(*zones::Name::from_text("k.")));
}

TEST(Config, KeyFilesHoldALineForEachKey) {
  const test::TempDir dir;
  const auto read = [&](const std::string& lines) {
    std::ofstream(dir.path() / "many.keys") << lines;
    chmod((dir.path() / "many.keys").c_str(), 0600);
    return parse_config("key-files = [\"many.keys\"]\n" + std::string(KEY), dir.path() / "f.toml");
  };
  const std::string secret = ":MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
  const ConfigResult result = read("# subscribers\n\nh2.dyn.example." + secret +
                                   "\r\n  hmac-sha512:H3.dyn.example" + secret);
  ASSERT_TRUE(result.config) << text_of(result.errors);
  EXPECT_EQ(text_of(result.warnings), "");
  const keys::Keyring keyring = make_policy(*result.config)->keyring;
  EXPECT_EQ(keyring.size(), 3U);
  const auto found = keyring.find(*zones::Name::from_text("h3.dyn.example."));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->algorithm, keys::Algorithm::HMAC_SHA512);
  EXPECT_EQ(found->secret.size(), 32U);

  struct Row {
    const char* what;
    std::string lines;
    std::string want;
  };
  const Row rows[] = {
      {"of the configuration", "H1.dyn.example." + secret, "many.keys:1: repeats key H1.dyn"},
      {"of another line", "a." + secret + "\nA." + secret, "many.keys:2: repeats key A."},
      {"no key", "\nwhat", "many.keys:2: expected [ALGORITHM:]NAME:SECRET"},
      {"no base64", "a.:****", "many.keys:1: expected [ALGORITHM:]NAME:SECRET"},
      {"MD5", "hmac-md5:a." + secret, "hmac-md5 is not offered"},
      {"a line beyond any key", std::string(70'000, 'a'), "a line longer than any key"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const ConfigResult wrong = read(row.lines);
    EXPECT_FALSE(wrong.config);
    EXPECT_THAT(text_of(wrong.errors), HasSubstr("f.toml:1: 'key-files'"));
    EXPECT_THAT(text_of(wrong.errors), HasSubstr(row.want));
  }
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += "wrong\n";
  EXPECT_EQ(read(many).errors.size(), 20U);

  const ConfigResult odd = read("a.:MTIz\nhmac-sha1:b." + secret + "\nc.:MTIz");
  EXPECT_THAT(text_of(odd.warnings), HasSubstr("has 2 keys with a short secret"));
  EXPECT_THAT(text_of(odd.warnings), HasSubstr("has 1 key for SHA-1"));
  chmod((dir.path() / "many.keys").c_str(), 0644);
  EXPECT_THAT(text_of(parse_config("key-files = \"many.keys\"", dir.path() / "f.toml").warnings),
              HasSubstr("everybody may read"));
  EXPECT_FALSE(parse_config("key-files = \"none\"", dir.path() / "f.toml").config);
  EXPECT_FALSE(parse_config("key-files = \"/dev/zero\"", dir.path() / "f.toml").config);
}

TEST(Config, EveryErrorNamesItsLineAndWhatWouldBeRight) {
  for (const Wrong& row : WRONG) {
    SCOPED_TRACE(row.what);
    const ConfigResult result = parse_config(row.text, "f.toml");
    EXPECT_FALSE(result.config);
    EXPECT_EQ(result.errors.size(), row.lines.size()) << text_of(result.errors);
    for (std::size_t i = 0; i < std::min(result.errors.size(), row.lines.size()); ++i) {
      EXPECT_THAT(result.errors[i].to_text(), HasSubstr(row.lines[i]));
    }
    EXPECT_EQ(text_of(result.errors).find("hush"), std::string::npos);
  }
}

TEST(Config, Warnings) {
  const ConfigResult result = parse_config(
      "[[key]]\nname = \"k.\"\nsecret = \"AAAA\"\n[[zone]]\nname = \"e.\"\nnotify = "
      "[\"127.0.0.1:53\"]",
      "f.toml");
  EXPECT_TRUE(result.config);
  ASSERT_EQ(result.warnings.size(), 2U);
  EXPECT_THAT(result.warnings[0].to_text(), HasSubstr("f.toml:3: 'secret' in [[key]] is short"));
  EXPECT_THAT(result.warnings[1].to_text(),
              HasSubstr("f.toml:6: 'notify' in [[zone]] has no effect"));

  const ConfigResult sha1 = parse_config(
      "[[key]]\nname = \"k.\"\nalgorithm = \"hmac-sha1\"\nsecret = "
      "\"AAECAwQFBgcICQoLDA0ODxAREhM=\"\n[tsig]\nmin-mac = 20\n",
      "f.toml");
  ASSERT_TRUE(sha1.config);
  EXPECT_EQ(sha1.config->tsig.min_mac_octets, 20U);
  EXPECT_EQ(make_policy(*sha1.config)->tsig.min_mac_octets, 20U);
  ASSERT_EQ(sha1.warnings.size(), 1U);
  EXPECT_THAT(sha1.warnings[0].to_text(), HasSubstr("f.toml:3: 'algorithm' in [[key]] is SHA-1"));
  EXPECT_EQ(make_policy(Config{})->tsig.min_mac_octets, 16U);
}

TEST(Config, Endpoints) {
  struct Row {
    const char* text;
    const char* want;  // nullptr: none
  };
  const Row rows[] = {
      {"127.0.0.1:53", "127.0.0.1:53"},
      {"[::1]:53", "[::1]:53"},
      {"0.0.0.0:0", "0.0.0.0:0"},
      {"[127.0.0.1]:53", nullptr},
      {"127.0.0.1:", nullptr},
      {":53", nullptr},
      {"[]:53", nullptr},
      {"127.0.0.1:+1", nullptr},
      {"127.0.0.1:5 3", nullptr},
      {"", nullptr},
      {"1.2.3:53", nullptr},
      {"[::1%lo", nullptr},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto endpoint = endpoint_from_text(row.text);
    EXPECT_EQ(endpoint ? to_text(*endpoint) : "none", row.want ? row.want : "none");
  }
}

struct SecretFile {
  const char* what;
  const char* contents;
  const char* algorithm;  // in the configuration; nullptr: not named
  const char* error;      // nullptr: right
};

const SecretFile SECRET_FILES[] = {
    {"base64 alone", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\n", "hmac-sha512", nullptr},
    {"as tsig-keygen writes it",
     "key \"k.example\" {\n\talgorithm hmac-sha512;\n\tsecret "
     "\"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\";\n};\n",
     nullptr, nullptr},
    {"as knsupdate reads it",
     "hmac-sha512:k.example:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\n", "hmac-sha512",
     nullptr},
    {"another algorithm", "hmac-sha1:k.example:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\n",
     "hmac-sha512", "has this key for hmac-sha1, but 'algorithm' here says hmac-sha512"},
    {"another key", "hmac-sha512:other:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\n", nullptr,
     "has no key k.example., but: other."},
    {"neither", "hush! this is no key", nullptr, "holds neither a secret in base64 nor a key file"},
    {"empty", "", nullptr, "holds neither a secret in base64 nor a key file"},
};

TEST(Config, SecretFiles) {
  const test::TempDir dir;
  for (const SecretFile& row : SECRET_FILES) {
    SCOPED_TRACE(row.what);
    const auto file = dir.path() / "secret";
    std::ofstream(file) << row.contents;
    ASSERT_EQ(chmod(file.c_str(), 0600), 0);
    std::string text = "[[key]]\nname = \"k.example.\"\nsecret-file = \"secret\"\n";
    if (row.algorithm) text += std::string("algorithm = \"") + row.algorithm + "\"\n";
    const ConfigResult result = parse_config(text, dir.path() / "dnsd.toml");
    EXPECT_EQ(text_of(result.warnings), "");
    if (row.error) {
      ASSERT_EQ(result.errors.size(), 1U);
      EXPECT_EQ(result.errors[0].line, 3U);
      EXPECT_THAT(result.errors[0].what, HasSubstr(row.error));
      EXPECT_EQ(result.errors[0].what.find("hush"), std::string::npos);
      continue;
    }
    ASSERT_TRUE(result.config) << text_of(result.errors);
    const auto found = result.config->keyring.find(*zones::Name::from_text("k.example."));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->algorithm, keys::Algorithm::HMAC_SHA512);
    EXPECT_EQ(found->secret.size(), 32U);
  }
}

TEST(Config, SecretFileThatEverybodyReadsIsWarnedOf) {
  const test::TempDir dir;
  const auto file = dir.path() / "secret";
  std::ofstream(file) << "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  const ConfigResult result =
      parse_config("[[key]]\nname = \"k.\"\nsecret-file = \"secret\"", dir.path() / "dnsd.toml");
  EXPECT_TRUE(result.config);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_EQ(result.warnings[0].line, 3U);
}

TEST(Config, FileThatCannotBeRead) {
  const ConfigResult result = read_config("/nonexistent/dnsd.toml");
  EXPECT_FALSE(result.config);
  EXPECT_EQ(text_of(result.errors),
            "/nonexistent/dnsd.toml: cannot be read: No such file or directory\n");
}

TEST(Config, Upstreams) {
  const Config config = good(std::string(KEY) + R"(
[[zone]]
name = "dyn.example."
[[zone.upstream]]
server = "192.0.2.53:53"
key = "H1.dyn.example."
[[zone.upstream]]
server = "[2001:db8::53]:5353"
key = "h1.dyn.example."
apex-ns = true
types = ["A", "SRV", "type65280"]
exclude-types = "A"
full-sync = "replace"
timeout = "2s"
retry-min = "100ms"
retry-max = "1min"
[[zone]]
name = "other.example."
)");
  ASSERT_EQ(config.zones.size(), 2U);
  EXPECT_TRUE(config.zones[1].upstreams.empty());
  ASSERT_EQ(config.zones[0].upstreams.size(), 2U);
  const UpstreamConfig& first = config.zones[0].upstreams[0];
  EXPECT_EQ(to_text(first.server), "192.0.2.53:53");
  EXPECT_EQ(first.key, *zones::Name::from_text("h1.dyn.example."));
  EXPECT_EQ(first.filter, UpstreamFilter{});
  EXPECT_EQ(first.full_sync, UpstreamConfig::FullSync::TRANSFER);
  EXPECT_EQ(first.timeout, 10s);
  EXPECT_EQ(first.retry_min, 1s);
  EXPECT_EQ(first.retry_max, 5min);
  const UpstreamConfig& second = config.zones[0].upstreams[1];
  EXPECT_EQ(to_text(second.server), "[2001:db8::53]:5353");
  EXPECT_EQ(
      second.filter,
      (UpstreamFilter{.apex_ns = true,
                      .types = {zones::Type::A, zones::Type::SRV, static_cast<zones::Type>(65280)},
                      .excluded = {zones::Type::A}}));
  EXPECT_EQ(second.full_sync, UpstreamConfig::FullSync::REPLACE);
  EXPECT_EQ(second.timeout, 2s);
  EXPECT_EQ(second.retry_min, 100ms);
  EXPECT_EQ(second.retry_max, 1min);

  Config changed = config;
  EXPECT_EQ(needs_restart(config, changed), std::vector<std::string>{});
  changed.zones[0].upstreams.pop_back();
  EXPECT_EQ(needs_restart(config, changed), std::vector<std::string>{"[[zone.upstream]]"});
}

TEST(Config, WhatNeedsARestart) {
  struct Row {
    const char* after;
    std::vector<std::string> want;
  };
  const std::string before = "[[zone]]\nname = \"e.\"\n";
  const Row rows[] = {
      {"[[zone]]\nname = \"E.\"\nfile = \"new\"\n", {}},
      {"udp-size = 1400\n[log]\nlevel = \"debug\"\n[identity]\nnsid = \"x\"\n[[zone]]\nname = "
       "\"e.\"\n",
       {}},
      {"listen = [\"127.0.0.1:1\"]\nworkers = 1\nuser = \"x\"\n[[zone]]\nname = \"e.\"\n",
       {"listen", "workers", "user"}},
      {"[store]\npath = \"x\"\n[tcp]\nthreads = 2\n[update]\nbatch = 1\n",
       {"[store]", "[tcp]", "[update]", "the list of zones"}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.after);
    EXPECT_EQ(needs_restart(good(before), good(row.after)), row.want);
  }
}

constexpr const char* ZONE = "$TTL 60\n@ SOA ns.e. h.e. 1 60 60 60 60\n@ NS ns\nns A 192.0.2.1\n";

TEST(Check, JudgesZoneFilesToo) {
  struct Row {
    const char* what;
    const char* zone;  // nullptr: no file
    bool store;
    int status;
    const char* line;
  };
  const Row rows[] = {
      {"good", ZONE, false, 0, ""},
      {"no file", nullptr, false, 1, "error: "},
      {"bad file", "@ 60 A 192.0.2.1\n", false, 1, "error: "},
      {"no file, but a store", nullptr, true, 0, ""},
      {"bad file, but a store", "@ 60 A 192.0.2.1\n", true, 0, "warning: "},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const test::TempDir dir;
    std::ofstream(dir.path() / "dnsd.toml") << "[[zone]]\nname = \"e.\"\nfile = \"e.zone\"\n";
    if (row.zone) std::ofstream(dir.path() / "e.zone") << row.zone;
    if (row.store) std::ofstream(dir.path() / "dnsd.sqlite") << "";
    std::ostringstream out;
    std::ostringstream errors;
    EXPECT_EQ(check(dir.path() / "dnsd.toml", out, errors), row.status);
    EXPECT_EQ(errors.str().substr(0, std::string(row.line).size()), row.line) << errors.str();
    EXPECT_EQ(errors.str().empty(), *row.line == '\0');
    EXPECT_EQ(out.str().empty(), row.status != 0);
  }
}

TEST(Check, OneLineAnError) {
  const test::TempDir dir;
  std::ofstream(dir.path() / "dnsd.toml") << "workers = 1000\nuser = 1\n";
  std::ostringstream out;
  std::ostringstream errors;
  EXPECT_EQ(check(dir.path() / "dnsd.toml", out, errors), 1);
  EXPECT_EQ(std::ranges::count(errors.str(), '\n'), 2);
}

TEST(Config, Admin) {
  EXPECT_TRUE(good("").admin_listen.empty());
  const Config config = good("[admin]\nlisten = [\"127.0.0.1:9153\", \"[::1]:9153\"]");
  ASSERT_EQ(config.admin_listen.size(), 2U);
  EXPECT_EQ(to_text(config.admin_listen[1]), "[::1]:9153");
  EXPECT_EQ(needs_restart(good(""), config), std::vector<std::string>{"[admin]"});
  const ConfigResult twice = parse_config(
      "[http]\nlisten = \"127.0.0.1:80\"\n[admin]\nlisten = \"127.0.0.1:80\"", "/etc/dnsd.toml");
  EXPECT_THAT(text_of(twice.errors), HasSubstr("4: 'listen' in [admin]"));
}

TEST(Config, DynDns) {
  EXPECT_FALSE(good("[http]\nlisten = \"127.0.0.1:80\"").http.dyndns);
  const struct {
    const char* fields;
    const char* warning;
  } rows[] = {
      {"dyndns = true", "passwords come by TLS only"},
      {"dyndns = true\ndyndns-plain = true", "secrets cross the network readable"},
      {"dyndns-plain = true", "no effect without 'dyndns = true'"},
  };
  for (const auto& row : rows) {
    const ConfigResult result = parse_config(
        std::string("[http]\nlisten = \"127.0.0.1:80\"\n") + row.fields, "/etc/dnsd.toml");
    EXPECT_EQ(text_of(result.errors), "");
    EXPECT_THAT(text_of(result.warnings), HasSubstr(row.warning));
  }
}

TEST(Config, Proxies) {
  const std::string listen = "[http]\nlisten = \"127.0.0.1:80\"\n";
  EXPECT_FALSE(good(listen).http.proxies.is_on());
  const Config config =
      good(listen +
           "trusted-proxies = [\"10.0.0.0/8\", \"2001:db8::1\"]\nproxy-protocol = true\n"
           "forwarded-header = \"x-forwarded-for\"\ndyndns = true\naccount = true");
  const http::ProxyConfig& proxies = config.http.proxies;
  EXPECT_TRUE(proxies.protocol);
  EXPECT_EQ(proxies.field, http::ProxyConfig::Field::X_FORWARDED_FOR);
  EXPECT_TRUE(proxies.trusts(boost::asio::ip::make_address("10.1.2.3")));
  EXPECT_TRUE(proxies.trusts(boost::asio::ip::make_address("2001:db8::1")));
  EXPECT_FALSE(proxies.trusts(boost::asio::ip::make_address("11.0.0.1")));
  EXPECT_EQ(needs_restart(good(listen), config), std::vector<std::string>{"[http]"});
  const struct {
    const char* fields;
    const char* said;
  } rows[] = {
      {"proxy-protocol = true", "3: 'proxy-protocol' in [http] needs 'trusted-proxies'"},
      {"forwarded-header = \"Forwarded\"", "needs 'trusted-proxies', whom to believe"},
      {"trusted-proxies = [\"10.0.0.0/8\"]\nforwarded-header = \"Via\"",
       "4: 'forwarded-header' in [http] must be"},
      {"trusted-proxies = [\"global\"]", "must be addresses or prefixes of proxies"},
      {"trusted-proxies = [\"10.0.0.0/8\"]", "has no effect without 'proxy-protocol'"},
      {"account = true", "needs 'tls-listen', or a proxy that has TLS"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.fields);
    const ConfigResult result = parse_config(listen + row.fields, "/etc/dnsd.toml");
    EXPECT_THAT(text_of(result.errors) + text_of(result.warnings), HasSubstr(row.said));
  }
}

}  // namespace
}  // namespace dnsd
