// Zones and records from text for the tests of updates.
#pragma once

#include "zones/zone_testing.h"

namespace dnsd::testing {
using namespace zones::testing;  // NOLINT(google-build-using-namespace)
}  // namespace dnsd::testing
