#include "dnsd/cookies.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "keys/grant.h"
#include "zones/serial.h"

namespace dnsd {
namespace {

constexpr std::size_t VERSION_AT = 8;
constexpr std::size_t TIMESTAMP_AT = 12;
constexpr std::size_t HASH_AT = 16;
constexpr std::uint8_t VERSION = 1;

using Hash = std::array<std::uint8_t, crypto_shorthash_BYTES>;

/// RFC 9018 §4.4; `cookie` up to its hash.
Hash hash_of(const std::uint8_t* cookie, const Cookies::Address& source,
             const Cookies::Secret& secret) {
  static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<Cookies::Secret>);
  const std::size_t address_octets = keys::is_ipv4(source) ? 4 : 16;
  std::array<std::uint8_t, HASH_AT + 16> input{};
  std::memcpy(input.data(), cookie, HASH_AT);
  std::memcpy(input.data() + HASH_AT, source.data() + source.size() - address_octets,
              address_octets);
  Hash hash{};
  crypto_shorthash(hash.data(), input.data(), HASH_AT + address_octets, secret.data());
  return hash;
}

std::uint32_t timestamp_of(std::span<const std::uint8_t> option) {
  const std::uint8_t* at = option.data() + TIMESTAMP_AT;
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
         at[3];
}

}  // namespace

Cookies::~Cookies() { sodium_memzero(secrets_.data(), secrets_.size() * sizeof(Secret)); }

Cookies::Secret Cookies::random_secret() {
  Secret secret;
  randombytes_buf(secret.data(), secret.size());
  return secret;
}

zones::Result<std::vector<Cookies::Secret>, std::string> Cookies::secrets_from_text(
    std::string_view text) {
  std::vector<Secret> secrets;
  for (std::size_t line_number = 1; !text.empty(); ++line_number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    Secret secret;
    std::size_t size = 0;
    const char* rest = nullptr;
    if (sodium_hex2bin(secret.data(), secret.size(), line.data(), line.size(), nullptr, &size,
                       &rest) != 0 ||
        size != secret.size() || rest != line.data() + line.size()) {
      return tl::unexpected("line " + std::to_string(line_number) +
                            " is not a secret of 32 hexadecimal digits");
    }
    secrets.push_back(secret);
  }
  if (secrets.empty())
    return tl::unexpected(std::string("holds no secret of 32 hexadecimal digits"));
  if (secrets.size() > MAX_SECRETS) {
    return tl::unexpected("holds more than " + std::to_string(MAX_SECRETS) + " secrets");
  }
  return secrets;
}

Cookies::Answer Cookies::answer(std::span<const std::uint8_t> option, const Address& source,
                                std::uint32_t now) const {
  Answer answer;
  std::memcpy(answer.octets.data(), option.data(), CLIENT_OCTETS);
  if (option.size() == OCTETS && option[VERSION_AT] == VERSION) {
    const std::uint32_t made = timestamp_of(option);
    const bool in_time = !zones::serial_less(made, now - MAX_AGE_SECONDS) &&
                         !zones::serial_less(now + MAX_FUTURE_SECONDS, made);
    const auto made_by = std::ranges::find_if(secrets_, [&](const Secret& secret) {
      const Hash hash = hash_of(option.data(), source, secret);
      return sodium_memcmp(hash.data(), option.data() + HASH_AT, hash.size()) == 0;
    });
    answer.valid = in_time && made_by != secrets_.end();
    const bool is_fresh = !zones::serial_less(made, now - RENEW_SECONDS);
    if (answer.valid && is_fresh && made_by == secrets_.begin()) {
      std::memcpy(answer.octets.data(), option.data(), OCTETS);
      return answer;
    }
  }
  answer.octets[VERSION_AT] = VERSION;
  for (std::size_t i = 0; i < 4; ++i) {
    answer.octets[TIMESTAMP_AT + i] = static_cast<std::uint8_t>(now >> (24 - 8 * i));
  }
  const Hash hash = hash_of(answer.octets.data(), source, secrets_.front());
  std::ranges::copy(hash, answer.octets.begin() + HASH_AT);
  return answer;
}

}  // namespace dnsd
