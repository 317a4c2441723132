// One batch of updates on its way through the builder: message after message, each seeing those
// before it.
#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "dnsd/state.h"
#include "dnsd/update_apply.h"
#include "dnsd/update_writer.h"
#include "zones/change_set.h"
#include "zones/rfc.h"
#include "zones/snapshot.h"

namespace dnsd {

/// What one message comes to. Anything but NOERROR comes with an update that changes nothing.
struct Judgement {
  zones::Rcode rcode{};
  std::optional<zones::ExtendedError> reason;  // of a refusal
  zones::Name apex;                            // of the zone, when `update` changes something
  ZoneUpdate update;

  bool changes() const { return !update.names.empty(); }
};

/// Judges a message by the zones of `catalogue`: zone section, key and grant, prerequisites, update
/// section. Pure.
Judgement judge_update(const zones::Catalogue& catalogue, const Policy* policy,
                       const UpdateLimits& limits, const UpdateJob& job);

class UpdateBatch {
 public:
  /// @param before  the newest published state; the builder has no changes since
  UpdateBatch(zones::CatalogueBuilder& builder, const State& before)
      : builder_(builder), before_(before) {}

  /// Makes a message's changes in the builder, with a step of the serial for the first one of its
  /// zone that sets none itself (RFC 2136 §3.6). When it throws, the builder must be rolled back
  /// and the batch be given up.
  void accept(Judgement&& judgement);
  bool is_empty() const { return zones_.empty(); }
  /// What the batch comes to, a set a zone. Both versions of a name are looked at, so what two
  /// messages did and undid is not in it.
  std::vector<zones::ChangeSet> changes() const;
  /// Calls `visit` with apex and owner of each name that was touched.
  void for_each_name(const auto& visit) const {
    for (const auto& [apex, owners] : zones_) {
      for (const zones::Name& owner : owners) visit(apex.view(), owner.view());
    }
  }

 private:
  using Names = std::unordered_set<zones::Name, zones::NameHash, zones::NameEqual>;

  zones::CatalogueBuilder& builder_;
  const State& before_;
  std::unordered_map<zones::Name, Names, zones::NameHash, zones::NameEqual> zones_;
};

}  // namespace dnsd
