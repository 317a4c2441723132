#include "dnsd/update_batch.h"

#include "dnsd/first_come.h"
#include "dnsd/lease_grant.h"
#include "dnsd/rrsets_editor.h"
#include "dnsd/signers.h"
#include "dnsd/update_grants.h"
#include "dnsd/update_prereq.h"

namespace dnsd {

namespace {

using zones::Rcode;

Judgement refusal(Rcode rcode) { return {.rcode = rcode, .reason = {}, .apex = {}, .update = {}}; }

/// REFUSED, and why (RFC 8914 §4.19).
Judgement prohibited(std::string why) {
  constexpr std::size_t MAX_REASON_OCTETS = 250;  // an answer is to fit any UDP client
  if (why.size() > MAX_REASON_OCTETS) why = why.substr(0, MAX_REASON_OCTETS - 3) + "...";
  Judgement judgement = refusal(Rcode::REFUSED);
  judgement.reason = {zones::extended_error::PROHIBITED, std::move(why)};
  return judgement;
}

}  // namespace

Judgement judge_update(const zones::Catalogue& catalogue, const Policy* policy,
                       const UpdateLimits& limits, const UpdateJob& job) {
  const zones::Message& message = job.message;
  const auto zone = find_update_zone(catalogue, message.question);
  if (!zone) return refusal(zone.error());
  if (!requested_lease(message)) return refusal(Rcode::FORMERR);

  // The key was checked when the message came in; by now it or its grant may be gone.
  if (policy == nullptr ||
      (!is_signer_known(catalogue, *policy, job) && !is_claim(*zone, *policy, job))) {
    return refusal(Rcode::REFUSED);
  }
  const bool first_come = is_first_come(catalogue, *policy, job);
  const keys::ZoneGrants* const grants = policy->grants_of(zone->apex());
  const bool whole_zone = !first_come && grants != nullptr && grants->may_update_all(job.key);
  const bool by_grants = !first_come && !whole_zone;
  if (first_come) {
    if (std::string why = first_come_refusal(*zone, *policy, job); !why.empty()) {
      return prohibited(std::move(why));
    }
  }
  if (by_grants && (grants == nullptr || !grants->may_update(job.key))) {
    return prohibited("no grant lets key " + job.key.to_text() + " update this zone");
  }
  if (message.answer.size() + message.authority.size() > limits.records_per_message) {
    return prohibited("too many records in one message ('max-records' in [update])");
  }
  if (by_grants) {
    if (auto why = refusal_by_grants(*zone, *grants, policy->portal, job)) {
      return prohibited(std::move(*why));
    }
    if (const zones::Record* record = forbidden_key(*policy, *grants, job)) {
      return prohibited("KEY at " + record->owner.to_text() +
                        ", to which grants belong, is for that key itself or one that may change "
                        "the whole zone");
    }
  }
  const Rcode rcode = check_prerequisites(*zone, message.answer);
  if (rcode != Rcode::NOERROR) return refusal(rcode);
  auto update = apply_updates(*zone, message.authority, limits);
  if (!update) {
    if (update.error() != Rcode::REFUSED) return refusal(update.error());
    return prohibited(
        "a type that only the server writes, or too many records of a name or the zone "
        "('max-records-per-rrset', 'max-rrsets-per-name', 'max-records-per-zone' in [update])");
  }
  if (by_grants) {
    const std::size_t max_records = grants->limits(job.key).max_records;
    if (auto why = refusal_by_count(*zone, *update, job.key, max_records)) {
      return prohibited(std::move(*why));
    }
  }
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
