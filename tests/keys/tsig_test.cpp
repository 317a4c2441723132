#include "keys/tsig.h"

#include <gtest/gtest.h>

#include "keys/tsig_record.h"
#include "keys/vectors.h"

namespace keys {
namespace {

using test::at;
using test::Octets;
using test::vector;

constexpr Algorithm ALL_ALGORITHMS[] = {Algorithm::HMAC_SHA1, Algorithm::HMAC_SHA224,
                                        Algorithm::HMAC_SHA256, Algorithm::HMAC_SHA384,
                                        Algorithm::HMAC_SHA512};

Keyring vector_keyring() {
  Keyring keyring;
  keyring.add(test::make_key("key.example."));
  for (const Algorithm algorithm : ALL_ALGORITHMS) {
    keyring.add(test::make_key(to_text(algorithm) + ".example.", algorithm));
  }
  return keyring;
}

/// Where the TSIG begins; 0 when there is none in its place.
std::size_t offset_of(const Octets& message) {
  const auto found = find_tsig(message);
  return found && *found ? (*found)->offset : 0;
}

/// 0 for a valid request.
std::uint16_t verify(TsigExchange& exchange, const Octets& request,
                     std::chrono::sys_seconds now = test::T) {
  const auto identity = exchange.verify(request, offset_of(request), now);
  return identity ? std::uint16_t{0} : static_cast<std::uint16_t>(identity.error());
}

Octets sign(TsigExchange& exchange, const Octets& response, std::chrono::sys_seconds now) {
  Octets buffer = response;
  buffer.resize(response.size() + exchange.max_signature_octets());
  const std::size_t size = exchange.sign(buffer, response.size(), now);
  buffer.resize(size);
  return buffer;
}

TEST(TsigExchange, Rfc8945EveryAlgorithm) {
  const Keyring keyring = vector_keyring();
  for (const Algorithm algorithm : ALL_ALGORITHMS) {
    const std::string text = to_text(algorithm);
    SCOPED_TRACE(text);
    const Octets& request = vector("request-" + text);
    TsigExchange exchange(keyring);
    const auto identity = exchange.verify(request, offset_of(request), test::T);
    ASSERT_TRUE(identity.has_value());
    EXPECT_EQ(identity->key.name, test::name(text + ".example.").view());
    EXPECT_EQ(identity->mac.size(), mac_octets(algorithm));
    EXPECT_TRUE(std::ranges::equal(identity->mac.octets(), find_tsig(request)->value().mac));
    EXPECT_EQ(identity->signed_at, test::T);
    EXPECT_EQ(sign(exchange, vector("plain-response"), at(1)), vector("response-" + text));
  }
}

struct ExchangeRow {
  const char* clause;
  const char* request;
  std::int64_t now;  // when the request comes, relative to T
  std::uint16_t want;
  const char* plain;
  std::int64_t then;  // when the response goes
  const char* response;
};

TEST(TsigExchange, Rfc8945WholeExchanges) {
  const ExchangeRow rows[] = {
      {"§5.3", "request", 0, 0, "plain-response", 1, "response"},
      {"§4.3.3 names without case", "request-case", 0, 0, "plain-response", 1, "response-case"},
      {"§5.2.2.1 truncated", "request-truncated", 0, 0, "plain-response", 1, "response-truncated"},
      {"§5.2.1 unknown key", "request-badkey", 0, 17, "plain-notauth", 1, "badkey"},
      {"§5.2.2 wrong MAC", "request-badsig", 0, 16, "plain-notauth", 1, "badsig"},
      {"§5.2.2 before §5.2.3", "request-badsig", 10'000, 16, "plain-notauth", 1, "badsig"},
      {"§5.2.3 too late", "request-fudge-10", 11, 18, "plain-notauth", 11, "badtime"},
  };
  const Keyring keyring = vector_keyring();
  for (const ExchangeRow& row : rows) {
    SCOPED_TRACE(row.clause);
    TsigExchange exchange(keyring);
    EXPECT_EQ(verify(exchange, vector(row.request), at(row.now)), row.want);
    EXPECT_EQ(sign(exchange, vector(row.plain), at(row.then)), vector(row.response));
  }
}

TEST(TsigExchange, Rfc8945TruncationPolicy) {
  struct Row {
    const char* clause;
    const char* request;
    std::size_t min_mac_octets;
    std::int64_t now;
    std::uint16_t want;
  };
  const Row rows[] = {
      {"§5.2.2.1 half is enough", "request-truncated", 0, 0, 0},
      {"§5.2.4 at the limit", "request-truncated", 16, 0, 0},
      {"§5.2.4 below the limit", "request-truncated", 17, 0, 22},
      {"§5.2.3 before §5.2.4", "request-truncated", 17, 301, 18},
      {"§7 a whole MAC passes", "request", 64, 0, 0},
  };
  const Keyring keyring = vector_keyring();
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    TsigExchange exchange(keyring, {.min_mac_octets = row.min_mac_octets});
    EXPECT_EQ(verify(exchange, vector(row.request), at(row.now)), row.want);
  }
  TsigExchange exchange(keyring, {.min_mac_octets = 32});
  EXPECT_EQ(verify(exchange, vector("request-truncated")), 22);
  EXPECT_EQ(sign(exchange, vector("plain-notauth"), at(1)), vector("badtrunc"));
}

TEST(TsigExchange, IdentityHasTheWholeMacOfATruncatedOne) {
  const Keyring keyring = vector_keyring();
  const Octets& truncated = vector("request-truncated");
  TsigExchange exchange(keyring);
  const auto identity = exchange.verify(truncated, offset_of(truncated), test::T);
  ASSERT_TRUE(identity.has_value());
  EXPECT_TRUE(
      std::ranges::equal(identity->mac.octets(), find_tsig(vector("request"))->value().mac));
}

TEST(TsigExchange, Rfc8945ForwardedId) {
  const Keyring keyring = vector_keyring();
  TsigExchange exchange(keyring);
  ASSERT_EQ(verify(exchange, vector("request-forwarded")), 0);
  Octets response = vector("plain-response");
  response[0] = response[1] = 0x99;
  EXPECT_EQ(sign(exchange, response, at(1)), vector("response-forwarded"));
}

TEST(TsigExchange, Rfc8945TimeWindow) {
  struct Row {
    const char* clause;
    std::uint64_t fudge;
    std::int64_t distance;
    bool want;
  };
  const Row rows[] = {
      {"now", 300, 0, true},
      {"§5.2.3 plus fudge", 300, 300, true},
      {"§5.2.3 plus fudge and one", 300, 301, false},
      {"§5.2.3 minus fudge", 300, -300, true},
      {"§5.2.3 minus fudge and one", 300, -301, false},
      {"no fudge", 0, 0, true},
      {"no fudge, a second off", 0, 1, false},
      {"§10 fudge is capped", 65535, 301, false},
      {"§10 fudge at the cap", 65535, 300, true},
      {"48 bits: 2^32 s later is not now", 300, std::int64_t{1} << 32, false},
      {"48 bits: 2^47 s later", 300, std::int64_t{1} << 47, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    const std::uint64_t time_signed = 1'700'000'000 + static_cast<std::uint64_t>(row.distance);
    EXPECT_EQ(time_within(time_signed, static_cast<std::uint16_t>(row.fudge), test::T), row.want);
  }
  // The largest time that fits.
  EXPECT_TRUE(time_within(0xffff'ffff'ffff, 300,
                          std::chrono::sys_seconds(std::chrono::seconds(0xffff'ffff'ffff))));
  EXPECT_FALSE(time_within(0xffff'ffff'ffff, 300, test::T));
}

TEST(TsigExchange, Rfc8945MacLength) {
  struct Row {
    Algorithm algorithm;
    std::size_t shortest, longest;
  };
  const Row rows[] = {{Algorithm::HMAC_SHA1, 10, 20},
                      {Algorithm::HMAC_SHA224, 14, 28},
                      {Algorithm::HMAC_SHA256, 16, 32},
                      {Algorithm::HMAC_SHA384, 24, 48},
                      {Algorithm::HMAC_SHA512, 32, 64}};
  for (const Row& row : rows) {
    SCOPED_TRACE(to_text(row.algorithm));
    for (std::size_t size = 0; size < 100; ++size) {
      EXPECT_EQ(mac_length_allowed(size, row.algorithm),
                size >= row.shortest && size <= row.longest)
          << size;
    }
  }
}

/// The request with a MAC cut or lengthened to `size`.
Octets with_mac_octets(const Octets& request, std::size_t size) {
  TsigRecord record = find_tsig(request)->value();
  Octets mac(record.mac.begin(), record.mac.end());
  mac.resize(size);
  record.mac = mac;
  Octets changed(request.begin(), request.begin() + static_cast<std::ptrdiff_t>(record.offset));
  --changed[11];
  changed.resize(record.offset + tsig_octets(record));
  append_tsig(changed, record.offset, record);
  return changed;
}

TEST(TsigExchange, Rfc8945ImpossibleMacLengthIsFormerrAndNotAnswered) {
  const Keyring keyring = vector_keyring();
  for (const std::size_t size : {0, 1, 9, 10, 15, 33, 64, 200}) {
    SCOPED_TRACE(size);
    TsigExchange exchange(keyring);
    EXPECT_EQ(verify(exchange, with_mac_octets(vector("request"), size)), 1);
    EXPECT_EQ(exchange.max_signature_octets(), 0U);
    EXPECT_EQ(sign(exchange, vector("plain-notauth"), test::T), vector("plain-notauth"));
  }
  for (const std::size_t size : {16, 17, 31, 32}) {
    SCOPED_TRACE(size);
    TsigExchange exchange(keyring);
    EXPECT_EQ(verify(exchange, with_mac_octets(vector("request"), size)), 0);
  }
}

struct Change {
  const char* clause;
  std::function<void(Octets&, std::size_t tsig)> apply;
};

TEST(TsigExchange, Rfc8945FormIsCheckedOnTheOctets) {
  // Owner "key.example." takes 13 octets, "hmac-sha256." too; RDATA begins at tsig + 23.
  const Change changes[] = {
      {"§4.2 class IN",
       [](Octets& o, std::size_t t) {
         o[t + 16] = 1;
         o[t + 15] = 0;
       }},
      {"§4.2 TTL 1", [](Octets& o, std::size_t t) { o[t + 20] = 1; }},
      {"§4.2 TTL 2^31", [](Octets& o, std::size_t t) { o[t + 17] = 0x80; }},
      {"RDLENGTH too small", [](Octets& o, std::size_t t) { --o[t + 22]; }},
      {"RDLENGTH too large", [](Octets& o, std::size_t t) { ++o[t + 22]; }},
      {"MAC size beyond RDATA", [](Octets& o, std::size_t t) { o[t + 44] = 0xff; }},
      {"§4.2 compressed algorithm",
       [](Octets& o, std::size_t t) {
         o[t + 23] = 0xc0;
         o[t + 24] = 0x0c;
       }},
      {"other len beyond RDATA", [](Octets& o, std::size_t) { o.back() = 1; }},
      {"other len less than RDATA",
       [](Octets& o, std::size_t t) {
         ++o[t + 22];
         o.push_back(0);
       }},
      {"§4.2 error in a request", [](Octets& o, std::size_t) { o[o.size() - 3] = 18; }},
      {"a response is no request", [](Octets& o, std::size_t) { o[2] |= 0x80; }},
      {"octets after the TSIG", [](Octets& o, std::size_t) { o.push_back(0); }},
      {"cut", [](Octets& o, std::size_t) { o.pop_back(); }},
      {"§5.2 not in the additional section",
       [](Octets& o, std::size_t) {
         o[11] = 0;
         o[7] = 1;
       }},
      {"§5.2 a record after it",
       [](Octets& o, std::size_t) {
         o[11] = 2;
         o.insert(o.end(), {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0});
       }},
      {"§5.2 twice",
       [](Octets& o, std::size_t t) {
         const Octets again(o.begin() + static_cast<std::ptrdiff_t>(t), o.end());
         o[11] = 2;
         o.insert(o.end(), again.begin(), again.end());
       }},
      {"more records than octets", [](Octets& o, std::size_t) { o[11] = 2; }},
      {"no records", [](Octets& o, std::size_t) { o[11] = 0; }},
      {"header cut", [](Octets& o, std::size_t) { o.resize(11); }},
      {"nothing", [](Octets& o, std::size_t) { o.clear(); }},
  };
  const Keyring keyring = vector_keyring();
  const std::size_t tsig = offset_of(vector("request"));
  for (const Change& change : changes) {
    SCOPED_TRACE(change.clause);
    Octets request = vector("request");
    change.apply(request, tsig);
    TsigExchange exchange(keyring);
    const auto identity = exchange.verify(request, tsig, test::T);
    ASSERT_FALSE(identity.has_value());
    EXPECT_EQ(identity.error(), TsigError::FORMERR);
    EXPECT_EQ(exchange.max_signature_octets(), 0U);
  }
}

TEST(TsigExchange, AWrongOffsetIsNotTrusted) {
  const Keyring keyring = vector_keyring();
  const Octets& request = vector("request");
  for (std::size_t offset = 0; offset < request.size() + 2; ++offset) {
    if (offset == offset_of(request)) continue;
    TsigExchange exchange(keyring);
    const auto identity = exchange.verify(request, offset, test::T);
    ASSERT_FALSE(identity.has_value()) << offset;
    EXPECT_EQ(identity.error(), TsigError::FORMERR);
  }
}

TEST(TsigExchange, Rfc8945AlgorithmMustBeTheKeys) {
  Keyring keyring;
  keyring.add(test::make_key("hmac-sha512.example.", Algorithm::HMAC_SHA256));
  TsigExchange exchange(keyring);
  EXPECT_EQ(verify(exchange, vector("request-hmac-sha512")), 17);
}

TEST(TsigExchange, NoOctetCanChangeUnnoticed) {
  const Keyring keyring = vector_keyring();
  const Octets& request = vector("request");
  const std::size_t tsig = offset_of(request);
  for (std::size_t i = 2; i < request.size(); ++i) {  // §4.3.2: the ID itself is not covered
    for (int bit = 0; bit < 8; ++bit) {
      Octets changed = request;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1 << bit));
      TsigExchange exchange(keyring);
      const bool valid = exchange.verify(changed, tsig, test::T).has_value();
      const bool other_case = bit == 5 &&
                              ((i > tsig && i < tsig + 12) || (i > tsig + 23 && i < tsig + 35)) &&
                              std::isalpha(request[i]) != 0;
      EXPECT_EQ(valid, other_case) << "octet " << i << " bit " << bit;
    }
  }
}

TEST(TsigExchange, NothingIsSignedBeforeVerification) {
  const Keyring keyring = vector_keyring();
  TsigExchange exchange(keyring);
  EXPECT_EQ(exchange.max_signature_octets(), 0U);
  EXPECT_EQ(sign(exchange, vector("plain-response"), test::T), vector("plain-response"));
}

TEST(TsigExchange, AnUnverifiedMacIsNeverDigested) {
  // CVE-2017-3142: after a good request, a bad one on the same exchange leaves nothing of the good
  // one behind.
  const Keyring keyring = vector_keyring();
  TsigExchange exchange(keyring);
  ASSERT_EQ(verify(exchange, vector("request")), 0);
  ASSERT_EQ(verify(exchange, vector("request-badsig")), 16);
  EXPECT_EQ(sign(exchange, vector("plain-notauth"), at(1)), vector("badsig"));
  ASSERT_EQ(exchange.verify(vector("request"), 0, test::T).error(), TsigError::FORMERR);
  EXPECT_EQ(exchange.max_signature_octets(), 0U);
}

TEST(TsigExchange, SigningOutlivesTheKeyring) {
  auto keyring = std::make_unique<Keyring>(vector_keyring());
  TsigExchange exchange(*keyring);
  ASSERT_EQ(verify(exchange, vector("request")), 0);
  keyring.reset();
  EXPECT_EQ(sign(exchange, vector("plain-response"), at(1)), vector("response"));
}

TEST(TsigExchange, SignFitsOrChangesNothing) {
  const Keyring keyring = vector_keyring();
  TsigExchange exchange(keyring);
  ASSERT_EQ(verify(exchange, vector("request")), 0);
  Octets buffer = vector("plain-response");
  const std::size_t size = buffer.size();
  buffer.resize(size + exchange.max_signature_octets() - 1);
  const Octets before = buffer;
  EXPECT_EQ(exchange.sign(buffer, size, at(1)), 0U);
  EXPECT_EQ(buffer, before);
  // The smaller message that the caller makes then is still the first of its exchange.
  EXPECT_EQ(sign(exchange, vector("plain-response"), at(1)), vector("response"));
}

TEST(TsigExchange, Rfc8945Stream) {
  const Keyring keyring = vector_keyring();
  TsigExchange exchange(keyring);
  ASSERT_EQ(verify(exchange, vector("request")), 0);
  for (int i = 1; i <= 4; ++i) {
    const std::string number = std::to_string(i);
    EXPECT_EQ(sign(exchange, vector("plain-" + number), at(i)), vector("stream-" + number));
  }
}

TEST(TsigExchange, Rfc8945StreamTimesDoNotDecrease) {
  const Keyring keyring = vector_keyring();
  TsigExchange exchange(keyring);
  ASSERT_EQ(verify(exchange, vector("request")), 0);
  sign(exchange, vector("plain-1"), at(5));
  const Octets second = sign(exchange, vector("plain-2"), at(3));
  EXPECT_EQ(find_tsig(second)->value().time_signed, 1'700'000'005U);
}

TEST(TsigExchange, LongestNamesFitTheReservedRoom) {
  const std::string label(63, 'k');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'k') + ".";
  TsigRecord record;
  record.key_name = test::name(longest);
  record.algorithm_name = test::name(longest);
  record.original_id = 0x1234;
  const Octets mac(32);
  record.mac = mac;
  Octets request = vector("query");
  const std::size_t offset = request.size();
  request.resize(offset + tsig_octets(record));
  append_tsig(request, offset, record);
  const Keyring keyring = vector_keyring();
  TsigExchange exchange(keyring);
  ASSERT_EQ(verify(exchange, request), 17);
  const Octets response = sign(exchange, vector("plain-notauth"), test::T);
  EXPECT_LE(response.size() - vector("plain-notauth").size(), MAX_TSIG_OCTETS);
  EXPECT_EQ(find_tsig(response)->value().key_name, record.key_name);
}

TEST(TsigError, Rfc8945Rcodes) {
  EXPECT_EQ(rcode_of(TsigError::FORMERR), zones::Rcode::FORMERR);
  for (const TsigError error :
       {TsigError::BADSIG, TsigError::BADKEY, TsigError::BADTIME, TsigError::BADTRUNC}) {
    EXPECT_EQ(rcode_of(error), zones::Rcode::NOTAUTH);
  }
  EXPECT_STREQ(to_text(TsigError::BADTRUNC), "BADTRUNC");
}

}  // namespace
}  // namespace keys
