// Update section: what an UPDATE does to a zone (RFC 2136 §3.1, §3.4). Pure: snapshot and message
// in, changed names out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "zones/message.h"
#include "zones/name.h"
#include "zones/result.h"
#include "zones/rfc.h"
#include "zones/snapshot.h"

namespace dnsd {

/// More than this is REFUSED. What was imported may be larger; it can be made smaller, not larger.
struct UpdateLimits {
  std::size_t records_per_message = 2'000;  // in the prerequisite and the update section together
  std::size_t records_per_rrset = 100;
  std::size_t rrsets_per_name = 100;
  std::uint64_t records_per_zone = 100'000'000;
};

/// The zone that an UPDATE names (§3.1): FORMERR unless the zone section is one SOA, NOTAUTH when
/// no such zone is served, in this class.
zones::Result<zones::ZoneSnapshot, zones::Rcode> find_update_zone(
    const zones::Catalogue& catalogue, std::span<const zones::Question> zone_section);

/// One name as it is to be: packed RRsets, none when the name is to go.
struct NameChange {
  zones::Name owner;
  std::vector<std::uint8_t> rrsets;
};

/// Everything a message changes, to be taken whole or not at all. No names: it changes nothing.
struct ZoneUpdate {
  std::vector<NameChange> names;
  bool sets_serial = false;  // the message brought a greater SOA of its own
};

/// What one record of the update section is answered with by its form alone (§3.4.1): FORMERR or
/// NOTZONE; NOERROR when it is well-formed, its RDATA included.
zones::Rcode prescan(zones::NameView apex, const zones::Record& record);

/// Signatures, denial of existence and what belongs to them: the server makes these, a client's
/// would be wrong at the next change.
bool is_written_by_server(zones::Type type);

/// Looks over the whole section first (§3.4.1: FORMERR, NOTZONE), then for types that only the
/// server writes and for limits (REFUSED), and processes the records in order (§3.4.2). Names whose
/// records end up as they were are left out.
zones::Result<ZoneUpdate, zones::Rcode> apply_updates(const zones::ZoneSnapshot& zone,
                                                      std::span<const zones::Record> updates,
                                                      const UpdateLimits& limits);

/// Adds the next serial to an update that has not set one (§3.6).
void step_serial(const zones::ZoneSnapshot& zone, ZoneUpdate& update);

}  // namespace dnsd
