// Random updates, and a model of RFC 2136 that is as plain as can be, from its prose: prerequisites
// (§3.2), prescan (§3.4.1), update (§3.4.2), serial (§3.6). For the targets that compare the two.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "dnsd/update_apply.h"
#include "fuzz.h"
#include "zones/message.h"
#include "zones/rdata.h"
#include "zones/snapshot.h"

namespace fuzz {

using zones::Class;
using zones::Name;
using zones::Rcode;
using zones::Rdata;
using zones::Record;
using zones::Type;

inline Name name(const char* text) { return *Name::from_text(text); }
inline const Name APEX = name("example.org.");
inline constexpr dnsd::UpdateLimits LIMITS{
    .records_per_message = 30, .records_per_rrset = 4, .rrsets_per_name = 5};

// ---- the input

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), end_(data + size) {}
  bool empty() const { return data_ == end_; }
  std::uint8_t octet() { return empty() ? std::uint8_t{0} : *data_++; }
  template <class T, std::size_t N>
  const T& one_of(const T (&choices)[N]) {
    return choices[octet() % N];
  }

 private:
  const std::uint8_t* data_;
  const std::uint8_t* end_;
};

inline Rdata octets_of(const Name& name) {
  return {name.view().wire().begin(), name.view().wire().end()};
}

inline Rdata random_rdata(Input& in, Type type) {
  static const Name targets[] = {name("a.example.org."), name("A.example.ORG."),
                                 name("b.example.org."), name("ns.example.com.")};
  Rdata rdata;
  switch (type) {
    case Type::A:
      return {192, 0, 2, static_cast<std::uint8_t>(in.octet() % 6)};
    case Type::TXT:
      return {1, static_cast<std::uint8_t>('a' + in.octet() % 3)};
    case Type::CNAME:
    case Type::NS:
    case Type::DNAME:
      return octets_of(in.one_of(targets));
    case Type::SRV:
      rdata = {0, 0, 0, 0, 0, static_cast<std::uint8_t>(in.octet() % 3)};
      break;
    case Type::WKS:
      return {192,
              0,
              2,
              static_cast<std::uint8_t>(in.octet() % 2),
              static_cast<std::uint8_t>(in.octet() % 2),
              in.octet()};
    case Type::SOA: {
      rdata = octets_of(in.one_of(targets));
      const Rdata mailbox = octets_of(in.one_of(targets));
      rdata.insert(rdata.end(), mailbox.begin(), mailbox.end());
      static const std::uint32_t serials[] = {0,  1,  2,  5,          9,         10,
                                              11, 12, 20, 0x7fffffff, 0xffffffff};
      const std::uint32_t serial = in.one_of(serials) + in.octet() % 4;
      for (int shift = 24; shift >= 0; shift -= 8) {
        rdata.push_back(static_cast<std::uint8_t>(serial >> shift));
      }
      rdata.resize(rdata.size() + 16, 1);
      return rdata;
    }
    default: {
      for (int count = in.octet() % 4; count > 0; --count) rdata.push_back(in.octet());
      return rdata;
    }
  }
  const Rdata target = octets_of(in.one_of(targets));
  rdata.insert(rdata.end(), target.begin(), target.end());
  return rdata;
}

inline Record random_record(Input& in) {
  static const Name owners[] = {name("a.example.org."),   name("A.EXAMPLE.org."),
                                name("b.example.org."),   name("x.a.example.org."),
                                name("*.w.example.org."), APEX,
                                name("example.com."),     name("org."),
                                name("xexample.org.")};
  static const Type types[] = {Type::A,    Type::A,     Type::TXT,   Type::CNAME,
                               Type::NS,   Type::SRV,   Type::SOA,   Type::DNAME,
                               Type::WKS,  Type::NULL_, Type::ANY,   static_cast<Type>(65280),
                               Type::AXFR, Type::NSEC3, Type::RRSIG, Type::MAILB};
  static const Class classes[] = {Class::IN,   Class::IN,   Class::IN,  Class::ANY,
                                  Class::NONE, Class::NONE, Class::ANY, Class::CH};
  static const std::uint32_t ttls[] = {0, 0, 60, 30, 0x80000000};
  Record record;
  const std::uint8_t shape = in.octet();
  // Outside the zone is rare, or no message would come further.
  record.owner = owners[in.octet() % (shape % 16 == 0 ? 9 : 6)];
  record.type = types[in.octet() % (shape % 8 == 1 ? 16 : 12)];
  record.rrclass = in.one_of(classes);
  record.ttl = record.rrclass == Class::IN ? in.one_of(ttls) : shape % 32 == 2 ? 1 : 0;
  if (record.rrclass != Class::ANY || shape % 32 == 3) record.rdata = random_rdata(in, record.type);
  return record;
}

// ---- the model

// RDATA with the names of known types lowered: equal then means equal.
inline Rdata normal(Type type, Rdata rdata) {
  const auto lower_name = [&](std::size_t at) {
    while (at < rdata.size() && rdata[at] != 0) {
      const std::size_t end = at + 1 + rdata[at];
      for (++at; at < end && at < rdata.size(); ++at) rdata[at] = zones::lower(rdata[at]);
    }
    return at + 1;
  };
  if (type == Type::SOA) lower_name(lower_name(0));
  if (type == Type::CNAME || type == Type::NS || type == Type::DNAME) lower_name(0);
  if (type == Type::SRV) lower_name(6);
  return rdata;
}

struct Model {
  struct Set {
    std::uint32_t ttl = 0;
    std::map<Rdata, Rdata> rdatas;  // normal, and to the octet
    bool operator==(const Set&) const = default;
  };
  using Key = std::pair<Name, Type>;
  std::map<Key, Set> sets;
  bool has_stepped = false;  // the serial, in this batch

  bool operator==(const Model& other) const { return sets == other.sets; }

  std::size_t types_of(const Name& owner) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sets, [&](const auto& set) { return set.first.first == owner; }));
  }
  bool has(const Name& owner, Type type) const { return sets.contains({owner, type}); }
  std::uint32_t serial() const {
    return zones::read_soa(sets.at({APEX, Type::SOA}).rdatas.begin()->second).serial;
  }
  void set_serial(std::uint32_t serial) {
    std::map<Rdata, Rdata>& soa = sets.at({APEX, Type::SOA}).rdatas;
    const Rdata next = zones::with_serial(soa.begin()->second, serial);
    soa = {{normal(Type::SOA, next), next}};
  }
  void remove(const Name& owner, Type type, const Rdata& rdata) {
    const auto set = sets.find({owner, type});
    if (set == sets.end()) return;
    set->second.rdatas.erase(rdata);
    if (set->second.rdatas.empty()) sets.erase(set);
  }

  Rcode prerequisites(const std::vector<Record>& records) const {
    std::map<Key, std::set<Rdata>> wanted;
    for (const Record& rr : records) {
      if (!rr.owner.is_at_or_below(APEX.view())) return Rcode::NOTZONE;
      if (rr.ttl != 0) return Rcode::FORMERR;
      const bool is_any_type = rr.type == Type::ANY;
      if (zones::is_meta(rr.type) && (!is_any_type || rr.rrclass == Class::IN)) {
        return Rcode::FORMERR;
      }
      if (rr.rrclass == Class::ANY || rr.rrclass == Class::NONE) {
        if (!rr.rdata.empty()) return Rcode::FORMERR;
        const bool exists = is_any_type ? types_of(rr.owner) > 0 : has(rr.owner, rr.type);
        if (rr.rrclass == Class::ANY && !exists) {
          return is_any_type ? Rcode::NXDOMAIN : Rcode::NXRRSET;
        }
        if (rr.rrclass == Class::NONE && exists) {
          return is_any_type ? Rcode::YXDOMAIN : Rcode::YXRRSET;
        }
      } else if (rr.rrclass == Class::IN) {
        if (!zones::is_valid_rdata(rr.type, rr.rdata)) return Rcode::FORMERR;
        wanted[{rr.owner, rr.type}].insert(normal(rr.type, rr.rdata));
      } else {
        return Rcode::FORMERR;
      }
    }
    for (const auto& [key, rdatas] : wanted) {
      const auto set = sets.find(key);
      if (set == sets.end() || set->second.rdatas.size() != rdatas.size()) return Rcode::NXRRSET;
      for (const Rdata& rdata : rdatas) {
        if (!set->second.rdatas.contains(rdata)) return Rcode::NXRRSET;
      }
    }
    return Rcode::NOERROR;
  }

  static Rcode prescan(const std::vector<Record>& records) {
    for (const Record& rr : records) {
      const bool is_in = rr.rrclass == Class::IN;
      const bool is_any = rr.rrclass == Class::ANY;
      const bool is_none = rr.rrclass == Class::NONE;
      if (!is_in && !is_any && !is_none) return Rcode::FORMERR;
      if (!rr.owner.is_at_or_below(APEX.view())) return Rcode::NOTZONE;
      if (zones::is_meta(rr.type) && !(is_any && rr.type == Type::ANY)) return Rcode::FORMERR;
      if ((is_any || is_none) && rr.ttl != 0) return Rcode::FORMERR;
      if (is_any && !rr.rdata.empty()) return Rcode::FORMERR;
      if (!is_any && !zones::is_valid_rdata(rr.type, rr.rdata)) return Rcode::FORMERR;
    }
    for (const Record& rr : records) {
      if (rr.type == Type::RRSIG || rr.type == Type::NSEC3) return Rcode::REFUSED;
    }
    return Rcode::NOERROR;
  }

  // False: above a limit.
  bool add(const Record& rr, const Rdata& rdata) {
    const std::uint32_t ttl = rr.ttl > 0x7fffffff ? 0 : rr.ttl;
    const Key key{rr.owner, rr.type};
    if (rr.type == Type::CNAME) {
      if (types_of(rr.owner) > (has(rr.owner, Type::CNAME) ? 1U : 0U)) return true;
    } else if (has(rr.owner, Type::CNAME)) {
      return true;
    }
    if (rr.type == Type::SOA) {
      if (!has(rr.owner, Type::SOA)) return true;
      const std::uint32_t next = zones::read_soa(rdata).serial;
      const std::uint32_t distance = next - serial();  // RFC 1982 §3.2
      if (next == 0 || distance == 0 || distance >= 0x80000000) return true;
      sets[key] = {ttl, {{rdata, rr.rdata}}};
      has_stepped = true;
      return true;
    }
    if (rr.type == Type::CNAME || rr.type == Type::DNAME) {
      if (!sets.contains(key) && types_of(rr.owner) >= LIMITS.rrsets_per_name) return false;
      Set& one = sets[key];
      one.ttl = ttl;
      if (!one.rdatas.contains(rdata)) one.rdatas = {{rdata, rr.rdata}};
      return true;
    }
    const auto set = sets.find(key);
    if (set == sets.end()) {
      if (types_of(rr.owner) >= LIMITS.rrsets_per_name) return false;
      sets[key] = {ttl, {{rdata, rr.rdata}}};
      return true;
    }
    if (!set->second.rdatas.contains(rdata)) {
      if (rr.type == Type::WKS) {
        std::erase_if(set->second.rdatas, [&](const auto& own) {
          return std::equal(own.first.begin(), own.first.begin() + 5, rdata.begin());
        });
      }
      if (set->second.rdatas.size() >= LIMITS.records_per_rrset) return false;
      set->second.rdatas.emplace(rdata, rr.rdata);
    }
    set->second.ttl = ttl;
    return true;
  }

  Rcode update(const std::vector<Record>& records) {
    for (const Record& rr : records) {
      const bool is_apex = rr.owner == APEX;
      const Rdata rdata = normal(rr.type, rr.rdata);
      if (rr.rrclass == Class::IN) {
        if (!add(rr, rdata)) return Rcode::REFUSED;
      } else if (rr.rrclass == Class::ANY) {
        std::erase_if(sets, [&](const auto& set) {
          const auto& [owner, type] = set.first;
          if (owner != rr.owner || (rr.type != Type::ANY && rr.type != type)) return false;
          return !is_apex || (type != Type::SOA && type != Type::NS);
        });
      } else {
        if (rr.type == Type::SOA) continue;
        if (is_apex && rr.type == Type::NS && sets.at({APEX, Type::NS}).rdatas.size() == 1)
          continue;
        remove(rr.owner, rr.type, rdata);
      }
    }
    return Rcode::NOERROR;
  }

  // A whole message, or nothing of it.
  Rcode message(const zones::Message& message) {
    if (message.answer.size() + message.authority.size() > LIMITS.records_per_message) {
      return Rcode::REFUSED;
    }
    Rcode rcode = prerequisites(message.answer);
    if (rcode == Rcode::NOERROR) rcode = prescan(message.authority);
    if (rcode != Rcode::NOERROR) return rcode;
    const bool had_stepped = std::exchange(has_stepped, false);
    Model next = *this;
    rcode = next.update(message.authority);
    const bool sets_serial = next.has_stepped;
    if (rcode != Rcode::NOERROR || next == *this) {
      has_stepped = had_stepped;
      return rcode;
    }
    if (!had_stepped && !sets_serial) {
      next.set_serial(next.serial() == 0xffffffff ? 1 : next.serial() + 1);
    }
    *this = next;
    has_stepped = true;
    return rcode;
  }
};

inline Model model_of(const zones::ZoneSnapshot& zone) {
  Model model;
  zone.for_each([&](zones::NameView owner, zones::RRsetsView rrsets) {
    require(zones::is_valid_packed(rrsets.packed()), "RRsets are well-formed");
    for (const zones::RRsetView rrset : rrsets) {
      Model::Set& set = model.sets[{Name(owner), rrset.type()}];
      set.ttl = rrset.ttl();
      for (const zones::RdataView rdata : rrset) {
        const Rdata octets(rdata.begin(), rdata.end());
        set.rdatas.emplace(normal(rrset.type(), octets), octets);
      }
      require(set.rdatas.size() == rrset.count(), "no two records are equal");
    }
    return true;
  });
  return model;
}

}  // namespace fuzz
