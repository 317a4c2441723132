// The agent's secret, and what is made from it: nonces that survive restarts without being kept.
#pragma once

#include <cstdint>

#include "keys/secret.h"
#include "tools/pcp-ddns/pcp_message.h"

namespace pcp_ddns {

constexpr std::size_t AGENT_SECRET_OCTETS = 32;

/// What a mapping is known by, beside its nonce (RFC 6887 §11.3).
struct MappingKey {
  Address server{};
  Address internal{};
  std::uint8_t protocol = 0;
  std::uint16_t internal_port = 0;
};

/// HMAC-SHA256 of the key, cut to 96 bits: nobody can guess it who has not seen it (RFC 6887
/// §18.2), and the agent needs no memory to renew or delete what it made before it was restarted.
Nonce derive_nonce(const keys::Secret& secret, const MappingKey& key);

}  // namespace pcp_ddns
