// The TSIG record on the wire and what of it goes into a MAC (RFC 8945 §4). Shared by server and
// client side.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "keys/hmac.h"
#include "keys/tsig.h"
#include "zones/name.h"
#include "zones/result.h"

namespace keys {

/// A TSIG as received. The spans lie in the message.
struct TsigRecord {
  std::size_t offset = 0;  // of the owner name
  zones::Name key_name;
  zones::Name algorithm_name;
  std::uint64_t time_signed = 0;  // 48 bits
  std::uint16_t fudge = 0;
  std::span<const std::uint8_t> mac;
  std::uint16_t original_id = 0;
  std::uint16_t error = 0;
  std::span<const std::uint8_t> other;
};

constexpr std::size_t BADTIME_OTHER_OCTETS = 6;  // RFC 8945 §5.2.3

/// Walks all records of a message: a TSIG counts only as the last record of the additional section,
/// once, of class ANY and TTL 0, with nothing after it (RFC 8945 §4.2, §5.2).
/// @return nullopt without one; FORMERR when it is elsewhere or malformed, or when the message is
/// cut short
zones::Result<std::optional<TsigRecord>, TsigError> find_tsig(
    std::span<const std::uint8_t> message);

/// RFC 8945 §5.2.2.1: 10 octets, half of the whole MAC, and the whole MAC bound a MAC's length.
bool mac_length_allowed(std::size_t octets, Algorithm algorithm);
/// True when `time_signed` is at most fudge, and at most MAX_FUDGE, away from `now`.
bool time_within(std::uint64_t time_signed, std::uint16_t fudge, std::chrono::sys_seconds now);

/// UTC seconds in the 48 bits of the wire.
std::uint64_t wire_time(std::chrono::sys_seconds time);
bool is_response(std::span<const std::uint8_t> message);
/// A header whose ARCOUNT can grow.
bool has_room_for_record(std::span<const std::uint8_t> message);

/// A prior or request MAC with its length before it (RFC 8945 §4.3.1, §5.3.1).
void digest_mac(HmacRun& run, std::span<const std::uint8_t> mac);
/// The message as it was before the TSIG came (RFC 8945 §4.3.2).
/// @param message  up to the TSIG, or the whole of one without
/// @param without_tsig  take one from ARCOUNT
void digest_message(HmacRun& run, std::span<const std::uint8_t> message, std::uint16_t original_id,
                    bool without_tsig);
/// All TSIG variables (RFC 8945 §4.3.3).
void digest_variables(HmacRun& run, const TsigRecord& record);
/// Time Signed and Fudge alone (RFC 8945 §4.3.3.1).
void digest_timers(HmacRun& run, const TsigRecord& record);

/// Octets that append_tsig() needs.
std::size_t tsig_octets(const TsigRecord& record);
/// Writes the record after `size` octets of message and counts it; the caller has checked the room.
/// @return the new size
std::size_t append_tsig(std::span<std::uint8_t> buffer, std::size_t size, const TsigRecord& record);

}  // namespace keys
