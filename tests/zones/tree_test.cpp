#include "zones/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <new>
#include <random>

#include "zones/arena.h"
#include "zones/name.h"
#include "zones/tree_key.h"

namespace zones {
namespace {

std::vector<std::uint8_t> one_label(std::vector<std::uint8_t> octets) {
  octets.insert(octets.begin(), static_cast<std::uint8_t>(octets.size()));
  return octets;
}

std::strong_ordering compare(const TreeKey& a, const TreeKey& b) {
  const std::size_t at = a.first_difference(b);
  return at == TreeKey::NONE ? std::strong_ordering::equal : a.digit(at) <=> b.digit(at);
}

TEST(TreeKey, OrdersOctetsAsRfc4034Section6_1) {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      const auto a = one_label({static_cast<std::uint8_t>(first)});
      const auto b = one_label({static_cast<std::uint8_t>(second)});
      const auto longer =
          one_label({static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second)});
      EXPECT_EQ(compare(TreeKey(a), TreeKey(b)), lower(a[1]) <=> lower(b[1]));
      EXPECT_EQ(compare(TreeKey(a), TreeKey(longer)), std::strong_ordering::less);
    }
  }
}

TEST(TreeKey, OrdersNamesAsNameDoes) {
  std::mt19937 random(7);
  std::vector<Name> names;
  for (int count = 0; count < 400; ++count) {
    std::vector<std::uint8_t> wire;
    for (auto labels = random() % 4; labels > 0; --labels) {
      const auto size = 1 + random() % 3;
      wire.push_back(static_cast<std::uint8_t>(size));
      for (std::size_t octet = 0; octet < size; ++octet) {
        wire.push_back(
            static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 'a' + random() % 2));
      }
    }
    wire.push_back(0);
    names.push_back(*Name::from_wire(wire));
  }
  for (const Name& a : names) {
    const TreeKey key(a);
    for (std::size_t at = 0; at < key.size(); ++at) ASSERT_LT(key.digit(at), TREE_DIGITS);
    for (const Name& b : names) EXPECT_EQ(compare(key, TreeKey(b)), a <=> b);
  }
}

TEST(TreeKey, Labels) {
  const Name name = *Name::from_text("a.bc.example.");
  const TreeKey key(name);
  EXPECT_EQ(key.label_count(), 3U);
  EXPECT_EQ(key.size(), 7U + 1 + 2 + 1 + 1 + 1);
  EXPECT_EQ(key.digits_of(0), 0U);
  EXPECT_EQ(key.digits_of(1), 8U);
  EXPECT_EQ(key.digits_of(2), 11U);
  EXPECT_EQ(key.digits_of(3), key.size());
  EXPECT_EQ(key.labels_before(0).size(), name.size() - 1);
  EXPECT_EQ(key.labels_before(1).size(), 5U);
  EXPECT_EQ(key.labels_before(3).size(), 0U);
  EXPECT_EQ(key.label(1)[1], 'b');
  EXPECT_TRUE(key.label_begins(0));
  EXPECT_TRUE(key.label_begins(8));
  EXPECT_FALSE(key.label_begins(9));
  EXPECT_EQ(key.digit(key.size()), END_DIGIT);
  EXPECT_EQ(TreeKey(Name()).size(), 0U);
}

TEST(EqualIgnoringCase, EveryOctetAtEveryPlace) {  // RFC 4343 §3
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned first = 0; first < 256; ++first) {
        std::vector<std::uint8_t> a(size, 'q');
        std::vector<std::uint8_t> b(size, 'Q');
        a[at] = static_cast<std::uint8_t>(first);
        for (const unsigned second : {first, first ^ 0x20, first ^ 0x80, first + 1}) {
          b[at] = static_cast<std::uint8_t>(second);
          EXPECT_EQ(equal_ignoring_case(a.data(), b.data(), size), lower(a[at]) == lower(b[at]));
        }
      }
    }
  }
}

TEST(Arena, EverySizeHasRoom) {
  Arena arena(8, std::size_t{1} << 30);
  std::uint32_t last_end = 1;
  for (std::size_t units = 1; units < 3000; units += 1 + units / 50) {
    const std::uint32_t index = arena.allocate(units);
    EXPECT_GE(index, last_end);
    last_end = static_cast<std::uint32_t>(index + units);
    arena.base()[std::size_t{index} * 8 + units * 8 - 1] = 1;
  }
  EXPECT_LE(arena.octets_in_use(), std::size_t{last_end + 400} * 8);
}

TEST(Arena, ThrowsWhenFullAndGoesOn) {
  Arena arena(16, std::size_t{1} << 20);
  std::vector<std::uint32_t> taken;
  EXPECT_THROW(while (true) taken.push_back(arena.allocate(10)), std::bad_alloc);
  EXPECT_EQ(taken.size(), ((std::size_t{1} << 16) - 1) / 10);
  arena.release(taken.back(), 10);
  EXPECT_EQ(arena.allocate(10), taken.back());
}

// Chunks never overlap, whatever the order of things, and rollback restores what was free.
TEST(Arena, RandomVersions) {
  struct Chunk {
    std::uint32_t index;
    std::size_t units;
    std::uint8_t mark;
  };
  struct Version {
    std::uint64_t number;
    std::vector<Chunk> chunks;
  };
  std::mt19937 random(3);
  Arena arena(8, std::size_t{1} << 26);
  std::vector<Chunk> live;
  std::deque<Version> versions(1);
  const auto expect_intact = [&](const std::vector<Chunk>& chunks) {
    for (const Chunk& chunk : chunks) {
      const std::uint8_t* at = arena.base() + std::size_t{chunk.index} * 8;
      ASSERT_TRUE(std::all_of(at, at + chunk.units * 8,
                              [&](std::uint8_t octet) { return octet == chunk.mark; }));
    }
  };
  std::uint64_t number = 0;
  for (int step = 0; step < 20000; ++step) {
    const auto dice = random() % 100;
    if (dice < 55) {
      const std::size_t units = 1 + random() % (random() % 10 == 0 ? 200 : 6);
      const Chunk chunk{arena.allocate(units), units, static_cast<std::uint8_t>(random())};
      EXPECT_TRUE(arena.fresh(chunk.index));
      std::fill_n(arena.base() + std::size_t{chunk.index} * 8, units * 8, chunk.mark);
      live.push_back(chunk);
    } else if (dice < 95) {
      if (live.empty()) continue;
      std::swap(live[random() % live.size()], live.back());
      arena.release(live.back().index, live.back().units);
      live.pop_back();
    } else if (dice < 97) {
      arena.freeze(++number);
      versions.push_back({number, live});
      for (const Chunk& chunk : live) EXPECT_FALSE(arena.fresh(chunk.index));
    } else if (dice < 99) {
      arena.rollback();
      live = versions.back().chunks;
    } else {
      while (versions.size() > 1 && random() % 4 != 0) versions.pop_front();
      arena.reclaim(versions.front().number);
    }
    if (step % 200 == 0) {
      expect_intact(live);
      for (const Version& version : versions) expect_intact(version.chunks);
    }
    if (HasFatalFailure()) return;
  }
  for (const Chunk& chunk : live) arena.release(chunk.index, chunk.units);
  arena.freeze(++number);
  arena.reclaim(number);
  EXPECT_EQ(arena.octets_in_use(), 0U);
}

}  // namespace
}  // namespace zones
