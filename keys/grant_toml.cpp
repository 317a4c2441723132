#include "keys/grant_toml.h"

#include <algorithm>
#include <charconv>

#include "keys/claims.h"

namespace keys {
namespace {

using namespace std::chrono_literals;
using zones::Name;
using zones::NameView;
using zones::Type;

constexpr std::uint64_t MAX_RECORDS = 1'000'000;
constexpr std::uint32_t MAX_RATE_PER_MINUTE = 1'000'000;

// What only the server writes; an update that brings it is refused whatever a grant says.
constexpr Type OF_THE_SERVER[] = {Type::SIG,  Type::NXT,   Type::RRSIG,
                                  Type::NSEC, Type::NSEC3, Type::NSEC3PARAM};

bool are_related(NameView a, NameView b) { return a.is_at_or_below(b) || b.is_at_or_below(a); }

/// What the key's name is, or lies below.
NameView root_of(const Name& key) { return key.is_wildcard() ? key.view().parent() : key.view(); }

/// "30/min", "2/s".
std::uint32_t rate_from_text(std::string_view text) {
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(at, static_cast<std::size_t>(end - at));
  if (error != std::errc{} || number == 0 || number > MAX_RATE_PER_MINUTE) return 0;
  if (unit == "/min") return number;
  return unit == "/s" && number <= MAX_RATE_PER_MINUTE / 60 ? number * 60 : 0;
}

/// A rule's own words about a text of the file.
std::string sentence(const std::string& what) { return printable(what, 300); }

class GrantReader {
 public:
  GrantReader(TomlFields& fields, NameView apex, const Portal& portal)
      : fields_(fields), apex_(apex), portal_(portal) {}

  Grant read();

 private:
  void read_names();
  void read_types();
  void read_addresses();
  void read_ports();
  void read_targets();
  void read_limits();
  void check_together();
  void check_types();
  /// Says so when the field is there although it would have no effect.
  void refuse(std::string_view name, const std::string& why);
  std::string why_never(const NameRule& rule) const;
  bool key_can_be_in_zone() const;

  TomlFields& fields_;
  const NameView apex_;
  const Portal& portal_;
  Grant grant_;
  bool key_read_ = false;
};

Grant GrantReader::read() {
  grant_.line = fields_.line();
  key_read_ = fields_.domain_name("key", grant_.key) != nullptr;
  if (key_read_ && grant_.key.is_root())
    fields_.error(fields_.node("key"), "key", "is the root, which is no key's name");
  if (!fields_.has("key")) {
    fields_.missing("key", "a grant names the [[key]] it is for, or many as \"*.dyn.example.\"");
  }
  fields_.boolean("update", grant_.update);
  fields_.boolean("transfer", grant_.transfer);
  read_names();
  read_types();
  read_addresses();
  read_ports();
  read_targets();
  read_limits();
  check_together();
  fields_.finish();
  return std::move(grant_);
}

void GrantReader::read_names() {
  fields_.strings("names", [&](const toml::node& node, const std::string& text) {
    const auto rule = NameRule::from_text(text);
    if (!rule) return fields_.error(&node, "names", "is wrong: " + sentence(rule.error()));
    const std::string why = why_never(*rule);
    if (!why.empty()) return fields_.error(&node, "names", "has '" + printable(text) + "', " + why);
    grant_.names.push_back(*rule);
  });
}

bool GrantReader::key_can_be_in_zone() const {
  return grant_.key.is_wildcard() ? are_related(root_of(grant_.key), apex_)
                                  : grant_.key.is_at_or_below(apex_);
}

/// Why no name of the zone can match; empty when one can.
std::string GrantReader::why_never(const NameRule& rule) const {
  const std::string zone = apex_.to_text();
  switch (rule.kind) {
    case NameRule::Kind::SELF:
      if (!key_read_ || key_can_be_in_zone()) return {};
      return "but no key '" + grant_.key.to_text() + "' has its name in the zone " + zone +
             ": name the names, as \"name:h1." + zone + "\"";
    case NameRule::Kind::BELOW_SELF:
      if (!key_read_ || are_related(root_of(grant_.key), apex_)) return {};
      return "but no name of the zone " + zone + " is below a key '" + grant_.key.to_text() +
             "': name the names, as \"subdomain:h1." + zone + "\"";
    case NameRule::Kind::SUBDOMAIN:
      if (are_related(rule.name, apex_)) return {};
      break;
    case NameRule::Kind::NAME:
      if (rule.name.is_at_or_below(apex_)) return {};
      break;
    case NameRule::Kind::WILDCARD:
      if (are_related(rule.name.parent(), apex_)) return {};
      break;
    case NameRule::Kind::PORTAL:
      return "which is for 'targets' only";
  }
  return "which is outside the zone " + zone;
}

void GrantReader::read_types() {
  fields_.strings("types", [&](const toml::node& node, const std::string& text) {
    const auto types = types_from_text(std::span(&text, 1));
    if (!types) return fields_.error(&node, "types", "is wrong: " + sentence(types.error()));
    if (std::ranges::find(OF_THE_SERVER, types->front()) != std::end(OF_THE_SERVER)) {
      return fields_.error(&node, "types", "has " + text + ", which only the server may write");
    }
    if (text == "service") grant_.acme_challenge = true;
    grant_.types.insert(grant_.types.end(), types->begin(), types->end());
  });
}

void GrantReader::read_addresses() {
  fields_.strings("addresses", [&](const toml::node& node, const std::string& text) {
    const auto rule = AddressRule::from_text(text);
    if (!rule) return fields_.error(&node, "addresses", "is wrong: " + sentence(rule.error()));
    grant_.addresses.push_back(*rule);
  });
}

void GrantReader::read_ports() {
  std::string text;
  const toml::node* node = fields_.string("ports", text);
  if (!node) return;
  auto ports = ports_from_text(text);
  if (!ports) return fields_.error(node, "ports", "is wrong: " + sentence(ports.error()));
  grant_.ports = std::move(*ports);
}

void GrantReader::read_targets() {
  fields_.strings("targets", [&](const toml::node& node, const std::string& text) {
    const auto rule = NameRule::from_text(text);
    if (!rule) return fields_.error(&node, "targets", "is wrong: " + sentence(rule.error()));
    if (rule->kind == NameRule::Kind::PORTAL && portal_.names.empty()) {
      fields_.warning(&node, "targets",
                      "has 'portal', which permits nothing yet: 'names' in [http] says by which "
                      "names the portal is reached");
    }
    grant_.targets.push_back(*rule);
  });
  // Free targets would let an alias lead to any address.
  if (fields_.has("targets") || !grant_.limits_endpoints()) return;
  grant_.targets = grant_.names;
  if (!grant_.names.empty()) grant_.targets.push_back({NameRule::Kind::PORTAL, {}});
}

void GrantReader::read_limits() {
  fields_.integer("max-records", grant_.max_records, 1, MAX_RECORDS);
  std::chrono::milliseconds lease{};
  // RFC 9664 §5.1: leases of less than 30 seconds are no good.
  if (fields_.duration("max-lease", lease, 30s, 8760h)) {
    grant_.max_lease = std::chrono::floor<std::chrono::seconds>(lease);
  }
  std::string text;
  const toml::node* node = fields_.string("rate", text);
  if (!node) return;
  grant_.rate_per_minute = rate_from_text(text);
  if (grant_.rate_per_minute == 0) {
    fields_.error(node, "rate",
                  "must be updates per minute or second, as \"30/min\" or \"2/s\", at most "
                  "1000000/min, not \"" +
                      printable(text) + "\"");
  }
}

void GrantReader::refuse(std::string_view name, const std::string& why) {
  if (fields_.has(name)) fields_.error(fields_.node(name), name, why);
}

void GrantReader::check_together() {
  const bool has_update = fields_.has("update") && grant_.update;
  if (has_update) {
    for (const std::string_view name :
         {"names", "types", "addresses", "ports", "targets", "max-records"}) {
      refuse(
          name,
          "has no effect beside update = true, which permits the whole zone: remove one of them");
    }
    return;
  }
  if (fields_.has("names") && !fields_.has("types")) {
    fields_.missing("types",
                    "'names' alone permits nothing: say which, as types = [\"service\"] or "
                    "[\"A\", \"AAAA\"]");
  }
  if (!fields_.has("names")) {
    for (const std::string_view name : {"types", "addresses", "ports", "targets", "max-records"}) {
      refuse(name, "has no effect without 'names', as names = [\"self\", \"below-self\"]");
    }
    for (const std::string_view name : {"max-lease", "rate"}) {
      refuse(name, "has no effect on a grant that permits no update: add 'names' and 'types'");
    }
    const auto reads_well = [this](std::string_view name) {
      return !fields_.has(name) || fields_.node(name)->is_boolean();
    };
    if (!fields_.has("types") && !grant_.transfer && reads_well("update") &&
        reads_well("transfer")) {
      fields_.problems().error(fields_.line(),
                               "this [[zone.grant]] grants nothing: set 'names' and 'types', "
                               "update = true or transfer = true, or remove it");
    }
  }
  if (grant_.max_records != 0 && key_read_ && !are_related(root_of(grant_.key), apex_)) {
    refuse("max-records", "counts records at and below the key's name, and no key '" +
                              grant_.key.to_text() + "' has its name in the zone " +
                              apex_.to_text());
  }
  check_types();
}

/// A type of which no record can be judged is refused by every grant that limits endpoints.
void GrantReader::check_types() {
  if (!grant_.limits_endpoints()) return;
  for (const Type type : grant_.types) {
    const char* why = why_unclear(type);
    if (!why) continue;
    fields_.error(fields_.node("types"), "types",
                  "has " + zones::to_text(type) +
                      ", which is never permitted beside addresses, ports or targets: " + why +
                      "; give it a [[zone.grant]] without them");
  }
}

}  // namespace

Portal read_portal(TomlFields& fields) {
  Portal portal;
  fields.strings("addresses", [&](const toml::node& node, const std::string& text) {
    const auto address = address_from_text(text);
    if (!address) {
      return fields.error(
          &node, "addresses",
          "has '" + printable(text) + "', which is no address such as 198.51.100.10");
    }
    portal.addresses.push_back(*address);
  });
  fields.strings("names", [&](const toml::node& node, const std::string& text) {
    const auto name = Name::from_text(text);
    if (!name || text.empty()) {
      return fields.error(&node, "names", "has '" + printable(text) + "', which is no domain name");
    }
    portal.names.push_back(*name);
  });
  return portal;
}

Grant read_grant(TomlFields& fields, NameView apex, const Portal& portal) {
  return GrantReader(fields, apex, portal).read();
}

}  // namespace keys
