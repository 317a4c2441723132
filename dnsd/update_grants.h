// What grants say of a whole message: every record it changes, every name it asks about, and how
// much there is afterwards. Pure.
#pragma once

#include <optional>
#include <string>

#include "dnsd/update_apply.h"
#include "dnsd/update_writer.h"
#include "keys/grant.h"
#include "zones/snapshot.h"

namespace dnsd {

/// True when some grant lets the key change anything at the name.
bool may_change(const Policy& policy, zones::NameView apex, const keys::Requester& requester,
                zones::NameView owner);

/// Why a key that may not change the whole zone may not send this message: one record of its update
/// section is outside every grant, or a prerequisite asks about a name that the key may not change
/// (else it could be used to probe the zone). Empty when all is permitted.
///
/// Records that RFC 2136 §3.4.1 refuses are passed over, for the message fails by them later. To
/// delete a whole name is to delete each RRset it has, but for SOA and NS of the apex, which stay
/// (§3.4.2.3).
/// @param zone  before the message
std::optional<std::string> refusal_by_grants(const zones::ZoneSnapshot& zone,
                                             const keys::ZoneGrants& grants,
                                             const keys::Portal& portal, const UpdateJob& job);

/// Why the update would leave too many records at and below the key's name. Empty when it would
/// not, or when there are no more of them than before. Looks at no more than `max_records` names.
std::optional<std::string> refusal_by_count(const zones::ZoneSnapshot& zone,
                                            const ZoneUpdate& update, zones::NameView key,
                                            std::size_t max_records);

}  // namespace dnsd
