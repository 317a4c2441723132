#include "tools/dnsdctl/zone_check.h"

#include <algorithm>

#include "tools/common/host_name.h"
#include "zones/rdata.h"

namespace dnsdctl {
namespace {

using zones::Name;
using zones::NameView;
using zones::RdataView;
using zones::RRsetsView;
using zones::RRsetView;
using zones::Type;
using Severity = Finding::Severity;

constexpr int MAX_ALIASES = 16;
constexpr std::uint32_t DAY = 86'400;
constexpr std::uint32_t WEEK = 7 * DAY;

bool has_address(RRsetsView rrsets) { return rrsets.find(Type::A) || rrsets.find(Type::AAAA); }

/// "192.0.2.1" written where a name belongs: all of the last label is digits (RFC 1123 §2.1).
bool looks_like_address(NameView name) {
  if (name.is_root()) return false;
  while (!name.parent().is_root()) name = name.parent();
  return std::ranges::all_of(name.first_label(),
                             [](std::uint8_t octet) { return octet >= '0' && octet <= '9'; });
}

/// A wildcard's "*" stands for a label that is one of a host's.
NameView host_part(NameView owner) { return owner.is_wildcard() ? owner.parent() : owner; }

class Checker {
 public:
  explicit Checker(const zones::ZoneSnapshot& zone) : zone_(zone), apex_(zone.apex()) {}

  std::vector<Finding> run() {
    zone_.for_each([this](NameView owner, RRsetsView rrsets) {
      owner_ = Name(owner);
      check_name(rrsets);
      return true;
    });
    return std::move(findings_);
  }

 private:
  void add(Severity severity, Type type, const std::string& what) {
    findings_.push_back({severity, owner_.to_text() + " " + zones::to_text(type) + ": " + what});
  }
  void warn(Type type, const std::string& what) { add(Severity::WARNING, type, what); }
  void error(Type type, const std::string& what) { add(Severity::ERROR, type, what); }

  bool is_apex() const { return owner_ == apex_; }

  void check_name(RRsetsView rrsets) {
    check_place(rrsets);
    for (const RRsetView rrset : rrsets) {
      switch (rrset.type()) {
        case Type::SOA:
          check_soa(zones::read_soa(rrset.first()));
          break;
        case Type::NS:
          check_ns(rrset);
          break;
        case Type::CNAME:
          check_alias(zones::target_name(Type::CNAME, rrset.first()));
          break;
        case Type::MX:
        case Type::SRV:
        case Type::SVCB:
        case Type::HTTPS:
          check_services(rrset);
          break;
        case Type::A:
        case Type::AAAA:
          if (!tools::is_host_name(host_part(owner_))) {
            warn(rrset.type(), "the owner is no host name (RFC 1123 §2.1)");
          }
          break;
        default:
          break;
      }
    }
  }

  /// What a delegation or a DNAME above hides is never answered.
  void check_place(RRsetsView rrsets) {
    const Type first = (*rrsets.begin()).type();
    const zones::Lookup found = zone_.find(owner_);
    if (found.dname_size != 0) {
      const NameView alias = suffix(owner_, found.dname_size);
      return warn(first, "is hidden by the DNAME of " + alias.to_text() + " (RFC 6672 §2.4)");
    }
    if (found.cut_size == 0 || found.cut_size == owner_.size()) return;
    const NameView cut = suffix(owner_, found.cut_size);
    for (const RRsetView rrset : rrsets) {
      if (rrset.type() == Type::A || rrset.type() == Type::AAAA) continue;  // perhaps glue
      warn(rrset.type(), "is hidden by the delegation of " + cut.to_text() + " (RFC 1034 §4.2.1)");
    }
  }

  static NameView suffix(NameView name, std::size_t size) {
    while (name.size() > size) name = name.parent();
    return name;
  }

  void check_soa(const zones::Soa& soa) {
    if (soa.minimum > DAY) {
      warn(Type::SOA, "minimum " + std::to_string(soa.minimum) +
                          " s: that long will resolvers remember that a name is not there; three "
                          "hours are a long time (RFC 2308 §5)");
    }
    if (soa.retry >= soa.refresh) {
      warn(Type::SOA, "retry is not shorter than refresh (RFC 1912 §2.2)");
    }
    if (std::uint64_t{soa.refresh} + soa.retry >= soa.expire) {
      warn(Type::SOA,
           "expire is not longer than refresh and retry together: secondaries give the zone up "
           "before they have asked twice (RFC 1912 §2.2)");
    } else if (soa.expire < WEEK) {
      warn(Type::SOA,
           "expire is less than a week: secondaries give the zone up when the primary "
           "is away for " +
               std::to_string(soa.expire) + " s (RFC 1912 §2.2)");
    }
    check_spelling(Type::SOA, soa.mname);
    check_spelling(Type::SOA, soa.rname);
    if (soa.mname.is_at_or_below(apex_)) check_host(Type::SOA, "the primary", soa.mname);
  }

  void check_ns(RRsetView rrset) {
    if (owner_.is_wildcard()) {
      warn(Type::NS, "a wildcard cannot delegate (RFC 4592 §4.2)");
    }
    if (rrset.count() < 2) {
      warn(Type::NS, "there is only one name server (RFC 1912 §2.8)");
    }
    for (const RdataView rdata : rrset) {
      const NameView target = zones::target_name(Type::NS, rdata);
      check_spelling(Type::NS, target);
      if (!target.is_at_or_below(apex_)) continue;
      // Below its own cut the address is glue, without which nobody gets there (RFC 1912 §2.3).
      const bool needs_glue = !is_apex() && target.is_at_or_below(owner_);
      if (needs_glue && !has_address(zone_.rrsets(target))) {
        error(Type::NS, "there is no glue: no address of " + target.to_text());
      } else if (!needs_glue) {
        check_host(Type::NS, "name server", target);
      }
    }
  }

  void check_services(RRsetView rrset) {
    const Type type = rrset.type();
    if (type == Type::SRV) check_srv_owner();
    for (const RdataView rdata : rrset) {
      const NameView target = zones::target_name(type, rdata);
      const bool is_service_binding = type == Type::SVCB || type == Type::HTTPS;
      if (target.is_root()) continue;  // "not here", or the owner itself (RFC 9460 §2.5)
      if (type == Type::SRV && rdata[4] == 0 && rdata[5] == 0) warn(type, "port 0 (RFC 2782)");
      check_spelling(type, target);
      if (!target.is_at_or_below(apex_)) continue;
      // SVCB and HTTPS may lead to an alias (RFC 9460 §3).
      if (is_service_binding) {
        check_exists(type, target);
      } else {
        check_host(type, type == Type::MX ? "mail exchanger" : "target", target);
      }
    }
  }

  void check_srv_owner() {
    const NameView owner = owner_;
    if (owner.label_count() < 2 || owner.first_label()[0] != '_' ||
        owner.parent().first_label()[0] != '_') {
      warn(Type::SRV, "the owner is not of the form _service._proto.name (RFC 2782)");
    }
  }

  /// A relative name in a file whose final dot was forgotten, and an address for a name.
  void check_spelling(Type type, NameView target) {
    if (looks_like_address(target)) {
      return error(type, target.to_text() + " looks like an address; a name belongs here");
    }
    const auto doubled = Name::join(apex_, apex_);
    if (apex_.is_root() || !doubled || !target.is_at_or_below(*doubled)) return;
    warn(type, target.to_text() + " ends in the zone's name twice: is a final dot missing?");
  }

  /// A name that must have an address of its own (RFC 2181 §10.3, RFC 2782).
  void check_host(Type type, const char* role, NameView target) {
    const zones::Lookup found = zone_.find(target);
    const std::string who = std::string(role) + " " + target.to_text();
    if (found.cut_size != 0) return;  // another zone's business
    if (found.dname_size != 0) return error(type, who + " is an alias, by DNAME (RFC 2181 §10.3)");
    const RRsetsView rrsets =
        found.kind == zones::Lookup::Kind::ABSENT ? found.wildcard : found.rrsets;
    if (rrsets.find(Type::CNAME)) {
      return error(type, who + " is an alias, by CNAME (RFC 2181 §10.3)");
    }
    if (found.kind == zones::Lookup::Kind::ABSENT && !found.wildcard_exists) {
      return error(type, who + " does not exist");
    }
    if (!has_address(rrsets)) error(type, who + " has no address");
  }

  void check_exists(Type type, NameView target) {
    const zones::Lookup found = zone_.find(target);
    if (found.cut_size != 0 || found.dname_size != 0) return;
    if (found.kind == zones::Lookup::Kind::ABSENT && !found.wildcard_exists) {
      warn(type, "target " + target.to_text() + " does not exist");
    }
  }

  void check_alias(NameView target) {
    check_spelling(Type::CNAME, target);
    if (!target.is_at_or_below(apex_)) return;
    check_exists(Type::CNAME, target);
    Name at(target);
    for (int steps = 0; steps < MAX_ALIASES; ++steps) {
      if (at == owner_) return error(Type::CNAME, "leads back to itself");
      const zones::Lookup found = zone_.find(at);
      const RRsetView next = found.rrsets.find(Type::CNAME);
      if (found.cut_size != 0 || !next) return;
      if (steps == 0) warn(Type::CNAME, "leads to another alias, " + at.to_text());
      at = Name(zones::target_name(Type::CNAME, next.first()));
      if (!at.is_at_or_below(apex_)) return;
    }
    error(Type::CNAME, "leads through more than " + std::to_string(MAX_ALIASES) + " aliases");
  }

  const zones::ZoneSnapshot& zone_;
  Name apex_;
  Name owner_;  // whose records are being checked
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_zone(const zones::ZoneSnapshot& zone) { return Checker(zone).run(); }

}  // namespace dnsdctl
