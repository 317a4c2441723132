// TSIG: proves that a message came from a holder of a shared key (RFC 8945).
// Owns no socket and no clock: callers pass octets and time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "keys/keyring.h"
#include "zones/name.h"
#include "zones/result.h"

namespace keys {

// RFC 8945 §3. FORMERR is for a TSIG that is malformed or has a MAC of impossible length (§5.2.2.1).
enum class TsigError : std::uint16_t { FORMERR = 1, BADSIG = 16, BADKEY = 17, BADTIME = 18, BADTRUNC = 22 };
const char* to_text(TsigError error);

constexpr std::chrono::seconds MAX_FUDGE{300};  // RFC 8945 §10 recommends it; larger ones are cut to it
constexpr std::size_t MAX_TSIG_OCTETS = 512;    // room to reserve for a TSIG: two names, MAC and fixed parts fit, checked

/// Who signed a request, and its computed full MAC, by which the same message is known again.
struct TsigIdentity {
  const TsigKey* key = nullptr;         // of the keyring that verified
  std::vector<std::uint8_t> mac;        // computed, in full
  std::chrono::sys_seconds signed_at{};
};

/// The TSIG side of one request and its response: verify() once, then sign() as often as there are messages.
/// Used by one thread at a time. The keyring must outlive it.
class TsigExchange {
 public:
  explicit TsigExchange(const Keyring& keyring);
  ~TsigExchange();
  TsigExchange(TsigExchange&&) noexcept;
  TsigExchange& operator=(TsigExchange&&) noexcept;

  /// Checks form, key, MAC, time and truncation, in that order (RFC 8945 §5.2).
  ///
  /// @param request  the whole message as received, TSIG included
  /// @param tsig_offset  where the TSIG's owner name begins
  /// @param now      UTC seconds; tests pass their own
  zones::Result<TsigIdentity, TsigError> verify(std::span<const std::uint8_t> request, std::size_t tsig_offset,
                                                std::chrono::sys_seconds now);

  /// Octets that sign() will append at the most; 0 when there was no TSIG or it was malformed.
  std::size_t max_signature_octets() const;
  /// Appends the TSIG that belongs to this exchange to `message` (size octets of `buffer` are in use) and counts it in
  /// ARCOUNT. After BADKEY and BADSIG the TSIG is unsigned, after BADTIME and BADTRUNC it is signed and carries the
  /// error (§5.3, §5.3.2). The second and later calls continue a stream (§5.3.1).
  /// @return the message's new size, or 0 when it does not fit
  std::size_t sign(std::span<std::uint8_t> buffer, std::size_t size, std::chrono::sys_seconds now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The client's side: signs a request, then checks the response or the stream of responses (RFC 8945 §5.3.1, §5.4).
class TsigClient {
 public:
  explicit TsigClient(TsigKey key, std::chrono::seconds fudge = MAX_FUDGE);
  ~TsigClient();
  TsigClient(TsigClient&&) noexcept;
  TsigClient& operator=(TsigClient&&) noexcept;

  /// Appends a TSIG to a request. Starts a new exchange each time.
  void sign(std::vector<std::uint8_t>& request, std::chrono::sys_seconds now);
  /// What a response is. An error that the server reports in an unsigned TSIG (BADSIG, BADKEY) is UNSIGNED_ERROR: it
  /// may be forged, so a client waits on for a signed answer until its time is over (§5.4).
  enum class Verdict : std::uint8_t { VALID, UNSIGNED, UNSIGNED_ERROR, BAD_SIGNATURE, BAD_TIME, SERVER_ERROR, FORMERR };
  /// @param tsig_error  set to the error field of the TSIG, 0 for none
  /// @param server_time  set when the server reports BADTIME
  Verdict verify(std::span<const std::uint8_t> response, std::chrono::sys_seconds now, std::uint16_t& tsig_error,
                 std::optional<std::chrono::sys_seconds>& server_time);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keys
