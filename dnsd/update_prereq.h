// Prerequisites: what must hold of a zone before an UPDATE may change it (RFC 2136 §2.4, §3.2).
// Pure.
#pragma once

#include <span>

#include "zones/message.h"
#include "zones/rfc.h"
#include "zones/snapshot.h"

namespace dnsd {

/// Tests the prerequisite section against a zone, record after record: NOTZONE for an owner
/// outside, then FORMERR for a bad form, then NXDOMAIN, NXRRSET, YXDOMAIN or YXRRSET for what does
/// not hold; RRsets that are given with their values are compared when all records were seen
/// (§3.2.3).
///
/// @param zone  with what earlier messages of the batch have changed
/// @return NOERROR when all of them hold
zones::Rcode check_prerequisites(const zones::ZoneSnapshot& zone,
                                 std::span<const zones::Record> prerequisites);

}  // namespace dnsd
