#include "keys/grant.h"

#include <algorithm>

namespace keys {

bool ZoneGrants::may_update(zones::NameView key) const {
  return std::ranges::any_of(
      grants_, [key](const Grant& grant) { return grant.update && grant.key.view() == key; });
}

bool ZoneGrants::may_transfer(zones::NameView key) const {
  return std::ranges::any_of(
      grants_, [key](const Grant& grant) { return grant.transfer && grant.key.view() == key; });
}

}  // namespace keys
