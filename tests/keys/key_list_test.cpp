#include "keys/key_list.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include "keys/vectors.h"

namespace keys {
namespace {

/// A file that is removed at the end.
class TempFile {
 public:
  explicit TempFile(const std::string& text) {
    std::string pattern = (std::filesystem::temp_directory_path() / "keys-XXXXXX").string();
    const int descriptor = mkstemp(pattern.data());
    if (descriptor < 0) throw std::runtime_error("no temporary file");
    close(descriptor);
    path_ = pattern;
    std::ofstream(path_) << text;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

constexpr const char* SECRET = ":MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\n";

// Above 8 MiB several threads read.
constexpr std::size_t LINES = 150'000;

TEST(KeyList, EachLineOfALongFileComesOnceWithItsNumber) {
  std::string text;
  for (std::size_t i = 1; i <= LINES; ++i) {
    text += i % 1'000 == 0 ? "# a remark\n" : "h" + std::to_string(i) + ".dyn.example." + SECRET;
  }
  const TempFile file(text);
  Keyring keyring;
  std::size_t wrong_numbers = 0;
  const auto failure = read_key_list(
      file.path(),
      [&](const TsigKey& key, std::size_t line) {
        EXPECT_TRUE(keyring.add(key));
        const std::string label = key.name.to_text();
        wrong_numbers += label.substr(1, label.find('.') - 1) != std::to_string(line);
      },
      [](std::size_t, const std::string&) { return true; });
  EXPECT_EQ(failure, std::nullopt);
  EXPECT_EQ(wrong_numbers, 0U);
  EXPECT_EQ(keyring.size(), LINES - LINES / 1'000);
}

TEST(KeyList, WhatIsWrongIsToldWithoutASecret) {
  const std::string secret = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
  const std::string wrong[] = {secret + ":h1.example.", secret + ":hmac-sha256:h1.example.",
                               "h1.example.:" + secret + ":hmac-sha256", secret,
                               "hmac-sha256:h1.example:" + secret + "!"};
  for (const std::string& line : wrong) {
    const TempFile file("\n" + line + "\n");
    std::size_t told = 0;
    read_key_list(
        file.path(), [](const TsigKey& key, std::size_t) { ADD_FAILURE() << key.name.to_text(); },
        [&](std::size_t number, const std::string& what) {
          EXPECT_EQ(number, 2U);
          EXPECT_EQ(what.find(secret.substr(0, 8)), std::string::npos) << what;
          return ++told != 0;
        });
    EXPECT_EQ(told, 1U) << line;
  }
}

TEST(KeyList, EndsWhenItHasToldEnough) {
  std::string text;
  for (std::size_t i = 0; i < 2'000'000; ++i) text += "wrong\n";
  const TempFile file(text);
  std::size_t told = 0;
  read_key_list(
      file.path(), [](const TsigKey&, std::size_t) {},
      [&](std::size_t, const std::string&) { return ++told < 20; });
  EXPECT_EQ(told, 20U);
}

}  // namespace
}  // namespace keys
