// Positions of upstreams on disk.
#include "dnsd/upstream_position.h"

#include <gtest/gtest.h>

#include <fstream>

#include "temp_dir.h"

namespace dnsd::test {
namespace {

class Positions : public ::testing::Test {
 protected:
  std::filesystem::path file() const { return folder_.path() / "positions"; }
  void write(const std::string& text) { std::ofstream(file()) << text; }

  TempDir folder_;
};

TEST_F(Positions, AreReadAsTheyWereWritten) {
  UpstreamPositions positions(file());
  EXPECT_EQ(positions.load(), "");
  EXPECT_FALSE(positions.get("e. 192.0.2.1:53 default"));
  positions.set("e. 192.0.2.1:53 default", UpstreamPosition{7, 4294967295});
  positions.set("e. [2001:db8::1]:53 all+A,SRV", UpstreamPosition{1ULL << 40, {}});
  EXPECT_TRUE(positions.is_changed());
  EXPECT_EQ(positions.save(), "");
  EXPECT_FALSE(positions.is_changed());
  positions.set("e. 192.0.2.1:53 default", UpstreamPosition{7, 4294967295});
  EXPECT_FALSE(positions.is_changed());

  UpstreamPositions again(file());
  EXPECT_EQ(again.load(), "");
  EXPECT_EQ(again.get("e. 192.0.2.1:53 default"), (UpstreamPosition{7, 4294967295}));
  EXPECT_EQ(again.get("e. [2001:db8::1]:53 all+A,SRV"), (UpstreamPosition{1ULL << 40, {}}));
  EXPECT_FALSE(again.get("e. 192.0.2.1:53 all"));
  again.set("e. 192.0.2.1:53 default", std::nullopt);
  EXPECT_EQ(again.save(), "");
  EXPECT_EQ(positions.load(), "");
  EXPECT_FALSE(positions.get("e. 192.0.2.1:53 default"));
}

TEST_F(Positions, WhatWasRefusedIsKeptAsLongAsThePosition) {
  UpstreamPositions positions(file());
  positions.set("e. 192.0.2.1:53 default", UpstreamPosition{7, 1});
  positions.set("e. 192.0.2.2:53 default", UpstreamPosition{7, {}});
  positions.set_refused("e. 192.0.2.2:53 default", "a.e./A b.e./MX +");
  EXPECT_EQ(positions.save(), "");
  positions.set_refused("e. 192.0.2.1:53 default", "");
  EXPECT_FALSE(positions.is_changed());

  UpstreamPositions again(file());
  EXPECT_EQ(again.load(), "");
  EXPECT_EQ(again.refused("e. 192.0.2.1:53 default"), "");
  EXPECT_EQ(again.refused("e. 192.0.2.2:53 default"), "a.e./A b.e./MX +");
  again.set("e. 192.0.2.2:53 default", std::nullopt);
  again.set("e. 192.0.2.2:53 default", UpstreamPosition{8, 1});
  EXPECT_EQ(again.refused("e. 192.0.2.2:53 default"), "");
}

TEST_F(Positions, WhatIsNoneOfThemCountsForNothing) {
  for (const char* text : {"", "dnsd-upstreams 2\n", "dnsd-upstreams 1\na b c\n",
                           "dnsd-upstreams 1\na b c 1 -\na b\n", "dnsd-upstreams 1\na b c x -\n"}) {
    write(text);
    UpstreamPositions positions(file());
    EXPECT_NE(positions.load(), "") << text;
    EXPECT_FALSE(positions.get("a b c"));
  }
}

TEST_F(Positions, WhatCannotBeWrittenIsSaidAndTriedAgain) {
  UpstreamPositions positions(folder_.path() / "none" / "positions");
  positions.set("a b c", UpstreamPosition{1, 1});
  EXPECT_NE(positions.save(), "");
  EXPECT_TRUE(positions.is_changed());
}

}  // namespace
}  // namespace dnsd::test
