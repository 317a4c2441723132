#include "keys/grant.h"

#include <gtest/gtest.h>

#include "keys/vectors.h"

namespace keys {
namespace {

TEST(ZoneGrants, AllowAndDeny) {
  ZoneGrants grants;
  grants.add({.key = test::name("up.example."), .update = true});
  grants.add({.key = test::name("down.example."), .transfer = true});
  grants.add({.key = test::name("both.example."), .update = true, .transfer = true});
  grants.add({.key = test::name("none.example.")});
  grants.add({.key = test::name("split.example."), .update = true});
  grants.add({.key = test::name("split.example."), .transfer = true});
  struct Row {
    const char* key;
    bool update, transfer;
  };
  const Row rows[] = {
      {"up.example.", true, false},      {"down.example.", false, true},
      {"both.example.", true, true},     {"none.example.", false, false},
      {"split.example.", true, true},    {"UP.Example.", true, false},
      {"other.example.", false, false},  {"a.up.example.", false, false},
      {"example.", false, false},        {".", false, false},
      {"up.example.org.", false, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.key);
    EXPECT_EQ(grants.may_update(test::name(row.key)), row.update);
    EXPECT_EQ(grants.may_transfer(test::name(row.key)), row.transfer);
  }
}

TEST(ZoneGrants, NothingWithoutAGrant) {
  const ZoneGrants grants;
  EXPECT_FALSE(grants.may_update(test::name("up.example.")));
  EXPECT_FALSE(grants.may_transfer(test::name("up.example.")));
  EXPECT_FALSE(grants.may_update(zones::NameView()));
}

TEST(ZoneGrants, AStarInAKeyNameIsJustALabel) {
  ZoneGrants grants;
  grants.add({.key = test::name("*.dyn.example."), .update = true});
  EXPECT_FALSE(grants.may_update(test::name("h1.dyn.example.")));
  EXPECT_TRUE(grants.may_update(test::name("*.dyn.example.")));
}

}  // namespace
}  // namespace keys
