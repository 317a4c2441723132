// [[zone.upstream]] as it was read.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "dnsd/endpoint.h"
#include "dnsd/upstream_changes.h"
#include "zones/name.h"

namespace dnsd {

/// Another primary of a zone, which is told of every change.
struct UpstreamConfig {
  enum class FullSync : std::uint8_t {
    TRANSFER,  // AXFR, and what differs
    REPLACE,   // RRset by RRset, without looking
  };
  Endpoint server;
  zones::Name key;  // of TSIG
  UpstreamFilter filter;
  FullSync full_sync = FullSync::TRANSFER;
  std::chrono::milliseconds timeout{10'000};     // of one message
  std::chrono::milliseconds retry_min{1'000};    // after a failure, doubled each time …
  std::chrono::milliseconds retry_max{300'000};  // … up to this

  bool operator==(const UpstreamConfig&) const = default;
};

/// Of all zones: one thread serves them, and each reads the journal for itself.
constexpr std::size_t MAX_UPSTREAMS = 64;

}  // namespace dnsd
