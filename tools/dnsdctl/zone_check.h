// What is legal in a zone but seldom meant: the errors of RFC 1912, and names that lead nowhere.
#pragma once

#include <string>
#include <vector>

#include "zones/snapshot.h"

namespace dnsdctl {

struct Finding {
  enum class Severity { WARNING, ERROR };  // ERROR: somebody will not find what the record promises
  Severity severity{};
  std::string what;  // "h1.dyn.example. SRV: target …"
};

/// In the order of the zone. Names outside the zone are taken on trust.
std::vector<Finding> check_zone(const zones::ZoneSnapshot& zone);

}  // namespace dnsdctl
