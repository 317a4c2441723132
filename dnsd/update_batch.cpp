#include "dnsd/update_batch.h"

#include "dnsd/rrsets_editor.h"
#include "dnsd/signers.h"
#include "dnsd/update_prereq.h"

namespace dnsd {

namespace {

using zones::Rcode;

Judgement refusal(Rcode rcode) { return {.rcode = rcode, .reason = {}, .apex = {}, .update = {}}; }

}  // namespace

Judgement judge_update(const zones::Catalogue& catalogue, const Policy* policy,
                       const UpdateLimits& limits, const UpdateJob& job) {
  const zones::Message& message = job.message;
  const auto zone = find_update_zone(catalogue, message.question);
  if (!zone) return refusal(zone.error());

  // The key was checked when the message came in; by now it or its grant may be gone.
  if (policy == nullptr || !is_signer_known(catalogue, *policy, job)) {
    return refusal(Rcode::REFUSED);
  }
  const keys::ZoneGrants* const grants = policy->grants_of(zone->apex());
  if (grants == nullptr || !grants->may_update_all(job.key.view())) return refusal(Rcode::REFUSED);
  if (forbidden_key(*policy, *grants, job) != nullptr) return refusal(Rcode::REFUSED);

  if (message.answer.size() + message.authority.size() > limits.records_per_message) {
    return refusal(Rcode::REFUSED);
  }
  const Rcode rcode = check_prerequisites(*zone, message.answer);
  if (rcode != Rcode::NOERROR) return refusal(rcode);
  auto update = apply_updates(*zone, message.authority, limits);
  if (!update) return refusal(update.error());
  return {.rcode = Rcode::NOERROR,
          .reason = {},
          .apex = zones::Name(zone->apex()),
          .update = std::move(*update)};
}

void UpdateBatch::accept(Judgement&& judgement) {
  if (!judgement.changes()) return;
  const zones::NameView apex = judgement.apex.view();
  const auto [zone, is_first] = zones_.try_emplace(judgement.apex);
  if (is_first && !judgement.update.sets_serial) {
    step_serial(*builder_.working().zone(apex), judgement.update);
  }
  for (const NameChange& change : judgement.update.names) {
    builder_.put(apex, change.owner.view(), zones::RRsetsView(change.rrsets));
    zone->second.insert(change.owner);
  }
}

std::vector<zones::ChangeSet> UpdateBatch::changes() const {
  std::vector<zones::ChangeSet> sets;
  sets.reserve(zones_.size());
  const zones::Catalogue after = builder_.working();
  for (const auto& [apex, owners] : zones_) {
    const zones::ZoneSnapshot old_zone = *before_.catalogue.zone(apex.view());
    const zones::ZoneSnapshot new_zone = *after.zone(apex.view());
    zones::ChangeSet& set = sets.emplace_back();
    set.apex = apex;
    set.from_serial = old_zone.serial();
    set.to_serial = new_zone.serial();
    for (const zones::Name& owner : owners) {
      append_difference(owner.view(), old_zone.rrsets(owner.view()), new_zone.rrsets(owner.view()),
                        set);
    }
  }
  return sets;
}

}  // namespace dnsd
