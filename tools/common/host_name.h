// Names that must be host names.
#pragma once

#include "zones/name.h"

namespace tools {

/// Letters, digits and inner hyphens in every label (RFC 952, RFC 1123 §2.1). The root is one.
bool is_host_name(zones::NameView name);

}  // namespace tools
