#include "zones/load_pipeline.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "zones/zone_testing.h"

namespace zones {
namespace {

using testing::name;

/// Writes down what comes; throws at the name "bad".
class Listener final : public StateSink {
 public:
  void zone(NameView apex) override { text += "zone " + apex.to_text() + "\n"; }
  void node(NameView owner, RRsetsView rrsets) override {
    if (owner == name("bad")) throw std::runtime_error("a bad name");
    octets += rrsets.packed().size();
    ++nodes;
    in_order = in_order && (nodes == 1 || last < Name(owner));
    last = Name(owner);
  }
  void leases(NameView owner, RRsetsView rrsets, std::span<const RecordLease> found) override {
    in_order = in_order && owner == last && !rrsets.empty();
    leased += found.size();
    sum += found.back().expires.time_since_epoch().count();
  }
  void batch(const JournalBatch& batch) override {
    text += std::to_string(nodes) + " nodes, batch " + std::to_string(batch.lsn) + "\n";
  }

  std::string text;
  std::size_t nodes = 0;
  std::size_t octets = 0;
  std::size_t leased = 0;
  std::int64_t sum = 0;
  bool in_order = true;
  Name last;
};

// With these the pieces of a megabyte are many, and more than may wait.
constexpr std::size_t MANY = 200'000;

Name host(std::size_t i) {
  return Name::from_text("h" + std::to_string(1'000'000 + i), name("@").view()).value();
}

TEST(LoadPipeline, EverythingArrivesInOrder) {
  const std::vector<std::uint8_t> packed(60, 1);
  const std::vector<RecordLease> leases = {{0, {}},
                                           {3, std::chrono::sys_seconds{std::chrono::seconds(2)}}};
  for (const std::size_t count : {std::size_t{3}, MANY}) {
    SCOPED_TRACE(count);
    Listener listener;
    LoadPipeline pipeline(listener);
    pipeline.zone(name("@"));
    for (std::size_t i = 0; i < count; ++i) {
      pipeline.node(host(i), RRsetsView(packed));
      if (i % 2 == 0) pipeline.leases(host(i), RRsetsView(packed), leases);
    }
    JournalBatch batch;
    batch.lsn = 7;
    pipeline.batch(batch);
    pipeline.drain();
    EXPECT_EQ(listener.text,
              "zone " + name("@").to_text() + "\n" + std::to_string(count) + " nodes, batch 7\n");
    EXPECT_TRUE(listener.in_order);
    EXPECT_EQ(listener.octets, 60 * count);
    EXPECT_EQ(listener.leased, (count + 1) / 2 * 2);
    EXPECT_EQ(listener.sum, static_cast<std::int64_t>((count + 1) / 2 * 2));
  }
}

TEST(LoadPipeline, WhatTheSinkThrowsReachesTheCaller) {
  const std::vector<std::uint8_t> packed(60, 1);
  for (const std::size_t count : {std::size_t{3}, MANY}) {
    SCOPED_TRACE(count);
    Listener listener;
    LoadPipeline pipeline(listener);
    const auto put_all = [&] {
      pipeline.node(name("bad"), RRsetsView(packed));
      for (std::size_t i = 0; i < count; ++i) pipeline.node(host(i), RRsetsView(packed));
      pipeline.drain();
    };
    EXPECT_THROW(put_all(), std::runtime_error);
  }
}

TEST(LoadPipeline, MayEndEarly) {
  const std::vector<std::uint8_t> packed(60, 1);
  Listener listener;
  LoadPipeline pipeline(listener);
  for (std::size_t i = 0; i < MANY / 4; ++i) pipeline.node(host(i), RRsetsView(packed));
}

}  // namespace
}  // namespace zones
