#include "dnsd/update_grants.h"

#include "zones/rdata.h"

namespace dnsd {
namespace {

using zones::Class;
using zones::NameView;
using zones::Record;
using zones::Type;

class Judge {
 public:
  Judge(const zones::ZoneSnapshot& zone, const keys::ZoneGrants& grants, const keys::Portal& portal,
        const UpdateJob& job)
      : zone_(zone),
        grants_(grants),
        portal_(portal),
        requester_{job.key, job.source, job.source_proven} {}

  /// True when it is permitted; else why() says why not.
  bool permits_prerequisite(const Record& record) {
    return !record.owner.is_at_or_below(zone_.apex()) ||
           permits({record.owner, Type::ANY, {}, false}, "prerequisite: ");
  }

  bool permits_change(const Record& record) {
    if (prescan(zone_.apex(), record) != zones::Rcode::NOERROR) return true;
    const bool deletes_name = record.rrclass == Class::ANY && record.type == Type::ANY;
    if (deletes_name) return permits_deletion(record);
    return permits({record.owner, record.type, record.rdata, record.rrclass == Class::IN});
  }

  std::string take_why() { return std::move(why_); }

 private:
  bool permits_deletion(const Record& record) {
    if (!permits({record.owner, Type::ANY, {}, false})) return false;
    const bool is_apex = record.owner.view() == zone_.apex();
    for (const zones::RRsetView rrset : zone_.rrsets(record.owner)) {
      const Type type = rrset.type();
      if (is_apex && (type == Type::SOA || type == Type::NS)) continue;
      if (!permits({record.owner, type, {}, false})) return false;
    }
    return true;
  }

  bool permits(const keys::Wish& wish, const char* what = "") {
    keys::Ruling ruling = grants_.judge(requester_, wish, portal_);
    if (ruling.allowed) return true;
    why_ = what + ruling.why;
    if (ruling.grant && ruling.grant->line != 0) {
      why_ += " (grant in line " + std::to_string(ruling.grant->line) + ")";
    }
    return false;
  }

  const zones::ZoneSnapshot& zone_;
  const keys::ZoneGrants& grants_;
  const keys::Portal& portal_;
  const keys::Requester requester_;
  std::string why_;
};

/// Records at and below `top`, counted up to about `enough`.
std::size_t count_records(const zones::ZoneSnapshot& zone, NameView top, std::size_t enough) {
  const bool whole_zone = zone.apex().is_at_or_below(top);
  if (!whole_zone && !top.is_at_or_below(zone.apex())) return 0;
  std::size_t count = whole_zone ? 0 : zone.rrsets(top).record_count();
  const auto after = whole_zone ? std::nullopt : std::optional(zones::Name(top));
  zone.for_each_after(after, [&](NameView owner, zones::RRsetsView rrsets) {
    if (!owner.is_at_or_below(top)) return false;
    count += rrsets.record_count();
    return count < enough;
  });
  return count;
}

}  // namespace

std::optional<std::string> refusal_by_grants(const zones::ZoneSnapshot& zone,
                                             const keys::ZoneGrants& grants,
                                             const keys::Portal& portal, const UpdateJob& job) {
  Judge judge(zone, grants, portal, job);
  for (const Record& record : job.message.authority) {
    if (!judge.permits_change(record)) return judge.take_why();
  }
  for (const Record& record : job.message.answer) {
    if (!judge.permits_prerequisite(record)) return judge.take_why();
  }
  return std::nullopt;
}

std::optional<std::string> refusal_by_count(const zones::ZoneSnapshot& zone,
                                            const ZoneUpdate& update, NameView key,
                                            std::size_t max_records) {
  if (max_records == 0) return std::nullopt;
  std::size_t removed = 0;
  std::size_t added = 0;
  for (const NameChange& change : update.names) {
    if (!change.owner.is_at_or_below(key)) continue;
    removed += zone.rrsets(change.owner).record_count();
    added += zones::RRsetsView(change.rrsets).record_count();
  }
  if (added <= removed) return std::nullopt;
  const std::size_t more = added - removed;
  if (count_records(zone, key, max_records + 1) + more <= max_records) return std::nullopt;
  return "there would be more than " + std::to_string(max_records) +
         " records at and below the key's name ('max-records' of the grant)";
}

bool may_change(const Policy& policy, zones::NameView apex, const keys::Requester& requester,
                zones::NameView owner) {
  const keys::ZoneGrants* const grants = policy.grants_of(apex);
  const keys::Wish anything{.owner = owner, .type = zones::Type::ANY, .rdata = {}, .adds = false};
  return grants && grants->judge(requester, anything, policy.portal).allowed;
}

}  // namespace dnsd
