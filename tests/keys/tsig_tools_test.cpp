// Requests as dig, nsupdate, kdig and knsupdate signed them (data/tsig/capture.py), and answers of
// BIND, Knot and NSD to ours (data/tsig/capture_responses.py).
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "keys/tsig.h"
#include "keys/vectors.h"
#include "zones/message.h"

namespace keys {
namespace {

struct Captured {
  std::string program, algorithm, secret, hex;
  std::size_t mac_octets = 0;
  std::int64_t time = 0;
};

std::vector<Captured> captured() {
  std::vector<Captured> rows;
  std::ifstream file(TEST_DATA "/tsig/requests.txt");
  for (Captured row; file >> row.program >> row.algorithm >> row.mac_octets >> row.secret >>
                     row.time >> row.hex;) {
    rows.push_back(row);
  }
  return rows;
}

TEST(TsigTools, TheirRequestsVerify) {
  const std::vector<Captured> rows = captured();
  ASSERT_GE(rows.size(), 34U);
  for (const Captured& row : rows) {
    SCOPED_TRACE(row.program + " " + row.algorithm + " " + std::to_string(row.mac_octets));
    const auto algorithm = algorithm_from_text(row.algorithm);
    ASSERT_TRUE(algorithm.has_value());
    auto secret = Secret::from_base64(row.secret);
    ASSERT_TRUE(secret.has_value());
    Keyring keyring;
    keyring.add({test::name("h1.DYN.example."), *algorithm,
                 std::make_shared<const Secret>(std::move(*secret))});

    const test::Octets request = test::from_hex(row.hex);
    const auto message = zones::parse_message(request);
    ASSERT_TRUE(message.has_value());
    const std::chrono::sys_seconds now{std::chrono::seconds(row.time)};
    TsigExchange exchange(keyring);
    const auto identity = exchange.verify(request, message->signature_offset, now);
    ASSERT_TRUE(identity.has_value()) << to_text(identity.error());
    EXPECT_EQ(identity->mac.size(), mac_octets(*algorithm));

    test::Octets forged = request;
    forged[forged.size() - 7] ^= 1;  // the MAC's last octet
    EXPECT_EQ(exchange.verify(forged, message->signature_offset, now).error(), TsigError::BADSIG);
    EXPECT_EQ(
        exchange.verify(request, message->signature_offset, now + std::chrono::hours(1)).error(),
        TsigError::BADTIME);
  }
}

struct Answered {
  std::string server, kind, algorithm;
  std::int64_t time = 0;
  test::Octets request;
  std::vector<test::Octets> messages;
};

std::vector<Answered> answered() {
  std::vector<Answered> rows;
  std::ifstream file(TEST_DATA "/tsig/responses.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Answered& row = rows.emplace_back();
    std::string hex;
    words >> row.server >> row.kind >> row.algorithm >> row.time >> hex;
    row.request = test::from_hex(hex);
    while (words >> hex) row.messages.push_back(test::from_hex(hex));
  }
  return rows;
}

TEST(TsigTools, AnswersOfServersVerify) {
  using Verdict = TsigClient::Verdict;
  struct Want {
    Verdict verdict;
    std::uint16_t tsig_error;
  };
  const std::map<std::string, Want> wants = {{"answer", {Verdict::VALID, 0}},
                                             {"axfr", {Verdict::VALID, 0}},
                                             {"badsig", {Verdict::UNSIGNED_ERROR, 16}},
                                             {"badkey", {Verdict::UNSIGNED_ERROR, 17}},
                                             {"badtime", {Verdict::SERVER_ERROR, 18}},
                                             // NSD 4.6 does not sign it, against RFC 8945 §5.2.3.
                                             {"nsd badtime", {Verdict::UNSIGNED_ERROR, 18}}};
  const std::vector<Answered> rows = answered();
  ASSERT_EQ(rows.size(), 27U);
  for (const Answered& row : rows) {
    SCOPED_TRACE(row.server + " " + row.kind + " " + row.algorithm);
    const Algorithm algorithm = algorithm_from_text(row.algorithm).value();
    const std::string key_name =
        algorithm == Algorithm::HMAC_SHA256 ? "key.example." : row.algorithm + ".example.";
    const std::chrono::sys_seconds time{std::chrono::seconds(row.time)};
    const auto special = wants.find(row.server + " " + row.kind);
    const Want& want = special == wants.end() ? wants.at(row.kind) : special->second;
    TsigClient client(test::make_key(key_name, algorithm));
    test::Octets request = row.request;
    ASSERT_TRUE(client.sign(request, time));
    ASSERT_FALSE(row.messages.empty());
    for (const test::Octets& message : row.messages) {
      std::uint16_t tsig_error = 0;
      std::optional<std::chrono::sys_seconds> server_time;
      const Verdict verdict = client.verify(message, time, tsig_error, server_time);
      EXPECT_STREQ(to_text(verdict), to_text(want.verdict));
      EXPECT_EQ(tsig_error, want.tsig_error);
      ASSERT_EQ(server_time.has_value(), want.verdict == Verdict::SERVER_ERROR);
      if (server_time) {
        EXPECT_NEAR(static_cast<double>((*server_time - time).count()), 1000, 60);
      }
    }
    EXPECT_EQ(client.complete(), row.kind == "answer" || row.kind == "axfr");
  }
}

}  // namespace
}  // namespace keys
