#include "keys/grant.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "keys/claims.h"
#include "zones/number.h"

namespace keys {
namespace {

using zones::Name;
using zones::NameView;
using zones::Type;

constexpr std::uint8_t MAPPED_BITS = 96;  // of ::ffff:0:0/96 (RFC 4291 §2.5.5.2)
constexpr Type SERVICE_TYPES[] = {Type::A,     Type::AAAA, Type::SRV, Type::TXT,
                                  Type::HTTPS, Type::SVCB, Type::URI, Type::CNAME};

bool in_prefix(const Address& address, const Address& prefix, std::size_t bits) {
  const std::size_t whole = bits / 8;
  if (std::memcmp(address.data(), prefix.data(), whole) != 0) return false;
  const std::size_t rest = bits % 8;
  return rest == 0 || ((address[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

struct PrefixText {
  const char* address;
  std::uint8_t bits;
};

// IANA's registries of special-purpose addresses (RFC 6890), multicast, and space that is not given
// out. Of IPv6 only 2000::/3 is given out, so the table has what is special in that.
constexpr PrefixText SPECIAL[] = {
    {"0.0.0.0", 8},      {"10.0.0.0", 8},     {"100.64.0.0", 10}, {"127.0.0.0", 8},
    {"169.254.0.0", 16}, {"172.16.0.0", 12},  {"192.0.0.0", 24},  {"192.0.2.0", 24},
    {"192.88.99.0", 24}, {"192.168.0.0", 16}, {"198.18.0.0", 15}, {"198.51.100.0", 24},
    {"203.0.113.0", 24}, {"224.0.0.0", 3},    {"2001::", 23},     {"2001:db8::", 32},
    {"2002::", 16},      {"3fff::", 20},
};

std::vector<AddressRule> special_prefixes() {
  std::vector<AddressRule> rules;
  for (const PrefixText& prefix : SPECIAL) {
    const Address address = address_from_text(prefix.address).value();
    const auto bits = static_cast<std::uint8_t>(prefix.bits + (is_ipv4(address) ? MAPPED_BITS : 0));
    rules.push_back({AddressRule::Kind::PREFIX, address, bits});
  }
  return rules;
}

bool matches(const NameRule& rule, NameView name, const Requester& requester,
             const Portal& portal) {
  switch (rule.kind) {
    case NameRule::Kind::SELF:
      return name == requester.key;
    case NameRule::Kind::BELOW_SELF:
      return name.is_below(requester.key);
    case NameRule::Kind::SUBDOMAIN:
      return name.is_at_or_below(rule.name);
    case NameRule::Kind::NAME:
      return name == rule.name.view();
    case NameRule::Kind::WILDCARD:
      return name.is_below(rule.name.view().parent());
    case NameRule::Kind::PORTAL:
      return std::ranges::any_of(portal.names,
                                 [name](const Name& own) { return own.view() == name; });
  }
  return false;
}

bool matches_any(const std::vector<NameRule>& rules, NameView name, const Requester& requester,
                 const Portal& portal) {
  return std::ranges::any_of(
      rules, [&](const NameRule& rule) { return matches(rule, name, requester, portal); });
}

bool matches(const AddressRule& rule, const Address& address, const Requester& requester) {
  switch (rule.kind) {
    case AddressRule::Kind::SOURCE:
      return requester.source_proven && address == requester.source;
    case AddressRule::Kind::GLOBAL:
      return is_global(address);
    case AddressRule::Kind::PREFIX:
      return in_prefix(address, rule.prefix, rule.bits);
  }
  return false;
}

/// How far a grant went with a wish, and what stopped it.
struct Stop {
  int progress = 0;
  std::string why;  // empty: nothing
};

template <class Rule>
std::string list(const std::vector<Rule>& rules) {
  std::string out;
  for (const Rule& rule : rules) out += (out.empty() ? "" : ", ") + rule.to_text();
  return out;
}

Stop stop_of_claims(const Grant& grant, const Requester& requester, const Wish& wish,
                    const Portal& portal) {
  if (!grant.limits_endpoints()) return {};
  const Claims claims = claims_of(wish.owner, wish.type, wish.rdata);
  if (claims.unclear) return {3, *claims.unclear};
  for (const Address& address : claims.addresses) {
    if (grant.addresses.empty() ||
        std::ranges::find(portal.addresses, address) != portal.addresses.end())
      continue;
    const bool allowed = std::ranges::any_of(grant.addresses, [&](const AddressRule& rule) {
      return matches(rule, address, requester);
    });
    if (allowed) continue;
    std::string why = "address " + to_text(address) + " is not among " + list(grant.addresses);
    if (address == requester.source && !requester.source_proven)
      why += " (the source is not proven: update over TCP)";
    return {4, why};
  }
  for (const std::uint16_t port : claims.ports) {
    const bool allowed =
        grant.ports.empty() || std::ranges::any_of(grant.ports, [port](const PortRange& range) {
          return range.first <= port && port <= range.last;
        });
    if (!allowed) return {5, "port " + std::to_string(port) + " is outside the ports of the grant"};
  }
  for (const Name& target : claims.targets) {
    if (grant.targets.empty() || matches_any(grant.targets, target, requester, portal)) continue;
    return {6, "target " + target.to_text() + " is not among " + list(grant.targets)};
  }
  return {};
}

bool is_challenge_name(NameView name) {
  constexpr std::string_view LABEL = "_acme-challenge";  // RFC 8555 §8.4
  return std::ranges::equal(name.first_label(), LABEL, [](std::uint8_t octet, char wanted) {
    return zones::lower(octet) == static_cast<std::uint8_t>(wanted);
  });
}

bool is_challenge(const Grant& grant, const Requester& requester, const Wish& wish,
                  const Portal& portal) {
  if (!grant.acme_challenge) return false;
  if (wish.type != Type::TXT && (wish.type != Type::ANY || wish.adds)) return false;
  return is_challenge_name(wish.owner) &&
         matches_any(grant.names, wish.owner.parent(), requester, portal);
}

Stop stop(const Grant& grant, const Requester& requester, const Wish& wish, const Portal& portal) {
  if (grant.update) return {};
  if (is_challenge(grant, requester, wish, portal)) return {};
  if (!matches_any(grant.names, wish.owner, requester, portal)) {
    return {1, "name " + wish.owner.to_text() + " is not among " + list(grant.names)};
  }
  if (wish.type == Type::ANY && !wish.adds) return {};
  if (std::ranges::find(grant.types, wish.type) == grant.types.end()) {
    return {2, "type " + zones::to_text(wish.type) + " is not among the types of the grant"};
  }
  return wish.adds ? stop_of_claims(grant, requester, wish, portal) : Stop{};
}

/// The larger of two limits, of which 0 means none.
template <class T>
T more_generous(T a, T b) {
  return a == T{} || b == T{} ? T{} : std::max(a, b);
}

}  // namespace

zones::Result<NameRule, std::string> NameRule::from_text(std::string_view text) {
  if (text == "self") return NameRule{Kind::SELF, {}};
  if (text == "below-self") return NameRule{Kind::BELOW_SELF, {}};
  if (text == "portal") return NameRule{Kind::PORTAL, {}};
  const std::size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  NameRule rule;
  if (word == "subdomain") {
    rule.kind = Kind::SUBDOMAIN;
  } else if (word == "name") {
    rule.kind = Kind::NAME;
  } else if (word == "wildcard") {
    rule.kind = Kind::WILDCARD;
  } else {
    return tl::unexpected(
        "'" + std::string(text) +
        "' is not self, below-self, portal, subdomain:NAME, name:NAME or wildcard:*.NAME");
  }
  if (colon == std::string_view::npos)
    return tl::unexpected("'" + std::string(word) + "' needs a name: " + std::string(word) +
                          ":NAME");
  const auto name = Name::from_text(text.substr(colon + 1));
  if (!name) return tl::unexpected("'" + std::string(text) + "': " + zones::to_text(name.error()));
  if (rule.kind == Kind::WILDCARD && !name->is_wildcard()) {
    return tl::unexpected("'" + std::string(text) + "': a wildcard begins with '*.'");
  }
  rule.name = *name;
  return rule;
}

std::string NameRule::to_text() const {
  switch (kind) {
    case Kind::SELF:
      return "self";
    case Kind::BELOW_SELF:
      return "below-self";
    case Kind::SUBDOMAIN:
      return "subdomain:" + name.to_text();
    case Kind::NAME:
      return "name:" + name.to_text();
    case Kind::WILDCARD:
      return "wildcard:" + name.to_text();
    case Kind::PORTAL:
      return "portal";
  }
  return {};
}

zones::Result<AddressRule, std::string> AddressRule::from_text(std::string_view text) {
  if (text == "source") return AddressRule{Kind::SOURCE, {}, 0};
  if (text == "global") return AddressRule{Kind::GLOBAL, {}, 0};
  const std::size_t slash = text.find('/');
  const auto address = address_from_text(text.substr(0, slash));
  const std::string wanted =
      "' is not source, global, an address or a prefix such as 198.51.100.0/22";
  if (!address) return tl::unexpected("'" + std::string(text) + wanted);
  const std::uint8_t before = is_ipv4(*address) ? MAPPED_BITS : 0;
  std::uint16_t bits = 128 - before;
  if (slash != std::string_view::npos) {
    const std::uint16_t most = bits;
    if (!zones::read_number(text.substr(slash + 1), bits) || bits > most)
      return tl::unexpected("'" + std::string(text) + wanted);
  }
  AddressRule rule{Kind::PREFIX, *address, static_cast<std::uint8_t>(bits + before)};
  for (std::size_t bit = rule.bits; bit < 128; ++bit) {
    if ((rule.prefix[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return tl::unexpected("'" + std::string(text) + "' has bits set beyond its prefix length");
    }
  }
  return rule;
}

std::string AddressRule::to_text() const {
  switch (kind) {
    case Kind::SOURCE:
      return "source";
    case Kind::GLOBAL:
      return "global";
    case Kind::PREFIX:
      break;
  }
  return keys::to_text(prefix) + "/" + std::to_string(is_ipv4(prefix) ? bits - MAPPED_BITS : bits);
}

bool AddressRule::contains(const Address& address) const {
  return kind == Kind::PREFIX && in_prefix(address, prefix, bits);
}

bool is_ipv4(const Address& address) {
  static constexpr std::uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address.data(), MAPPED, sizeof MAPPED) == 0;
}

std::optional<Address> address_from_text(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // inet_pton() ends there
  const std::string terminated(text);
  std::uint8_t ipv4[4];
  Address address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, terminated.c_str(), ipv4) == 1) {
    std::copy(std::begin(ipv4), std::end(ipv4), address.begin() + 12);
    return address;
  }
  if (inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  return std::nullopt;
}

std::string to_text(const Address& address) {
  char text[INET6_ADDRSTRLEN];
  if (is_ipv4(address)) {
    inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  }
  return text;
}

bool is_global(const Address& address) {
  static const std::vector<AddressRule> special = special_prefixes();
  if (!is_ipv4(address) && address[0] >> 5 != 1) return false;
  return std::ranges::none_of(special, [&address](const AddressRule& rule) {
    return in_prefix(address, rule.prefix, rule.bits);
  });
}

zones::Result<std::vector<PortRange>, std::string> ports_from_text(std::string_view text) {
  std::vector<PortRange> ranges;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view part = text.substr(at, comma - at);
    const std::size_t dash = part.find('-');
    PortRange range;
    const bool read =
        zones::read_number(part.substr(0, dash), range.first) &&
        zones::read_number(dash == std::string_view::npos ? part : part.substr(dash + 1),
                           range.last);
    if (!read || range.first == 0 || range.first > range.last) {
      return tl::unexpected("'" + std::string(text) +
                            "' is not a list of ports such as 80,443,1024-65535");
    }
    ranges.push_back(range);
    at = comma + 1;
  }
  return ranges;
}

bool is_service_type(Type type) {
  return std::ranges::find(SERVICE_TYPES, type) != std::end(SERVICE_TYPES);
}

zones::Result<std::vector<Type>, std::string> types_from_text(std::span<const std::string> words) {
  std::vector<Type> types;
  for (const std::string& word : words) {
    Type type{};
    if (word == "service") {
      types.insert(types.end(), std::begin(SERVICE_TYPES), std::end(SERVICE_TYPES));
    } else if (zones::type_from_text(word, type) && !zones::is_meta(type)) {
      types.push_back(type);
    } else {
      return tl::unexpected("'" + word + "' is not a type of records, nor 'service'");
    }
  }
  return types;
}

bool Grant::is_for(NameView asking) const {
  return key.is_wildcard() ? asking.is_below(key.view().parent()) : key.view() == asking;
}

void ZoneGrants::add(Grant grant) {
  Index& index = grant.key.is_wildcard() ? by_pattern_ : by_key_;
  index[grant.key.is_wildcard() ? grant.key.parent() : grant.key].push_back(grants_.size());
  grants_.push_back(std::move(grant));
}

/// True when one of the key's grants holds; asks no further then.
template <class Holds>
bool ZoneGrants::any(NameView key, const Holds& holds) const {
  const auto any_in = [&](const Index& index, NameView name) {
    const auto found = index.find(name);
    return found != index.end() &&
           std::ranges::any_of(found->second, [&](std::size_t at) { return holds(grants_[at]); });
  };
  if (any_in(by_key_, key)) return true;
  if (by_pattern_.empty()) return false;
  for (NameView above = key; !above.is_root();) {
    above = above.parent();
    if (any_in(by_pattern_, above)) return true;
  }
  return false;
}

bool ZoneGrants::may_update(NameView key) const {
  return any(key, [](const Grant& grant) { return grant.permits_changes(); });
}

bool ZoneGrants::may_transfer(NameView key) const {
  return any(key, [](const Grant& grant) { return grant.transfer; });
}

bool ZoneGrants::may_update_all(NameView key) const {
  return any(key, [](const Grant& grant) { return grant.update; });
}

Ruling ZoneGrants::judge(const Requester& requester, const Wish& wish, const Portal& portal) const {
  Ruling ruling;
  int nearest = -1;
  any(requester.key, [&](const Grant& grant) {
    if (!grant.permits_changes()) return false;
    Stop stopped = stop(grant, requester, wish, portal);
    if (stopped.why.empty()) {
      ruling = {.allowed = true, .why = {}, .grant = &grant};
      return true;
    }
    if (stopped.progress > nearest) {
      nearest = stopped.progress;
      ruling = {.allowed = false, .why = std::move(stopped.why), .grant = &grant};
    }
    return false;
  });
  if (ruling.grant == nullptr) {
    ruling.why = "no grant of this zone is for key " + requester.key.to_text();
  }
  return ruling;
}

KeyLimits ZoneGrants::limits(NameView key) const {
  KeyLimits limits;
  bool first = true;
  any(key, [&](const Grant& grant) {
    if (!grant.permits_changes()) return false;
    if (std::exchange(first, false)) {
      limits = {grant.max_records, grant.max_lease, grant.rate_per_minute};
    } else {
      limits.max_records = more_generous(limits.max_records, grant.max_records);
      limits.max_lease = more_generous(limits.max_lease, grant.max_lease);
      limits.rate_per_minute = more_generous(limits.rate_per_minute, grant.rate_per_minute);
    }
    return false;
  });
  return limits;
}

}  // namespace keys
