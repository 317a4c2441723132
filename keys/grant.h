// Grants: which key may change which names and types of a zone, to which addresses, ports and
// targets. Default deny; pure functions of key, source and wish.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "zones/name.h"
#include "zones/rdata.h"
#include "zones/result.h"
#include "zones/rfc.h"

namespace keys {

/// IPv6 in network order; IPv4 as ::ffff:a.b.c.d.
using Address = std::array<std::uint8_t, 16>;

/// A set of names, some of them relative to the key that asks.
struct NameRule {
  enum class Kind : std::uint8_t {
    SELF,        // the name the key is named after
    BELOW_SELF,  // names below it
    SUBDOMAIN,   // `name` and names below it
    NAME,        // `name`
    WILDCARD,    // what the wildcard `name` would answer for: names below its parent (RFC 4592
                 // §2.1.1)
    PORTAL,      // the names of the portal; for targets
  };
  Kind kind{};
  zones::Name name{};  // of SUBDOMAIN, NAME and WILDCARD

  /// "self", "below-self", "portal", "subdomain:N", "name:N", "wildcard:*.N". The error is a
  /// sentence.
  static zones::Result<NameRule, std::string> from_text(std::string_view text);
  std::string to_text() const;
};

/// A set of addresses.
struct AddressRule {
  enum class Kind : std::uint8_t {
    SOURCE,  // where the update comes from, when that is proven: over TCP, or with a valid cookie
    GLOBAL,  // what the Internet routes: nothing private, shared (RFC 6598), reserved or for
             // documentation
    PREFIX,
  };
  Kind kind{};
  Address prefix{};
  std::uint8_t bits = 0;  // of `prefix`, 96 more for IPv4

  /// "source", "global", "198.51.100.0/22", "2001:db8::/32", or one address.
  static zones::Result<AddressRule, std::string> from_text(std::string_view text);
  std::string to_text() const;
  /// Of PREFIX: whether the address lies in it.
  bool contains(const Address& address) const;
  bool operator==(const AddressRule&) const = default;
};

/// "192.0.2.1" or "2001:db8::1"; empty for anything else.
std::optional<Address> address_from_text(std::string_view text);
std::string to_text(const Address& address);
/// True for an IPv4 address in its mapped form (RFC 4291 §2.5.5.2).
bool is_ipv4(const Address& address);
/// False for every address of the special-purpose registries (RFC 6890), multicast, 6to4 and NAT64
/// included.
bool is_global(const Address& address);

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 65535;
};
/// "1024-65535", "80,443,8000-8999".
zones::Result<std::vector<PortRange>, std::string> ports_from_text(std::string_view text);

/// The types that the word "service" stands for.
bool is_service_type(zones::Type type);
/// Types by mnemonic or TYPEnnn; the word "service" stands for A AAAA SRV TXT HTTPS SVCB URI CNAME
/// (and, in a grant, for `acme_challenge` as well).
zones::Result<std::vector<zones::Type>, std::string> types_from_text(
    std::span<const std::string> words);

/// One [[zone.grant]]. With `names` it permits changes of those names; with `update` of the whole
/// zone. An empty list of addresses, ports or targets leaves them free.
struct Grant {
  zones::Name key{};  // "*.dyn.example." means every key below dyn.example.
  bool update = false;
  bool transfer = false;
  std::vector<NameRule> names{};
  std::vector<zones::Type> types{};
  /// TXT at _acme-challenge below each of `names` as well, for certificates by DNS-01 (RFC 8555
  /// §8.4).
  bool acme_challenge = false;
  std::vector<AddressRule> addresses{};  // of A, AAAA, hints of SVCB and HTTPS, authority of URI
  std::vector<PortRange> ports{};        // of SRV, SVCB, HTTPS, URI
  std::vector<NameRule> targets{};       // names in RDATA, and the authority of URI
  std::size_t max_records = 0;  // records at and below the key's name after an update; 0: no limit
  std::chrono::seconds max_lease{0};  // 0: no limit
  std::uint32_t rate_per_minute = 0;  // updates; 0: no limit
  std::size_t line = 0;               // of its [[zone.grant]]; 0: not from a file

  bool is_for(zones::NameView asking) const;
  bool permits_changes() const { return update || !names.empty(); }
  bool limits_endpoints() const { return !addresses.empty() || !ports.empty() || !targets.empty(); }
};

/// Who asks. The key is one whose signature was verified, never one merely claimed.
struct Requester {
  zones::NameView key{};
  Address source{};
  bool source_proven = false;
};

/// One record of an update, as far as grants care. To delete a whole name is one wish for each type
/// it has. Type ANY that is not added asks whether the key may change anything at the name.
struct Wish {
  zones::NameView owner{};
  zones::Type type{};
  zones::RdataView rdata{};  // valid for the type; looked at only when it is added
  bool adds = false;
};

/// What the portal is reached by; always permitted as address and by the target rule "portal".
struct Portal {
  std::vector<Address> addresses;
  std::vector<zones::Name> names;
};

struct Ruling {
  bool allowed = false;
  std::string why;  // of a refusal: a sentence that names the rule; for log, client and `explain`
  const Grant* grant = nullptr;  // that permits it, or that came nearest to it; in ZoneGrants
};

/// Limits that hold for a key in a zone: of each the most generous that one of its grants gives.
struct KeyLimits {
  std::size_t max_records = 0;  // 0: no limit
  std::chrono::seconds max_lease{0};
  std::uint32_t rate_per_minute = 0;
};

/// All grants of one zone. A key may what any of its grants permits: none takes away what another
/// gave, but one record must be permitted by one grant as a whole. To find those of a key costs the
/// same for one grant and for a million.
class ZoneGrants {
 public:
  void add(Grant grant);
  /// True when some grant permits some change: the first question, before any record is looked at.
  bool may_update(zones::NameView key) const;
  bool may_transfer(zones::NameView key) const;
  /// True when a grant permits changes of the whole zone, so that no record needs to be judged.
  bool may_update_all(zones::NameView key) const;
  Ruling judge(const Requester& requester, const Wish& wish, const Portal& portal = {}) const;
  KeyLimits limits(zones::NameView key) const;
  std::span<const Grant> grants() const { return grants_; }  // in the order they were added

 private:
  using Index =
      std::unordered_map<zones::Name, std::vector<std::size_t>, zones::NameHash, zones::NameEqual>;
  template <class Holds>
  bool any(zones::NameView key, const Holds& holds) const;

  std::vector<Grant> grants_;
  Index by_key_;      // of grants to one key
  Index by_pattern_;  // of grants to a "*." pattern, by what follows the "*."
};

}  // namespace keys
