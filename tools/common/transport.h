// Sockets under a keys::Exchange: one blocking loop, for programs that do one thing at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "keys/exchange.h"
#include "tools/common/endpoint.h"

namespace tools {

/// Called with each message just before it is sent.
using OnSend = std::function<void(std::span<const std::uint8_t> octets)>;

/// Runs `exchange` with `server` until it is done or has failed; blocks that long.
///
/// @param local  to send from; counts only for a server of its own family
/// @return nothing when the exchange is done; else what went wrong: "connection refused"
std::optional<std::string> run_exchange(keys::Exchange& exchange, const Endpoint& server,
                                        const std::optional<Endpoint>& local,
                                        const OnSend& on_send = {});

}  // namespace tools
