// Requests as dig, nsupdate, kdig and knsupdate signed them (data/tsig/capture.py).
#include <gtest/gtest.h>

#include <fstream>

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

}  // namespace
}  // namespace keys
