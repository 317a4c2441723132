// Octets and keys that the tests of keys/ share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "keys/keyring.h"
#include "keys/secret.h"
#include "zones/name.h"

namespace keys::test {

using Octets = std::vector<std::uint8_t>;

/// "T" of data/tsig/vectors.py.
constexpr std::chrono::sys_seconds T{std::chrono::seconds(1'700'000'000)};
inline std::chrono::sys_seconds at(std::int64_t seconds) {
  return T + std::chrono::seconds(seconds);
}

inline Octets from_hex(const std::string& text) {
  Octets octets;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    octets.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return octets;
}

inline zones::Name name(std::string_view text) { return zones::Name::from_text(text).value(); }

/// The octets 0 to 31, as in vectors.py.
inline TsigKey make_key(std::string_view key_name, Algorithm algorithm = Algorithm::HMAC_SHA256) {
  Octets secret(32);
  std::iota(secret.begin(), secret.end(), std::uint8_t{0});
  return {name(key_name), algorithm, std::make_shared<const Secret>(secret)};
}

/// An exchange or message of data/tsig/vectors.txt, which Python made.
inline const Octets& vector(const std::string& key) {
  static const std::map<std::string, Octets> all = [] {
    std::map<std::string, Octets> read;
    std::ifstream file(TEST_DATA "/tsig/vectors.txt");
    for (std::string key_text, hex; file >> key_text >> hex;) read[key_text] = from_hex(hex);
    return read;
  }();
  const auto found = all.find(key);
  if (found == all.end()) throw std::out_of_range("no vector " + key);
  return found->second;
}

}  // namespace keys::test
