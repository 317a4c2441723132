// Why an upstream did not take an update, what an operator can do, and when to try again. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "dnsd/upstream_config.h"
#include "zones/name.h"
#include "zones/rfc.h"

namespace dnsd {

struct UpstreamFailure {
  std::string kind;   // one of few, for metrics: "REFUSED", "timeout", "connection", "TSIG", …
  std::string text;   // for the log
  bool slow = false;  // nothing that passes by itself within a moment
  std::optional<zones::Rcode> rcode{};  // of an answer to be believed
};

using MaybeUpstreamFailure = std::optional<UpstreamFailure>;  // none: all is well

enum class UpstreamRequest : std::uint8_t { UPDATE, TRANSFER, SERVERS };

/// Of an answer whose RCODE is not NOERROR.
UpstreamFailure failure_of(zones::Rcode rcode, UpstreamRequest request, const zones::Name& zone,
                           const zones::Name& key);

/// The longest wait before the next try, after so many failures in a row; what is waited is
/// between half of it and all.
std::chrono::milliseconds longest_wait(const UpstreamConfig& config, std::size_t failures,
                                       bool slow);

}  // namespace dnsd
