#include "dnsd/rate_limit.h"

#include <sodium.h>
#include <time.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace dnsd {
namespace {

constexpr unsigned MAPPED_BITS = 96;  // before an IPv4 address in IPv6 (RFC 4291 §2.5.5.2)

Budget::Address mask(unsigned bits) {
  Budget::Address octets{};
  for (unsigned bit = 0; bit < bits; ++bit) {
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | 0x80U >> bit % 8);
  }
  return octets;
}

Budget::Address masked(const Budget::Address& address, const Budget::Address& mask) {
  Budget::Address prefix;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    prefix[i] = static_cast<std::uint8_t>(address[i] & mask[i]);
  }
  return prefix;
}

/// Not for secrets: so that no sender can keep in step with which answers are sent.
std::uint32_t random_number() {
  thread_local std::uint64_t state = 0;
  while (state == 0) randombytes_buf(&state, sizeof(state));
  state ^= state << 13;  // xorshift64*
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<std::uint32_t>((state * 0x2545F4914F6CDD1DULL) >> 32);
}

}  // namespace

ResponseLimiter::ResponseLimiter(const RateLimits& limits)
    : limits_(limits),
      ipv4_mask_(mask(MAPPED_BITS + limits.ipv4_prefix)),
      ipv6_mask_(mask(limits.ipv6_prefix)),
      index_mask_(static_cast<std::uint32_t>(
                      std::bit_ceil(std::max<std::size_t>(limits.table_size, 2)) / 2) -
                  1),
      buckets_(std::make_unique<Bucket[]>((std::size_t{index_mask_} + 1) * 2)) {
  static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<decltype(hash_key_)>);
  randombytes_buf(hash_key_.data(), hash_key_.size());
}

ResponseLimiter::Kind ResponseLimiter::kind_of(zones::Rcode rcode, const Imputation& imputation) {
  if (imputation.name_octets == 0) return Kind::ERROR;
  if (rcode == zones::Rcode::NXDOMAIN) return Kind::NXDOMAIN;
  if (rcode != zones::Rcode::NOERROR) return Kind::ERROR;
  return imputation.by_wildcard ? Kind::WILDCARD : Kind::ANSWER;
}

ResponseLimiter::Verdict ResponseLimiter::judge(const Address& source, Kind kind,
                                                zones::NameView name, Time now) {
  const std::uint32_t rate = rate_of(kind);
  if (rate == 0) return Verdict::SEND;
  if (is_exempt(source)) return Verdict::SEND;
  std::uint8_t key[16 + 1 + zones::MAX_NAME_OCTETS];
  const Address prefix = masked(source, mask_of(source));
  std::memcpy(key, prefix.data(), prefix.size());
  std::size_t size = prefix.size();
  key[size++] = static_cast<std::uint8_t>(kind);
  if (kind != Kind::ERROR) {
    for (const std::uint8_t octet : name.wire()) key[size++] = zones::lower(octet);
  }
  std::uint32_t hash[2];
  static_assert(sizeof(hash) == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(hash), key, size, hash_key_.data());

  const std::int64_t interval = Budget::interval_of(rate);
  const bool first = buckets_[hash[0] & index_mask_].take(interval, now);
  const bool second =
      buckets_[std::size_t{index_mask_} + 1 + (hash[1] & index_mask_)].take(interval, now);
  if (first || second) return Verdict::SEND;
  return limits_.slip != 0 && random_number() % limits_.slip == 0 ? Verdict::TRUNCATE
                                                                  : Verdict::DROP;
}

ResponseLimiter::Time ResponseLimiter::coarse_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return Time(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

std::string ResponseLimiter::reason(const Address& source, Kind kind, zones::NameView name) const {
  const Address prefix = masked(source, mask_of(source));
  std::string text =
      "answers to " + keys::to_text(prefix) + "/" +
      std::to_string(keys::is_ipv4(prefix) ? limits_.ipv4_prefix : limits_.ipv6_prefix) +
      " are limited: more than " + std::to_string(rate_of(kind));
  switch (kind) {
    case Kind::ANSWER:
      return text + " a second about " + name.to_text();
    case Kind::WILDCARD:
      return text + " a second from wildcards at " + name.to_text();
    case Kind::NXDOMAIN:
      return text + " NXDOMAIN a second in " + name.to_text();
    case Kind::ERROR:
      break;
  }
  return text + " errors a second";
}

// An IPv6 prefix as short as ::/0 is not meant for IPv4.
bool ResponseLimiter::is_exempt(const Address& source) const {
  return std::ranges::any_of(limits_.exempt, [&](const keys::AddressRule& rule) {
    return keys::is_ipv4(source) == keys::is_ipv4(rule.prefix) && rule.contains(source);
  });
}

const ResponseLimiter::Address& ResponseLimiter::mask_of(const Address& source) const {
  return keys::is_ipv4(source) ? ipv4_mask_ : ipv6_mask_;
}

std::uint32_t ResponseLimiter::rate_of(Kind kind) const {
  switch (kind) {
    case Kind::ANSWER:
    case Kind::WILDCARD:
      return limits_.responses_per_second;
    case Kind::NXDOMAIN:
      return limits_.nxdomains_per_second;
    case Kind::ERROR:
      break;
  }
  return limits_.errors_per_second;
}

}  // namespace dnsd
