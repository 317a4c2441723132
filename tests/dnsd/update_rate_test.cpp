// A token bucket for each key of each zone.
#include "dnsd/update_rate.h"

#include <gtest/gtest.h>

#include "zone_text.h"

namespace dnsd {
namespace {

using namespace std::chrono_literals;
using test::name;

constexpr UpdateRates::Time START{1000h};

TEST(UpdateRates, AMinutesWorthAtOnceThenEvenly) {
  UpdateRates rates;
  const zones::Name zone = name("example.org.");
  const zones::Name key = name("h1.example.org.");
  const auto take = [&](UpdateRates::Time::duration after) {
    return rates.take(zone, key, 30, START + after);
  };
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(take(0s)) << i;
  EXPECT_FALSE(take(0s));
  EXPECT_FALSE(take(1999ms));
  EXPECT_TRUE(take(2s));
  EXPECT_FALSE(take(2s)) << "what was refused took nothing, what was given is gone";
  EXPECT_TRUE(take(6s));
  EXPECT_TRUE(take(6s));
  EXPECT_FALSE(take(6s));
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(take(1h)) << i;
  EXPECT_FALSE(take(1h)) << "it never holds more than a minute's";
}

TEST(UpdateRates, OneAMinute) {
  UpdateRates rates;
  const zones::Name key = name("h1.example.org.");
  EXPECT_TRUE(rates.take(key, key, 1, START));
  EXPECT_FALSE(rates.take(key, key, 1, START + 59s));
  EXPECT_TRUE(rates.take(key, key, 1, START + 60s));
}

TEST(UpdateRates, EachKeyOfEachZoneHasItsOwn) {
  UpdateRates rates;
  EXPECT_TRUE(rates.take(name("a."), name("k."), 1, START));
  EXPECT_TRUE(rates.take(name("b."), name("k."), 1, START));
  EXPECT_TRUE(rates.take(name("a."), name("l."), 1, START));
  EXPECT_FALSE(rates.take(name("A."), name("K."), 1, START)) << "whatever the case";
}

TEST(UpdateRates, MemoryIsBounded) {
  constexpr std::size_t MAX = 100;
  UpdateRates rates(MAX);
  const zones::Name zone = name("example.org.");
  const auto key = [](int i) { return name("k" + std::to_string(i) + "."); };
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(rates.take(zone, key(i), 1, START + std::chrono::milliseconds(i)));
    EXPECT_LE(rates.size(), MAX);
  }
  EXPECT_FALSE(rates.take(zone, key(9'999), 1, START + 10s)) << "the newest is remembered";
  EXPECT_TRUE(rates.take(zone, key(0), 1, START + 10s)) << "an old one is not";
  EXPECT_TRUE(rates.take(zone, key(20'000), 1, START + 1h));
}

}  // namespace
}  // namespace dnsd
