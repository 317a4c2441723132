#include <utility>

#include "keys/hmac.h"
#include "keys/tsig.h"
#include "keys/tsig_record.h"

namespace keys {
namespace {

using std::chrono::sys_seconds;

constexpr std::size_t MAX_UNSIGNED_MESSAGES = 99;  // RFC 8945 §5.3.1

std::uint16_t id_of(std::span<const std::uint8_t> message) {
  return static_cast<std::uint16_t>(message[0] << 8 | message[1]);
}

}  // namespace

struct TsigClient::Impl {
  TsigKey key;
  std::shared_ptr<const Hmac> hmac;
  std::uint16_t fudge = 0;
  Mac prior_mac;                   // of the request, then of the last signed message
  bool streaming = false;          // a message was VALID
  bool broken = false;             // a message in mid stream was not
  std::size_t unsigned_count = 0;  // since the last signed message
  std::optional<HmacRun> pending;  // holds the unsigned messages of a stream

  Verdict verify(std::span<const std::uint8_t> response, const TsigRecord* record, sys_seconds now,
                 std::optional<sys_seconds>& server_time);
  Verdict take_unsigned(std::span<const std::uint8_t> response);
  bool mac_matches(std::span<const std::uint8_t> response, const TsigRecord& record, Mac& received);
};

TsigClient::TsigClient(TsigKey key, std::chrono::seconds fudge) : impl_(std::make_unique<Impl>()) {
  impl_->hmac = Hmac::make(key.algorithm, key.secret->octets());
  impl_->key = std::move(key);
  impl_->fudge = static_cast<std::uint16_t>(std::clamp(fudge.count(), {}, MAX_FUDGE.count()));
}
TsigClient::~TsigClient() = default;
TsigClient::TsigClient(TsigClient&&) noexcept = default;
TsigClient& TsigClient::operator=(TsigClient&&) noexcept = default;

bool TsigClient::sign(std::vector<std::uint8_t>& request, sys_seconds now) {
  if (!has_room_for_record(request)) return false;
  TsigRecord record;
  record.key_name = impl_->key.name;
  record.algorithm_name = zones::Name(algorithm_name(impl_->key.algorithm));
  record.time_signed = wire_time(now);
  record.fudge = impl_->fudge;
  record.original_id = id_of(request);

  std::array<std::uint8_t, MAX_MAC_OCTETS> mac;
  HmacRun run(*impl_->hmac);
  digest_message(run, request, record.original_id, false);
  digest_variables(run, record);
  record.mac = std::span(mac).first(run.finish(mac));

  const std::size_t size = request.size();
  if (size + tsig_octets(record) > zones::MAX_MESSAGE_OCTETS) return false;
  request.resize(size + tsig_octets(record));
  append_tsig(request, size, record);
  impl_->prior_mac = Mac(record.mac);
  impl_->streaming = false;
  impl_->broken = false;
  impl_->unsigned_count = 0;
  impl_->pending.reset();
  return true;
}

TsigClient::Verdict TsigClient::verify(std::span<const std::uint8_t> response, sys_seconds now,
                                       std::uint16_t& tsig_error,
                                       std::optional<sys_seconds>& server_time) {
  tsig_error = 0;
  server_time.reset();
  if (impl_->broken) return Verdict::BAD_SIGNATURE;
  Verdict verdict = Verdict::FORMERR;
  const auto found = find_tsig(response);
  if (found && is_response(response)) {
    if (*found) tsig_error = (*found)->error;
    verdict = impl_->verify(response, *found ? &**found : nullptr, now, server_time);
  }
  if (impl_->streaming && verdict != Verdict::VALID && verdict != Verdict::PENDING) {
    impl_->broken = true;
  }
  return verdict;
}

TsigClient::Verdict TsigClient::Impl::verify(std::span<const std::uint8_t> response,
                                             const TsigRecord* record, sys_seconds now,
                                             std::optional<sys_seconds>& server_time) {
  if (record == nullptr) return take_unsigned(response);
  if (record->mac.empty() && record->error != 0) return Verdict::UNSIGNED_ERROR;
  if (record->key_name != key.name ||
      algorithm_from_name(record->algorithm_name) != key.algorithm) {
    return Verdict::BAD_SIGNATURE;
  }
  if (!mac_length_allowed(record->mac.size(), key.algorithm)) return Verdict::FORMERR;
  Mac received;
  if (!mac_matches(response, *record, received)) return Verdict::BAD_SIGNATURE;
  if (record->error != 0) {
    // BADTIME carries the client's own time, so that there is nothing to check (RFC 8945 §5.2.3).
    if (record->error == static_cast<std::uint16_t>(TsigError::BADTIME) &&
        record->other.size() == BADTIME_OTHER_OCTETS) {
      std::int64_t seconds = 0;
      for (const std::uint8_t octet : record->other) seconds = seconds << 8 | octet;
      server_time = sys_seconds(std::chrono::seconds(seconds));
    }
    return Verdict::SERVER_ERROR;
  }
  if (!time_within(record->time_signed, record->fudge, now)) return Verdict::BAD_TIME;
  streaming = true;
  unsigned_count = 0;
  pending.reset();
  prior_mac = received;
  return Verdict::VALID;
}

TsigClient::Verdict TsigClient::Impl::take_unsigned(std::span<const std::uint8_t> response) {
  if (!streaming || unsigned_count == MAX_UNSIGNED_MESSAGES) return Verdict::UNSIGNED;
  ++unsigned_count;
  if (!pending) {
    pending.emplace(*hmac);
    digest_mac(*pending, prior_mac);
  }
  digest_message(*pending, response, id_of(response), false);
  return Verdict::PENDING;
}

bool TsigClient::Impl::mac_matches(std::span<const std::uint8_t> response, const TsigRecord& record,
                                   Mac& received) {
  std::array<std::uint8_t, MAX_MAC_OCTETS> computed;
  const auto finish = [&](HmacRun& run) {
    digest_message(run, response.first(record.offset), record.original_id, true);
    if (streaming) {
      digest_timers(run, record);
    } else {
      digest_variables(run, record);
    }
    run.finish(computed);
  };
  if (pending) {
    finish(*pending);
  } else {
    HmacRun run(*hmac);
    digest_mac(run, prior_mac);
    finish(run);
  }
  received = Mac(record.mac);
  return equal_constant_time(std::span(computed).first(record.mac.size()), record.mac);
}

bool TsigClient::complete() const {
  return impl_->streaming && !impl_->broken && impl_->unsigned_count == 0;
}

const char* to_text(TsigClient::Verdict verdict) {
  switch (verdict) {
    case TsigClient::Verdict::VALID:
      return "valid";
    case TsigClient::Verdict::PENDING:
      return "unsigned in mid stream";
    case TsigClient::Verdict::UNSIGNED:
      return "not signed";
    case TsigClient::Verdict::UNSIGNED_ERROR:
      return "an unsigned TSIG error";
    case TsigClient::Verdict::BAD_SIGNATURE:
      return "signature does not match";
    case TsigClient::Verdict::BAD_TIME:
      return "signed at another time";
    case TsigClient::Verdict::SERVER_ERROR:
      return "a signed TSIG error";
    case TsigClient::Verdict::FORMERR:
      return "malformed";
  }
  return "unknown verdict";
}

}  // namespace keys
