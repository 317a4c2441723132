#include "keys/keyring.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "keys/hmac.h"
#include "keys/vectors.h"

namespace keys {
namespace {

using test::Octets;

TEST(Keyring, FindsWithoutCase) {
  Keyring keyring;
  EXPECT_TRUE(keyring.add(test::make_key("H1.dyn.example.")));
  EXPECT_TRUE(keyring.add(test::make_key("h2.dyn.example.", Algorithm::HMAC_SHA512)));
  EXPECT_EQ(keyring.size(), 2U);
  const auto found = keyring.find(test::name("h1.DYN.example."));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name.to_text(), "H1.dyn.example.");
  EXPECT_EQ(keyring.find(test::name("h2.dyn.example."))->algorithm, Algorithm::HMAC_SHA512);
  EXPECT_FALSE(keyring.find(test::name("dyn.example.")));
  EXPECT_FALSE(keyring.find(zones::NameView()));
  EXPECT_FALSE(Keyring().find(test::name("h1.dyn.example.")));
}

TEST(Keyring, Rfc8945OneAlgorithmAName) {
  Keyring keyring;
  EXPECT_TRUE(keyring.add(test::make_key("h1.dyn.example.")));
  EXPECT_FALSE(keyring.add(test::make_key("H1.dyn.example.", Algorithm::HMAC_SHA1)));
  EXPECT_EQ(keyring.find(test::name("h1.dyn.example."))->algorithm, Algorithm::HMAC_SHA256);
}

TEST(Keyring, CopiesAreTheSameKeyring) {
  Keyring keyring;
  const Keyring copy = keyring;
  keyring.add(test::make_key("h1.dyn.example."));
  EXPECT_EQ(copy.size(), 1U);
}

Octets secret_of(std::size_t number, std::size_t size) {
  Octets octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(number * 31 + i);
  return octets;
}

// More than one block of them (512 KiB), with secrets of any size.
TEST(Keyring, ManyKeysKeepNameAlgorithmAndSecret) {
  constexpr std::size_t KEYS = 20'000;
  const std::size_t sizes[] = {1, 16, 20, 32, 64, 65, 300};
  const auto size_of = [&](std::size_t i) {
    return i == 5'000 ? std::size_t{600'000} : sizes[i % std::size(sizes)];  // beyond a block
  };
  const auto name_of = [](std::size_t i) {
    return test::name("h" + std::to_string(i) + ".dyn.example.");
  };
  const auto algorithm_of = [](std::size_t i) { return static_cast<Algorithm>(1 + i % 5); };
  Keyring keyring;
  keyring.add(
      {name_of(0), algorithm_of(0), std::make_shared<const Secret>(secret_of(0, size_of(0)))});
  const auto first = keyring.find(name_of(0));
  ASSERT_TRUE(first);
  for (std::size_t i = 1; i < KEYS; ++i) {
    const auto secret = std::make_shared<const Secret>(secret_of(i, size_of(i)));
    ASSERT_TRUE(keyring.add({name_of(i), algorithm_of(i), secret}));
  }
  EXPECT_EQ(keyring.size(), KEYS);
  for (std::size_t i = 0; i < KEYS; ++i) {
    const auto found = keyring.find(name_of(i));
    ASSERT_TRUE(found) << i;
    EXPECT_TRUE(found->name.identical(name_of(i)));
    EXPECT_EQ(found->algorithm, algorithm_of(i));
    const Octets secret = secret_of(i, size_of(i));
    ASSERT_TRUE(std::ranges::equal(found->secret, secret)) << i;
    ASSERT_FALSE(keyring.add(test::make_key("H" + std::to_string(i) + ".DYN.example.")));
  }
  EXPECT_EQ(keyring.find(name_of(0))->secret.data(), first->secret.data()) << "it has moved";
  EXPECT_FALSE(keyring.find(name_of(KEYS)));
  std::size_t visited = 0;
  EXPECT_FALSE(keyring.any_of([&](const KeyView&) { return ++visited == 0; }));
  EXPECT_EQ(visited, KEYS);
  EXPECT_TRUE(keyring.any_of([&](const KeyView& key) { return key.name == name_of(7).view(); }));
}

TEST(Algorithm, Rfc8945Names) {
  struct Row {
    const char* text;
    std::optional<Algorithm> want;
  };
  const Row rows[] = {
      {"hmac-sha1", Algorithm::HMAC_SHA1},
      {"hmac-sha224", Algorithm::HMAC_SHA224},
      {"hmac-sha256", Algorithm::HMAC_SHA256},
      {"hmac-sha384", Algorithm::HMAC_SHA384},
      {"hmac-sha512", Algorithm::HMAC_SHA512},
      {"HMAC-SHA256.", Algorithm::HMAC_SHA256},
      {"hmac-md5", std::nullopt},
      {"hmac-md5.sig-alg.reg.int.", std::nullopt},
      {"gss-tsig", std::nullopt},
      {"hmac-sha256-128", std::nullopt},
      {"hmac-sha256.example.", std::nullopt},
      {"", std::nullopt},
      {".", std::nullopt},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    EXPECT_EQ(algorithm_from_text(row.text), row.want);
    EXPECT_EQ(algorithm_from_name(zones::Name::from_text(row.text).value_or(zones::Name())),
              row.want);
    if (!row.want) continue;
    EXPECT_EQ(algorithm_from_text(to_text(*row.want)), row.want);
    EXPECT_EQ(algorithm_name(*row.want), test::name(to_text(*row.want) + ".").view());
  }
}

// RFC 4231 §4.2 (test case 1) and RFC 2202 §3 (test case 1): key 0x0b twenty times, data "Hi
// There".
TEST(Hmac, PublishedVectors) {
  struct Row {
    Algorithm algorithm;
    const char* want;
  };
  const Row rows[] = {
      {Algorithm::HMAC_SHA1, "b617318655057264e28bc0b6fb378c8ef146be00"},
      {Algorithm::HMAC_SHA224, "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22"},
      {Algorithm::HMAC_SHA256, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {Algorithm::HMAC_SHA384,
       "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2f"
       "a9cb6"},
      {Algorithm::HMAC_SHA512,
       "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea"
       "3f4e4"
       "be9d914eeb61f1702e696c203a126854"},
  };
  const std::string data = "Hi There";
  for (const Row& row : rows) {
    SCOPED_TRACE(to_text(row.algorithm));
    const auto hmac = Hmac::make(row.algorithm, test::Octets(20, 0x0b));
    for (int round = 0; round < 2; ++round) {  // a run leaves the key as it was
      std::array<std::uint8_t, MAX_MAC_OCTETS> mac;
      HmacRun abandoned(*hmac);
      abandoned.update(test::Octets{1, 2, 3});
      HmacRun run(*hmac);
      for (const char octet : data) run.update(test::Octets{static_cast<std::uint8_t>(octet)});
      const std::size_t size = run.finish(mac);
      EXPECT_EQ(test::Octets(mac.begin(), mac.begin() + static_cast<std::ptrdiff_t>(size)),
                test::from_hex(row.want));
    }
  }
}

}  // namespace
}  // namespace keys
