// The script's word "service": where a service is reached, as records that replace those of before
// (RFC 2782, RFC 6763 §6, RFC 7553, RFC 9460).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tools/dnsd-update/words.h"
#include "zones/message.h"
#include "zones/result.h"

namespace dnsd_update {

/// Of the records when the script has not said "ttl": the next port may be another one.
constexpr std::uint32_t SERVICE_TTL = 60;

struct ServiceContext {
  zones::Class rrclass{};
  std::uint32_t ttl = 0;
  bool check_names = true;
  std::span<const zones::Record> before;  // updates of the message so far
};

/// What follows the word, as updates of one message (RFC 2136 §2.5), deletions first:
///
///     NAME SERVICE PROTO ADDRESS[,ADDRESS…] PORT [priority N] [weight N] [uri SCHEME|URI] [https]
///         [alpn ID,…] [KEY=VALUE…]
///     delete NAME SERVICE PROTO [address] [uri] [https]
///
/// The first replaces the host's address RRsets of the families named, and SRV and TXT (and URI
/// where it is asked for) at _SERVICE._PROTO.NAME, and HTTPS at NAME where that is asked for. The
/// error is a sentence for the user.
zones::Result<std::vector<zones::Record>, std::string> service_updates(
    Words& words, const ServiceContext& context);

}  // namespace dnsd_update
