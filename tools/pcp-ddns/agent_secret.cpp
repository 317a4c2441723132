#include "tools/pcp-ddns/agent_secret.h"

#include <algorithm>
#include <array>

#include "keys/hmac.h"
#include "zones/wire_writer.h"

namespace pcp_ddns {

Nonce derive_nonce(const keys::Secret& secret, const MappingKey& key) {
  std::array<std::uint8_t, 2 * 16 + 3> text{};
  zones::WireWriter writer(text);
  writer.octets(key.server);
  writer.octets(key.internal);
  writer.u8(key.protocol);
  writer.u16(key.internal_port);
  const auto hmac = keys::Hmac::make(keys::Algorithm::HMAC_SHA256, secret.octets());
  keys::HmacRun run(*hmac);
  run.update(writer.written());
  std::array<std::uint8_t, keys::MAX_MAC_OCTETS> mac{};
  run.finish(mac);
  Nonce nonce{};
  std::copy_n(mac.begin(), nonce.size(), nonce.begin());
  return nonce;
}

}  // namespace pcp_ddns
