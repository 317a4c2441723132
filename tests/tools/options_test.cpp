#include "tools/dnsd-update/options.h"

#include <gtest/gtest.h>

#include <vector>

namespace dnsd_update {
namespace {

zones::Result<Options, Exit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "dnsd-update");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, Defaults) {
  const auto options = parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->network.port, 53);
  EXPECT_EQ(options->network.exchange.udp_tries, 4);
  EXPECT_EQ(options->network.exchange.try_timeout, std::chrono::seconds(3));
  EXPECT_EQ(options->network.exchange.total_timeout, std::chrono::seconds(300));
  EXPECT_FALSE(options->network.exchange.tcp_only);
  EXPECT_FALSE(options->session.debug);
  EXPECT_TRUE(options->file.empty());
}

TEST(Options, Times) {
  const struct {
    std::vector<const char*> arguments;
    int tries;
    int each;
    int total;
  } rows[] = {
      {{"-t", "60"}, 4, 3, 60},           {{"-u", "5", "-r", "1"}, 2, 5, 300},
      {{"-r", "0"}, 1, 3, 300},           {{"-u", "0", "-t", "40"}, 4, 10, 40},
      {{"-u", "0", "-t", "0"}, 4, 1, -1},  // rounded up to 1 s; no limit for TCP
  };
  for (const auto& row : rows) {
    const auto options = parse(row.arguments);
    ASSERT_TRUE(options);
    EXPECT_EQ(options->network.exchange.udp_tries, row.tries);
    EXPECT_EQ(options->network.exchange.try_timeout, std::chrono::seconds(row.each));
    if (row.total < 0) {
      EXPECT_GT(options->network.exchange.total_timeout, std::chrono::hours(24));
    } else {
      EXPECT_EQ(options->network.exchange.total_timeout, std::chrono::seconds(row.total));
    }
  }
}

TEST(Options, Flags) {
  const auto options = parse({"-dvi4", "-p", "5353", "-C", "r.conf", "-L", "3", "script"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->session.debug);
  EXPECT_TRUE(options->session.interactive);
  EXPECT_TRUE(options->network.exchange.tcp_only);
  EXPECT_EQ(options->network.family, tools::Family::IPV4);
  EXPECT_EQ(options->network.port, 5353);
  EXPECT_EQ(options->network.resolv_conf, "r.conf");
  EXPECT_EQ(options->file, "script");
  EXPECT_EQ(parse({"-6", "-"})->network.family, tools::Family::IPV6);
  EXPECT_TRUE(parse({"-6", "-"})->file.empty());
  EXPECT_TRUE(parse({"-D"})->session.debug);
  EXPECT_TRUE(parse({"-l", "-k", "x"})->session.local_only);
}

TEST(Options, Refused) {
  const struct {
    std::vector<const char*> arguments;
    const char* text;
  } rows[] = {
      {{"-4", "-6"}, "only one of -4 and -6 allowed"},
      {{"-k", "a", "-y", "b:AAAA"}, "dnsd-update: cannot specify both -k and -y"},
      {{"-p", "foo"}, "bad port number 'foo'"},
      {{"-p", "70000"}, "bad port number '70000'"},
      {{"-p", "0"}, "bad port number '0'"},
      {{"-t", "x"}, "bad timeout 'x'"},
      {{"-u", "x"}, "bad udp timeout 'x'"},
      {{"-r", "x"}, "bad udp retries 'x'"},
      {{"-R", "x"}, "The -R option has been deprecated."},
      {{"-g"}, "dnsd-update: GSS-TSIG is not supported"},
      {{"-o"}, "dnsd-update: GSS-TSIG is not supported"},
      {{"-l"}, "dnsd-update: -l knows no session key"},
      {{"-x"}, "dnsd-update: "},
      {{"-p"}, "dnsd-update: "},
      {{"a", "b"}, "dnsd-update: "},
  };
  for (const auto& row : rows) {
    const auto options = parse(row.arguments);
    ASSERT_FALSE(options) << row.text;
    EXPECT_EQ(options.error().status, 1);
    EXPECT_EQ(options.error().text.substr(0, std::string(row.text).size()), row.text);
    EXPECT_EQ(options.error().text.find('\n'), std::string::npos) << options.error().text;
  }
}

TEST(Options, Printed) {
  EXPECT_EQ(parse({"-V"}).error().text, "dnsd-update " DNSD_VERSION "\n");
  EXPECT_EQ(parse({"-V"}).error().status, 0);
  EXPECT_NE(parse({"--help"}).error().text.find("-k"), std::string::npos);
  EXPECT_EQ(parse({"-P"}).error().text, "");
  const std::string types = parse({"-T"}).error().text;
  EXPECT_EQ(types.substr(0, 5), "A\nNS\n");
  EXPECT_NE(types.find("\nSRV\n"), std::string::npos);
  EXPECT_NE(types.find("\nURI\n"), std::string::npos);
  EXPECT_EQ(types.find("AXFR"), std::string::npos);
  EXPECT_EQ(types.find("TYPE"), std::string::npos);
}

TEST(Options, Keys) {
  const struct {
    const char* text;
    const char* name;  // empty: an error
    keys::Algorithm algorithm;
  } rows[] = {
      {"h1.example:AAAA", "h1.example.", keys::Algorithm::HMAC_SHA256},
      {"hmac-sha512:h1.example.:AAAA", "h1.example.", keys::Algorithm::HMAC_SHA512},
      {"foo", "", {}},
      {"foo:", "", {}},
      {":AAAA", "", {}},
      {"foo:!!", "", {}},
      {"hmac-x:foo:AAAA", "", {}},
      {"hmac-sha256:foo:AAAA:x", "", {}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    Options options;
    options.key_text = row.text;
    const auto key = read_key(options);
    ASSERT_EQ(static_cast<bool>(key), *row.name != '\0');
    if (!key) {
      EXPECT_EQ(key.error().find("AAAA"), std::string::npos);
      continue;
    }
    const auto& shared = std::get<keys::TsigKey>(*key);
    EXPECT_EQ(shared.name.to_text(), row.name);
    EXPECT_EQ(shared.algorithm, row.algorithm);
  }
  const auto none = read_key(Options{});
  ASSERT_TRUE(none);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*none));
  Options options;
  options.key_file = "/nonexistent/k.key";
  const auto missing = read_key(options);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().substr(0, 43), "could not read key from /nonexistent/k.key:");
}

}  // namespace
}  // namespace dnsd_update
