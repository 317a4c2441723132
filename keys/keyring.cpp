#include "keys/keyring.h"

#include <algorithm>
#include <array>

#include "keys/keyring_table.h"

namespace keys {
namespace {

struct AlgorithmInfo {
  Algorithm algorithm;
  std::size_t mac_octets;
  std::string_view text;
  std::string_view wire;
};

using namespace std::string_view_literals;
constexpr std::array<AlgorithmInfo, 5> ALGORITHMS = {{
    {Algorithm::HMAC_SHA1, 20, "hmac-sha1"sv, "\x09hmac-sha1\0"sv},
    {Algorithm::HMAC_SHA224, 28, "hmac-sha224"sv, "\x0bhmac-sha224\0"sv},
    {Algorithm::HMAC_SHA256, 32, "hmac-sha256"sv, "\x0bhmac-sha256\0"sv},
    {Algorithm::HMAC_SHA384, 48, "hmac-sha384"sv, "\x0bhmac-sha384\0"sv},
    {Algorithm::HMAC_SHA512, 64, "hmac-sha512"sv, "\x0bhmac-sha512\0"sv},
}};

const AlgorithmInfo& info(Algorithm algorithm) {
  return ALGORITHMS[static_cast<std::size_t>(algorithm) - 1];
}

zones::NameView wire_name(const AlgorithmInfo& entry) {
  return {reinterpret_cast<const std::uint8_t*>(entry.wire.data()), entry.wire.size()};
}

}  // namespace

std::size_t mac_octets(Algorithm algorithm) { return info(algorithm).mac_octets; }

zones::NameView algorithm_name(Algorithm algorithm) { return wire_name(info(algorithm)); }

std::string to_text(Algorithm algorithm) { return std::string(info(algorithm).text); }

std::optional<Algorithm> algorithm_from_name(zones::NameView name) {
  for (const AlgorithmInfo& entry : ALGORITHMS) {
    if (wire_name(entry) == name) return entry.algorithm;
  }
  return std::nullopt;
}

std::optional<Algorithm> algorithm_from_text(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto same = [](char a, char b) {
    return zones::lower(static_cast<std::uint8_t>(a)) == static_cast<std::uint8_t>(b);
  };
  for (const AlgorithmInfo& entry : ALGORITHMS) {
    if (std::ranges::equal(text, entry.text, same)) return entry.algorithm;
  }
  return std::nullopt;
}

Keyring::Keyring() : table_(std::make_shared<KeyringTable>()) {}

bool Keyring::add(const TsigKey& key) {
  return table_->add(
      {.name = key.name, .algorithm = key.algorithm, .secret = key.secret->octets()});
}

std::optional<KeyView> Keyring::find(zones::NameView name) const { return table_->find(name); }

std::size_t Keyring::size() const { return table_->size(); }

bool Keyring::any_of(const std::function<bool(const KeyView&)>& predicate) const {
  std::size_t position = 0;
  while (const auto key = table_->next(position)) {
    if (predicate(*key)) return true;
  }
  return false;
}

}  // namespace keys
