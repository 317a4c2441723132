// Join tokens: whatever a person pastes, it is a token that reads back as it was, or an error. The
// input is a token, and the lines of one, to which the checksum is made.
#include "fuzz.h"
#include "tools/common/join_token.h"
#include "zones/crc32.h"

namespace {

void check(std::string_view text) {
  const auto token = tools::parse_join_token(text);
  if (!token) {
    fuzz::require(!token.error().empty(), "an error is told");
    return;
  }
  fuzz::require(token->host.is_at_or_below(token->zone), "a host of the zone");
  fuzz::require(token->server.find_first_of("\"\\\n") == std::string::npos, "no escape from TOML");
  const auto again = tools::parse_join_token(tools::to_text(*token));
  fuzz::require(again.has_value(), "what we write can be read");
  fuzz::require(
      again->zone == token->zone && again->host == token->host && again->server == token->server &&
          again->portal == token->portal && again->key.name == token->key.name &&
          again->key.algorithm == token->key.algorithm &&
          keys::equal_constant_time(again->key.secret->octets(), token->key.secret->octets()),
      "and it is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check(fuzz::text(data, size));
  std::vector<std::uint8_t> octets(data, data + size);
  const std::uint32_t crc = zones::crc32(0, octets);
  for (int shift = 24; shift >= 0; shift -= 8) {
    octets.push_back(static_cast<std::uint8_t>(crc >> shift & 0xff));
  }
  std::string text = "dnsd1:" + keys::Secret(octets).to_base64();
  if (text.size() <= tools::MAX_TOKEN_OCTETS) check(text);
  return 0;
}
