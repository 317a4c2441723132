// First come, first served: in a zone that allows it, a new name belongs to the key that comes with
// it, as SRP has it (RFC 9665 §3.2.3). Pure.
#pragma once

#include <string>
#include <vector>

#include "dnsd/state.h"
#include "dnsd/update_writer.h"
#include "keys/public_key.h"
#include "zones/message.h"
#include "zones/snapshot.h"

namespace dnsd {

/// True for a name that a key may hold in this zone: directly below the apex, no wildcard, no label
/// that begins with "_", and not a name of the configuration, whose grants would go with it.
bool may_be_held(const zones::ZoneSnapshot& zone, const Policy& policy, zones::NameView name);

/// True for such a name when neither it nor anything below it exists, and no zone cut or DNAME is
/// above.
bool may_be_claimed(const zones::ZoneSnapshot& zone, const Policy& policy, zones::NameView name);

/// True for a signature by SIG(0) of a name that is, or could have been, taken by whoever came
/// first. Such a key has the rights of first_come_refusal() and no others: a grant to a pattern of
/// keys is not for strangers.
bool is_first_come(const zones::Catalogue& catalogue, const Policy& policy, const UpdateJob& job);
bool is_first_come(const zones::Catalogue& catalogue, const Policy& policy, zones::NameView signer);

/// KEY RDATA that the message adds at its signer's own name, of this algorithm and key tag: at most
/// MAX_CANDIDATE_KEYS.
std::vector<zones::Rdata> claiming_keys(const zones::Message& message, zones::NameView signer,
                                        keys::Sig0Algorithm algorithm, std::uint16_t key_tag);

/// True when the signer of a job claims its name: the name is still free, and the message brings
/// the key that signed.
bool is_claim(const zones::ZoneSnapshot& zone, const Policy& policy, const UpdateJob& job);

/// Whether all that the message changes is the signer's own by first come, first served: names at
/// and below the signer's, types A AAAA SRV TXT HTTPS SVCB URI CNAME, and KEY at the name itself.
/// @return empty, or why not
std::string first_come_refusal(const zones::ZoneSnapshot& zone, const Policy& policy,
                               const UpdateJob& job);

}  // namespace dnsd
