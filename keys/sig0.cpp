#include "keys/sig0.h"

#include <sodium.h>

#include <array>

#include "zones/serial.h"
#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace keys {
namespace {

constexpr std::size_t FIXED_RDATA_OCTETS =
    18;  // RFC 2535 §4.1: what comes before the signer's name
constexpr std::size_t ARCOUNT_OFFSET = 10;

std::uint16_t get_u16(std::span<const std::uint8_t> octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

void append(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> octets) {
  out.insert(out.end(), octets.begin(), octets.end());
}

std::uint32_t modulo_2_32(std::chrono::sys_seconds time) {
  return static_cast<std::uint32_t>(time.time_since_epoch().count());
}

}  // namespace

const char* to_text(Sig0Error error) {
  switch (error) {
    case Sig0Error::FORMERR:
      return "malformed SIG(0)";
    case Sig0Error::BADALG:
      return "algorithm not offered";
    case Sig0Error::BADTIME:
      return "outside its validity, or valid for too long";
    case Sig0Error::BADKEY:
      return "no key with this tag and algorithm";
    case Sig0Error::BADSIG:
      return "the signature does not verify";
  }
  return "unknown error";
}

zones::Result<Sig0, Sig0Error> read_sig0(std::span<const std::uint8_t> message, std::size_t offset,
                                         std::chrono::sys_seconds now) {
  zones::WireReader reader(message, offset);
  reader.skip_name();
  const auto type = static_cast<zones::Type>(reader.u16());
  reader.skip(6);  // class and TTL mean nothing here (RFC 2931 §3)
  const std::size_t rdlength = reader.u16();
  const std::size_t rdata_at = reader.offset();
  const std::uint16_t covered = reader.u16();
  const std::uint8_t algorithm_number = reader.u8();
  reader.skip(5);  // labels and original TTL
  Sig0 sig;
  sig.expiration = reader.u32();
  sig.inception = reader.u32();
  sig.key_tag = reader.u16();
  sig.signer = reader.uncompressed_name();
  if (reader.failed() || type != zones::Type::SIG || covered != 0 ||
      message.size() < zones::HEADER_OCTETS || rdata_at + rdlength != message.size() ||
      get_u16(message, ARCOUNT_OFFSET) == 0) {
    return tl::unexpected(Sig0Error::FORMERR);
  }
  sig.rdata_before_signature = message.subspan(rdata_at, reader.offset() - rdata_at);
  sig.signature = message.subspan(reader.offset());
  const auto algorithm = sig0_algorithm(algorithm_number);
  if (!algorithm) return tl::unexpected(Sig0Error::BADALG);
  sig.algorithm = *algorithm;
  const std::uint32_t at = modulo_2_32(now);
  const auto skew = static_cast<std::uint32_t>(SIG0_CLOCK_SKEW.count());
  const bool too_early = zones::serial_less(at + skew, sig.inception);
  const bool too_late = zones::serial_less(sig.expiration, at);
  const bool too_long =
      zones::serial_less(at + static_cast<std::uint32_t>(MAX_SIG0_FUTURE.count()), sig.expiration);
  const bool backwards = zones::serial_less(sig.expiration, sig.inception);
  if (too_early || too_late || too_long || backwards ||
      sig.expiration - sig.inception > MAX_SIG0_VALIDITY.count()) {
    return tl::unexpected(Sig0Error::BADTIME);
  }
  return sig;
}

std::vector<std::uint8_t> sig0_signed_data(std::span<const std::uint8_t> message,
                                           std::size_t offset, const Sig0& sig,
                                           std::span<const std::uint8_t> request) {
  std::vector<std::uint8_t> data;
  data.reserve(sig.rdata_before_signature.size() + request.size() + offset);
  append(data, sig.rdata_before_signature);
  append(data, request);
  const std::size_t message_at = data.size();
  append(data, message.first(offset));
  zones::WireWriter count(std::span<std::uint8_t>(data).subspan(message_at + ARCOUNT_OFFSET, 2));
  count.u16(static_cast<std::uint16_t>(get_u16(message, ARCOUNT_OFFSET) - 1));
  return data;
}

std::array<std::uint8_t, 32> sig0_digest(std::span<const std::uint8_t> signed_data,
                                         const Sig0& sig) {
  std::array<std::uint8_t, 32> digest{};
  const zones::Name signer = sig.signer.lowered();
  const std::size_t signer_end = sig.rdata_before_signature.size();
  const std::size_t signer_at = signer_end - signer.size();
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  crypto_generichash_update(&state, signed_data.data(), signer_at);
  crypto_generichash_update(&state, signer.wire().data(), signer.size());
  crypto_generichash_update(&state, signed_data.data() + signer_end,
                            signed_data.size() - signer_end);
  crypto_generichash_final(&state, digest.data(), digest.size());
  return digest;
}

std::chrono::sys_seconds sig0_signed_at(const Sig0& sig, std::chrono::sys_seconds now) {
  // RFC 1982: the time nearest to now that has these 32 bits.
  const auto from_now = static_cast<std::int32_t>(sig.expiration - modulo_2_32(now));
  return now + std::chrono::seconds(from_now) - SIG0_CLOCK_SKEW;
}

zones::Result<std::size_t, Sig0Error> verify_sig0(std::span<const std::uint8_t> signed_data,
                                                  const Sig0& sig,
                                                  std::span<const PublicKey> candidates,
                                                  std::size_t max_tries) {
  Sig0Error error = Sig0Error::BADKEY;
  std::size_t tries = 0;
  for (std::size_t i = 0; i < candidates.size() && tries < max_tries; ++i) {
    if (candidates[i].algorithm() != sig.algorithm || candidates[i].tag() != sig.key_tag) continue;
    ++tries;
    if (candidates[i].verify(signed_data, sig.signature)) return i;
    error = Sig0Error::BADSIG;
  }
  return tl::unexpected(error);
}

void sign_sig0(std::vector<std::uint8_t>& message, const PrivateKey& key,
               std::chrono::sys_seconds now, std::span<const std::uint8_t> request) {
  std::array<std::uint8_t, FIXED_RDATA_OCTETS + zones::MAX_NAME_OCTETS> buffer{};
  zones::WireWriter rdata(buffer);
  rdata.u16(0);  // type covered
  rdata.u8(static_cast<std::uint8_t>(key.public_key().algorithm()));
  rdata.u8(0);   // labels
  rdata.u32(0);  // original TTL
  rdata.u32(modulo_2_32(now + SIG0_CLOCK_SKEW));
  rdata.u32(modulo_2_32(now - SIG0_CLOCK_SKEW));
  rdata.u16(key.public_key().tag());
  rdata.name(key.name());

  std::vector<std::uint8_t> data;
  append(data, rdata.written());
  append(data, request);
  append(data, message);
  const std::vector<std::uint8_t> signature = key.sign(data);

  std::array<std::uint8_t, 11> fixed{};  // owner, type, class, TTL, RDLENGTH
  zones::WireWriter record(fixed);
  record.u8(0);
  record.u16(static_cast<std::uint16_t>(zones::Type::SIG));
  record.u16(static_cast<std::uint16_t>(zones::Class::ANY));
  record.u32(0);
  record.u16(static_cast<std::uint16_t>(rdata.size() + signature.size()));
  append(message, record.written());
  append(message, rdata.written());
  append(message, signature);
  zones::WireWriter count(std::span<std::uint8_t>(message).subspan(ARCOUNT_OFFSET, 2));
  count.u16(static_cast<std::uint16_t>(get_u16(message, ARCOUNT_OFFSET) + 1));
}

}  // namespace keys
