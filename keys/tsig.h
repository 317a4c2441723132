// TSIG: proves that a message came from a holder of a shared key (RFC 8945).
// Owns no socket and no clock: callers pass octets and time.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "keys/keyring.h"
#include "zones/name.h"
#include "zones/result.h"
#include "zones/rfc.h"

namespace keys {

class Hmac;  // keys/hmac.h

// RFC 8945 §3. FORMERR is for a TSIG that is malformed or has a MAC of impossible length
// (§5.2.2.1).
enum class TsigError : std::uint16_t {
  FORMERR = 1,
  BADSIG = 16,
  BADKEY = 17,
  BADTIME = 18,
  BADTRUNC = 22
};
const char* to_text(TsigError error);
/// The RCODE of the response: FORMERR, or NOTAUTH for all that a TSIG reports (RFC 8945 §5.2).
zones::Rcode rcode_of(TsigError error);

// RFC 8945 §10 recommends it; larger ones are cut to it.
constexpr std::chrono::seconds MAX_FUDGE{300};

/// What no TSIG of ours exceeds: two names, MAC, BADTIME's other data and the fixed parts (RFC 8945
/// §4.2). TsigExchange::max_signature_octets() tells a message's own, which is 364 at the most for
/// a known key.
constexpr std::size_t MAX_TSIG_OCTETS = 2 * zones::MAX_NAME_OCTETS + 64 + 6 + 26;

/// A MAC without a heap.
class Mac {
 public:
  Mac() = default;
  explicit Mac(std::span<const std::uint8_t> octets)
      : size_(static_cast<std::uint8_t>(std::min(octets.size(), octets_.size()))) {
    std::copy_n(octets.begin(), size_, octets_.begin());
  }
  std::span<const std::uint8_t> octets() const { return {octets_.data(), size_}; }
  operator std::span<const std::uint8_t>() const { return octets(); }  // NOLINT: it is a span
  std::size_t size() const { return size_; }

 private:
  std::array<std::uint8_t, 64> octets_{};
  std::uint8_t size_ = 0;
};

/// Who signed a request, and its computed full MAC, by which the same message is known again.
struct TsigIdentity {
  KeyView key;  // of the keyring that verified
  Mac mac;      // computed, in full; never the octets of a client
  std::chrono::sys_seconds signed_at{};
};

/// What is asked of a signature beyond RFC 8945's own rules.
struct TsigPolicy {
  /// A truncated MAC of fewer octets is BADTRUNC. RFC 8945 §5.2.2.1 alone refuses those below 10
  /// octets or half of the whole MAC; a whole MAC passes always.
  std::size_t min_mac_octets = 0;
};

/// The TSIG side of one request and its response: verify() once, then sign() as often as there are
/// messages. Used by one thread at a time. The keyring must live during verify(); sign() owns what
/// it needs.
class TsigExchange {
 public:
  explicit TsigExchange(const Keyring& keyring, TsigPolicy policy = {})
      : keyring_(&keyring), policy_(policy) {}

  /// Checks form, key, MAC, time and truncation, in that order (RFC 8945 §5.2).
  ///
  /// @param request  the whole message as received, TSIG included
  /// @param tsig_offset  where the TSIG's owner name begins; checked, not trusted
  /// @param now      UTC seconds; tests pass their own
  zones::Result<TsigIdentity, TsigError> verify(std::span<const std::uint8_t> request,
                                                std::size_t tsig_offset,
                                                std::chrono::sys_seconds now);

  /// After a request was verified, but is known to be older than what may be carried out: the
  /// response says BADTIME, as if verify() had (§5.2.3).
  void refuse_time() { error_ = static_cast<std::uint16_t>(TsigError::BADTIME); }

  /// Octets that sign() will append; 0 when there was no TSIG or it was malformed.
  std::size_t max_signature_octets() const;
  /// Appends the TSIG that belongs to this exchange to `message` (size octets of `buffer` are in
  /// use) and counts it in ARCOUNT. After BADKEY and BADSIG the TSIG is unsigned, after BADTIME and
  /// BADTRUNC it is signed and carries the error (§5.3, §5.3.2). The second and later calls
  /// continue a stream (§5.3.1). Appends nothing after FORMERR.
  /// @return the message's new size, or 0 when it does not fit: make it smaller and call again
  std::size_t sign(std::span<std::uint8_t> buffer, std::size_t size, std::chrono::sys_seconds now);

 private:
  enum class Answer : std::uint8_t { NONE, UNSIGNED_ERROR, SIGNED, STREAM };
  std::size_t other_octets() const;

  const Keyring* keyring_;
  TsigPolicy policy_;
  Answer answer_ = Answer::NONE;
  std::uint16_t error_ = 0;
  std::uint16_t original_id_ = 0;
  std::uint16_t request_fudge_ = 0;
  std::chrono::sys_seconds request_signed_{};
  std::chrono::sys_seconds signed_at_{};  // of the last response
  std::shared_ptr<const Hmac> hmac_;
  Mac prior_mac_;  // the validated request's as received, then the last response's
  zones::Name key_name_;
  zones::Name algorithm_name_;
};

/// The client's side: signs a request, then checks the response or the stream of responses (RFC
/// 8945 §5.3.1, §5.4).
class TsigClient {
 public:
  explicit TsigClient(TsigKey key, std::chrono::seconds fudge = MAX_FUDGE);
  ~TsigClient();
  TsigClient(TsigClient&&) noexcept;
  TsigClient& operator=(TsigClient&&) noexcept;

  /// Appends a TSIG to a request. Starts a new exchange each time.
  /// @return false, with the request as it was, when it would exceed 65,535 octets or is no message
  bool sign(std::vector<std::uint8_t>& request, std::chrono::sys_seconds now);

  enum class Verdict : std::uint8_t {
    VALID,           // signed by our key, in time, without error
    PENDING,         // unsigned, in mid stream: counts once a later message is VALID (§5.3.1)
    UNSIGNED,        // no TSIG where there has to be one
    UNSIGNED_ERROR,  // an empty MAC: the server reports BADSIG or BADKEY, or somebody else does;
                     // wait on (§5.4)
    BAD_SIGNATURE,   // another key or algorithm, or a MAC that is not ours
    BAD_TIME,        // the signature is ours, its time is not near `now`
    SERVER_ERROR,    // the signature is ours, and the server reports an error in it: BADTIME or
                     // BADTRUNC
    FORMERR,         // not a message, or a TSIG that is malformed or misplaced
  };
  /// Checks the next message of the response. Only VALID and PENDING move a stream on; after any
  /// other verdict the same message may still come from somebody else (UDP), or the connection is
  /// to be closed (TCP, §5.3.1).
  ///
  /// @param tsig_error  set to the error field of the TSIG, 0 for none
  /// @param server_time  set when the server reports BADTIME
  Verdict verify(std::span<const std::uint8_t> response, std::chrono::sys_seconds now,
                 std::uint16_t& tsig_error, std::optional<std::chrono::sys_seconds>& server_time);
  /// False while messages are PENDING or none was VALID: a stream must end with a TSIG (§5.3.1).
  bool complete() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
const char* to_text(TsigClient::Verdict verdict);

}  // namespace keys
