#include <gtest/gtest.h>

#include <vector>

#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace zones {
namespace {

using Octets = std::vector<std::uint8_t>;

Name name(const char* text) { return Name::from_text(text).value(); }

/// A message whose header is twelve zeros, followed by `body`: offsets in pointers count from the
/// header.
Octets message(std::initializer_list<int> body) {
  Octets octets(HEADER_OCTETS, 0);
  for (const int octet : body) octets.push_back(static_cast<std::uint8_t>(octet));
  return octets;
}

TEST(WireReader, Rfc1035Section414Compression) {
  struct Row {
    const char* what;
    Octets octets;
    std::size_t at;
    const char* want;    // nullptr: an error
    std::size_t offset;  // after it
    WireError error;
  };
  const Row rows[] = {
      {"in full", message({1, 'a', 1, 'b', 0}), 12, "a.b.", 17, {}},
      {"root", message({0}), 12, ".", 13, {}},
      {"a pointer", message({1, 'b', 0, 1, 'a', 0xc0, 12}), 15, "a.b.", 19, {}},
      {"nothing but a pointer", message({1, 'b', 0, 0xc0, 12}), 15, "b.", 17, {}},
      {"a pointer to a pointer",
       message({1, 'b', 0, 0xc0, 12, 1, 'c', 0xc0, 15}),
       17,
       "c.b.",
       21,
       {}},
      {"a loop onto itself", message({0xc0, 12}), 12, nullptr, 0, WireError::BAD_NAME},
      {"a loop over a label", message({1, 'a', 0xc0, 12}), 12, nullptr, 0, WireError::BAD_NAME},
      {"two that point at each other", message({0xc0, 14, 0xc0, 12}), 14, nullptr, 0,
       WireError::BAD_NAME},
      {"forwards", message({0xc0, 14, 1, 'a', 0}), 12, nullptr, 0, WireError::BAD_NAME},
      {"into the header", message({0xc0, 2}), 12, nullptr, 0, WireError::BAD_NAME},
      {"beyond the message", message({0xff, 0xff}), 12, nullptr, 0, WireError::BAD_NAME},
      {"half a pointer", message({0xc0}), 12, nullptr, 0, WireError::TRUNCATED},
      {"label type 01", message({0x41, 'a', 0}), 12, nullptr, 0, WireError::BAD_NAME},
      {"label type 10", message({0x80, 'a', 0}), 12, nullptr, 0, WireError::BAD_NAME},
      {"a label beyond the end", message({3, 'a', 0}), 12, nullptr, 0, WireError::TRUNCATED},
      {"no end", message({1, 'a'}), 12, nullptr, 0, WireError::TRUNCATED},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    WireReader reader(row.octets, row.at);
    const Name got = reader.name();
    EXPECT_EQ(reader.failed(), row.want == nullptr);
    EXPECT_EQ(reader.error(), row.error);
    if (row.want != nullptr) {
      EXPECT_EQ(got.to_text(), row.want);
      EXPECT_EQ(reader.offset(), row.offset);
      WireReader skipper(row.octets, row.at);
      skipper.skip_name();
      EXPECT_EQ(skipper.offset(), row.offset);
    } else {
      EXPECT_TRUE(got.is_root());
    }
  }
}

TEST(WireReader, Rfc9267BoundsChainsOfPointers) {
  const auto chain = [](std::size_t pointers) {
    Octets octets = message({0});
    for (std::size_t i = 0; i < pointers; ++i) {
      const std::size_t target = i == 0 ? 12 : octets.size() - 2;
      octets.push_back(static_cast<std::uint8_t>(0xc0 | target >> 8));
      octets.push_back(static_cast<std::uint8_t>(target));
    }
    return octets;
  };
  const Octets allowed = chain(127);
  WireReader good(allowed, allowed.size() - 2);
  EXPECT_TRUE(good.name().is_root());
  EXPECT_FALSE(good.failed());
  const Octets refused = chain(128);
  WireReader bad(refused, refused.size() - 2);
  static_cast<void>(bad.name());
  EXPECT_EQ(bad.error(), WireError::BAD_NAME);
}

TEST(WireReader, NamesThatGrowPast255OctetsByCompression) {
  Octets octets = message({});
  const auto label = [&octets](char c) {
    octets.push_back(63);
    octets.insert(octets.end(), 63, static_cast<std::uint8_t>(c));
  };
  label('a');
  label('b');
  label('c');
  octets.push_back(0);  // 193 octets at 12
  const std::size_t at = octets.size();
  octets.push_back(61);
  octets.insert(octets.end(), 61, 'd');
  octets.insert(octets.end(), {0xc0, 12});
  WireReader fits(octets, at);
  EXPECT_EQ(fits.name().size(), 255U);
  octets[at] = 62;
  octets.insert(octets.begin() + static_cast<std::ptrdiff_t>(at) + 1, 'd');
  WireReader grows(octets, at);
  static_cast<void>(grows.name());
  EXPECT_EQ(grows.error(), WireError::BAD_NAME);
}

TEST(WireReader, AFailedReaderYieldsZerosAndKeepsItsFirstError) {
  const Octets octets = {1, 2, 3};
  WireReader reader(octets);
  EXPECT_EQ(reader.u16(), 0x0102);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_EQ(reader.error(), WireError::TRUNCATED);
  reader.fail(WireError::BAD_OPT);
  EXPECT_EQ(reader.error(), WireError::TRUNCATED);
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_TRUE(reader.octets(1).empty());
}

TEST(WireReader, NarrowEndsReadsAndNothingElse) {
  const Octets octets = message({1, 'a', 0, 0xc0, 12, 7});
  WireReader reader(octets, 15);
  const std::size_t end = reader.narrow(2);
  EXPECT_EQ(reader.name().to_text(), "a.");  // from before the narrowed part
  EXPECT_EQ(reader.remaining(), 0U);
  reader.restore_end(end);
  EXPECT_EQ(reader.u8(), 7);
  WireReader short_reader(octets, 15);
  static_cast<void>(short_reader.narrow(1));
  static_cast<void>(short_reader.name());
  EXPECT_EQ(short_reader.error(), WireError::TRUNCATED);  // half of the pointer is outside
}

TEST(WireWriter, Rfc1035Section414Compression) {
  std::array<std::uint8_t, 200> buffer{};
  WireWriter writer(buffer);
  writer.octets(Octets(HEADER_OCTETS, 0));
  writer.compressed_name(name("a.example."));  // 12: 1 a 7 example 0
  EXPECT_EQ(writer.size(), 23U);
  writer.compressed_name(name("b.EXAMPLE."));  // 1 b, pointer to 14
  EXPECT_EQ(writer.size(), 27U);
  EXPECT_EQ(buffer[25], 0xc0);
  EXPECT_EQ(buffer[26], 14);
  writer.compressed_name(name("A.Example."), true);  // another spelling: in full
  EXPECT_EQ(writer.size(), 38U);
  writer.compressed_name(name("b.example."));  // a pointer that leads over another one
  EXPECT_EQ(writer.size(), 40U);
  writer.compressed_name(Name());
  EXPECT_EQ(writer.size(), 41U);
  WireReader reader(writer.written(), 12);
  for (const char* want : {"a.example.", "b.example.", "A.Example.", "b.example.", "."}) {
    EXPECT_EQ(reader.name(), name(want));
  }
  EXPECT_FALSE(reader.failed());
}

TEST(WireWriter, OverflowWritesNothingUntilRewound) {
  std::array<std::uint8_t, 16> buffer{};
  WireWriter writer(buffer);
  writer.octets(Octets(HEADER_OCTETS, 0));
  writer.reserve(2);
  writer.u16(0x0102);
  writer.u8(9);
  EXPECT_TRUE(writer.overflowed());
  EXPECT_EQ(writer.size(), 14U);
  writer.reserve(0);
  writer.u8(9);
  EXPECT_EQ(writer.size(),
            14U);  // overflow sticks, so that no half a record is taken for a whole one
  writer.rewind(12);
  writer.compressed_name(name("ab."));
  EXPECT_FALSE(writer.overflowed());
  EXPECT_EQ(writer.room(), 0U);
  writer.rewind(12);
  writer.compressed_name(name("ab."));  // what was rewound is not pointed to
  EXPECT_EQ(writer.written()[12], 2);
}

TEST(WireWriter, PointersReachOnly14Bits) {
  Octets buffer(20000);
  WireWriter writer(buffer);
  writer.octets(Octets(0x3ffe, 0));
  writer.compressed_name(name("ab.cd."));  // at 0x3ffe; its second label is out of reach
  const std::size_t start = writer.size();
  writer.compressed_name(name("ab.cd."));
  EXPECT_EQ(writer.size() - start, 2U);
  writer.compressed_name(name("cd."));
  EXPECT_EQ(writer.size() - start, 6U);
}

TEST(Integers, NetworkOrder) {
  std::array<std::uint8_t, 13> buffer{};
  WireWriter writer(buffer);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u48(0x08090a0b0c0d);
  EXPECT_FALSE(writer.overflowed());
  for (std::size_t i = 0; i < buffer.size(); ++i) EXPECT_EQ(buffer[i], i + 1);
  WireReader reader(buffer);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.u48(), 0x08090a0b0c0dU);
  EXPECT_EQ(reader.remaining(), 0U);
}

}  // namespace
}  // namespace zones
