#include "dnsd/signers.h"

#include <algorithm>

namespace dnsd {
namespace {

using zones::NameView;
using zones::Rdata;
using zones::RdataView;
using zones::Type;

constexpr std::size_t ALGORITHM_AT = 3;  // in KEY RDATA, after flags and protocol (RFC 2535 §3.1)
constexpr std::size_t PUBLIC_KEY_AT = 4;

/// The KEY records of exactly this name, if a client that asks for them would get them.
zones::RRsetView published_keys(const zones::Catalogue& catalogue, NameView name) {
  const zones::TreeKey key(name);
  const auto zone = catalogue.enclosing(key);
  if (!zone) return {};
  const zones::Lookup found = zone->find(key);
  if (found.kind != zones::Lookup::Kind::EXACT || found.cut_size != 0 || found.dname_size != 0) {
    return {};
  }
  return found.rrsets.find(Type::KEY);
}

}  // namespace

bool may_have_signed(RdataView key, keys::Sig0Algorithm algorithm, std::uint16_t key_tag) {
  return key.size() > PUBLIC_KEY_AT && key[ALGORITHM_AT] == static_cast<std::uint8_t>(algorithm) &&
         keys::key_tag(key) == key_tag;
}

std::vector<Rdata> candidate_keys(const zones::Catalogue& catalogue, const Policy& policy,
                                  NameView signer, keys::Sig0Algorithm algorithm,
                                  std::uint16_t key_tag) {
  std::vector<Rdata> candidates;
  if (const keys::PublicKey* registered = policy.public_key(signer)) {
    if (registered->algorithm() == algorithm && registered->tag() == key_tag) {
      candidates.push_back(registered->rdata());
    }
    return candidates;
  }
  if (policy.keyring.find(signer)) return candidates;
  const zones::RRsetView published = published_keys(catalogue, signer);
  if (!published) return candidates;
  std::size_t looked_at = 0;
  for (const RdataView key : published) {
    if (candidates.size() == MAX_CANDIDATE_KEYS || ++looked_at > MAX_KEYS_OF_NAME) break;
    if (may_have_signed(key, algorithm, key_tag)) candidates.emplace_back(key.begin(), key.end());
  }
  return candidates;
}

bool is_signer_known(const zones::Catalogue& catalogue, const Policy& policy,
                     const UpdateJob& job) {
  if (job.signed_by == zones::SignedBy::TSIG) return policy.keyring.find(job.key).has_value();
  if (const keys::PublicKey* registered = policy.public_key(job.key)) {
    return registered->rdata() == job.public_key;
  }
  if (policy.keyring.find(job.key)) return false;
  const zones::RRsetView published = published_keys(catalogue, job.key);
  return published && published.contains(job.public_key);
}

const zones::Record* forbidden_key(const Policy& policy, const keys::ZoneGrants& grants,
                                   const UpdateJob& job) {
  if (grants.may_update_all(job.key)) return nullptr;
  const auto found = std::ranges::find_if(job.message.authority, [&](const zones::Record& record) {
    return record.type == Type::KEY && record.rrclass == zones::Class::IN &&
           !(record.owner == job.key) &&
           (policy.is_named(record.owner) || grants.may_update(record.owner));
  });
  return found == job.message.authority.end() ? nullptr : &*found;
}

void collect_named_keys(Policy& policy) {
  policy.named_in_grants.clear();
  for (const auto& [apex, grants] : policy.grants) {
    for (const keys::Grant& grant : grants.grants()) {
      if (!grant.key.is_wildcard()) policy.named_in_grants.insert(grant.key);
    }
  }
}

}  // namespace dnsd
