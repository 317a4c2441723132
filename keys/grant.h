// Grants: which key may do what to which zone. Default deny; a pure function of key, zone and wish.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "zones/name.h"

namespace keys {

/// The first form of a grant: the whole zone, to change or to fetch. Narrower forms get fields of
/// their own here.
struct Grant {
  zones::Name key;  // that very key: no pattern, and not the keys below it
  bool update = false;
  bool transfer = false;
};

/// All grants of one zone, in the order of the configuration. A key may what any of its grants
/// permits: none takes away what another gave. The key is one whose signature was verified; callers
/// never ask for a name merely claimed.
class ZoneGrants {
 public:
  void add(Grant grant) { grants_.push_back(std::move(grant)); }
  bool may_update(zones::NameView key) const;
  bool may_transfer(zones::NameView key) const;
  std::span<const Grant> grants() const { return grants_; }

 private:
  std::vector<Grant> grants_;
};

}  // namespace keys
