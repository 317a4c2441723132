// The agent's configuration, state file and default router.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tools/pcp-ddns/agent_secret.h"
#include "tools/pcp-ddns/config.h"
#include "tools/pcp-ddns/default_router.h"
#include "tools/pcp-ddns/state_file.h"
#include "zones/text.h"

namespace pcp_ddns {
namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/pcp-ddns-test-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path write(const char* name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    chmod((path_ / name).c_str(), 0600);
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

constexpr const char* PROVIDER = R"([[provider]]
zone = "dyn.example."
server = "192.0.2.53"
key = { name = "h1.dyn.example.", secret = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=" }
)";
constexpr const char* SERVICE = R"([[service]]
host = "h1.dyn.example."
type = "_http._tcp"
port = 8000
)";

TEST(PcpConfig, Dyndns2) {
  const std::string service = SERVICE;
  const std::string provider =
      "[[provider]]\nprotocol = \"dyndns2\"\nserver = \"dyn.example.net.\"\nlogin = \"h1\"\n"
      "password = \"open sesame\"\nports = true\n";
  const auto result = parse_config(provider + service, "/etc/agent.toml");
  for (const auto& error : result.errors) ADD_FAILURE() << error.to_text();
  ASSERT_TRUE(result.config);
  const ProviderConfig& one = result.config->providers[0];
  EXPECT_EQ(one.server, "dyn.example.net");
  EXPECT_EQ(one.port, 443);
  EXPECT_TRUE(one.zone.is_root());
  ASSERT_TRUE(one.dyndns);
  EXPECT_EQ(one.dyndns->login, "h1");
  EXPECT_EQ(one.dyndns->path, "/nic/update");
  EXPECT_TRUE(one.dyndns->ports);
  const auto password = one.dyndns->password->octets();
  EXPECT_EQ(std::string(password.begin(), password.end()), "open sesame");
  const struct {
    const char* old;
    const char* now;
    const char* error;
  } rows[] = {
      {"server = \"dyn.example.net.\"\n", "", ":1: 'server' in [[provider]] is missing"},
      {"login = \"h1\"\n", "", ":1: 'login' in [[provider]] is missing"},
      {"\"h1\"", "\"h1:a\"", ":4: 'login' in [[provider]] must be a user name"},
      {"password = \"open sesame\"\n", "", ":1: 'password-file' in [[provider]] is missing"},
      {"open sesame", "open\\nsesame", ":5: 'password' in [[provider]] must be one line"},
      {"password = \"open sesame\"", "password-file = \"/nowhere\"", ":5: 'password-file'"},
      {"ports = true", "path = \"/a?b\"", ":6: 'path' in [[provider]] must be a path"},
      {"ports = true", "refresh = \"1s\"", ":6: 'refresh' in [[provider]]"},
      {"ports = true", "replace = true", ":6: "},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.now);
    std::string text = provider;
    text.replace(text.find(row.old), std::string(row.old).size(), row.now);
    const auto wrong = parse_config(text + service, "/etc/agent.toml");
    ASSERT_EQ(wrong.errors.size(), 1U);
    const std::string error = wrong.errors[0].to_text();
    EXPECT_NE(error.find(row.error), std::string::npos) << error;
    EXPECT_EQ(error.find("sesame"), std::string::npos) << "a secret";
  }
}

TEST(PcpConfig, Smallest) {
  const auto result = parse_config(std::string(PROVIDER) + SERVICE, "/etc/agent.toml");
  for (const auto& error : result.errors) ADD_FAILURE() << error.to_text();
  ASSERT_TRUE(result.config);
  const Config& config = *result.config;
  EXPECT_EQ(config.state, "/etc/pcp-ddns.state");
  EXPECT_TRUE(config.pcp.servers.empty());
  EXPECT_EQ(config.pcp.lifetime, std::chrono::hours(1));
  ASSERT_EQ(config.providers.size(), 1U);
  EXPECT_EQ(config.providers[0].name, "default");
  EXPECT_EQ(config.providers[0].port, 53);
  EXPECT_EQ(config.providers[0].ttl, 60U);
  EXPECT_FALSE(config.providers[0].replace);
  ASSERT_EQ(config.services.size(), 1U);
  EXPECT_EQ(config.services[0].providers, std::vector<std::size_t>{0});
  EXPECT_EQ(config.services[0].owner.to_text(), "_http._tcp.h1.dyn.example.");
  EXPECT_EQ(config.services[0].protocol, 6);
}

TEST(PcpConfig, EveryField) {
  const auto result = parse_config(R"(state = "s/agent.state"
[log]
level = "warning"
[pcp]
servers = ["10.64.0.1", "2001:db8::1#5352"]
lifetime = "2h"
probe-interval = "5min"
accept-external = ["198.51.100.0/24", "2001:db8::/32"]
[[provider]]
name = "home"
zone = "dyn.example"
server = "[2001:db8::53]:5300"
ttl = 30
replace = true
portal = ["192.0.2.10", "2001:db8::10"]
key = { name = "h1.dyn.example.", algorithm = "hmac-sha512", secret = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=" }
[[provider]]
name = "other"
zone = "example.org."
server = "ns.example.org"
key = { name = "k.", secret = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=" }
[[service]]
provider = ["other"]
host = "h1.example.org"
type = "_sip._udp"
port = 5060
external-port = 15060
priority = 1
weight = 2
uri = "sip"
txt = ["path=/", "a"]
[[service]]
provider = "home"
host = "h2.dyn.example"
type = "_https._tcp"
port = 443
https = true
portal = true
dns-sd = "Web of h2"
[[service]]
provider = "home"
host = "h2.dyn.example"
type = "_ssh._tcp"
port = 22
)",
                                   "/etc/agent.toml");
  for (const auto& error : result.errors) ADD_FAILURE() << error.to_text();
  ASSERT_TRUE(result.config);
  const Config& config = *result.config;
  EXPECT_EQ(config.state, "/etc/s/agent.state");
  EXPECT_EQ(config.log_level, LogLevel::WARNING);
  ASSERT_EQ(config.pcp.servers.size(), 2U);
  EXPECT_EQ(to_text(config.pcp.servers[0]), "10.64.0.1");
  EXPECT_EQ(to_text(config.pcp.servers[1]), "2001:db8::1#5352");
  EXPECT_EQ(config.pcp.probe_interval, std::chrono::minutes(5));
  EXPECT_EQ(config.pcp.accept_external.size(), 2U);
  EXPECT_EQ(config.providers[0].server, "2001:db8::53");
  EXPECT_EQ(config.providers[0].port, 5300);
  EXPECT_EQ(std::get<keys::TsigKey>(config.providers[0].signer).algorithm,
            keys::Algorithm::HMAC_SHA512);
  EXPECT_EQ(config.providers[1].server, "ns.example.org");
  const ServiceConfig& service = config.services[0];
  EXPECT_EQ(service.providers, std::vector<std::size_t>{1});
  EXPECT_EQ(service.protocol, 17);
  EXPECT_EQ(service.external_port, 15060);
  EXPECT_EQ(service.uri, "sip");
  EXPECT_EQ(service.txt, (std::vector<std::string>{"path=/", "a"}));
  EXPECT_EQ(config.providers[0].portal.size(), 2U);
  EXPECT_FALSE(service.https || service.portal);
  EXPECT_TRUE(config.services[1].https && config.services[1].portal);
  EXPECT_EQ(config.services[1].instance, "Web of h2");
  EXPECT_TRUE(config.services[2].portal) << "a name leads to one place";
}

TEST(PcpConfig, ErrorsNameTheLine) {
  const std::string good = std::string(PROVIDER) + SERVICE;
  const struct {
    const char* before;  // what of the good one …
    const char* after;   // … is replaced
    const char* error;
  } rows[] = {
      {"port = 8000", "prot = 8000",
       ":8: unknown field 'prot' in [[service]]: did you mean 'port'?"},
      {"port = 8000", "port = 0", ":8: 'port' in [[service]] must be"},
      {"port = 8000\n", "", ":5: 'port' in [[service]] is missing"},
      {"_http._tcp", "http", ":7: 'type' in [[service]] must be"},
      {"_http._tcp", "_http._sctp", ":7: 'type' in [[service]] must be"},
      {"_http._tcp", "http._tcp", ":7: 'type' in [[service]] must be"},
      {"h1.dyn.example.\"\ntype", "h1.example.org.\"\ntype",
       ":6: 'host' in [[service]] is not in the zone dyn.ex"},
      {"h1.dyn.example.\"\ntype", "h_1.dyn.example.\"\ntype",
       ":6: 'host' in [[service]] is no host name"},
      {"192.0.2.53", "192.0.2.53:0", ":3: 'server' in [[provider]] must be"},
      {"192.0.2.53", "[192.0.2.53", ":3: 'server' in [[provider]] must be"},
      {"secret = \"MTI", "secret = \"!", ":4: 'secret' in key is not base64"},
      {"name = \"h1.dyn.example.\", ", "", "'name' in key is missing"},
      {"secret = ", "secret-file = \"/nowhere\", secret = ", "'secret-file' in key is missing"},
      {"[[service]]", "[pcp]\nservers = [\"gw\"]\n[[service]]",
       ":6: 'servers' in [pcp] must be addresses"},
      {"[[service]]", "[pcp]\nlifetime = \"10s\"\n[[service]]", ":6: 'lifetime' in [pcp] must be"},
      {"[[service]]", "[pcp]\naccept-external = [\"global\"]\n[[service]]",
       ":6: 'accept-external' in [pcp] must be"},
      {"[[service]]", "[pcp]\nprotocols = [\"igd\"]\n[[service]]",
       ":6: 'protocols' in [pcp] must be of"},
      {"[[service]]", "[pcp]\nservers = [\"10.64.0.1\"]\nprotocols = [\"upnp\"]\n[[service]]",
       ":6: 'servers' in [pcp] are asked by"},
      {"[[service]]", "[pcp]\nexternal-family = \"4\"\n[[service]]",
       ":6: 'external-family' in [pcp] must be"},
      {"port = 8000", "port = 8000\ninternal-address = \"cam\"",
       ":9: 'internal-address' in [[service]] must be an address"},
      {"port = 8000", "port = 8000\nfilter = [\"0.0.0.0\", \"home\"]",
       ":9: 'filter' in [[service]] must be prefixes"},
      {"port = 8000", "port = 8000\nfilter = [\"::/0\"]",
       ":9: 'filter' in [[service]] must be prefixes"},
      {"port = 8000", "port = 8000\ndescription = \"a\\nb\"",
       ":9: 'description' in [[service]] must be at most 128 octets"},
      {"port = 8000", "port = 8000\nport-count = 257", "port-count"},
      {"port = 8000", "port = 8000\nport-parity = true", "port-parity"},
      {"port = 8000", "port = 65530\nport-count = 7", "goes beyond port 65535"},
      {"port = 8000", "port = 8000\nport-count = 2", "is not for web services"},
      {"type = \"_http._tcp\"\nport = 8000",
       "type = \"_ssh._tcp\"\nport = 8000\nport-count = 2\nprefer-failure = true",
       "cannot be together with prefer-failure"},
      {"type = \"_http._tcp\"\nport = 8000",
       "type = \"_ssh._tcp\"\nport = 8000\nport-count = 2\ntxt = [\"ports=1\"]",
       "has 'ports', which is made from the mapping"},
      {"port = 8000", "port = 8000\nprefer-failure = true\nequal-ports = true",
       ":5: [[service]] has prefer-failure, one port or none"},
      {"port = 8000", "port = 8000\nequal-ports = true",
       ":5: [[service]] has equal-ports, but none is for UDP with port 8000"},
      {"port = 8000", "port = 8000\ntxt = [\"=x\"]",
       ":9: 'txt' in [[service]] must be \"KEY=VALUE\""},
      {"port = 8000", "port = 8000\ntxt = [\"a=1\", \"A\"]",
       ":9: 'txt' in [[service]] has the key 'a' twice"},
      {"port = 8000", "port = 8000\ntxt = [\"Endpoint=x\"]",
       ":9: 'txt' in [[service]] has 'endpoint'"},
      {"port = 8000", "port = 8000\nportal = true",
       ":9: 'portal' in [[service]] needs the portal's addresses in [[provider]] default"},
      {"zone = ", "portal = \"gw\"\nzone = ", ":2: 'portal' in [[provider]] must be addresses"},
      {"zone = ", "portal-port = 80\nzone = ",
       ":2: 'portal-port' in [[provider]] needs the portal's addresses"},
      {"_tcp\"\nport = 8000", "_udp\"\nport = 8000\nhttps = true",
       ":9: 'https' in [[service]] is for services over TCP"},
      {"port = 8000",
       "port = 8000\nhttps = true\n[[service]]\nhost = \"h1.dyn.example.\"\ntype = "
       "\"_https._tcp\"\nport = 2\nhttps = true",
       ":14: 'https' in [[service]] is also in the [[service]] of line 5"},
      {"port = 8000", "port = 8000\ndns-sd = \"\"", ":9: 'dns-sd' in [[service]] must be a name"},
      {"port = 8000", "port = 8000\nuri = \"http://x\"",
       ":9: 'uri' in [[service]] must be a scheme"},
      {"port = 8000", "port = 8000\nprovider = \"x\"",
       ":9: 'provider' in [[service]] names no [[provider]]: \"x\""},
      {"port = 8000",
       "port = 8000\n[[service]]\nhost = \"H1.dyn.example\"\ntype = \"_HTTP._tcp\"\nport = 1",
       ":11: 'type' in [[service]] and 'host' are those of the [[service]] in line 5"},
      {"port = 8000", "port = 8000\n[[provider]]\nzone = \"x.\"",
       "'name' in [[provider]] is missing"},
      {"[[service]]", "[[service]", ":5: this is not TOML"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.after);
    std::string text = good;
    ASSERT_NE(text.find(row.before), std::string::npos);
    text.replace(text.find(row.before), std::string(row.before).size(), row.after);
    const auto result = parse_config(text, "agent.toml");
    EXPECT_FALSE(result.config);
    std::string all;
    for (const auto& error : result.errors) all += error.to_text() + "\n";
    EXPECT_NE(all.find(row.error), std::string::npos) << all;
  }
  EXPECT_FALSE(parse_config("", "agent.toml").config);
  EXPECT_FALSE(read_config("/nowhere/agent.toml").config);
}

TEST(PcpConfig, KeyFiles) {
  const Folder folder;
  folder.write("base64", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\n");
  folder.write("named",
               "key \"h1.dyn.example\" { algorithm hmac-sha384; secret "
               "\"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\"; };\n");
  folder.write("nonsense", "nothing");
  const auto pair = keys::PrivateKey::generate(zones::Name::from_text("h1.dyn.example.").value());
  const auto written = pair.write_files(folder.path());
  ASSERT_TRUE(written);
  const struct {
    std::string key;
    const char* error;  // empty: right
  } rows[] = {
      {R"({ name = "h1.dyn.example.", secret-file = "base64" })", ""},
      {R"({ secret-file = "base64" })", "'name' in key is missing"},
      {R"({ secret-file = "named" })", ""},
      {R"({ name = "h2.dyn.example.", secret-file = "named" })", "has no key h2.dyn.example."},
      {R"({ secret-file = "named", algorithm = "hmac-sha256" })", "has this key for hmac-sha384"},
      {R"({ secret-file = "named", algorithm = "md5" })", "must be hmac-sha256"},
      {R"({ secret-file = "nonsense" })", "holds neither a secret in base64 nor a key"},
      {R"({ secret-file = "none" })", "cannot be read"},
      {"{ secret-file = \"" + written->filename().string() + "\" }", ""},
      {"{ name = \"h2.\", secret-file = \"" + written->filename().string() + "\" }",
       "is the key of h1.dyn.example."},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.key);
    const auto result = parse_config(
        "[[provider]]\nzone = \"dyn.example.\"\nserver = \"192.0.2.53\"\nkey = " + row.key + "\n" +
            SERVICE,
        folder.path() / "agent.toml");
    EXPECT_EQ(result.config.has_value(), row.error[0] == '\0');
    std::string all;
    for (const auto& error : result.errors) all += error.to_text() + "\n";
    EXPECT_NE(all.find(row.error), std::string::npos) << all;
    if (result.config) {
      EXPECT_NE(result.config->providers[0].signer.index(), 0U);
    }
  }
}

TEST(PcpStateFile, IsWrittenOnChangeAndReadBack) {
  const Folder folder;
  const auto path = folder.path() / "agent.state";
  State state;
  {
    StateFile file(path);
    auto loaded = file.load();
    ASSERT_TRUE(loaded) << loaded.error();
    state = std::move(*loaded);
    EXPECT_EQ(state.secret->octets().size(), AGENT_SECRET_OCTETS);
    struct stat status {};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    state.mappings.push_back({6, 8000, {keys::address_from_text("198.51.100.1").value(), 8001}});
    state.mappings.push_back({17, 53, {keys::address_from_text("2001:db8::1").value(), 54}});
    state.mappings.push_back({6,
                              8000,
                              {keys::address_from_text("198.51.100.1").value(), 8002},
                              keys::address_from_text("192.168.1.20").value()});
    state.published["home"].push_back(
        {{zones::Name::from_text("a\\032b.dyn.example.").value(), zones::Type::TXT,
          zones::Class::IN, 0,
          zones::rdata_from_text(zones::Type::TXT, R"("path=/ x" "\"\;")").value()},
         true});
    EXPECT_EQ(file.save(state), "");
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    const auto inode = status.st_ino;
    EXPECT_EQ(file.save(state), "");
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_ino, inode) << "nothing has changed, nothing is written";
  }
  StateFile file(path);
  const auto again = file.load();
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(to_text(*again), to_text(state));
  EXPECT_EQ(again->mappings, state.mappings);
  EXPECT_EQ(again->published.at("home")[0].record.rdata,
            state.published.at("home")[0].record.rdata);
  EXPECT_TRUE(again->published.at("home")[0].confirmed);
}

TEST(PcpStateFile, WhatIsStagedIsTakenUpUnlessItIsCutShort) {
  const Folder folder;
  const auto path = folder.path() / "agent.state";
  const auto port_in_file = [&] {
    StateFile file(path);
    const auto state = file.load();
    return state && !state->mappings.empty() ? state->mappings.front().external.port : 0;
  };
  State state;
  state.secret = std::make_shared<const keys::Secret>(keys::Secret::random(AGENT_SECRET_OCTETS));
  state.mappings = {{6, 8000, {keys::address_from_text("198.51.100.1").value(), 1}}};
  std::string staged;
  {
    StateFile file(path);
    EXPECT_EQ(file.save(state), "");
    state.mappings.front().external.port = 2;
    EXPECT_EQ(file.stage(state), "");
    EXPECT_TRUE(file.is_staged());
    std::ifstream in(path.string() + ".new");
    staged.assign(std::istreambuf_iterator<char>(in), {});
    // As if killed here.
    std::filesystem::copy(path.string() + ".new", path.string() + ".kept");
    std::filesystem::copy(path, path.string() + ".old");
  }
  EXPECT_EQ(port_in_file(), 2) << "the destructor settles";
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".new"));
  const std::size_t whole = staged.size();
  for (const std::size_t size : {std::size_t{0}, whole / 2, whole - 4, whole - 1, whole}) {
    std::filesystem::copy(path.string() + ".old", path,
                          std::filesystem::copy_options::overwrite_existing);
    std::ofstream(path.string() + ".new") << staged.substr(0, size);
    EXPECT_EQ(port_in_file(), size == staged.size() ? 2 : 1) << size;
  }
  std::filesystem::remove(path);
  std::filesystem::rename(path.string() + ".kept", path.string() + ".new");
  EXPECT_EQ(port_in_file(), 2) << "nothing was there before";
}

TEST(PcpStateFile, WhatCannotBeStagedLeavesWhatWas) {
  const Folder folder;
  const auto path = folder.path() / "agent.state";
  State state;
  state.secret = std::make_shared<const keys::Secret>(keys::Secret::random(AGENT_SECRET_OCTETS));
  const auto set_port = [&](std::uint16_t port) {
    state.mappings = {{6, 8000, {keys::address_from_text("198.51.100.1").value(), port}}};
  };
  {
    StateFile file(path);
    set_port(1);
    EXPECT_EQ(file.save(state), "");
    set_port(2);
    EXPECT_EQ(file.stage(state), "");
    std::filesystem::create_directory(path.string() + ".new.part");  // as if the disk were full
    set_port(3);
    EXPECT_NE(file.stage(state), "");
    EXPECT_EQ(file.settle(), "");
    std::filesystem::remove(path.string() + ".new.part");
    set_port(4);
    EXPECT_EQ(file.stage(state), "");
    std::filesystem::remove(path.string() + ".new");
    EXPECT_EQ(file.settle(), "") << "it is written once more";
    set_port(5);
    std::filesystem::create_directory(path.string() + ".new.part");
    EXPECT_NE(file.stage(state), "");
  }
  std::filesystem::remove(path.string() + ".new.part");
  StateFile file(path);
  const auto again = file.load();
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->mappings.front().external.port, 4);
}

TEST(PcpStateFile, DamageIsSaidAndNothingIsOverwritten) {
  State state;
  state.secret = std::make_shared<const keys::Secret>(keys::Secret::random(AGENT_SECRET_OCTETS));
  const std::string good = to_text(state);
  EXPECT_TRUE(parse_state(good));
  const std::string more[] = {"mapping 6 8000 198.51.100.1 8001\n",
                              "published home h1. A 192.0.2.1\n", "tried home h1. A 192.0.2.1\n"};
  for (const auto& line : more) EXPECT_TRUE(parse_state(good + line)) << line;
  const std::string wrong[] = {"mapping 6 8000 198.51.100 8001\n",
                               "mapping 6 800000 198.51.100.1 1\n",
                               "mapping 6 8000 198.51.100.1\n",
                               "mapping 6 8000 198.51.100.1 8001 cam\n",
                               "published home h1. A\n",
                               "published home h1. A 192.0.2\n",
                               "published home h1. B 192.0.2.1\n",
                               "published home h1.. A 192.0.2.1\n",
                               "other\n",
                               "mapping 6 8000 1",
                               "secret AAAA\n"};
  for (const auto& line : wrong) {
    const auto result = parse_state(good + line);
    ASSERT_FALSE(result) << line;
    EXPECT_EQ(result.error(), "line 3 is not of a state file");
  }
  EXPECT_FALSE(parse_state(""));
  EXPECT_FALSE(parse_state("pcp-ddns state 1\n"));
  EXPECT_FALSE(parse_state("pcp-ddns state 2\n" + good.substr(good.find('\n') + 1)));
  const Folder folder;
  const auto path = folder.write("agent.state", "nonsense");
  StateFile file(path);
  EXPECT_FALSE(file.load());
  std::ifstream in(path);
  std::string text;
  std::getline(in, text);
  EXPECT_EQ(text, "nonsense");
  StateFile nowhere("/nowhere/agent.state");
  EXPECT_FALSE(nowhere.load());
}

std::string to_text(const std::vector<PcpServer>& servers) {
  std::string text;
  for (const PcpServer& server : servers)
    text.append(text.empty() ? "" : " ").append(to_text(server));
  return text;
}

TEST(DefaultRouter, AllOfThemTheLowestMetricFirst) {
  const std::string heading =
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
  const struct {
    const char* what;
    const char* routes;
    const char* routers;
  } rows[] = {
      {"no route", "", ""},
      {"one", "eth0\t00000000\t0100400A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", "10.64.0.1"},
      {"the lowest metric",
       "eth0\t00000000\t0100400A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
       "eth1\t00000000\t0101A8C0\t0003\t0\t0\t20\t00000000\t0\t0\t0\n",
       "192.168.1.1 10.64.0.1"},
      {"the same twice",
       "eth0\t00000000\t0100400A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
       "eth1\t00000000\t0100400A\t0003\t0\t0\t20\t00000000\t0\t0\t0\n",
       "10.64.0.1"},
      {"a route to a network", "eth0\t0000400A\t0100400A\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0\n", ""},
      {"no gateway", "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", ""},
      {"half of everything", "tun0\t00000000\t0100400A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", ""},
      {"down", "eth0\t00000000\t0100400A\t0002\t0\t0\t0\t00000000\t0\t0\t0\n", ""},
      {"cut off", "eth0\t00000000\t0100", ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(to_text(default_routers(heading + row.routes)), row.routers);
  }
}

TEST(DefaultRouter, OfIpv6WithTheInterfaceOfALinkLocalOne) {
  const std::string zeros(32, '0');
  const auto route = [&](const std::string& destination, const char* gateway, const char* metric,
                         const char* flags) {
    return destination + " " + zeros + " 00 " + gateway + " " + metric + " 00000001 00000000 " +
           flags + "     eth7\n";
  };
  const char* link_local = "fe800000000000000000000000000001";
  const char* global = "20010db8000000000000000000000001";
  const struct {
    const char* what;
    std::string routes;
    const char* routers;
  } rows[] = {
      {"none", "", ""},
      {"one", route(zeros + " 00", global, "00000400", "00000003"), "2001:db8::1"},
      {"link-local", route(zeros + " 00", link_local, "00000400", "00000003"), "fe80::1%7"},
      {"the lowest metric first",
       route(zeros + " 00", link_local, "00000400", "00000003") +
           route(zeros + " 00", global, "00000100", "00000003"),
       "2001:db8::1 fe80::1%7"},
      {"a network", route("fd000000000000000000000000000000 40", global, "00000400", "00000003"),
       ""},
      {"without a gateway", route(zeros + " 00", zeros.c_str(), "00000400", "00000001"), ""},
      {"unreachable", route(zeros + " 00", zeros.c_str(), "ffffffff", "00200200"), ""},
      {"no hexadecimal", route(zeros + " 00", "zz010db8000000000000000000000001", "0", "3"), ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(to_text(default_routers_v6(
                  row.routes,
                  [](const std::string& interface) { return interface == "eth7" ? 7U : 0U; })),
              row.routers);
  }
}

}  // namespace
}  // namespace pcp_ddns
