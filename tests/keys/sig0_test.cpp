#include "keys/sig0.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "zones/message.h"

namespace keys {
namespace {

using Octets = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

zones::Name name(const char* text) { return zones::Name::from_text(text).value(); }

struct TemporaryFolder {
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "sig0_test.XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path); }
  fs::path path;
};

/// A request that BIND's nsupdate signed, the time at which it did, and the KEY file beside it.
struct Captured {
  Octets octets;
  std::chrono::sys_seconds signed_at;
  std::size_t sig_offset;
};

Captured read_captured(const fs::path& file) {
  std::ifstream in(file);
  std::string comment;
  std::string hex;
  std::getline(in, comment);
  in >> hex;
  Captured captured;
  captured.signed_at = std::chrono::sys_seconds(
      std::chrono::seconds(std::stoll(comment.substr(comment.rfind(' ')))));
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    captured.octets.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  captured.sig_offset = zones::parse_message(captured.octets).value().signature_offset;
  return captured;
}

/// KEY RDATA of "owner IN KEY flags protocol algorithm base64".
Octets read_key_rdata(const fs::path& file) {
  std::ifstream in(file);
  std::string owner, rrclass, type, base64, part;
  unsigned flags = 0, protocol = 0, algorithm = 0;
  in >> owner >> rrclass >> type >> flags >> protocol >> algorithm;
  while (in >> part) base64 += part;
  Octets rdata{static_cast<std::uint8_t>(flags >> 8), static_cast<std::uint8_t>(flags),
               static_cast<std::uint8_t>(protocol), static_cast<std::uint8_t>(algorithm)};
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : base64) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<std::uint32_t>(alphabet.find(c));
    if ((count += 6) >= 8) rdata.push_back(static_cast<std::uint8_t>(bits >> (count -= 8)));
  }
  return rdata;
}

zones::Result<std::size_t, Sig0Error> check(const Octets& message, std::size_t offset,
                                            std::chrono::sys_seconds now,
                                            std::span<const PublicKey> keys,
                                            const Octets& request = {}) {
  const auto sig = read_sig0(message, offset, now);
  if (!sig) return tl::unexpected(sig.error());
  return verify_sig0(sig0_signed_data(message, offset, *sig, request), *sig, keys);
}

TEST(Sig0, Rfc2931Section31RequestsThatNsupdateSigned) {
  std::size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(TEST_DATA "/sig0")) {
    if (entry.path().extension() != ".key") continue;
    SCOPED_TRACE(entry.path().filename().string());
    ++seen;
    const auto key = PublicKey::from_key_rdata(read_key_rdata(entry.path()));
    ASSERT_TRUE(key) << key.error();
    const std::string stem = entry.path().stem().string();
    EXPECT_EQ(key->tag(), std::stoi(stem.substr(stem.rfind('+') + 1)));
    const Captured captured =
        read_captured(fs::path(entry.path()).replace_extension(".request.hex"));
    const std::vector<PublicKey> keys{*key};
    const auto now = captured.signed_at;
    EXPECT_EQ(check(captured.octets, captured.sig_offset, now, keys), 0U);
    EXPECT_EQ(read_sig0(captured.octets, captured.sig_offset, now)->signer,
              name("h1.dyn.example."));

    using namespace std::chrono_literals;
    EXPECT_EQ(check(captured.octets, captured.sig_offset, now + 301s, keys).error(),
              Sig0Error::BADTIME);
    EXPECT_EQ(check(captured.octets, captured.sig_offset, now - 700s, keys).error(),
              Sig0Error::BADTIME);
    // Every octet is covered, but for the SIG's owner, class, TTL and RDLENGTH.
    for (std::size_t i = 0; i < captured.sig_offset; i += 7) {
      Octets changed = captured.octets;
      changed[i] ^= 1;
      const auto result = check(changed, captured.sig_offset, now, keys);
      ASSERT_FALSE(result) << i;
      EXPECT_TRUE(result.error() == Sig0Error::BADSIG || result.error() == Sig0Error::FORMERR);
    }
    Octets changed = captured.octets;
    changed.back() ^= 1;
    EXPECT_EQ(check(changed, captured.sig_offset, now, keys).error(), Sig0Error::BADSIG);
  }
  EXPECT_EQ(seen, 5U);  // every algorithm that is offered
}

Octets update_message() {
  zones::Message message;
  message.header.opcode = zones::Opcode::UPDATE;
  message.question.push_back({name("dyn.example."), zones::Type::SOA, zones::Class::IN});
  message.authority.push_back(
      {name("h1.dyn.example."), zones::Type::A, zones::Class::IN, 60, {192, 0, 2, 1}});
  return zones::to_wire(message);
}

const std::chrono::sys_seconds NOW{std::chrono::seconds(1'700'000'000)};

TEST(Sig0, Rfc2931Section31AResponseIsBoundToItsRequest) {
  const PrivateKey key = PrivateKey::generate(name("ns.example."));
  const std::vector<PublicKey> keys{key.public_key()};
  const Octets request = update_message();
  Octets response = request;
  response[2] |= 0x80;
  const std::size_t offset = response.size();
  sign_sig0(response, key, NOW, request);
  EXPECT_TRUE(zones::parse_message(response)->signature);
  EXPECT_EQ(check(response, offset, NOW, keys, request), 0U);
  EXPECT_EQ(check(response, offset, NOW, keys).error(), Sig0Error::BADSIG);
  Octets another = request;
  another[1] ^= 1;
  EXPECT_EQ(check(response, offset, NOW, keys, another).error(), Sig0Error::BADSIG);
}

TEST(Sig0, OnlyCandidatesOfItsTagAndAlgorithmCostAnOperation) {
  const PrivateKey key = PrivateKey::generate(name("h1.dyn.example."));
  const PrivateKey other = PrivateKey::generate(name("h1.dyn.example."));
  Octets message = update_message();
  const std::size_t offset = message.size();
  sign_sig0(message, key, NOW);
  EXPECT_EQ(check(message, offset, NOW, {}).error(), Sig0Error::BADKEY);
  const std::vector<PublicKey> both{other.public_key(), key.public_key()};
  EXPECT_EQ(check(message, offset, NOW, both), 1U);
  const std::vector<PublicKey> strangers{other.public_key()};
  const auto want =
      other.public_key().tag() == key.public_key().tag() ? Sig0Error::BADSIG : Sig0Error::BADKEY;
  EXPECT_EQ(check(message, offset, NOW, strangers).error(), want);

  // No more than two tries, however many keys have the tag.
  const auto sig = read_sig0(message, offset, NOW);
  const Octets data = sig0_signed_data(message, offset, *sig);
  Octets wrong = data;
  wrong[0] ^= 1;
  const std::vector<PublicKey> same(3, key.public_key());
  EXPECT_EQ(verify_sig0(data, *sig, same), 0U);
  EXPECT_EQ(verify_sig0(wrong, *sig, same, 2).error(), Sig0Error::BADSIG);
  EXPECT_EQ(verify_sig0(data, *sig, same, 0).error(), Sig0Error::BADKEY);
}

TEST(Sig0, MalformedOnes) {
  const PrivateKey key = PrivateKey::generate(name("h1.dyn.example."));
  Octets whole = update_message();
  const std::size_t offset = whole.size();
  sign_sig0(whole, key, NOW);
  const std::size_t rdata = offset + 11;
  for (std::size_t size = offset; size < rdata + 18; ++size) {
    EXPECT_EQ(read_sig0(std::span(whole).first(size), offset, NOW).error(), Sig0Error::FORMERR)
        << size;
  }
  struct Row {
    const char* what;
    std::size_t at;
    std::uint8_t value;
    Sig0Error want;
  };
  const Row rows[] = {
      {"another type", offset + 2, 25, Sig0Error::FORMERR},
      {"a type covered", rdata + 1, 1, Sig0Error::FORMERR},
      {"RSA/MD5", rdata + 2, 1, Sig0Error::BADALG},
      {"RSA/SHA-1", rdata + 2, 5, Sig0Error::BADALG},
      {"an RDLENGTH that leaves octets over", offset + 10, 1, Sig0Error::FORMERR},
      {"valid for years", rdata + 8, static_cast<std::uint8_t>(whole[rdata + 8] + 4),
       Sig0Error::BADTIME},
      {"no longer valid", rdata + 8, static_cast<std::uint8_t>(whole[rdata + 8] - 4),
       Sig0Error::BADTIME},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Octets changed = whole;
    changed[row.at] = row.value;
    const auto result = read_sig0(changed, offset, NOW);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), row.want) << to_text(result.error());
  }
  Octets uncounted = whole;
  uncounted[10] = uncounted[11] = 0;
  EXPECT_EQ(read_sig0(uncounted, offset, NOW).error(), Sig0Error::FORMERR);
}

TEST(PublicKey, WhatIsNoKeyForSigningRequests) {
  const Octets good = PrivateKey::generate(name("h.")).public_key().rdata();
  struct Row {
    const char* what;
    Octets rdata;
    const char* want;
  };
  const auto changed = [&good](std::size_t at, std::uint8_t value) {
    Octets rdata = good;
    rdata[at] = value;
    return rdata;
  };
  Octets rsa_long_exponent{2, 0, 3, 8, 5, 1, 0, 0, 0, 1};
  rsa_long_exponent.insert(rsa_long_exponent.end(), 256, 0xff);
  Octets rsa_short{2, 0, 3, 8, 3, 1, 0, 1};
  rsa_short.insert(rsa_short.end(), 64, 0xff);
  Octets rsa_huge{2, 0, 3, 8, 3, 1, 0, 1};
  rsa_huge.insert(rsa_huge.end(), 1024, 0xff);
  Octets rsa_even{2, 0, 3, 8, 3, 1, 0, 0};
  rsa_even.insert(rsa_even.end(), 256, 0xff);
  Octets not_on_the_curve{2, 0, 3, 13};
  not_on_the_curve.insert(not_on_the_curve.end(), 64, 1);
  const Row rows[] = {
      {"RFC 2535 §3.1.2 no authentication", changed(0, 0x80), "prohibit authentication"},
      {"RFC 2535 §3.1.2 no key", changed(0, 0xc0), "prohibit authentication"},
      {"RFC 2535 §3.1.3 TLS", changed(2, 1), "protocol is 1"},
      {"RSA/MD5", changed(3, 1), "algorithm 1 is not offered"},
      {"Ed25519 of another size", Octets(good.begin(), good.end() - 1), "no ED25519 key"},
      {"nothing", {}, "no key"},
      {"RSA of 512 bits", rsa_short, "outside the limits"},
      {"RSA of 8192 bits", rsa_huge, "outside the limits"},
      {"RSA with a long exponent", rsa_long_exponent, "outside the limits"},
      {"RSA with an even exponent", rsa_even, "outside the limits"},
      {"RSA without a modulus", {2, 0, 3, 8, 3, 1, 0, 1}, "outside the limits"},
      {"P-256, not on the curve", not_on_the_curve, "no ECDSAP256SHA256 key"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const auto key = PublicKey::from_key_rdata(row.rdata);
    ASSERT_FALSE(key);
    EXPECT_NE(key.error().find(row.want), std::string::npos) << key.error();
  }
  EXPECT_TRUE(PublicKey::from_key_rdata(good));
}

TEST(PrivateKey, FilesThatWeWrite) {
  const TemporaryFolder folder;
  const PrivateKey made = PrivateKey::generate(name("h1.dyn.example."));
  const auto file = made.write_files(folder.path);
  ASSERT_TRUE(file) << file.error();
  EXPECT_EQ(fs::status(*file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const auto read = PrivateKey::from_files(*file);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->name(), made.name());
  EXPECT_EQ(read->public_key().rdata(), made.public_key().rdata());
  EXPECT_FALSE(made.write_files(folder.path));  // never over a key that is there
  fs::remove(fs::path(*file).replace_extension(".key"));
  EXPECT_NE(PrivateKey::from_files(*file).error().find("cannot be read"), std::string::npos);
}

TEST(PrivateKey, FilesThatDnssecKeygenWrites) {
  for (const char* algorithm : {"RSASHA256 -b 2048", "RSASHA512 -b 2048", "ECDSAP256SHA256",
                                "ECDSAP384SHA384", "ED25519"}) {
    SCOPED_TRACE(algorithm);
    const TemporaryFolder folder;
    const std::string command = "dnssec-keygen -q -T KEY -n HOST -K " + folder.path.string() +
                                " -a " + algorithm + " h1.dyn.example. > /dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
    fs::path file;
    for (const auto& entry : fs::directory_iterator(folder.path)) {
      if (entry.path().extension() == ".private") file = entry.path();
    }
    const auto key = PrivateKey::from_files(file);
    ASSERT_TRUE(key) << key.error();
    Octets message = update_message();
    const std::size_t offset = message.size();
    sign_sig0(message, *key, NOW);
    const std::vector<PublicKey> keys{key->public_key()};
    EXPECT_EQ(check(message, offset, NOW, keys), 0U);
  }
}

}  // namespace
}  // namespace keys
