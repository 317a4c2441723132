#include "zones/name.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace zones {
namespace {

Name name(const char* text) {
  const auto result = Name::from_text(text);
  EXPECT_TRUE(result) << text;
  return result.value_or(Name());
}

TEST(NameText, Rfc1035Section51) {
  struct Row {
    const char* text;
    const char* back;
    std::vector<std::uint8_t> wire;
  };
  const Row rows[] = {
      {".", ".", {0}},
      {"a.", "a.", {1, 'a', 0}},
      {"WwW.Example.", "WwW.Example.", {3, 'W', 'w', 'W', 7, 'E', 'x', 'a', 'm', 'p', 'l', 'e', 0}},
      {"a\\.b.c.", "a\\.b.c.", {3, 'a', '.', 'b', 1, 'c', 0}},
      {"\\000\\255.", "\\000\\255.", {2, 0, 255, 0}},
      {"\\065.", "A.", {1, 'A', 0}},
      {"a b.", "a\\032b.", {3, 'a', ' ', 'b', 0}},
      {"*._tcp.x.", "*._tcp.x.", {1, '*', 4, '_', 't', 'c', 'p', 1, 'x', 0}},
      {"\\;\\(\\\"\\$.", "\\;\\(\\\"\\$.", {4, ';', '(', '"', '$', 0}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const Name parsed = name(row.text);
    EXPECT_EQ(std::vector<std::uint8_t>(parsed.wire().begin(), parsed.wire().end()), row.wire);
    EXPECT_EQ(parsed.to_text(), row.back);
  }
}

TEST(NameText, RelativeNamesAreCompletedWithTheOrigin) {
  const Name origin = name("dyn.example.");
  EXPECT_EQ(Name::from_text("h1", origin)->to_text(), "h1.dyn.example.");
  EXPECT_EQ(Name::from_text("@", origin)->to_text(), "dyn.example.");
  EXPECT_EQ(Name::from_text("h1.", origin)->to_text(), "h1.");
  EXPECT_EQ(Name::from_text("a.b")->to_text(), "a.b.");
}

TEST(NameText, Errors) {
  const std::string label63(63, 'x');
  const std::string longest =
      label63 + "." + label63 + "." + label63 + "." + std::string(61, 'y') + ".";
  EXPECT_EQ(name(longest.c_str()).size(), 255U);
  struct Row {
    std::string text;
    NameError want;
  };
  const Row rows[] = {
      {"", NameError::EMPTY_LABEL},
      {"a..b.", NameError::EMPTY_LABEL},
      {".a.", NameError::EMPTY_LABEL},
      {"..", NameError::EMPTY_LABEL},
      {"\\", NameError::BAD_ESCAPE},
      {"\\25", NameError::BAD_ESCAPE},
      {"\\256.", NameError::BAD_ESCAPE},
      {"\\2x5.", NameError::BAD_ESCAPE},
      {label63 + "x.", NameError::LABEL_TOO_LONG},
      {label63 + "." + label63 + "." + label63 + "." + std::string(62, 'y') + ".",
       NameError::NAME_TOO_LONG},
      {longest + "z", NameError::NAME_TOO_LONG},
      {label63 + "." + label63 + "." + label63 + "." + label63 + "." + label63,
       NameError::NAME_TOO_LONG},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto result = Name::from_text(row.text);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), row.want) << to_text(result.error());
  }
}

TEST(NameWire, Rfc1035Section31) {
  using Octets = std::vector<std::uint8_t>;
  Octets too_long;
  for (int i = 0; i < 128; ++i) too_long.insert(too_long.end(), {1, 'a'});
  too_long.push_back(0);
  struct Row {
    const char* what;
    Octets octets;
    NameError want;
  };
  const Row rows[] = {
      {"nothing", {}, NameError::TRUNCATED},
      {"no root label", {1, 'a'}, NameError::TRUNCATED},
      {"a label beyond the end", {5, 'a', 0}, NameError::TRUNCATED},
      {"a pointer", {0xc0, 12}, NameError::BAD_LABEL_TYPE},
      {"the reserved label type 01", {0x41, 'a', 0}, NameError::BAD_LABEL_TYPE},
      {"257 octets", too_long, NameError::NAME_TOO_LONG},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const auto result = Name::from_wire(row.octets);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), row.want);
  }
  EXPECT_EQ(Name::from_wire(Octets{1, 'a', 0, 9, 9})->to_text(), "a.");
}

TEST(NameCompare, Rfc4343CaseIsKeptAndNotCompared) {
  EXPECT_EQ(name("FOO.Example."), name("foo.eXAMPLE."));
  EXPECT_EQ(NameHash()(name("FOO.Example.")), NameHash()(name("foo.eXAMPLE.")));
  EXPECT_FALSE(name("FOO.").view().identical(name("foo.")));
  EXPECT_NE(name("foo["), name("foo{"));  // 0x5b and 0x7b differ by 32 and are no letters
  EXPECT_NE(name("a.b."), name("a\\.b."));
  EXPECT_EQ(name("FOO.Example.").lowered().to_text(), "foo.example.");
}

TEST(NameCompare, Rfc4034Section61CanonicalOrder) {
  const char* const in_order[] = {"example.",         "a.example.",      "yljkjljk.a.example.",
                                  "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
                                  "\\001.z.example.", "*.z.example.",    "\\200.z.example."};
  for (std::size_t i = 0; i < std::size(in_order); ++i) {
    for (std::size_t j = 0; j < std::size(in_order); ++j) {
      EXPECT_EQ(name(in_order[i]) <=> name(in_order[j]), i <=> j)
          << in_order[i] << " " << in_order[j];
    }
  }
}

TEST(NameTree, AncestorsAndParents) {
  const Name www = name("www.example.org.");
  EXPECT_TRUE(www.is_at_or_below(name("EXAMPLE.org.")));
  EXPECT_TRUE(www.is_at_or_below(www));
  EXPECT_FALSE(www.is_below(www));
  EXPECT_TRUE(www.is_below(Name()));
  EXPECT_FALSE(www.is_at_or_below(name("ample.org.")));                           // not at a label
  EXPECT_FALSE(name("x\\007example.org.").is_at_or_below(name("example.org.")));  // looks like one
  EXPECT_EQ(www.parent().to_text(), "example.org.");
  EXPECT_EQ(Name().parent().to_text(), ".");
  EXPECT_EQ(www.view().without(2).to_text(), "org.");
  EXPECT_EQ(www.label_count(), 3U);
  EXPECT_EQ(Name::join(name("*."), name("example."))->to_text(), "*.example.");
  EXPECT_TRUE(name("*.x.").is_wildcard());
  EXPECT_FALSE(name("*a.x.").is_wildcard());
}

}  // namespace
}  // namespace zones
