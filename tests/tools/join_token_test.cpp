// The token that brings a host its key.
#include "tools/common/join_token.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tools/pcp-ddns/config.h"
#include "tools/pcp-ddns/join.h"
#include "zones/crc32.h"

namespace tools {
namespace {

JoinToken example() {
  JoinToken token;
  token.zone = zones::Name::from_text("dyn.example.").value();
  token.host = zones::Name::from_text("h1.dyn.example.").value();
  token.server = "[2001:db8::53]:5300";
  token.portal = {keys::address_from_text("192.0.2.10").value(),
                  keys::address_from_text("2001:db8::10").value()};
  token.portal_port = 8080;
  token.key = {token.host, keys::Algorithm::HMAC_SHA512,
               std::make_shared<const keys::Secret>(keys::Secret::random(64))};
  return token;
}

/// A token of lines, with the right checksum.
std::string token_of(std::string lines) {
  const auto octets = [&] {
    return std::span(reinterpret_cast<const std::uint8_t*>(lines.data()), lines.size());
  };
  const std::uint32_t crc = zones::crc32(0, octets());
  for (int shift = 24; shift >= 0; shift -= 8) lines += static_cast<char>(crc >> shift & 0xff);
  return "dnsd1:" + keys::Secret(octets()).to_base64();
}

TEST(JoinToken, ReadsBackAsItWas) {
  const JoinToken token = example();
  const std::string text = to_text(token);
  EXPECT_EQ(text.find_first_of(" \n"), std::string::npos) << "one word";
  for (const std::string& pasted : {text, " \t" + text + "\r\n"}) {
    const auto again = parse_join_token(pasted);
    ASSERT_TRUE(again) << again.error();
    EXPECT_EQ(again->zone, token.zone);
    EXPECT_EQ(again->host, token.host);
    EXPECT_EQ(again->server, token.server);
    EXPECT_EQ(again->portal, token.portal);
    EXPECT_EQ(again->portal_port, token.portal_port);
    EXPECT_EQ(again->key.name, token.key.name);
    EXPECT_EQ(again->key.algorithm, token.key.algorithm);
    EXPECT_TRUE(keys::equal_constant_time(again->key.secret->octets(), token.key.secret->octets()));
  }
}

TEST(JoinToken, ADamagedOneIsNone) {
  const std::string text = to_text(example());
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(parse_join_token(text.substr(0, i))) << "cut off at " << i;
    std::string wrong = text;
    wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(parse_join_token(wrong)) << "another character at " << i;
  }
  EXPECT_FALSE(parse_join_token("dnsd1:" + std::string(MAX_TOKEN_OCTETS, 'A')));
}

TEST(JoinToken, WhatItMustSay) {
  const std::string key =
      "key h1.dyn.example. hmac-sha256 MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\n";
  const std::string names = "zone dyn.example.\nhost h1.dyn.example.\n";
  EXPECT_TRUE(parse_join_token(token_of(names + key)));
  EXPECT_EQ(parse_join_token(token_of(names + key))->portal_port, 0);
  EXPECT_TRUE(parse_join_token(token_of(names + key + "later x\n"))) << "what later versions add";
  const std::string wrong[] = {"",
                               names,
                               key,
                               "zone dyn.example.\n" + key,
                               "zone example.org.\nhost h1.dyn.example.\n" + key,
                               "zone .\nhost h1.dyn.example.\n" + key,
                               names + key + key,
                               names + key + "server\n",
                               names + key + "server a\"b\n",
                               names + key + "portal gw\n",
                               names + key + "portal-port 0\n",
                               names + key + "portal-port 80a\n",
                               names + key + "portal-port 65536\n",
                               names + key + "server x",
                               names + "key h1.dyn.example. md5 AAAA\n",
                               names + "key h1.dyn.example. hmac-sha256 !\n"};
  for (const std::string& lines : wrong) {
    const auto result = parse_join_token(token_of(lines));
    ASSERT_FALSE(result) << lines;
    EXPECT_EQ(result.error().find("AAAA"), std::string::npos) << "nothing of it is shown";
  }
}

struct Folder {
  Folder() {
    char name[] = "/tmp/pcp-ddns-test-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

TEST(PcpJoin, WritesAConfigurationThatIsRight) {
  const Folder folder;
  const std::string token = to_text(example());
  const pcp_ddns::JoinOptions options{folder.path / "agent.toml",
                                      {"_http._tcp:8000", "_sip._udp:5060"}};
  std::ostringstream out;
  ASSERT_EQ(pcp_ddns::join(options, token, out), "");
  EXPECT_EQ(out.str().find(token), std::string::npos);
  for (const char* name : {"agent.toml", "h1.dyn.example.key"}) {
    struct stat status {};
    ASSERT_EQ(stat((folder.path / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600U);
  }
  const auto result = pcp_ddns::read_config(options.config);
  ASSERT_TRUE(result.config);
  EXPECT_TRUE(result.warnings.empty());
  EXPECT_EQ(result.config->providers[0].port, 5300);
  EXPECT_EQ(result.config->providers[0].portal, example().portal);
  EXPECT_EQ(result.config->providers[0].portal_port, 8080);
  EXPECT_EQ(result.config->services.size(), 2U);
  EXPECT_NE(pcp_ddns::join(options, token, out).find("it is not overwritten"), std::string::npos);
}

TEST(PcpJoin, NothingIsLeftOfAFailure) {
  const std::string token = to_text(example());
  for (const char* service : {"_http._tcp", "_http._tcp:0", "http:8000", "_http._tcp:80000",
                              "_a\"._tcp:1", "_http._sctp:1"}) {
    const Folder folder;
    std::ostringstream out;
    EXPECT_NE(pcp_ddns::join({folder.path / "agent.toml", {service}}, token, out), "") << service;
    EXPECT_TRUE(std::filesystem::is_empty(folder.path)) << service;
  }
  const Folder folder;
  std::ofstream(folder.path / "agent.toml") << "mine";
  std::ostringstream out;
  EXPECT_NE(pcp_ddns::join({folder.path / "agent.toml", {"_http._tcp:1"}}, token, out), "");
  EXPECT_FALSE(std::filesystem::exists(folder.path / "h1.dyn.example.key"));
  EXPECT_TRUE(std::filesystem::exists(folder.path / "agent.toml"));
  EXPECT_NE(pcp_ddns::join({folder.path / "other.toml", {"_http._tcp:1"}}, "dnsd1:AAAA", out), "");
}

TEST(PcpJoin, ReadsOneLine) {
  const struct {
    std::string in;
    std::string token;
  } rows[] = {{"dnsd1:AAAA\nmore", "dnsd1:AAAA"},
              {"\n\ndnsd1:AAAA", "dnsd1:AAAA"},
              {"", ""},
              {std::string(3 * MAX_TOKEN_OCTETS, 'x'), std::string(MAX_TOKEN_OCTETS + 1, 'x')}};
  for (const auto& row : rows) {
    std::istringstream in(row.in);
    EXPECT_EQ(pcp_ddns::read_token(in), row.token);
  }
}

}  // namespace
}  // namespace tools
