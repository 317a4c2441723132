#include "dnsd/query.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "dnsd/answer_sections.h"

namespace dnsd {
namespace {

using zones::Lookup;
using zones::name_at;
using zones::NameView;
using zones::Rcode;
using zones::RRsetsView;
using zones::RRsetView;
using zones::Type;
using zones::ZoneSnapshot;

// CNAMEs and DNAMEs followed for one query; what is found until then is the answer, and the
// resolver goes on.
constexpr std::size_t MAX_CHAIN = 8;
// Names looked up for the additional section; more would let one query cost as much as many.
constexpr std::size_t MAX_TARGETS = 13;

/// Where the name in RDATA begins whose addresses the asker will want next; -1 for types without
/// one.
int target_offset(Type type) {
  switch (type) {
    case Type::NS:
      return 0;
    case Type::MX:
    case Type::SVCB:
    case Type::HTTPS:
      return 2;
    case Type::SRV:
      return 6;
    default:
      return -1;
  }
}

bool is_service_binding(Type type) { return type == Type::SVCB || type == Type::HTTPS; }

/// RFC 2308 §3 and §5: how long "no" may be remembered.
std::uint32_t negative_ttl(RRsetView soa) {
  const zones::RdataView rdata = soa.first();
  const std::uint8_t* minimum = rdata.data() + rdata.size() - 4;
  return std::min(soa.ttl(), std::uint32_t{minimum[0]} << 24 | std::uint32_t{minimum[1]} << 16 |
                                 std::uint32_t{minimum[2]} << 8 | std::uint32_t{minimum[3]});
}

/// True when a DNAME leads on. Whichever comes first on the way down counts; a cut hides a DNAME at
/// the same name (RFC 6672 §3.2).
bool is_redirected(const Lookup& found) {
  return found.dname_size != 0 && (found.cut_size == 0 || found.dname_size < found.cut_size);
}

/// The search for one answer (RFC 1034 §4.3.2 as RFC 6672 §3.2 revised it).
class Search {
 public:
  Search(const zones::Catalogue& catalogue, const Request& request, Transport transport,
         AnswerSections& sections, Imputation* imputation)
      : catalogue_(catalogue),
        sections_(sections),
        name_(request.qname),
        glimpse_(request.glimpse),
        place_(sections.question_place()),
        qtype_(request.qtype),
        transport_(transport),
        imputation_(imputation) {}

  /// @return the size of the answer
  std::size_t run();

 private:
  enum class Step : std::uint8_t {
    DONE,
    FOLLOW,     // name_ and place_ are those of the next name in the chain
    TRUNCATED,  // something that the answer needs does not fit
    FOREIGN,    // name_ is in none of our zones
  };

  std::optional<ZoneSnapshot> zone_of_name();
  bool follow(NameView target, RRsetView dname = {});
  bool has_led_on(RRsetView dname) const;
  Step first_step();
  Step next_step();
  Step step(const ZoneSnapshot& zone, const Lookup& found);
  Step from_data(const ZoneSnapshot& zone, RRsetsView rrsets);
  Step any(RRsetsView rrsets);
  Step negative(const ZoneSnapshot& zone, Rcode rcode);
  Step dname(const Lookup& found);
  Step referral(const ZoneSnapshot& zone, const Lookup& found);
  Imputation impute(const ZoneSnapshot& zone, const Lookup& found) const;

  // Without initial values, for most answers need no array of them.
  struct Target {
    const std::uint8_t* octets;
    std::uint16_t size;
    std::uint16_t at;  // where it stands in the answer; 0: nowhere
    Type binding;      // SVCB or HTTPS: to be looked up at the target as well; else 0
    NameView name() const { return {octets, size}; }
  };
  struct Followed {
    const std::uint8_t* octets;
    std::uint16_t size;
    const std::uint8_t* dname;  // the RRset that led on from this name, if it was a DNAME
    NameView name() const { return {octets, size}; }
  };
  void note_targets(RRsetView rrset, const Owner& owner, std::size_t first_record);
  void add_additional();
  void add_addresses(const Owner& owner, RRsetsView rrsets);

  const zones::Catalogue& catalogue_;
  AnswerSections& sections_;
  NameView name_;
  zones::Glimpse glimpse_;  // of the first name
  zones::TreeKey key_;      // of name_, for zone_of_name() and find()
  NamePlace place_;
  Type qtype_;
  Transport transport_;
  Imputation* imputation_;  // of the first name of a chain; null: nobody asks
  Rcode rcode_ = Rcode::NOERROR;
  const zones::ExtendedErrorView* reason_ = nullptr;
  bool authoritative_ = true;
  std::size_t chain_ = 0;
  std::size_t target_count_ = 0;
  std::array<Followed, MAX_CHAIN> followed_;  // the names before name_
  std::array<Target, MAX_TARGETS> targets_;
  std::array<std::array<std::uint8_t, zones::MAX_NAME_OCTETS>, MAX_CHAIN>
      substituted_;  // by DNAMEs
};

std::size_t Search::run() {
  // The SOA alone tells over UDP that a transfer needs TCP (RFC 1995 §4).
  if (qtype_ == Type::IXFR) qtype_ = Type::SOA;
  Step next = first_step();
  if (next == Step::FOREIGN) {
    return sections_.finish(Rcode::REFUSED, false, false, &why::NOT_AUTHORITATIVE);
  }
  while (next == Step::FOLLOW) next = next_step();
  if (next == Step::TRUNCATED) {
    sections_.clear();
    return sections_.finish(rcode_, authoritative_, true);
  }
  add_additional();
  return sections_.finish(rcode_, authoritative_, false, reason_);
}

Search::Step Search::first_step() {
  if (const auto seen = catalogue_.recall(name_, glimpse_)) {
    Lookup found;
    found.kind = Lookup::Kind::EXACT;
    found.rrsets = seen->rrsets;
    return step(seen->zone, found);
  }
  return next_step();
}

Search::Step Search::next_step() {
  const std::optional<ZoneSnapshot> zone = zone_of_name();
  return zone ? step(*zone, zone->find(key_)) : Step::FOREIGN;
}

/// The zone that answers for name_: for DS that above the cut, when it is ours as well (RFC 4035
/// §3.1.4.1).
std::optional<ZoneSnapshot> Search::zone_of_name() {
  key_.assign(name_);
  std::optional<ZoneSnapshot> zone = catalogue_.enclosing(key_);
  if (qtype_ == Type::DS && zone && !name_.is_root() && zone->apex().size() == name_.size()) {
    if (std::optional<ZoneSnapshot> parent = catalogue_.enclosing(name_.parent())) return parent;
  }
  return zone;
}

/// True for a DNAME that the chain came by: it stands in the answer already.
bool Search::has_led_on(RRsetView dname) const {
  const auto end = followed_.begin() + static_cast<std::ptrdiff_t>(chain_);
  return std::any_of(followed_.begin(), end,
                     [dname](const Followed& before) { return before.dname == dname.packed(); });
}

/// False when the chain ends here: it is too long, or comes back to where it was.
bool Search::follow(NameView target, RRsetView dname) {
  if (chain_ == MAX_CHAIN || target == name_) return false;
  for (std::size_t i = 0; i < chain_; ++i) {
    if (followed_[i].name() == target) return false;
  }
  followed_[chain_++] = {name_.data(), static_cast<std::uint16_t>(name_.size()), dname.packed()};
  name_ = target;
  place_ = sections_.last_name();
  return true;
}

Search::Step Search::step(const ZoneSnapshot& zone, const Lookup& found) {
  if (imputation_ != nullptr && chain_ == 0) *imputation_ = impute(zone, found);
  if (is_redirected(found)) return dname(found);
  // A DS is the parent's data at the cut itself (RFC 4035 §3.1.4.1).
  const bool at_cut = found.cut_size == name_.size();
  if (found.cut_size != 0 && !(at_cut && qtype_ == Type::DS)) return referral(zone, found);

  switch (found.kind) {
    case Lookup::Kind::EXACT:
      return from_data(zone, found.rrsets);
    case Lookup::Kind::EMPTY_NON_TERMINAL:
      return negative(zone, Rcode::NOERROR);  // RFC 8020 §2, RFC 4592 §2.2.2
    case Lookup::Kind::ABSENT:
      break;
  }
  // The wildcard's records, as if they stood at the name asked for (RFC 4592 §3.3.1).
  if (!found.wildcard.empty()) return from_data(zone, found.wildcard);
  return negative(zone, found.wildcard_exists ? Rcode::NOERROR : Rcode::NXDOMAIN);
}

Imputation Search::impute(const ZoneSnapshot& zone, const Lookup& found) const {
  if (is_redirected(found)) return {.name_octets = found.dname_size};
  if (found.cut_size != 0) return {.name_octets = found.cut_size};
  if (found.kind != Lookup::Kind::ABSENT) {
    return {.name_octets = static_cast<std::uint8_t>(name_.size())};
  }
  if (found.wildcard_exists || !found.wildcard.empty()) {
    return {.name_octets = found.encloser_size, .by_wildcard = true};
  }
  return {.name_octets = static_cast<std::uint8_t>(zone.apex().size())};
}

Search::Step Search::from_data(const ZoneSnapshot& zone, RRsetsView rrsets) {
  if (qtype_ == Type::ANY) return any(rrsets);
  const Owner owner = AnswerSections::suffix(name_, place_, 0);
  RRsetView cname;
  for (const RRsetView rrset : rrsets) {
    if (rrset.type() == qtype_) {
      // An answer has no record twice (RFC 2181 §5).
      if (qtype_ == Type::DNAME && has_led_on(rrset)) return Step::DONE;
      const std::size_t first_record = sections_.size();
      if (!sections_.put(Section::ANSWER, owner, rrset)) return Step::TRUNCATED;
      note_targets(rrset, owner, first_record);
      return Step::DONE;
    }
    if (rrset.type() == Type::CNAME) cname = rrset;
  }
  if (!cname) return negative(zone, Rcode::NOERROR);
  if (!sections_.put(Section::ANSWER, owner, cname)) return Step::TRUNCATED;
  return follow(name_at(cname.first(), 0)) ? Step::FOLLOW : Step::DONE;
}

/// Over UDP one RRset is answer enough and no help for an attack by reflection (RFC 8482 §4.1).
Search::Step Search::any(RRsetsView rrsets) {
  const Owner owner = AnswerSections::suffix(name_, place_, 0);
  for (const RRsetView rrset : rrsets) {
    if (!sections_.put(Section::ANSWER, owner, rrset)) return Step::TRUNCATED;
    if (transport_ == Transport::UDP) break;
  }
  return Step::DONE;
}

/// NXDOMAIN or NODATA: the zone's SOA says for how long (RFC 2308 §3).
Search::Step Search::negative(const ZoneSnapshot& zone, Rcode rcode) {
  const RRsetView soa = zone.soa();
  if (!soa) {
    // A zone that is not whole must not deny anything.
    sections_.clear();
    rcode_ = Rcode::SERVFAIL;
    reason_ = &why::ZONE_NOT_WHOLE;
    authoritative_ = false;
    return Step::DONE;
  }
  rcode_ = rcode;
  const std::size_t stripped = name_.size() - zone.apex().size();
  const Owner apex = AnswerSections::suffix(name_, place_, stripped);
  return sections_.put(Section::AUTHORITY, apex, soa, negative_ttl(soa)) ? Step::DONE
                                                                         : Step::TRUNCATED;
}

Search::Step Search::dname(const Lookup& found) {
  const RRsetView rrset = found.dname.find(Type::DNAME);
  const std::size_t prefix = name_.size() - found.dname_size;
  // One that leads to a name below itself comes by again; its record stands there already.
  const Owner redirected = AnswerSections::suffix(name_, place_, prefix);
  if (!has_led_on(rrset) && !sections_.put(Section::ANSWER, redirected, rrset))
    return Step::TRUNCATED;
  const zones::RdataView target = rrset.first();
  if (prefix + target.size() > zones::MAX_NAME_OCTETS) {
    rcode_ = Rcode::YXDOMAIN;  // RFC 6672 §2.2
    return Step::DONE;
  }
  if (chain_ == MAX_CHAIN) return Step::DONE;
  std::uint8_t* const octets = substituted_[chain_].data();
  std::memcpy(octets, name_.data(), prefix);
  std::memcpy(octets + prefix, target.data(), target.size());
  const NameView substituted(octets, prefix + target.size());
  // The synthesised CNAME has the DNAME's TTL (RFC 6672 §3.1).
  const Owner owner = AnswerSections::suffix(name_, place_, 0);
  if (!sections_.put_cname(owner, substituted, rrset.ttl())) return Step::TRUNCATED;
  // It is itself what a query for CNAME or ANY wants.
  if (qtype_ == Type::CNAME || qtype_ == Type::ANY) return Step::DONE;
  return follow(substituted, rrset) ? Step::FOLLOW : Step::DONE;
}

Search::Step Search::referral(const ZoneSnapshot& zone, const Lookup& found) {
  // AA speaks of the first name (RFC 1035 §4.1.1): it stays when a chain led here.
  if (chain_ == 0) authoritative_ = false;
  const RRsetView servers = found.cut.find(Type::NS);
  const Owner cut = AnswerSections::suffix(name_, place_, name_.size() - found.cut_size);
  const std::size_t first_record = sections_.size();
  if (!sections_.put(Section::AUTHORITY, cut, servers)) return Step::TRUNCATED;

  // All glue below the cut, for nobody finds those servers without it (RFC 9471 §3.1).
  std::size_t record = first_record;
  for (const zones::RdataView rdata : servers) {
    const AnswerSections::Written written = sections_.written(record);
    record = written.end;
    const NameView server(rdata.data(), rdata.size());
    if (server.is_at_or_below(cut.name)) {
      const RRsetsView glue = zone.rrsets(server);
      const Owner owner = sections_.owner_at(server, written.rdata_at);
      for (const Type type : {Type::A, Type::AAAA}) {
        const RRsetView rrset = glue.find(type);
        if (rrset && !sections_.put(Section::ADDITIONAL, owner, rrset)) return Step::TRUNCATED;
      }
    } else if (target_count_ < MAX_TARGETS) {
      targets_[target_count_++] = {server.data(), static_cast<std::uint16_t>(server.size()),
                                   static_cast<std::uint16_t>(written.rdata_at), Type{}};
    }
  }
  // Glue of sibling zones as far as there is room for it (RFC 9471 §3.2).
  for (std::size_t i = 0; i < target_count_; ++i) {
    const NameView server = targets_[i].name();
    if (!server.is_at_or_below(zone.apex())) continue;
    add_addresses(sections_.owner_at(server, targets_[i].at), zone.rrsets(server));
  }
  target_count_ = 0;
  return Step::DONE;
}

/// Remembers the names in the RDATA of an RRset whose first record was written at `first_record`.
void Search::note_targets(RRsetView rrset, const Owner& owner, std::size_t first_record) {
  const int offset = target_offset(rrset.type());
  if (offset < 0) return;
  std::size_t record = first_record;
  for (const zones::RdataView rdata : rrset) {
    if (target_count_ == MAX_TARGETS) return;
    const AnswerSections::Written written = sections_.written(record);
    record = written.end;
    NameView name = name_at(rdata, static_cast<std::size_t>(offset));
    std::size_t at = written.rdata_at + static_cast<std::size_t>(offset);
    Type binding{};
    if (is_service_binding(rrset.type())) {
      const bool alias_mode = rdata[0] == 0 && rdata[1] == 0;  // RFC 9460 §2.4.2
      if (alias_mode) {
        binding = rrset.type();
      } else if (name.is_root()) {
        name = owner.name;  // RFC 9460 §2.5.2
        at = owner.at;
      }
    }
    if (name.is_root())
      continue;  // "not available", in all of these types (RFC 2782, RFC 9460 §2.5.1)
    const auto end = targets_.begin() + static_cast<std::ptrdiff_t>(target_count_);
    const bool known = std::any_of(targets_.begin(), end,
                                   [name](const Target& other) { return other.name() == name; });
    if (known) continue;
    targets_[target_count_++] = {name.data(), static_cast<std::uint16_t>(name.size()),
                                 static_cast<std::uint16_t>(at), binding};
  }
}

/// What is ours of the addresses that will be asked for next. None of it is owed, so none sets TC
/// (RFC 2181 §9).
void Search::add_additional() {
  for (std::size_t i = 0; i < target_count_; ++i) {
    const Target target = targets_[i];
    const zones::TreeKey key(target.name());
    const std::optional<ZoneSnapshot> zone = catalogue_.enclosing(key);
    if (!zone) continue;
    const Lookup found = zone->find(key);
    if (found.kind != Lookup::Kind::EXACT || found.cut_size != 0 || found.dname_size != 0) continue;
    const Owner owner = sections_.owner_at(target.name(), target.at);
    add_addresses(owner, found.rrsets);
    if (target.binding == Type{}) continue;
    const RRsetView binding = found.rrsets.find(target.binding);
    const std::size_t first_record = sections_.size();
    if (binding && sections_.put(Section::ADDITIONAL, owner, binding)) {
      note_targets(binding, owner, first_record);  // RFC 9460 §4.1
    }
  }
}

void Search::add_addresses(const Owner& owner, RRsetsView rrsets) {
  for (const Type type : {Type::A, Type::AAAA}) {
    const RRsetView rrset = rrsets.find(type);
    if (rrset) static_cast<void>(sections_.put(Section::ADDITIONAL, owner, rrset));
  }
}

/// What a question for something other than data gets; NOERROR when it asks for data, ANY or, over
/// UDP, IXFR.
Rcode refusal_of_meta_type(Type type, Transport transport) {
  if (!zones::is_meta(type)) return Rcode::NOERROR;
  switch (type) {
    case Type::ANY:
      return Rcode::NOERROR;
    case Type::IXFR:
      return transport == Transport::UDP ? Rcode::NOERROR : Rcode::NOTIMP;
    case Type::MAILA:
    case Type::MAILB:
    case Type::TKEY:
      return Rcode::NOTIMP;
    default:  // OPT, TSIG and others that are no QTYPE, and AXFR over UDP (RFC 5936 §4.2)
      return Rcode::FORMERR;
  }
}

}  // namespace

std::size_t answer_query(const zones::Catalogue& catalogue, std::span<const std::uint8_t> octets,
                         const Request& request, const AnswerLimits& limits,
                         std::span<std::uint8_t> out, Imputation* imputation) {
  AnswerSections sections(octets, request, limits, out);
  if (!sections.has_room()) return 0;
  if (request.edns_version != 0) return sections.finish(Rcode::BADVERS, false, false);
  if (request.question_end == 0) return sections.finish(Rcode::FORMERR, false, false);
  // What a type is, its class says (RFC 6895 §3.1).
  if (request.qclass != zones::Class::IN) {
    return sections.finish(Rcode::REFUSED, false, false, &why::NOT_AUTHORITATIVE);
  }
  const Rcode refusal = refusal_of_meta_type(request.qtype, limits.transport);
  if (refusal != Rcode::NOERROR) {
    const bool unsupported = refusal == Rcode::NOTIMP;
    return sections.finish(refusal, false, false, unsupported ? &why::NOT_SUPPORTED : nullptr);
  }
  return Search(catalogue, request, limits.transport, sections, imputation).run();
}

std::size_t answer_error(std::span<const std::uint8_t> octets, const Request& request,
                         zones::Rcode rcode, const AnswerLimits& limits,
                         std::span<std::uint8_t> out, const zones::ExtendedErrorView* reason) {
  AnswerSections sections(octets, request, limits, out);
  return sections.has_room() ? sections.finish(rcode, false, false, reason) : 0;
}

std::size_t answer_truncated(std::span<const std::uint8_t> octets, const Request& request,
                             zones::Rcode rcode, const AnswerLimits& limits,
                             std::span<std::uint8_t> out) {
  AnswerSections sections(octets, request, limits, out);
  return sections.has_room() ? sections.finish(rcode, false, true) : 0;
}

}  // namespace dnsd
