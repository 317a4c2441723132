// A shortcut for the RDATA that fills zone files; ldns reads everything else (text.h).
#pragma once

#include <string_view>

#include "zones/rdata.h"

namespace zones {

/// Reads RDATA of A, AAAA, NS, CNAME, DNAME, PTR, MX, SRV or TXT that is written the plain way: no
/// escapes, names of letters, digits, '-', '_' and '*', numbers as such, strings in quotes. What it
/// takes, ldns would read as the same octets.
///
/// @param entry  words with spaces between, as EntryReader gives them
/// @param out    replaced; unspecified when it is not taken
/// @return false for anything else, right or wrong
bool scan_rdata(Type type, std::string_view entry, NameView origin, Rdata& out);

}  // namespace zones
