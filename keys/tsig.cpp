#include "keys/tsig.h"

#include "keys/hmac.h"
#include "keys/tsig_record.h"

namespace keys {
namespace {

using std::chrono::sys_seconds;

std::uint16_t wire(TsigError error) { return static_cast<std::uint16_t>(error); }

}  // namespace

const char* to_text(TsigError error) {
  switch (error) {
    case TsigError::FORMERR:
      return "FORMERR";
    case TsigError::BADSIG:
      return "BADSIG";
    case TsigError::BADKEY:
      return "BADKEY";
    case TsigError::BADTIME:
      return "BADTIME";
    case TsigError::BADTRUNC:
      return "BADTRUNC";
  }
  return "unknown TSIG error";
}

zones::Rcode rcode_of(TsigError error) {
  return error == TsigError::FORMERR ? zones::Rcode::FORMERR : zones::Rcode::NOTAUTH;
}

zones::Result<TsigIdentity, TsigError> TsigExchange::verify(std::span<const std::uint8_t> request,
                                                            std::size_t tsig_offset,
                                                            sys_seconds now) {
  answer_ = Answer::NONE;
  signed_at_ = {};
  const auto found = find_tsig(request);
  // An error field is a server's word: a request that carries one may be a response played back
  // (CVE-2020-8617).
  if (!found || !*found || (*found)->offset != tsig_offset || (*found)->error != 0 ||
      is_response(request)) {
    return tl::unexpected(TsigError::FORMERR);
  }
  const TsigRecord& record = **found;
  key_name_ = record.key_name;
  algorithm_name_ = record.algorithm_name;
  original_id_ = record.original_id;
  const auto refuse_unsigned = [this](TsigError error) {
    answer_ = Answer::UNSIGNED_ERROR;
    error_ = wire(error);
    return tl::unexpected(error);
  };

  const std::optional<KeyView> key = keyring_->find(record.key_name);
  if (!key || algorithm_from_name(record.algorithm_name) != key->algorithm) {
    return refuse_unsigned(TsigError::BADKEY);
  }

  if (!mac_length_allowed(record.mac.size(), key->algorithm)) {
    return tl::unexpected(TsigError::FORMERR);  // RFC 8945 §5.2.2.1
  }
  std::array<std::uint8_t, MAX_MAC_OCTETS> computed;
  // Made anew each time: two blocks more to hash, where a million keys made ready take 240 MB.
  std::shared_ptr<const Hmac> hmac = Hmac::make(key->algorithm, key->secret);
  HmacRun run(*hmac);
  digest_message(run, request.first(record.offset), record.original_id, true);
  digest_variables(run, record);
  const std::size_t whole = run.finish(computed);
  if (!equal_constant_time(std::span(computed).first(record.mac.size()), record.mac)) {
    return refuse_unsigned(TsigError::BADSIG);
  }

  // From here on the request's MAC is valid, and whatever is answered is signed (RFC 8945 §5.3).
  answer_ = Answer::SIGNED;
  error_ = 0;
  hmac_ = std::move(hmac);
  prior_mac_ = Mac(record.mac);
  request_fudge_ = record.fudge;
  request_signed_ = sys_seconds(std::chrono::seconds(record.time_signed));
  const auto refuse_signed = [this](TsigError error) {
    error_ = wire(error);
    return tl::unexpected(error);
  };
  if (!time_within(record.time_signed, record.fudge, now)) {
    return refuse_signed(TsigError::BADTIME);
  }
  if (record.mac.size() < std::min(policy_.min_mac_octets, whole)) {
    return refuse_signed(TsigError::BADTRUNC);
  }
  return TsigIdentity{*key, Mac(std::span(computed).first(whole)), request_signed_};
}

std::size_t TsigExchange::other_octets() const {
  return error_ == wire(TsigError::BADTIME) ? BADTIME_OTHER_OCTETS : 0;
}

std::size_t TsigExchange::max_signature_octets() const {
  if (answer_ == Answer::NONE) return 0;
  const std::size_t mac = answer_ == Answer::UNSIGNED_ERROR ? 0 : mac_octets(hmac_->algorithm());
  return key_name_.size() + algorithm_name_.size() + 26 + mac + other_octets();
}

std::size_t TsigExchange::sign(std::span<std::uint8_t> buffer, std::size_t size, sys_seconds now) {
  if (answer_ == Answer::NONE) return size;
  if (!has_room_for_record(buffer.first(size)) || buffer.size() - size < max_signature_octets()) {
    return 0;
  }

  TsigRecord record;
  record.key_name = key_name_;
  record.algorithm_name = algorithm_name_;
  record.original_id = original_id_;
  record.error = error_;
  signed_at_ = std::max(signed_at_, now);  // times in a stream never decrease (RFC 8945 §5.3.1)
  record.time_signed = wire_time(signed_at_);
  record.fudge = static_cast<std::uint16_t>(MAX_FUDGE.count());
  if (answer_ == Answer::UNSIGNED_ERROR) return append_tsig(buffer, size, record);

  std::array<std::uint8_t, BADTIME_OTHER_OCTETS> server_time;
  if (error_ ==
      wire(TsigError::BADTIME)) {  // RFC 8945 §5.2.3: the client's times, so that it can verify
    for (std::size_t i = 0; i < server_time.size(); ++i) {
      server_time[i] = static_cast<std::uint8_t>(wire_time(now) >> (40 - 8 * i));
    }
    record.other = server_time;
    record.time_signed = wire_time(request_signed_);
    record.fudge = request_fudge_;
  }
  std::array<std::uint8_t, MAX_MAC_OCTETS> mac;
  HmacRun run(*hmac_);
  digest_mac(run, prior_mac_);
  digest_message(run, buffer.first(size), original_id_, false);
  if (answer_ == Answer::STREAM) {
    digest_timers(run, record);
  } else {
    digest_variables(run, record);
  }
  record.mac = std::span(mac).first(run.finish(mac));
  prior_mac_ = Mac(record.mac);
  answer_ = Answer::STREAM;
  return append_tsig(buffer, size, record);
}

}  // namespace keys
