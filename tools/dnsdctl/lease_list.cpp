#include <map>
#include <ostream>
#include <tuple>

#include "tools/common/utc_time.h"
#include "tools/dnsdctl/commands.h"
#include "tools/dnsdctl/store_access.h"
#include "zones/change_set.h"
#include "zones/text.h"

namespace dnsdctl {
namespace {

using Time = std::chrono::sys_seconds;

/// The last word on each record.
class Leases final : public zones::LeaseSink {
 public:
  void lease(zones::NameView apex, zones::NameView owner, zones::Type type, zones::RdataView rdata,
             Time expires) override {
    leases_[key(apex, owner, type, rdata)] = expires;
  }
  /// The epoch for a record that is permanent.
  Time find(zones::NameView apex, zones::NameView owner, zones::Type type,
            zones::RdataView rdata) const {
    const auto found = leases_.find(key(apex, owner, type, rdata));
    return found == leases_.end() ? Time{} : found->second;
  }

 private:
  using Key = std::tuple<zones::Name, zones::Name, zones::Type, zones::Rdata>;
  static Key key(zones::NameView apex, zones::NameView owner, zones::Type type,
                 zones::RdataView rdata) {
    return {zones::Name(apex), zones::Name(owner), type, zones::canonical_rdata(type, rdata)};
  }
  std::map<Key, Time> leases_;
};

void list(const zones::ZoneSnapshot& zone, const Leases& leases, std::ostream& out) {
  zone.for_each([&](zones::NameView owner, zones::RRsetsView rrsets) {
    for (const zones::RRsetView rrset : rrsets) {
      for (const zones::RdataView rdata : rrset) {
        const Time expires = leases.find(zone.apex(), owner, rrset.type(), rdata);
        if (expires == Time{}) continue;
        out << tools::to_text(expires) << ' '
            << zones::record_to_text(zones::to_record(owner, rrset, rdata)) << '\n';
      }
    }
    return true;
  });
}

}  // namespace

Outcome lease_list(const LeaseList& options, std::ostream& out) {
  auto store = open_to_read(options.store);
  if (!store) return tl::unexpected(store.error());
  zones::CatalogueBuilder builder;
  Leases leases;
  zones::load(**store, builder, &leases);
  const zones::Catalogue catalogue = builder.freeze();
  if (options.zone.empty()) {
    catalogue.for_each([&](const zones::ZoneSnapshot& zone) {
      list(zone, leases, out);
      return true;
    });
  } else {
    const auto apex = zone_name(options.zone);
    if (!apex) return tl::unexpected(apex.error());
    const auto zone = catalogue.zone(*apex);
    if (!zone) {
      return tl::unexpected(options.store.string() + " holds no zone " + apex->to_text() +
                            "; see 'zone list'");
    }
    list(*zone, leases, out);
  }
  if (!out.flush()) return tl::unexpected(std::string("cannot write to standard output"));
  return 0;
}

}  // namespace dnsdctl
