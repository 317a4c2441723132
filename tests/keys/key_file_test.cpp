#include "keys/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "keys/vectors.h"

namespace keys {
namespace {

namespace fs = std::filesystem;

constexpr const char* BASE64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// "name algorithm octets; ..." or the error.
std::string shown(const zones::Result<std::vector<TsigKey>, KeyFileError>& keys) {
  if (!keys) return keys.error().to_text();
  std::string text;
  for (const TsigKey& key : *keys) {
    text += key.name.to_text() + " " + to_text(key.algorithm) + " " +
            std::to_string(key.secret->octets().size()) + "; ";
  }
  return text;
}

std::string parsed(std::string_view text, const fs::path& file = "f") {
  return shown(parse_key_file(text, file));
}

TEST(KeyFile, AsTheToolsWriteThem) {
  struct Row {
    const char* file;
    const char* want;
  };
  const Row rows[] = {
      {"tsig-keygen.key", "h1.dyn.example. hmac-sha512 64; "},
      {"several.key",
       "one.example. hmac-sha1 20; two.example. hmac-sha224 28; quo\\\"ted.example. hmac-sha384 "
       "48; "},
      {"keymgr.yaml", "h1.dyn.example. hmac-sha256 32; "},
      {"knsupdate.key", "h1.dyn.example. hmac-sha256 32; "},
      {"Kh1.dyn.example.+163+12345.private", "h1.dyn.example. hmac-sha256 32; "},
      {"Kh1.dyn.example.+163+12345.key", "h1.dyn.example. hmac-sha256 32; "},
      {"Kh1.dyn.example.+163+12345", "h1.dyn.example. hmac-sha256 32; "},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.file);
    EXPECT_EQ(shown(read_key_file(fs::path(TEST_DATA "/keys") / row.file)), row.want);
  }
}

TEST(KeyFile, ToolsFilesThatCannotServe) {
  struct Row {
    const char* file;
    std::size_t line;
    const char* want;
    bool is_sig0_key;
  };
  const Row rows[] = {
      {"Kfoo.example.+013+21689.private", 2, "this is the private key of a pair", true},
      {"Kfoo.example.+013+21689.key", 2, "this is the private key of a pair", true},
      {"Kfoo.example.+013+21689", 2, "this is the private key of a pair", true},
      {"Kold.example.+157+00042.private", 3, "hmac-md5 is not safe", false},
      {"ddns-confgen.txt", 12, "expected a statement: key", false},
      {"no-such.key", 0, "cannot be opened: No such file", false},
      {".", 0, "cannot be read: Is a directory", false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.file);
    const auto keys = read_key_file(fs::path(TEST_DATA "/keys") / row.file);
    ASSERT_FALSE(keys.has_value());
    EXPECT_EQ(keys.error().line, row.line);
    EXPECT_NE(keys.error().message.find(row.want), std::string::npos) << keys.error().message;
    EXPECT_EQ(keys.error().is_sig0_key, row.is_sig0_key);
  }
}

TEST(KeyFile, SecretIsReadRight) {
  const auto keys = read_key_file(TEST_DATA "/keys/Kh1.dyn.example.+163+12345.private");
  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ(keys->front().secret->to_base64(), BASE64);
}

TEST(KeyFile, NamedConf) {
  struct Row {
    const char* text;
    const char* want;
  };
  const Row rows[] = {
      {R"(key "a.example" { algorithm hmac-sha256; secret "AAEC"; };)",
       "a.example. hmac-sha256 3; "},
      {R"(key a.example{secret AAEC;algorithm HMAC-SHA256;};)", "a.example. hmac-sha256 3; "},
      {"/* one */ key /* two */ a // three\n { algorithm # four\n \"hmac-sha1\"; secret \"AAEC\"; "
       "};# five",
       "a. hmac-sha1 3; "},
      {"# c\n// d\n/* e\n f */\nKEY \"a\" { algorithm hmac-sha512; secret \"AA EC\"; };\n",
       "a. hmac-sha512 3; "},
      {R"(key "a" { algorithm hmac-sha256; secret "AAEC"; }; key "b." { algorithm hmac-sha1; secret "AAE="; };)",
       "a. hmac-sha256 3; b. hmac-sha1 2; "},
      {"key \"a\" {\n algorithm hmac-sha256;\n secret \"AAEC\"\n};",
       "f:4: expected ';' after the secret"},
      {"key \"a\" {\n algorithm hmac-sha256;\n secret \"AAEC\";\n}",
       "f:4: expected ';' after the key's '}'"},
      {"key \"a\" {\n algorithm hmac-sha256;\n",
       "f:3: expected \"algorithm\", \"secret\" or '}' in the key"},
      {"key \"a\" {\n algorithm ;\n", "f:2: expected the algorithm, such as hmac-sha256"},
      {"key \"a\" {\n secret };", "f:2: expected the secret, base64 in quotes"},
      {"key \"a\" { secret \"AAEC\"; secret \"AAEC\"; };", "f:1: a second secret"},
      {"key \"a\" { algorithm hmac-sha1; algorithm hmac-sha1; };", "f:1: a second algorithm"},
      {"key { algorithm hmac-sha1; };", "f:1: expected the key's name after \"key\""},
      {"key \"a\" algorithm hmac-sha1;", "f:1: expected '{' after the key's name"},
      {"key \"a\" { secret \"AAEC\"; };", "f:1: the key has no algorithm; hmac-sha256 is usual"},
      {"\nkey \"a\" { algorithm hmac-sha1; };", "f:2: the secret of key a. is missing"},
      {"key \"a\" { algorithm hmac-sha1; secret \"AAE\"; };",
       "f:1: the secret of key a. is not base64"},
      {"key \"a\" { algorithm hmac-sha1; secret \"\"; };",
       "f:1: the secret of key a. is not base64"},
      {"key \"a\" { algorithm hmac-sha3; secret \"AAEC\"; };",
       "f:1: unknown algorithm \"hmac-sha3\"; known are hmac-sha1, hmac-sha224, hmac-sha256, "
       "hmac-sha384, hmac-sha512"},
      {"key \"a\" { algorithm hmac-md5; secret \"AAEC\"; };",
       "f:1: hmac-md5 is not safe and not offered; make a new key with: tsig-keygen -a hmac-sha256 "
       "NAME"},
      {"key \"a..b\" { algorithm hmac-sha1; secret \"AAEC\"; };",
       "f:1: \"a..b\" is no domain name (a label is empty), as a key's name has to be"},
      {"key \".\" { algorithm hmac-sha1; secret \"AAEC\"; };", "f:1: the key has no name"},
      {"key \"a {\n", "f:1: the string has no closing '\"'"},
      {"key \"a\" {\n/* algorithm", "f:2: the comment has no \"*/\""},
      {"/* key", "f:1: the comment has no \"*/\""},
      {"key \"a\" { algorithm hmac-sha256; secret \"AAEC\"; };\n\noptions { };",
       "f:3: expected a statement: key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    EXPECT_EQ(parsed(row.text), row.want);
  }
}

TEST(KeyFile, KnotConf) {
  struct Row {
    const char* text;
    const char* want;
  };
  const Row rows[] = {
      {"key:\n  - id: a\n    algorithm: hmac-sha256\n    secret: AAEC\n", "a. hmac-sha256 3; "},
      {"# x\nkey:\n- id: \"a\" # c\n  secret: \"AAEC\"\n\n  algorithm: hmac-sha1\n  - id: b.\n    "
       "algorithm: "
       "hmac-sha512\n    secret: AAE=",
       "a. hmac-sha1 3; b. hmac-sha512 2; "},
      {"key:\n  - id: a\n    algorithm: hmac-sha256\n", "f:2: the secret of key a. is missing"},
      {"key:\n  - id: a\n    algorithm: hmac-sha256\n    secret: !\n  - id: b\n",
       "f:2: the secret of key a. is not base64"},
      {"key:\n  - algorithm: hmac-sha256\n", "f:2: expected a key to begin with \"- id: NAME\""},
      {"key:\n    algorithm: hmac-sha256\n", "f:2: expected a key to begin with \"- id: NAME\""},
      {"key:\n  - id: a\n    id: b\n", "f:3: expected a key to begin with \"- id: NAME\""},
      {"key:\n  - id:\n", "f:2: expected \"FIELD: VALUE\""},
      {"key:\n  - id: a\n    secret: AAEC\n    secret: AAEC\n",
       "f:4: expected \"algorithm: hmac-sha256\" and \"secret: BASE64\", once each"},
      {"key:\n  - id: a\n    algorithm: hmac-sha256\n    secret: AAEC\nacl:\n",
       "f:5: expected one section \"key:\""},
      {"key:\n",
       "f: holds no key; expected what tsig-keygen, keymgr -t or dnssec-keygen write, or a line "
       "[ALGORITHM:]NAME:SECRET"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    EXPECT_EQ(parsed(row.text), row.want);
  }
}

TEST(KeyFile, Lines) {
  struct Row {
    const char* text;
    const char* want;
  };
  const Row rows[] = {
      {"hmac-sha512:a.example:AAEC\n", "a.example. hmac-sha512 3; "},
      {"# knsupdate\n\n a.example:AAEC \r\nhmac-sha1:b:AAE=",
       "a.example. hmac-sha256 3; b. hmac-sha1 2; "},
      {"key:AAEC", "key. hmac-sha256 3; "},
      {"a:AAEC\nb", "f:2: expected [ALGORITHM:]NAME:SECRET, such as hmac-sha256:h1.example:BASE64"},
      {"a:b:c:d",
       "f:1: unknown algorithm \"a\"; known are hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384, "
       "hmac-sha512"},
      {"hmac-sha256:a:AAEC:", "f:1: the secret of key a. is not base64"},
      {":AAEC", "f:1: \"\" is no domain name (a label is empty), as a key's name has to be"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    EXPECT_EQ(parsed(row.text), row.want);
  }
  for (const char* text : {"", "\n\n", "# a\n", "hello", "-----BEGIN PRIVATE KEY-----"}) {
    EXPECT_EQ(parsed(text).substr(0, 15), "f: holds no key") << text;
  }
}

TEST(KeyFile, KFiles) {
  struct Row {
    const char* file;
    const char* text;
    const char* want;
  };
  const Row rows[] = {
      {"Ka.example.+165+00001.private",
       "Private-key-format: v1.2\nAlgorithm: 165 (HMAC_SHA512)\nKey: AAEC\nBits: AAA=\n",
       "a.example. hmac-sha512 3; "},
      {"/tmp/K*.example.+161+00001.private",
       "Private-key-format: v1.2\nAlgorithm: 161\nKey: AAEC\n", "*.example. hmac-sha1 3; "},
      {"Ka.+161+00001.private", "Private-key-format: v1.2\nAlgorithm: 161\n",
       "Ka.+161+00001.private:2: expected a line \"Key: BASE64\""},
      {"Ka.+161+00001.private", "Private-key-format: v1.2\nKey: AAEC\n",
       "Ka.+161+00001.private:2: expected a line \"Algorithm: 163 (HMAC_SHA256)\""},
      {"Ka.+161+00001.private", "Private-key-format: v1.2\nAlgorithm: 161\nKey: ?\n",
       "Ka.+161+00001.private:3: the secret of key a. is not base64"},
      {"no-such-place/x.private", "Private-key-format: v1.2\nAlgorithm: 161\nKey: AAEC\n",
       "no-such-place/x.private: the key's name is unknown: name the file "
       "K<name>.+<algorithm>+<id>.private as "
       "dnssec-keygen does, or put the .key file beside it"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    EXPECT_EQ(parsed(row.text, row.file), row.want);
  }
  for (const char* number : {"8 (RSASHA256)", "13", "14", "15 (ED25519)", "", "x"}) {
    const auto keys =
        parse_key_file("Private-key-format: v1.3\nAlgorithm: " + std::string(number) + "\n", "K");
    ASSERT_FALSE(keys.has_value()) << number;
    EXPECT_TRUE(keys.error().is_sig0_key);
  }
}

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "key_file_test.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path write(const char* file_name, std::string_view text,
                 fs::perms mode = fs::perms(0600)) const {
    std::ofstream(path_ / file_name) << text;
    fs::permissions(path_ / file_name, mode);
    return path_ / file_name;
  }

 private:
  fs::path path_;
};

TEST(KeyFile, ARenamedKFileTakesItsNameFromTheKeyRecord) {
  const Folder folder;
  folder.write("mine.key", "; a comment\nb.example. IN KEY 512 3 163 AAEC\n");
  const fs::path file =
      folder.write("mine.private", "Private-key-format: v1.3\nAlgorithm: 163\nKey: AAEC\n");
  EXPECT_EQ(shown(read_key_file(file)), "b.example. hmac-sha256 3; ");
}

TEST(KeyFile, WarnsWhenEverybodyMayReadIt) {
  struct Row {
    unsigned mode;
    const char* want;  // nullptr for none
  };
  const Row rows[] = {{0600, nullptr},
                      {0640, nullptr},
                      {0644, "everybody may read it"},
                      {0602, "everybody may change it"}};
  const Folder folder;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.mode);
    const auto warning = key_file_warning(folder.write("key", "a:AAEC", fs::perms(row.mode)));
    ASSERT_EQ(warning.has_value(), row.want != nullptr);
    if (row.want != nullptr) {
      EXPECT_NE(warning->find(row.want), std::string::npos) << *warning;
    }
  }
  EXPECT_EQ(key_file_warning("no-such-file"), std::nullopt);
  // The .key file may be open to all; the secret is in the other one.
  folder.write("Ka.+163+00001.key", "", fs::perms(0644));
  folder.write("Ka.+163+00001.private", "", fs::perms(0600));
  EXPECT_EQ(key_file_warning(folder.write("Ka.+163+00001.key", "", fs::perms(0644))), std::nullopt);
}

TEST(KeyFile, ALargeFileIsReadWhole) {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "h" + std::to_string(i) + ".example:" + BASE64 + "\n";
  const auto keys = read_key_file(folder.write("many", text));
  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ(keys->size(), 2000U);
  EXPECT_EQ(keys->back().name.to_text(), "h1999.example.");
  text.resize((std::size_t{16} << 20) + 1, '\n');
  EXPECT_NE(shown(read_key_file(folder.write("huge", text))).find("too large"), std::string::npos);
}

TEST(KeyFile, Options) {
  const auto key = parse_key_option(std::string("hmac-sha384:h1.example:") + BASE64);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->name.to_text(), "h1.example.");
  EXPECT_EQ(key->algorithm, Algorithm::HMAC_SHA384);
  EXPECT_EQ(key->secret->to_base64(), BASE64);
  EXPECT_EQ(parse_key_option("h1.example:AAEC")->algorithm, Algorithm::HMAC_SHA256);
  for (const char* text :
       {"", "a", ":", "a:", "::", "hmac-sha256:a:", "hmac-md5:a:AAEC", "x:a:AAEC", "a:$$$"}) {
    EXPECT_FALSE(parse_key_option(text).has_value()) << text;
  }
}

TEST(KeyFile, ErrorsDoNotShowTheSecret) {
  const std::string secret = "QUJDREVGR0hJSktMTU5PUA";  // without its padding
  for (const std::string& text :
       {"hmac-sha256:a:" + secret, "a:" + secret,
        "key \"a\" { algorithm hmac-sha256; secret \"" + secret + "\"; };",
        "key \"a\" { algorithm hmac-sha256; secret " + secret + " }",
        "key:\n - id: a\n   algorithm: hmac-sha1\n   secret: " + secret,
        "Private-key-format: v1.3\nAlgorithm: 163\nKey: " + secret}) {
    const std::string error = parsed(text, "Ka.+163+00001.private");
    EXPECT_EQ(error.find(secret), std::string::npos) << error;
    EXPECT_NE(error.find("Ka.+163"), std::string::npos) << error;
  }
}

TEST(KeyFile, NamedConfRoundTrip) {
  for (const char* key_name :
       {"h1.dyn.example.", "*.dyn.example.", "quo\\\"te.example.", "back\\\\slash.", "sp\\032ace.",
        "dot\\.in.label.", "semi\\;colon.", "hash\\035.", "a/*b.", "UPPER.Case."}) {
    for (const Algorithm algorithm : {Algorithm::HMAC_SHA1, Algorithm::HMAC_SHA512}) {
      SCOPED_TRACE(key_name);
      TsigKey key = test::make_key(key_name, algorithm);
      const auto again = parse_key_file(to_named_conf(key), "f");
      ASSERT_TRUE(again.has_value()) << again.error().to_text();
      ASSERT_EQ(again->size(), 1U);
      EXPECT_TRUE(again->front().name.view().identical(key.name));
      EXPECT_EQ(again->front().algorithm, algorithm);
      EXPECT_EQ(again->front().secret->to_base64(), BASE64);
    }
  }
  EXPECT_EQ(to_named_conf(test::make_key("h1.dyn.example.")),
            std::string("key \"h1.dyn.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"") +
                BASE64 + "\";\n};\n");
}

}  // namespace
}  // namespace keys
