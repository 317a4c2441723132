// Signers: whose public key counts for SIG(0), and who may publish one. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dnsd/state.h"
#include "dnsd/update_writer.h"
#include "keys/public_key.h"
#include "zones/rdata.h"
#include "zones/snapshot.h"

namespace dnsd {

/// A signature with more keys behind it than this is not tried with all of them.
constexpr std::size_t MAX_CANDIDATE_KEYS = 2;
/// KEY records of one name that are looked at.
constexpr std::size_t MAX_KEYS_OF_NAME = 16;

/// KEY RDATA that may have made a signature of this signer, algorithm and key tag, at most
/// MAX_CANDIDATE_KEYS; nothing is computed but key tags.
///
/// A name in the configuration, [[key]], has the key that stands there and no other: what somebody
/// publishes at that name counts for nothing. For any other name it is the KEY records at exactly
/// that name of the served zone that encloses it; not those of a wildcard, nor below a zone cut or
/// DNAME.
std::vector<zones::Rdata> candidate_keys(const zones::Catalogue& catalogue, const Policy& policy,
                                         zones::NameView signer, keys::Sig0Algorithm algorithm,
                                         std::uint16_t key_tag);

/// True for KEY RDATA of this algorithm and key tag.
bool may_have_signed(zones::RdataView key, keys::Sig0Algorithm algorithm, std::uint16_t key_tag);

/// True when the key that signed is still what it was when the signature was checked.
bool is_signer_known(const zones::Catalogue& catalogue, const Policy& policy, const UpdateJob& job);

/// A KEY record gives whoever holds the private key the grants of its owner's name. So one that is
/// named in a grant or a [[key]], or that a pattern of this zone's grants is for, may be given a
/// KEY by itself, or by a key that may change the whole zone, but by nobody else, whatever names
/// and types they were granted: a second key would have limits of its own.
/// @return the owner of a KEY that may not be added; nullptr: none
const zones::Record* forbidden_key(const Policy& policy, const keys::ZoneGrants& grants,
                                   const UpdateJob& job);

/// Fills `policy.named_in_grants`.
void collect_named_keys(Policy& policy);

}  // namespace dnsd
