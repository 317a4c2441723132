// The join token: all that a host needs to publish itself, in one line that a person can paste.
// `dnsdctl enroll` makes it, `pcp-ddns join` takes it. It holds the key's secret.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "keys/grant.h"
#include "keys/keyring.h"
#include "zones/name.h"
#include "zones/result.h"

namespace tools {

constexpr std::size_t MAX_TOKEN_OCTETS = 8192;

struct JoinToken {
  zones::Name zone;
  zones::Name host;
  std::string server;  // as in the agent's configuration; empty: the primary that the SOA names
  std::vector<keys::Address> portal;
  std::uint16_t portal_port =
      0;  // on which visitors come to it, 443 by TLS; 0: not to be published
  keys::TsigKey key;
};

/// "dnsd1:" and base64 of lines of words, with their CRC-32 at the end. wipe() it after use.
std::string to_text(const JoinToken& token);
/// White space around it is ignored, and so are lines that a later version may add. The error is a
/// sentence that shows nothing of it.
zones::Result<JoinToken, std::string> parse_join_token(std::string_view text);

}  // namespace tools
