#include "zones/journal_codec.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

#include "zones/name_key.h"
#include "zones/store_model.h"

namespace zones::test {
namespace {

JournalBatch sample() {
  JournalBatch batch;
  batch.lsn = 0x0102030405060708;
  batch.time = std::chrono::sys_seconds(std::chrono::seconds(1700000000));
  ChangeSet& change = batch.changes.emplace_back();
  change.apex = name("Dyn.example.org.");
  change.from_serial = 0xfffffffe;
  change.to_serial = 1;
  change.removed = {soa(change.apex, 0xfffffffe), record("H1.dyn.example.org. 60 A 192.0.2.1"),
                    record("H1.dyn.example.org. 60 A 192.0.2.2"),
                    record("h1.dyn.example.org. 60 TXT \"x\"")};
  change.added = {soa(change.apex, 1),
                  record("_http._tcp.h1.dyn.example.org. 60 SRV 0 0 8001 h1.dyn.example.org."),
                  record("h2.dyn.example.org. 0 TYPE65280 \\# 0")};
  batch.changes.push_back({name("."), 1, 2, {}, {}});
  JournalMessage& message = batch.messages.emplace_back();
  message.key = name("H1.dyn.example.org.");
  message.digest.fill(0xab);
  message.source[0] = 0x20;
  message.source_port = 65535;
  message.signed_at = std::chrono::sys_seconds(std::chrono::seconds(-1));
  message.rcode = Rcode::BADCOOKIE;
  message.signed_by = SignedBy::SIG0;
  message.granted = UpdateLease{.lease = 30, .key_lease = 0xffffffff};
  message.zone = name("dyn.example.org.");
  message.touched = {name("h1.dyn.example.org."), name("dyn.example.org.")};
  const Record leased = record("h1.dyn.example.org. 60 A 192.0.2.9");
  message.leases = {{leased.owner, leased.type, leased.rdata, message.signed_at},
                    {name("h2.dyn.example.org."), Type(65280), {}, {}}};
  batch.messages.emplace_back().granted = UpdateLease{.lease = 0, .key_lease = {}};
  batch.messages.emplace_back();
  return batch;
}

void expect_equal(const std::vector<Record>& a, const std::vector<Record>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(a[i].owner.view().identical(b[i].owner));
    EXPECT_EQ(a[i].type, b[i].type);
    EXPECT_EQ(a[i].rrclass, b[i].rrclass);
    EXPECT_EQ(a[i].ttl, b[i].ttl);
    EXPECT_EQ(a[i].rdata, b[i].rdata);
  }
}

void expect_equal(const JournalBatch& a, const JournalBatch& b) {
  EXPECT_EQ(a.lsn, b.lsn);
  EXPECT_EQ(a.time, b.time);
  ASSERT_EQ(a.changes.size(), b.changes.size());
  for (std::size_t i = 0; i < a.changes.size(); ++i) {
    EXPECT_TRUE(a.changes[i].apex.view().identical(b.changes[i].apex));
    EXPECT_EQ(a.changes[i].from_serial, b.changes[i].from_serial);
    EXPECT_EQ(a.changes[i].to_serial, b.changes[i].to_serial);
    expect_equal(a.changes[i].removed, b.changes[i].removed);
    expect_equal(a.changes[i].added, b.changes[i].added);
  }
  ASSERT_EQ(a.messages.size(), b.messages.size());
  for (std::size_t i = 0; i < a.messages.size(); ++i) {
    EXPECT_TRUE(a.messages[i].key.view().identical(b.messages[i].key));
    EXPECT_EQ(a.messages[i].digest, b.messages[i].digest);
    EXPECT_EQ(a.messages[i].source, b.messages[i].source);
    EXPECT_EQ(a.messages[i].source_port, b.messages[i].source_port);
    EXPECT_EQ(a.messages[i].signed_at, b.messages[i].signed_at);
    EXPECT_EQ(a.messages[i].rcode, b.messages[i].rcode);
    EXPECT_EQ(a.messages[i].signed_by, b.messages[i].signed_by);
    EXPECT_EQ(a.messages[i].granted, b.messages[i].granted);
    EXPECT_EQ(a.messages[i].zone, b.messages[i].zone);
    EXPECT_EQ(a.messages[i].touched, b.messages[i].touched);
    ASSERT_EQ(a.messages[i].leases.size(), b.messages[i].leases.size());
    for (std::size_t j = 0; j < a.messages[i].leases.size(); ++j) {
      EXPECT_EQ(a.messages[i].leases[j].owner, b.messages[i].leases[j].owner);
      EXPECT_EQ(a.messages[i].leases[j].type, b.messages[i].leases[j].type);
      EXPECT_EQ(a.messages[i].leases[j].rdata, b.messages[i].leases[j].rdata);
      EXPECT_EQ(a.messages[i].leases[j].expires, b.messages[i].leases[j].expires);
    }
  }
}

std::vector<std::uint8_t> encoded(const JournalBatch& batch) {
  std::vector<std::uint8_t> octets;
  encode_batch(batch, octets);
  return octets;
}

// With the checksum made right for whatever stands before it.
std::vector<std::uint8_t> sealed(std::vector<std::uint8_t> octets) {
  const std::size_t size = octets.size() - 4;
  const auto sum = static_cast<std::uint32_t>(crc32(0, octets.data(), static_cast<uInt>(size)));
  for (std::size_t i = 0; i < 4; ++i)
    octets[size + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
  return octets;
}

TEST(JournalCodec, KeepsEveryField) {
  for (const JournalBatch& batch : {sample(), JournalBatch{}}) {
    const auto back = decode_batch(encoded(batch));
    ASSERT_TRUE(back) << to_text(back.error());
    expect_equal(*back, batch);
  }
}

TEST(JournalCodec, AppendsToWhatIsThere) {
  std::vector<std::uint8_t> octets = {1, 2, 3};
  encode_batch(sample(), octets);
  const auto back = decode_batch(std::span(octets).subspan(3));
  ASSERT_TRUE(back);
  expect_equal(*back, sample());
}

TEST(JournalCodec, AnyFlippedBitIsFound) {
  const std::vector<std::uint8_t> good = encoded(sample());
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::vector<std::uint8_t> bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto back = decode_batch(bad);
    ASSERT_FALSE(back) << bit;
    EXPECT_EQ(back.error(), JournalError::BAD_CHECKSUM);
  }
}

TEST(JournalCodec, EveryTruncationIsFoundEvenWithARightChecksum) {
  const std::vector<std::uint8_t> good = encoded(sample());
  for (std::size_t size = 0; size < good.size(); ++size) {
    std::vector<std::uint8_t> bad(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode_batch(bad));
    if (size < 5) continue;
    const auto back = decode_batch(sealed(bad));
    ASSERT_FALSE(back) << size;
    EXPECT_NE(back.error(), JournalError::BAD_CHECKSUM);
  }
}

TEST(JournalCodec, ContentThatCannotBeIsRefused) {
  const std::vector<std::uint8_t> good = encoded(sample());
  std::vector<std::uint8_t> bad = good;
  bad[0] = 3;
  EXPECT_EQ(decode_batch(sealed(bad)).error(), JournalError::UNKNOWN_VERSION);
  bad = good;
  bad.push_back(0);
  EXPECT_EQ(decode_batch(sealed(bad)).error(), JournalError::BAD_CONTENT);
  bad = good;
  bad[17] = bad[18] = bad[19] = bad[20] = 0xff;  // four billion change sets
  EXPECT_FALSE(decode_batch(sealed(bad)));
  bad = good;
  bad[21] = 0xc0;  // the apex as a compression pointer
  EXPECT_EQ(decode_batch(sealed(bad)).error(), JournalError::BAD_CONTENT);
  JournalBatch batch = sample();
  batch.changes[0].added[1].rdata.pop_back();
  EXPECT_EQ(decode_batch(encoded(batch)).error(), JournalError::BAD_CONTENT);
  batch = sample();
  batch.changes[0].added[1].type = Type::ANY;
  EXPECT_EQ(decode_batch(encoded(batch)).error(), JournalError::BAD_CONTENT);
  batch = sample();
  batch.messages[0].leases[0].rdata.pop_back();
  EXPECT_EQ(decode_batch(encoded(batch)).error(), JournalError::BAD_CONTENT);
  batch = sample();
  batch.messages[1].signed_by = SignedBy(0);
  EXPECT_EQ(decode_batch(encoded(batch)).error(), JournalError::BAD_CONTENT);
}

TEST(JournalCodec, Version1HasNoDetailsOfMessages) {
  JournalBatch batch;
  batch.lsn = 7;
  std::vector<std::uint8_t> octets = encoded(batch);
  octets.resize(octets.size() - 8);  // the number of messages, the checksum
  const std::vector<std::uint8_t> key = {1, 'k', 0};
  octets[0] = 1;
  octets.insert(octets.end(), {0, 0, 0, 1});
  octets.insert(octets.end(), key.begin(), key.end());
  octets.resize(octets.size() + 32 + 16 + 2 + 8);
  octets.insert(octets.end(), {0, 5});
  octets.resize(octets.size() + 4);
  const auto old = decode_batch(sealed(octets));
  ASSERT_TRUE(old);
  ASSERT_EQ(old->messages.size(), 1U);
  EXPECT_EQ(old->messages[0].key, name("k."));
  EXPECT_EQ(old->messages[0].rcode, Rcode::REFUSED);
  EXPECT_TRUE(old->messages[0].touched.empty());
}

TEST(JournalCodec, AnyOctetsAreAnErrorOrABatchThatIsWrittenTheSame) {
  std::mt19937 random(5);
  const std::vector<std::uint8_t> good = encoded(sample());
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::uint8_t> octets = good;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      octets[random() % octets.size()] = static_cast<std::uint8_t>(random());
    }
    octets = sealed(octets);
    const auto batch = decode_batch(octets);
    if (!batch) continue;
    ++taken;
    EXPECT_EQ(decode_batch(encoded(*batch))->lsn, batch->lsn);
  }
  EXPECT_GT(taken, 100);
}

// RFC 4034 §6.1
TEST(NameKey, OrdersAsNamesDo) {
  std::mt19937 random(3);
  std::vector<Name> names;
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::uint8_t> wire;
    for (auto labels = random() % 4; labels > 0; --labels) {
      const auto size = 1 + random() % 3;
      wire.push_back(static_cast<std::uint8_t>(size));
      // Octets around the escape, the letters and the end.
      const std::uint8_t octets[] = {0, 1, 2, 'A', 'a', 'b', 'Z', '[', 0xff};
      for (std::uint64_t k = 0; k < size; ++k) wire.push_back(octets[random() % std::size(octets)]);
    }
    wire.push_back(0);
    names.push_back(Name::from_wire(wire).value());
  }
  for (std::size_t i = 1; i < names.size(); ++i) {
    const std::string a = name_key(names[i - 1]);
    const std::string b = name_key(names[i]);
    EXPECT_EQ(names[i - 1] < names[i], a < b)
        << names[i - 1].to_text() << ' ' << names[i].to_text();
    EXPECT_EQ(names[i - 1] == names[i], a == b);
    EXPECT_TRUE(a.starts_with(name_key(names[i - 1].parent())));
    EXPECT_EQ(name_key(names[i], names[i]), "");
  }
}

TEST(ChangeSet, ReplayIsIdempotentAndRemovesFirst) {
  Contents contents;
  const Name apex = name("example.org.");
  contents.zones[apex];
  ChangeSet change{apex, 1, 2, {}, {}};
  change.added = {record("a.example.org. 60 A 192.0.2.1"), record("a.example.org. 60 A 192.0.2.2"),
                  record("a.example.org. 60 TXT x"), record("b.example.org. 60 A 192.0.2.1")};
  contents.apply(change);
  const Contents once = contents;
  contents.apply(change);
  EXPECT_EQ(contents, once);
  EXPECT_EQ(contents.get(apex, name("a.example.org.")).record_count(), 3U);

  // One record out, a TTL changed, a name gone, a spelling changed.
  ChangeSet next{apex, 2, 3, {}, {}};
  next.removed = {record("a.example.org. 60 A 192.0.2.1"), record("A.example.org. 60 A 192.0.2.2"),
                  record("b.example.org. 60 A 192.0.2.1"), record("c.example.org. 60 A 192.0.2.1")};
  next.added = {record("a.example.org. 70 A 192.0.2.2")};
  contents.apply(next);
  const RRsetsView a = contents.get(apex, name("a.example.org."));
  EXPECT_EQ(a.find(Type::A).count(), 1U);
  EXPECT_EQ(a.find(Type::A).ttl(), 70U);
  EXPECT_TRUE(a.find(Type::TXT));
  EXPECT_TRUE(contents.get(apex, name("b.example.org.")).empty());
  const Contents twice = contents;
  contents.apply(next);
  EXPECT_EQ(contents, twice);
  // The older one again, then the newer: as when rows are newer than the number they claim.
  contents.apply(change);
  contents.apply(next);
  EXPECT_EQ(contents, twice);
}

TEST(ChangeSet, AnRRsetThatGrowsTooBigIsRefused) {
  ChangeSet change{name("example.org."), 1, 2, {}, {}};
  for (int i = 0; i < 300; ++i) {
    Record big = record("a.example.org. 60 TXT x");
    big.rdata.assign(256, static_cast<std::uint8_t>(i));
    big.rdata[0] = 255;
    big.rdata[1] = static_cast<std::uint8_t>(i >> 8);
    change.added.push_back(big);
  }
  EXPECT_FALSE(apply_change_set(
      change, [](NameView) { return RRsetsView(); }, [](NameView, RRsetsView) {}));
}

}  // namespace
}  // namespace zones::test
