#include <gtest/gtest.h>

#include "keys/tsig.h"
#include "keys/tsig_record.h"
#include "keys/vectors.h"

namespace keys {
namespace {

using test::at;
using test::Octets;
using test::vector;
using Verdict = TsigClient::Verdict;

/// A client that has sent the request of the vectors.
TsigClient asked(std::chrono::seconds fudge = MAX_FUDGE) {
  TsigClient client(test::make_key("key.example."), fudge);
  Octets request = vector("query");
  EXPECT_TRUE(client.sign(request, test::T));
  return client;
}

struct Checked {
  Verdict verdict{};
  std::uint16_t tsig_error = 0;
  std::optional<std::chrono::sys_seconds> server_time;
};

Checked check(TsigClient& client, const Octets& response, std::int64_t now = 1) {
  Checked checked;
  checked.verdict = client.verify(response, at(now), checked.tsig_error, checked.server_time);
  return checked;
}

TEST(TsigClient, Rfc8945EveryAlgorithm) {
  for (const Algorithm algorithm :
       {Algorithm::HMAC_SHA1, Algorithm::HMAC_SHA224, Algorithm::HMAC_SHA256,
        Algorithm::HMAC_SHA384, Algorithm::HMAC_SHA512}) {
    const std::string text = to_text(algorithm);
    SCOPED_TRACE(text);
    TsigClient client(test::make_key(text + ".example.", algorithm));
    Octets request = vector("query");
    ASSERT_TRUE(client.sign(request, test::T));
    EXPECT_EQ(request, vector("request-" + text));
    EXPECT_FALSE(client.complete());
    EXPECT_EQ(check(client, vector("response-" + text)).verdict, Verdict::VALID);
    EXPECT_TRUE(client.complete());
  }
}

TEST(TsigClient, Rfc8945Responses) {
  struct Row {
    const char* clause;
    Octets response;
    std::int64_t now;
    Verdict want;
    std::uint16_t tsig_error;
  };
  Octets forged = vector("response");
  forged[30] ^= 1;
  Octets question = vector("response");
  question[2] &= 0x7f;
  const Octets cut(vector("response").begin(), vector("response").end() - 1);
  const Row rows[] = {
      {"§5.4 valid", vector("response"), 1, Verdict::VALID, 0},
      {"§4.3.3 names in another case", vector("response-case"), 1, Verdict::VALID, 0},
      {"§4.3.2 ID changed on the way", vector("response-forwarded"), 1, Verdict::VALID, 0},
      {"§5.4 no TSIG", vector("plain-response"), 1, Verdict::UNSIGNED, 0},
      {"§5.4 changed", forged, 1, Verdict::BAD_SIGNATURE, 0},
      {"§5.3 another request's", vector("response-truncated"), 1, Verdict::BAD_SIGNATURE, 0},
      {"§5.4.1 another key", vector("response-hmac-sha256"), 1, Verdict::BAD_SIGNATURE, 0},
      {"§5.4.3 late", vector("response"), 302, Verdict::BAD_TIME, 0},
      {"§5.4.3 early", vector("response"), -300, Verdict::BAD_TIME, 0},
      {"§5.4 unsigned BADKEY", vector("badkey"), 1, Verdict::UNSIGNED_ERROR, 17},
      {"§5.4.2 unsigned BADSIG", vector("badsig"), 1, Verdict::UNSIGNED_ERROR, 16},
      {"not a response", question, 1, Verdict::FORMERR, 0},
      {"the request itself", vector("request"), 1, Verdict::FORMERR, 0},
      {"cut", cut, 1, Verdict::FORMERR, 0},
      {"nothing", {}, 1, Verdict::FORMERR, 0},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    TsigClient client = asked();
    const Checked checked = check(client, row.response, row.now);
    EXPECT_EQ(checked.verdict, row.want);
    EXPECT_EQ(checked.tsig_error, row.tsig_error);
    EXPECT_EQ(checked.server_time, std::nullopt);
    // §5.4: the client waits on, and the right answer still counts after a wrong one.
    if (row.want != Verdict::VALID) {
      EXPECT_EQ(check(client, vector("response")).verdict, Verdict::VALID);
    }
  }
}

TEST(TsigClient, Rfc8945BadTime) {
  TsigClient client = asked(std::chrono::seconds(10));
  const Checked checked = check(client, vector("badtime"), 11);
  EXPECT_EQ(checked.verdict, Verdict::SERVER_ERROR);
  EXPECT_EQ(checked.tsig_error, 18);
  EXPECT_EQ(checked.server_time, at(11));
  EXPECT_FALSE(client.complete());
}

TEST(TsigClient, Rfc8945BadTimeOfAnotherRequestIsNotBelieved) {
  TsigClient client = asked();
  EXPECT_EQ(check(client, vector("badtime"), 11).verdict, Verdict::BAD_SIGNATURE);
}

TEST(TsigClient, AnEmptyMacWithoutErrorIsNoSignature) {
  Octets response = vector("badsig");
  response[response.size() - 3] = 0;
  TsigClient client = asked();
  EXPECT_EQ(check(client, response).verdict, Verdict::FORMERR);
}

TEST(TsigClient, Rfc8945StreamAllSigned) {
  TsigClient client = asked();
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(check(client, vector("stream-" + std::to_string(i)), i).verdict, Verdict::VALID);
    EXPECT_TRUE(client.complete());
  }
}

TEST(TsigClient, Rfc8945StreamWithUnsignedMessages) {
  TsigClient client = asked();
  EXPECT_EQ(check(client, vector("stream-1")).verdict, Verdict::VALID);
  EXPECT_EQ(check(client, vector("plain-2")).verdict, Verdict::PENDING);
  EXPECT_FALSE(client.complete());
  EXPECT_EQ(check(client, vector("plain-3")).verdict, Verdict::PENDING);
  EXPECT_EQ(check(client, vector("sparse-4"), 4).verdict, Verdict::VALID);
  EXPECT_TRUE(client.complete());
}

TEST(TsigClient, Rfc8945NinetyNineUnsignedMessages) {
  TsigClient client = asked();
  EXPECT_EQ(check(client, vector("stream-1")).verdict, Verdict::VALID);
  for (int i = 0; i < 99; ++i)
    EXPECT_EQ(check(client, vector("plain-2")).verdict, Verdict::PENDING);
  EXPECT_EQ(check(client, vector("sparse-100"), 4).verdict, Verdict::VALID);
}

TEST(TsigClient, Rfc8945TheHundredthUnsignedMessageIsTooMany) {
  TsigClient client = asked();
  EXPECT_EQ(check(client, vector("stream-1")).verdict, Verdict::VALID);
  for (int i = 0; i < 99; ++i)
    EXPECT_EQ(check(client, vector("plain-2")).verdict, Verdict::PENDING);
  EXPECT_EQ(check(client, vector("plain-2")).verdict, Verdict::UNSIGNED);
  EXPECT_EQ(check(client, vector("sparse-101"), 4).verdict, Verdict::BAD_SIGNATURE);
  EXPECT_FALSE(client.complete());
}

TEST(TsigClient, Rfc8945StreamThatWasChangedStaysBroken) {
  struct Row {
    const char* what;
    std::vector<const char*> messages;
  };
  const Row rows[] = {
      {"one left out", {"stream-1", "stream-3"}},
      {"one twice", {"stream-1", "stream-2", "stream-2"}},
      {"an unsigned one put in", {"stream-1", "plain-3", "stream-2"}},
      {"an unsigned one left out", {"stream-1", "plain-3", "sparse-4"}},
      {"order changed", {"stream-1", "plain-3", "plain-2", "sparse-4"}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    TsigClient client = asked();
    Verdict last{};
    for (const char* message : row.messages) last = check(client, vector(message), 4).verdict;
    EXPECT_EQ(last, Verdict::BAD_SIGNATURE);
    EXPECT_EQ(check(client, vector("stream-2"), 2).verdict, Verdict::BAD_SIGNATURE);
    EXPECT_FALSE(client.complete());
  }
}

TEST(TsigClient, Rfc8945FirstMessageOfAStreamIsSigned) {
  TsigClient client = asked();
  EXPECT_EQ(check(client, vector("plain-1")).verdict, Verdict::UNSIGNED);
}

TEST(TsigClient, EachRequestStartsAnew) {
  TsigClient client = asked();
  EXPECT_EQ(check(client, vector("stream-1")).verdict, Verdict::VALID);
  EXPECT_EQ(check(client, vector("stream-3")).verdict, Verdict::BAD_SIGNATURE);
  Octets request = vector("query");
  ASSERT_TRUE(client.sign(request, test::T));
  EXPECT_EQ(check(client, vector("response")).verdict, Verdict::VALID);
}

TEST(TsigClient, WhatCannotBeSignedStaysAsItWas) {
  TsigClient client(test::make_key("key.example."));
  Octets header_cut(11);
  EXPECT_FALSE(client.sign(header_cut, test::T));
  Octets too_long = vector("query");
  too_long.resize(65535 - 20);
  const Octets before = too_long;
  EXPECT_FALSE(client.sign(too_long, test::T));
  EXPECT_EQ(too_long, before);
}

TEST(TsigClient, TalksToTheServerSide) {
  Keyring keyring;
  keyring.add(test::make_key("key.example."));
  TsigClient client = asked();
  Octets request = vector("query");
  ASSERT_TRUE(client.sign(request, test::T));
  TsigExchange server(keyring);
  ASSERT_TRUE(server.verify(request, find_tsig(request)->value().offset, at(2)).has_value());
  for (int i = 0; i < 3; ++i) {
    Octets response = vector("plain-response");
    const std::size_t size = response.size();
    response.resize(size + server.max_signature_octets());
    ASSERT_EQ(server.sign(response, size, at(3)), response.size());
    EXPECT_EQ(check(client, response, 3).verdict, Verdict::VALID);
  }
}

}  // namespace
}  // namespace keys
