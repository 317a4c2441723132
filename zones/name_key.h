// Names as octet strings that memcmp() orders as RFC 4034 §6.1 does: keys of rows and of sorting.
#pragma once

#include <cstdint>
#include <string>

#include "zones/name.h"

namespace zones {

/// Appends the key of `name` below `apex` to `out`: the labels from the apex outwards, lowered,
/// each ended by octet 0; octets 0 and 1 inside a label are escaped as 1 1 and 1 2, which keeps the
/// order. The apex itself has the empty key, and a name's key begins with its parent's. `name` must
/// be at or below `apex`.
void append_name_key(NameView name, NameView apex, std::string& out);
std::string name_key(NameView name, NameView apex = {});

}  // namespace zones
