// dyndns2 and UPDATE: the message that a request comes to, and the word for what became of it.
// Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "dnsd/http/dyndns_request.h"
#include "dnsd/update_writer.h"
#include "zones/message.h"

namespace dnsd::http {

/// Of all records: the next address or port may come soon.
constexpr std::uint32_t DYNDNS_TTL = 60;

/// The UPDATE (RFC 2136) of one host: the addresses replace those of their families, and a family
/// without any is left as it is; each service's SRV and TXT at _service._proto below the host
/// replace those that were there (RFC 2782, RFC 6763 §6): TXT says "endpoint=address:port", as
/// pcp-ddns does. Offline: the addresses of both families go, and the services that are named.
///
/// A name with a CNAME would be passed over in silence (RFC 2136 §3.4.2.2); the prerequisites make
/// that an error.
/// @return a message without a question when a name would be too long
zones::Message dyndns_update(zones::NameView apex, const zones::Name& host,
                             const DynDnsRequest& request,
                             std::span<const keys::Address> addresses);

/// Words of the protocol. The order is that of the figures in metrics.
enum class DynDnsWord : std::uint8_t {
  GOOD,
  NOCHG,
  BADAUTH,
  NOTFQDN,
  NOHOST,
  NUMHOST,
  ABUSE,
  BADAGENT,
  DNSERR,
  E911,
};
constexpr std::size_t DYNDNS_WORDS = 10;
/// "good"; "911" of E911.
std::string_view to_text(DynDnsWord word);
DynDnsWord to_word(DynDnsFault fault);

/// @param may_change_host  whether some grant lets the key change anything at the host: what is
///        refused all the same are addresses, ports or their number, and the client tries again
DynDnsWord to_word(const UpdateReply& reply, bool may_change_host);

/// The word, behind "good" and "nochg" the addresses.
std::string dyndns_line(DynDnsWord word, std::span<const keys::Address> addresses);

}  // namespace dnsd::http
