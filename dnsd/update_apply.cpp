#include "dnsd/update_apply.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "dnsd/rrsets_editor.h"
#include "zones/rdata.h"
#include "zones/serial.h"

namespace dnsd {

namespace {

using zones::Class;
using zones::Name;
using zones::NameView;
using zones::Rcode;
using zones::Record;
using zones::RRsetView;
using zones::Type;

// An RRset must fit a message of 65,535 octets beside header, question, OPT and TSIG, each record
// with a compressed owner: 2 + 10 octets and RDATA.
constexpr std::size_t MAX_ANSWER_OCTETS = 64'000;
constexpr std::size_t ANSWER_OCTETS_PER_RECORD = 12;

// RFC 1035 §3.4.2: ADDRESS, PROTOCOL and a bit map; the first two are the identity (RFC 2136
// §3.4.2.2).
bool same_wks(zones::RdataView a, zones::RdataView b) {
  constexpr std::size_t IDENTITY_OCTETS = 5;
  return std::ranges::equal(a.first(IDENTITY_OCTETS), b.first(IDENTITY_OCTETS));
}

// One message at work: names are copied when they are first touched.
class Application {
 public:
  Application(const zones::ZoneSnapshot& zone, const UpdateLimits& limits)
      : zone_(zone), limits_(limits) {}

  // False: REFUSED.
  bool apply(const Record& record) {
    RRsetsEditor& rrsets = edit(record.owner);
    if (record.rrclass == Class::IN) return add(record, rrsets);
    if (record.rrclass == Class::NONE) {
      remove_record(record, rrsets);
    } else if (record.type == Type::ANY) {
      remove_name(record, rrsets);
    } else if (!is_apex(record) || (record.type != Type::SOA && record.type != Type::NS)) {
      rrsets.remove(record.type);  // §3.4.2.3
    }
    return true;
  }

  // REFUSED when the zone would grow beyond its limit.
  zones::Result<ZoneUpdate, Rcode> finish() && {
    ZoneUpdate update;
    update.sets_serial = sets_serial_;
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    for (Touched& touched : touched_) {
      const zones::RRsetsView present = zone_.rrsets(touched.owner.view());
      if (same_records(present, touched.rrsets.view())) continue;
      before += present.record_count();
      after += touched.rrsets.view().record_count();
      update.names.push_back({touched.owner, touched.rrsets.packed()});
    }
    if (after > before && zone_.record_count() + (after - before) > limits_.records_per_zone) {
      return tl::unexpected(Rcode::REFUSED);
    }
    return update;
  }

 private:
  struct Touched {
    Name owner;
    RRsetsEditor rrsets;
  };

  bool is_apex(const Record& record) const { return record.owner.view() == zone_.apex(); }

  RRsetsEditor& edit(const Name& owner) {
    // Records of one name mostly come together.
    if (!touched_.empty() && touched_.back().owner == owner) return touched_.back().rrsets;
    const auto [found, is_new] = index_.try_emplace(owner, touched_.size());
    if (is_new) touched_.push_back({owner, RRsetsEditor(zone_.rrsets(owner.view()))});
    return touched_[found->second].rrsets;
  }

  // §3.4.2.2. What breaks a rule of the zone's is ignored, and the rest of the message applied.
  bool add(const Record& record, RRsetsEditor& rrsets) {
    // A TTL with the highest bit set counts as zero (RFC 2181 §8).
    const std::uint32_t ttl = record.ttl > zones::MAX_TTL ? 0 : record.ttl;
    const bool has_cname = static_cast<bool>(rrsets.find(Type::CNAME));
    if (record.type == Type::CNAME) {
      if (!rrsets.view().empty() && !has_cname) return true;
    } else if (has_cname) {
      return true;  // for DNAME: RFC 6672 §5.2
    }

    const RRsetView present = rrsets.find(record.type);
    switch (record.type) {
      case Type::SOA:
        if (!present || !is_newer_soa(present, record)) return true;
        rrsets.remove(Type::SOA);
        sets_serial_ = true;
        return rrsets.add(Type::SOA, ttl, record.rdata);
      case Type::CNAME:
      case Type::DNAME:  // one a name (RFC 6672 §5.2)
        if (present && index_of(present, record.rdata) < 0) rrsets.remove(record.type);
        break;
      case Type::WKS:
        remove_same_wks(record, rrsets);
        break;
      default:
        break;
    }
    return add_plain(record, ttl, rrsets);
  }

  bool add_plain(const Record& record, std::uint32_t ttl, RRsetsEditor& rrsets) {
    const RRsetView present = rrsets.find(record.type);
    if (index_of(present, record.rdata) >= 0) {
      if (present.ttl() != ttl) rrsets.set_ttl(record.type, ttl);
      return true;
    }
    if (!present) {
      if (rrsets.rrset_count() >= limits_.rrsets_per_name) return false;
    } else {
      const std::size_t count = std::size_t{present.count()} + 1;
      const std::size_t octets = present.rdatas().size() - 2 * std::size_t{present.count()} +
                                 record.rdata.size();  // without RDLENGTHs
      if (count > limits_.records_per_rrset) return false;
      if (octets + count * ANSWER_OCTETS_PER_RECORD > MAX_ANSWER_OCTETS) return false;
    }
    return rrsets.add(record.type, ttl, record.rdata);
  }

  // The zone has an SOA at its apex only, so elsewhere there is none to replace. Serial 0 must not
  // be set (§4.2).
  static bool is_newer_soa(RRsetView present, const Record& record) {
    const std::uint32_t serial = zones::read_soa(record.rdata).serial;
    return serial != 0 && zones::serial_less(zones::read_soa(present.first()).serial, serial);
  }

  static void remove_same_wks(const Record& record, RRsetsEditor& rrsets) {
    const RRsetView present = rrsets.find(Type::WKS);
    if (!present || index_of(present, record.rdata) >= 0) return;
    std::size_t index = 0;
    for (const zones::RdataView rdata : present) {
      if (same_wks(rdata, record.rdata)) return rrsets.remove(Type::WKS, index);
      ++index;
    }
  }

  // §3.4.2.3: SOA and NS of the apex stay.
  void remove_name(const Record& record, RRsetsEditor& rrsets) {
    if (!is_apex(record)) return rrsets.clear();
    std::vector<Type> types;
    for (const RRsetView rrset : rrsets.view()) {
      if (rrset.type() != Type::SOA && rrset.type() != Type::NS) types.push_back(rrset.type());
    }
    for (const Type type : types) rrsets.remove(type);
  }

  // §3.4.2.4: never the SOA, nor the last NS of the apex.
  void remove_record(const Record& record, RRsetsEditor& rrsets) {
    const RRsetView present = rrsets.find(record.type);
    const std::ptrdiff_t index = index_of(present, record.rdata);
    if (index < 0 || record.type == Type::SOA) return;
    if (is_apex(record) && record.type == Type::NS && present.count() == 1) return;
    rrsets.remove(record.type, static_cast<std::size_t>(index));
  }

  const zones::ZoneSnapshot& zone_;
  const UpdateLimits& limits_;
  std::deque<Touched> touched_;  // in the order of the message
  std::unordered_map<Name, std::size_t, zones::NameHash, zones::NameEqual> index_;
  bool sets_serial_ = false;
};

}  // namespace

bool is_written_by_server(Type type) {
  switch (type) {
    case Type::SIG:
    case Type::NXT:
    case Type::RRSIG:
    case Type::NSEC:
    case Type::NSEC3:
    case Type::NSEC3PARAM:
      return true;
    default:
      return false;
  }
}

zones::Result<zones::ZoneSnapshot, Rcode> find_update_zone(
    const zones::Catalogue& catalogue, std::span<const zones::Question> zone_section) {
  if (zone_section.size() != 1) return tl::unexpected(Rcode::FORMERR);
  const zones::Question& zone = zone_section.front();
  if (zone.type != Type::SOA) return tl::unexpected(Rcode::FORMERR);
  if (zone.rrclass != Class::IN)
    return tl::unexpected(Rcode::NOTAUTH);  // no zone here is of another
  const std::optional<zones::ZoneSnapshot> found = catalogue.zone(zone.name.view());
  if (!found) return tl::unexpected(Rcode::NOTAUTH);
  return *found;
}

// In the order of the text: class, name, then type, TTL and RDLENGTH.
Rcode prescan(NameView apex, const Record& record) {
  const bool is_in = record.rrclass == Class::IN;
  const bool is_any = record.rrclass == Class::ANY;
  if (!is_in && !is_any && record.rrclass != Class::NONE) return Rcode::FORMERR;
  if (!record.owner.is_at_or_below(apex)) return Rcode::NOTZONE;
  if (zones::is_meta(record.type) && !(is_any && record.type == Type::ANY)) return Rcode::FORMERR;
  if (!is_in && record.ttl != 0) return Rcode::FORMERR;
  if (is_any) return record.rdata.empty() ? Rcode::NOERROR : Rcode::FORMERR;
  return zones::is_valid_rdata(record.type, record.rdata) ? Rcode::NOERROR : Rcode::FORMERR;
}

zones::Result<ZoneUpdate, Rcode> apply_updates(const zones::ZoneSnapshot& zone,
                                               std::span<const Record> updates,
                                               const UpdateLimits& limits) {
  for (const Record& record : updates) {
    const Rcode rcode = prescan(zone.apex(), record);
    if (rcode != Rcode::NOERROR) return tl::unexpected(rcode);
  }
  for (const Record& record : updates) {
    if (is_written_by_server(record.type)) return tl::unexpected(Rcode::REFUSED);
  }
  Application application(zone, limits);
  for (const Record& record : updates) {
    if (!application.apply(record)) return tl::unexpected(Rcode::REFUSED);
  }
  return std::move(application).finish();
}

void step_serial(const zones::ZoneSnapshot& zone, ZoneUpdate& update) {
  auto apex = std::ranges::find_if(
      update.names, [&](const NameChange& change) { return change.owner.view() == zone.apex(); });
  RRsetsEditor rrsets(apex == update.names.end() ? zone.apex_rrsets()
                                                 : zones::RRsetsView(apex->rrsets));
  const RRsetView soa = rrsets.find(Type::SOA);
  const std::uint32_t ttl = soa.ttl();
  const zones::Rdata next = zones::with_serial(soa.first(), zones::serial_next(zone.serial()));
  rrsets.remove(Type::SOA);
  rrsets.add(Type::SOA, ttl, next);
  if (apex == update.names.end()) {
    update.names.push_back({Name(zone.apex()), rrsets.packed()});
  } else {
    apex->rrsets = rrsets.packed();
  }
}

}  // namespace dnsd
