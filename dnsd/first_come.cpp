#include "dnsd/first_come.h"

#include <algorithm>

#include "dnsd/signers.h"
#include "keys/grant.h"

namespace dnsd {
namespace {

using zones::Class;
using zones::NameView;
using zones::Rdata;
using zones::Record;
using zones::Type;

bool is_own(const Record& record, NameView signer) {
  if (record.type == Type::KEY) return record.owner.view() == signer;
  return keys::is_service_type(record.type);
}

/// RFC 2136 §2.5.3: all RRsets of a name are to go; each must be of a type that the key may change.
bool may_remove_all(const zones::ZoneSnapshot& zone, NameView owner, NameView signer) {
  return std::ranges::all_of(zones::unpack(zone.rrsets(owner)), [&](const zones::RRset& rrset) {
    return rrset.type == Type::KEY ? owner == signer : keys::is_service_type(rrset.type);
  });
}

}  // namespace

bool may_be_held(const zones::ZoneSnapshot& zone, const Policy& policy, NameView name) {
  return policy.first_come.contains(zone.apex()) && name.is_below(zone.apex()) &&
         name.parent() == zone.apex() && !name.is_wildcard() && name.first_label()[0] != '_' &&
         !policy.is_named(name);
}

bool may_be_claimed(const zones::ZoneSnapshot& zone, const Policy& policy, NameView name) {
  if (!may_be_held(zone, policy, name)) return false;
  const zones::Lookup found = zone.find(name);
  return found.kind == zones::Lookup::Kind::ABSENT && found.cut_size == 0 && found.dname_size == 0;
}

bool is_first_come(const zones::Catalogue& catalogue, const Policy& policy, NameView signer) {
  if (policy.first_come.empty()) return false;
  const auto zone = catalogue.enclosing(signer);
  return zone && may_be_held(*zone, policy, signer);
}

bool is_first_come(const zones::Catalogue& catalogue, const Policy& policy, const UpdateJob& job) {
  return job.signed_by == zones::SignedBy::SIG0 && is_first_come(catalogue, policy, job.key.view());
}

std::vector<Rdata> claiming_keys(const zones::Message& message, NameView signer,
                                 keys::Sig0Algorithm algorithm, std::uint16_t key_tag) {
  std::vector<Rdata> keys;
  std::size_t looked_at = 0;
  for (const Record& record : message.authority) {
    if (record.type != Type::KEY || record.rrclass != Class::IN || !(record.owner.view() == signer))
      continue;
    if (keys.size() == MAX_CANDIDATE_KEYS || ++looked_at > MAX_KEYS_OF_NAME) break;
    if (may_have_signed(record.rdata, algorithm, key_tag)) keys.push_back(record.rdata);
  }
  return keys;
}

bool is_claim(const zones::ZoneSnapshot& zone, const Policy& policy, const UpdateJob& job) {
  return job.signed_by == zones::SignedBy::SIG0 && may_be_claimed(zone, policy, job.key) &&
         std::ranges::any_of(job.message.authority, [&](const Record& record) {
           return record.type == Type::KEY && record.rrclass == Class::IN &&
                  record.owner == job.key && record.rdata == job.public_key;
         });
}

std::string first_come_refusal(const zones::ZoneSnapshot& zone, const Policy& policy,
                               const UpdateJob& job) {
  if (!may_be_held(zone, policy, job.key)) {
    return "a key that came first has its name in another zone";
  }
  for (const Record& record : job.message.answer) {
    if (!record.owner.is_at_or_below(job.key)) {
      return "prerequisite: name " + record.owner.to_text() + " is not at or below " +
             job.key.to_text();
    }
  }
  for (const Record& record : job.message.authority) {
    if (!record.owner.is_at_or_below(job.key)) {
      return "name " + record.owner.to_text() + " is not at or below " + job.key.to_text();
    }
    const bool own = record.type == Type::ANY ? may_remove_all(zone, record.owner, job.key)
                                              : is_own(record, job.key);
    if (!own) {
      return "type " + zones::to_text(record.type) + " at " + record.owner.to_text() +
             " is not for a key that came first";
    }
  }
  return {};
}

}  // namespace dnsd
