// Endpoint history: who held an external address and port at a moment (RFC 6269 §13, RFC 6888).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keys/grant.h"
#include "zones/result.h"
#include "zones/store.h"

namespace dnsdctl {

/// Who is behind a record, as far as the journal tells.
struct Act {
  zones::Lsn lsn = 0;
  std::chrono::sys_seconds time{};
  /// The messages of that commit that touched the record's name; more than one: it was one of them.
  /// None: the journal does not tell.
  std::vector<zones::JournalMessage> messages;
};

struct HeldRecord {
  zones::Name owner;
  zones::Type type{};
  zones::Rdata rdata;
  /// What put it there; empty: it was there before the journal began.
  std::optional<Act> put;
  /// The last message up to the moment in question that prolonged its lease, after it was put.
  std::optional<Act> prolonged;
  std::optional<Act> removed;  // empty: it is still there
};

/// A record that named the port, together with the record that named the address.
struct Holder {
  zones::Name host;                   // the name with the address
  HeldRecord endpoint;                // SRV, SVCB, HTTPS or URI
  std::optional<HeldRecord> address;  // A or AAAA; empty: the endpoint's record names it by itself
};

struct EndpointQuery {
  keys::Address address{};
  std::uint16_t port = 0;
  std::chrono::sys_seconds at{};
};

/// From the records as they are, and the journal: what was there before the journal began is there
/// now, or was removed in it. Keeps in memory the records with that port or that address, and
/// aliases.
///
/// @param now  the present; nothing is known of what comes after
/// @return by host, then by endpoint; the error is a sentence for the moments that cannot be told
zones::Result<std::vector<Holder>, std::string> find_holders(zones::Store& store,
                                                             const EndpointQuery& query,
                                                             std::chrono::sys_seconds now);

}  // namespace dnsdctl
