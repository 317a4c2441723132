// The bounded set of names whose changes an upstream refuses.
#include "dnsd/upstream_refused.h"

#include <gtest/gtest.h>

#include "zone_text.h"

namespace dnsd::test {
namespace {

using zones::Class;
using zones::Type;

zones::Record deletion(const std::string& owner, Type type) {
  return {name(owner), type, Class::ANY, 0, {}};
}

TEST(UpstreamRefused, ANameIsKeptWithAllItsTypesUntilItIsTaken) {
  RefusedNames refused;
  EXPECT_TRUE(refused.empty());
  EXPECT_FALSE(refused.add({}));
  EXPECT_TRUE(refused.add({deletion("a.e.", Type::A), deletion("a.e.", Type::TXT)}));
  EXPECT_FALSE(refused.add({deletion("A.e.", Type::MX), deletion("A.e.", Type::A)}));
  EXPECT_TRUE(refused.add({deletion("b/c.e.", Type::ANY)}));
  EXPECT_TRUE(refused.contains_any({deletion("x.e.", Type::A), deletion("a.E.", Type::A)}));
  EXPECT_FALSE(refused.contains_any({deletion("x.e.", Type::A)}));
  EXPECT_EQ(refused.to_text(), "a.e./A,TXT,MX b/c.e./ANY");
  EXPECT_EQ(RefusedNames::from_text(refused.to_text()), refused);
  refused.remove(name("A.E."));
  EXPECT_EQ(refused.size(), 1U);
  EXPECT_TRUE(refused.is_complete());
}

TEST(UpstreamRefused, WhatGoesBeyondItsBoundsIsKnownToBeMissing) {
  RefusedNames names;
  for (std::size_t i = 0; i < RefusedNames::MAX_NAMES + 5; ++i) {
    names.add({deletion("h" + std::to_string(i) + ".e.", Type::A)});
    EXPECT_EQ(names.is_complete(), i < RefusedNames::MAX_NAMES);
  }
  EXPECT_EQ(names.size(), RefusedNames::MAX_NAMES);
  EXPECT_EQ(RefusedNames::from_text(names.to_text()), names);
  names.clear();
  EXPECT_EQ(names.to_text(), "");

  RefusedNames types;
  for (std::size_t i = 0; i < RefusedNames::MAX_TYPES + 1; ++i) {
    types.add({deletion("a.e.", static_cast<Type>(1000 + i))});
    EXPECT_EQ(types.is_complete(), i < RefusedNames::MAX_TYPES);
  }
  EXPECT_EQ(RefusedNames::from_text(types.to_text()), types);

  RefusedNames apex;  // of which NS should go is in no RRset
  zones::Record gone = deletion("e.", Type::NS);
  gone.rrclass = Class::NONE;
  apex.add({gone});
  EXPECT_FALSE(apex.is_complete());
}

TEST(UpstreamRefused, WhatIsMalformedIsMissing) {
  for (const char* text : {"+", "a.e.", "a..e./A", "a.e./NONSENSE", "a.e./A b"}) {
    EXPECT_FALSE(RefusedNames::from_text(text).is_complete()) << text;
  }
  EXPECT_TRUE(RefusedNames::from_text("").empty());
}

}  // namespace
}  // namespace dnsd::test
