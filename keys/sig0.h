// SIG(0): proves that a message came from the holder of a private key (RFC 2931).
// Owns no socket, no clock and no keys: callers pass octets, time and candidates.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "keys/public_key.h"
#include "zones/name.h"
#include "zones/result.h"

namespace keys {

// What is wrong with a SIG(0); all but FORMERR answer REFUSED or NOTAUTH, unsigned.
enum class Sig0Error {
  FORMERR = 1,  // not a SIG, or one that does not end the message
  BADALG,       // an algorithm that is not offered
  BADTIME,      // outside its validity, or a validity longer than is permitted
  BADKEY,       // no candidate has its key tag and algorithm
  BADSIG,       // the signature does not verify
};
const char* to_text(Sig0Error error);

/// RFC 2931 §3.3 would have brackets of ten minutes; BIND's nsupdate signs from now - 300 s to now
/// + 300 s.
constexpr std::chrono::seconds MAX_SIG0_VALIDITY{900};
constexpr std::chrono::seconds SIG0_CLOCK_SKEW{300};
/// What is good for longer than that would outlive the memory of what was answered: five minutes,
/// by a clock that is five minutes fast.
constexpr std::chrono::seconds MAX_SIG0_FUTURE{600};

/// A SIG(0) as it stands at the end of a message; views point into that message.
struct Sig0 {
  Sig0Algorithm algorithm{};
  std::uint32_t expiration = 0;  // seconds modulo 2^32, compared by RFC 1982 (RFC 4034 §3.1.5)
  std::uint32_t inception = 0;
  std::uint16_t key_tag = 0;
  zones::Name signer;
  std::span<const std::uint8_t> rdata_before_signature;
  std::span<const std::uint8_t> signature;
};

/// Reads the SIG RR whose owner begins at `offset` and checks all that costs no public-key
/// operation: form, algorithm, times. The message is whole and ends with the SIG.
zones::Result<Sig0, Sig0Error> read_sig0(std::span<const std::uint8_t> message, std::size_t offset,
                                         std::chrono::sys_seconds now);

/// What the signature of a request covers: RDATA less the signature, then the message without the
/// SIG and with ARCOUNT as it was before (RFC 2931 §3.1). For a response `request` is the whole
/// request that was answered.
std::vector<std::uint8_t> sig0_signed_data(std::span<const std::uint8_t> message,
                                           std::size_t offset, const Sig0& sig,
                                           std::span<const std::uint8_t> request = {});

/// Knows a signed message again, whatever the sender can vary of it: the signature (an ECDSA
/// signature (r, s) is as good as (r, -s)) and the SIG's owner, class and TTL are not in it, the
/// signer's name is in lower case.
std::array<std::uint8_t, 32> sig0_digest(std::span<const std::uint8_t> signed_data,
                                         const Sig0& sig);

/// When it was signed, as TSIG would say it: 300 s before it expires, so that what remembers
/// messages by their signing time and a fudge of 300 s remembers it for as long as it is good.
std::chrono::sys_seconds sig0_signed_at(const Sig0& sig, std::chrono::sys_seconds now);

/// Tries those candidates that have the SIG's algorithm and key tag, at most `max_tries` of them.
/// @return the candidate's index
zones::Result<std::size_t, Sig0Error> verify_sig0(std::span<const std::uint8_t> signed_data,
                                                  const Sig0& sig,
                                                  std::span<const PublicKey> candidates,
                                                  std::size_t max_tries = 2);

/// Appends a SIG(0) to a message and counts it; valid from five minutes ago to five minutes from
/// now.
/// @param request  for a response: the whole request
void sign_sig0(std::vector<std::uint8_t>& message, const PrivateKey& key,
               std::chrono::sys_seconds now, std::span<const std::uint8_t> request = {});

}  // namespace keys
