#include "tools/common/join_token.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

#include "zones/crc32.h"
#include "zones/number.h"

namespace tools {
namespace {

constexpr std::string_view PREFIX = "dnsd1:";
constexpr std::size_t CRC_OCTETS = 4;
constexpr std::size_t MAX_PORTAL_ADDRESSES = 16;
constexpr std::string_view SPACE = " \t\r\n";

std::span<const std::uint8_t> octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string crc_of(std::string_view text) {
  const std::uint32_t crc = zones::crc32(0, octets_of(text));
  std::string octets;
  for (int shift = 24; shift >= 0; shift -= 8) octets += static_cast<char>(crc >> shift & 0xff);
  return octets;
}

/// Host names, addresses, brackets and a port: whatever it means, it needs no escape in TOML.
bool is_plain(std::string_view server) {
  return server.size() <= 300 && std::ranges::all_of(server, [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("-.:[]").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

std::optional<zones::Name> read_name(std::string_view text) {
  const auto name = zones::Name::from_text(text);
  if (text.empty() || !name || name->is_root()) return std::nullopt;
  return *name;
}

bool read_key(std::string_view line, keys::TsigKey& key) {
  const auto name = read_name(take_word(line));
  const auto algorithm = keys::algorithm_from_text(take_word(line));
  auto secret = keys::Secret::from_base64(line);
  if (!name || !algorithm || !secret || key.secret) return false;
  key.name = *name;
  key.algorithm = *algorithm;
  key.secret = std::make_shared<const keys::Secret>(std::move(*secret));
  return true;
}

bool read_line(std::string_view line, JoinToken& token) {
  const std::string_view word = take_word(line);
  if (word == "zone" || word == "host") {
    const auto name = read_name(line);
    if (name) (word == "zone" ? token.zone : token.host) = *name;
    return name.has_value();
  }
  if (word == "server") {
    token.server = line;
    return !line.empty() && is_plain(line);
  }
  if (word == "portal") {
    const auto address = keys::address_from_text(line);
    if (!address || token.portal.size() == MAX_PORTAL_ADDRESSES) return false;
    token.portal.push_back(*address);
    return true;
  }
  if (word == "portal-port") {
    token.portal_port = zones::number_from_text<std::uint16_t>(line).value_or(0);
    return token.portal_port != 0;
  }
  return word != "key" || read_key(line, token.key);
}

}  // namespace

std::string to_text(const JoinToken& token) {
  std::string lines = "zone " + token.zone.to_text() + "\nhost " + token.host.to_text() + "\n";
  if (!token.server.empty()) lines += "server " + token.server + "\n";
  for (const keys::Address& address : token.portal) {
    lines += "portal " + keys::to_text(address) + "\n";
  }
  if (token.portal_port != 0) lines += "portal-port " + std::to_string(token.portal_port) + "\n";
  std::string secret = token.key.secret->to_base64();
  std::string key = "key " + token.key.name.to_text() + " " + keys::to_text(token.key.algorithm) +
                    " " + secret + "\n";
  keys::wipe(secret);
  std::string payload;
  payload.reserve(lines.size() + key.size() + CRC_OCTETS);  // no copy of the secret is left
  payload.append(lines).append(key);
  keys::wipe(key);
  payload += crc_of(payload);
  std::string encoded = keys::Secret(octets_of(payload)).to_base64();
  keys::wipe(payload);
  std::string text;
  text.reserve(PREFIX.size() + encoded.size());
  text.append(PREFIX).append(encoded);
  keys::wipe(encoded);
  return text;
}

zones::Result<JoinToken, std::string> parse_join_token(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(SPACE);
  text.remove_prefix(begin == std::string_view::npos ? text.size() : begin);
  if (!text.starts_with(PREFIX)) {
    return tl::unexpected("this is no token: one begins with " + std::string(PREFIX));
  }
  if (text.size() > MAX_TOKEN_OCTETS) return tl::unexpected(std::string("the token is too long"));
  const auto damaged =
      tl::unexpected(std::string("the token is damaged: copy it whole, or have a new one made"));
  // In memory that is wiped.
  const auto octets = keys::Secret::from_base64(text.substr(PREFIX.size()));
  if (!octets || octets->octets().size() <= CRC_OCTETS) return damaged;
  std::string_view payload(reinterpret_cast<const char*>(octets->octets().data()),
                           octets->octets().size());
  const std::string_view crc = payload.substr(payload.size() - CRC_OCTETS);
  payload.remove_suffix(CRC_OCTETS);
  if (crc_of(payload) != crc) return damaged;
  JoinToken token;
  while (!payload.empty()) {
    const std::size_t end = payload.find('\n');
    if (end == std::string_view::npos || !read_line(payload.substr(0, end), token)) {
      return tl::unexpected(std::string("the token says what this version cannot read"));
    }
    payload.remove_prefix(end + 1);
  }
  if (!token.key.secret || token.zone.is_root() || token.host.is_root() ||
      !token.host.is_at_or_below(token.zone)) {
    return tl::unexpected(std::string("the token lacks a key, a zone, or a host in it"));
  }
  return token;
}

}  // namespace tools
