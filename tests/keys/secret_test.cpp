#include "keys/secret.h"

#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <ostream>
#include <thread>

#include "keys/protected_memory.h"
#include "keys/vectors.h"

namespace keys {
namespace {

using test::Octets;

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(Streamable<int>);
static_assert(!Streamable<Secret>);
static_assert(fmt::is_formattable<int>::value);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);

Octets octets_of(const Secret& secret) { return {secret.octets().begin(), secret.octets().end()}; }

TEST(Secret, Base64) {
  struct Row {
    const char* text;
    std::optional<Octets> want;
  };
  const Row rows[] = {
      {"AAEC", Octets{0, 1, 2}},    {"AAE=", Octets{0, 1}},
      {"AA==", Octets{0}},          {" A A\tE\r\nC ", Octets{0, 1, 2}},
      {"/+8=", Octets{0xff, 0xef}}, {"", std::nullopt},
      {" ", std::nullopt},          {"A", std::nullopt},
      {"AAE", std::nullopt},        {"AA=", std::nullopt},
      {"A===", std::nullopt},       {"AAEC!", std::nullopt},
      {"_-8=", std::nullopt},       {"AAE=AAEC", std::nullopt},
      {"AAF=", std::nullopt},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto secret = Secret::from_base64(row.text);
    ASSERT_EQ(secret.has_value(), row.want.has_value());
    if (secret) {
      EXPECT_EQ(octets_of(*secret), *row.want);
    }
  }
}

TEST(Secret, Base64RoundTripOfEverySize) {
  for (std::size_t size = 1; size < 700; size += 13) {
    const Secret secret = Secret::random(size);
    const auto again = Secret::from_base64(secret.to_base64());
    ASSERT_TRUE(again.has_value());
    EXPECT_TRUE(equal_constant_time(again->octets(), secret.octets()));
  }
}

TEST(Secret, RandomOnesDiffer) {
  EXPECT_NE(octets_of(Secret::random(32)), octets_of(Secret::random(32)));
}

TEST(Secret, MoveLeavesNothingBehind) {
  Secret first(Octets{1, 2, 3});
  Secret second(std::move(first));
  EXPECT_TRUE(first.octets().empty());  // NOLINT: that is the question
  EXPECT_EQ(octets_of(second), (Octets{1, 2, 3}));
  Secret third(Octets{4});
  third = std::move(second);
  EXPECT_EQ(octets_of(third), (Octets{1, 2, 3}));
}

TEST(Secret, EqualConstantTime) {
  EXPECT_TRUE(equal_constant_time(Octets{1, 2}, Octets{1, 2}));
  EXPECT_TRUE(equal_constant_time({}, {}));
  EXPECT_FALSE(equal_constant_time(Octets{1, 2}, Octets{1, 3}));
  EXPECT_FALSE(equal_constant_time(Octets{1, 2}, Octets{1, 2, 3}));
}

TEST(Secret, IsWipedWhenFreed) {
  const std::uint8_t* place = nullptr;
  {
    const Secret secret(Octets(32, 0xa5));
    place = secret.octets().data();
  }
  // The slot belongs to the pool still, which keeps a pointer in its first octets.
  for (std::size_t i = sizeof(void*); i < 32; ++i) EXPECT_EQ(place[i], 0) << i;
}

TEST(Secret, WipedText) {
  std::string text = "a secret that is longer than the short string's own buffer";
  const char* const place = text.data();
  wipe(text);
  EXPECT_TRUE(text.empty());
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(place[i], '\0');
}

TEST(ProtectedMemory, SlotsDoNotOverlapAndAreUsedAgain) {
  std::vector<std::pair<std::uint8_t*, std::size_t>> slots;
  for (std::size_t round = 0; round < 500; ++round) {
    for (const std::size_t size : {1, 16, 17, 32, 208, 416, 512, 513}) {
      auto* const slot = static_cast<std::uint8_t*>(protected_allocate(size));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slot) % 16, 0U);
      std::fill_n(slot, size, static_cast<std::uint8_t>(slots.size()));
      slots.emplace_back(slot, size);
    }
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    EXPECT_TRUE(
        std::all_of(slots[i].first, slots[i].first + slots[i].second,
                    [i](std::uint8_t octet) { return octet == static_cast<std::uint8_t>(i); }));
  }
  for (const auto& [slot, size] : slots) protected_free(slot, size);
  void* const again = protected_allocate(32);
  EXPECT_TRUE(
      std::ranges::any_of(slots, [again](const auto& slot) { return slot.first == again; }));
  protected_free(again, 32);
}

TEST(ProtectedMemory, AnyThread) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      std::vector<Secret> secrets;
      for (int round = 0; round < 2000; ++round) {
        secrets.emplace_back(Octets(24, static_cast<std::uint8_t>(i)));
        if (secrets.size() == 50) secrets.clear();
      }
      for (const Secret& secret : secrets)
        EXPECT_EQ(octets_of(secret), Octets(24, static_cast<std::uint8_t>(i)));
    });
  }
}

}  // namespace
}  // namespace keys
