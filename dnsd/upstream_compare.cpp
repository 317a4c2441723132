#include "dnsd/upstream_compare.h"

#include <sodium.h>

#include <cstring>
#include <vector>

namespace dnsd {

UpstreamComparison::UpstreamComparison(const zones::Name& apex, const UpstreamFilter& filter,
                                       std::size_t max_differences, Ttl ttl)
    : apex_(apex),
      filter_(&filter),
      max_differences_(max_differences),
      ttl_(ttl),
      changes_(apex, filter) {
  // Nobody who may write names can choose two of one hash.
  randombytes_buf(hash_key_.data(), hash_key_.size());
}

std::uint64_t UpstreamComparison::hash(zones::NameView owner, zones::Type type,
                                       zones::RdataView rdata) const {
  const zones::Name lowered = zones::Name(owner).lowered();
  std::vector<std::uint8_t> octets(lowered.wire().begin(), lowered.wire().end());
  octets.push_back(static_cast<std::uint8_t>(static_cast<std::uint16_t>(type) >> 8));
  octets.push_back(static_cast<std::uint8_t>(static_cast<std::uint16_t>(type) & 0xff));
  octets.insert(octets.end(), rdata.begin(), rdata.end());
  static_assert(crypto_shorthash_BYTES == sizeof(std::uint64_t));
  static_assert(crypto_shorthash_KEYBYTES == 16);
  std::array<std::uint8_t, crypto_shorthash_BYTES> out{};
  crypto_shorthash(out.data(), octets.data(), octets.size(), hash_key_.data());
  std::uint64_t value = 0;
  std::memcpy(&value, out.data(), sizeof(value));
  return value;
}

void UpstreamComparison::theirs(const zones::ZoneSnapshot& ours, const zones::Record& record) {
  if (record.rrclass != zones::Class::IN || !record.owner.is_at_or_below(apex_) ||
      !filter_->sends(apex_, record.owner, record.type)) {
    return;
  }
  const zones::RRsetView rrset = ours.rrsets(record.owner).find(record.type);
  if (rrset && (ttl_ == Ttl::IGNORED || rrset.ttl() == record.ttl)) {
    for (const zones::RdataView rdata : rrset) {
      if (!zones::rdata_equal(record.type, rdata, record.rdata)) continue;
      seen_.insert(hash(record.owner, record.type, rdata));
      return;
    }
  }
  if (changes_.rrsets() >= max_differences_) {
    complete_ = false;
    return;
  }
  changes_.remove(record);
}

void UpstreamComparison::rest(const zones::ZoneSnapshot& ours) {
  ours.for_each([&](zones::NameView owner, zones::RRsetsView rrsets) {
    for (const zones::RRsetView rrset : rrsets) {
      if (!filter_->sends(apex_, owner, rrset.type())) continue;
      for (const zones::RdataView rdata : rrset) {
        if (seen_.contains(hash(owner, rrset.type(), rdata))) continue;
        if (changes_.rrsets() >= max_differences_) {
          complete_ = false;
          return false;
        }
        changes_.touch(owner, rrset.type());
        break;
      }
    }
    return true;
  });
}

UpstreamRounds::Next UpstreamRounds::after(const UpstreamComparison& comparison) {
  const bool is_first = count_++ == 0;
  const bool is_nearer = comparison.matching() > matching_ + nearer_;
  matching_ = comparison.matching();
  if (comparison.is_complete() || is_first || is_nearer) return Next::SEND;
  ttl_ = UpstreamComparison::Ttl::IGNORED;
  return ++vain_ == MAX_VAIN ? Next::GIVE_UP : Next::WAIT_SEND;
}

}  // namespace dnsd
