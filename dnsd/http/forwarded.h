// Forwarded: what trusted proxies say of the client in the fields of a request (RFC 7239, and
// X-Forwarded-For, -Proto and -Host). Pure.
#pragma once

#include "dnsd/http/http_config.h"
#include "dnsd/http/message.h"

namespace dnsd::http {

/// When the peer is a trusted proxy, puts what it says in the place of `peer`, `is_tls`, `host` and
/// `host_port`, hop by hop from the last one, as long as the one who says so is trusted: what a
/// client wrote itself counts nothing. Where a hop hides who came to it, it is the client itself.
/// @return false: what a trusted proxy said is of no form that is known
bool apply_forwarded(Request& request, const ProxyConfig& proxies);

}  // namespace dnsd::http
