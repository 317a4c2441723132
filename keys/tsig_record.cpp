#include "keys/tsig_record.h"

#include <array>
#include <cstring>

#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace keys {
namespace {

using zones::HEADER_OCTETS;

constexpr std::size_t ARCOUNT_OFFSET = 10;
constexpr std::uint64_t MAX_TIME = (std::uint64_t{1} << 48) - 1;  // RFC 8945 §4.2
constexpr std::size_t MIN_MAC_OCTETS = 10;                        // RFC 8945 §5.2.2.1
constexpr std::size_t FIXED_RR_OCTETS = 10;                       // type, class, TTL, RDLENGTH
constexpr std::size_t FIXED_RDATA_OCTETS = 16;  // times, MAC size, original ID, error, other len

std::uint16_t read_u16(std::span<const std::uint8_t> octets, std::size_t offset) {
  return static_cast<std::uint16_t>(octets[offset] << 8 | octets[offset + 1]);
}

/// The cursor is after TYPE; the record must end where the message does.
void read_tsig(zones::WireReader& reader, TsigRecord& record) {
  const std::uint16_t rrclass = reader.u16();
  const std::uint32_t ttl = reader.u32();
  const std::uint16_t rdlength = reader.u16();
  if (rdlength != reader.remaining() || ttl != 0 ||
      rrclass != static_cast<std::uint16_t>(zones::Class::ANY)) {
    reader.fail(zones::WireError::BAD_TSIG);
    return;
  }
  record.algorithm_name = reader.uncompressed_name();  // RFC 8945 §4.2
  record.time_signed = reader.u48();
  record.fudge = reader.u16();
  record.mac = reader.octets(reader.u16());
  record.original_id = reader.u16();
  record.error = reader.u16();
  record.other = reader.octets(reader.u16());
  if (reader.remaining() != 0) reader.fail(zones::WireError::BAD_TSIG);
}

/// Canonical form (RFC 4034 §6.2).
void lowered(zones::WireWriter& writer, zones::NameView name) {
  std::array<std::uint8_t, zones::MAX_NAME_OCTETS> octets;
  // Length octets are below 64, so that no letter is mistaken for one.
  std::ranges::transform(name.wire(), octets.begin(), zones::lower);
  writer.octets(std::span(octets).first(name.size()));
}

}  // namespace

zones::Result<std::optional<TsigRecord>, TsigError> find_tsig(
    std::span<const std::uint8_t> message) {
  if (message.size() < HEADER_OCTETS) return tl::unexpected(TsigError::FORMERR);
  const std::size_t questions = read_u16(message, 4);
  const std::size_t additional = read_u16(message, ARCOUNT_OFFSET);
  const std::size_t records = std::size_t{read_u16(message, 6)} + read_u16(message, 8) + additional;

  zones::WireReader reader(message, HEADER_OCTETS);
  for (std::size_t i = 0; i < questions && !reader.failed(); ++i) {
    reader.skip_name();
    reader.skip(4);
  }
  std::optional<TsigRecord> found;
  for (std::size_t i = 0; i < records && !reader.failed(); ++i) {
    const std::size_t offset = reader.offset();
    reader.skip_name();
    const std::uint16_t type = reader.u16();
    if (type != static_cast<std::uint16_t>(zones::Type::TSIG)) {
      reader.skip(6);
      reader.skip(reader.u16());
      continue;
    }
    if (i + 1 != records || additional == 0) return tl::unexpected(TsigError::FORMERR);
    found.emplace();
    found->offset = offset;
    zones::WireReader owner(message, offset);
    found->key_name = owner.name();
    read_tsig(reader, *found);
  }
  if (reader.failed() || reader.remaining() != 0) return tl::unexpected(TsigError::FORMERR);
  return found;
}

bool mac_length_allowed(std::size_t octets, Algorithm algorithm) {
  const std::size_t whole = mac_octets(algorithm);
  return octets <= whole && octets >= std::max(MIN_MAC_OCTETS, whole / 2);
}

bool time_within(std::uint64_t time_signed, std::uint16_t fudge, std::chrono::sys_seconds now) {
  const std::int64_t distance =
      static_cast<std::int64_t>(time_signed) - now.time_since_epoch().count();
  const std::int64_t allowed = std::min<std::int64_t>(fudge, MAX_FUDGE.count());
  return distance <= allowed && distance >= -allowed;
}

std::uint64_t wire_time(std::chrono::sys_seconds time) {
  const auto seconds = time.time_since_epoch().count();
  return seconds < 0 ? 0 : std::min(static_cast<std::uint64_t>(seconds), MAX_TIME);
}

bool is_response(std::span<const std::uint8_t> message) { return (message[2] & 0x80) != 0; }

bool has_room_for_record(std::span<const std::uint8_t> message) {
  return message.size() >= HEADER_OCTETS && read_u16(message, ARCOUNT_OFFSET) != 0xffff;
}

void digest_mac(HmacRun& run, std::span<const std::uint8_t> mac) {
  const std::uint8_t size[] = {static_cast<std::uint8_t>(mac.size() >> 8),
                               static_cast<std::uint8_t>(mac.size())};
  run.update(size);
  run.update(mac);
}

void digest_message(HmacRun& run, std::span<const std::uint8_t> message, std::uint16_t original_id,
                    bool without_tsig) {
  std::array<std::uint8_t, HEADER_OCTETS> header;
  std::ranges::copy(message.first(HEADER_OCTETS), header.begin());
  const auto arcount = static_cast<std::uint16_t>(read_u16(header, ARCOUNT_OFFSET) - without_tsig);
  header[0] = static_cast<std::uint8_t>(original_id >> 8);
  header[1] = static_cast<std::uint8_t>(original_id);
  header[ARCOUNT_OFFSET] = static_cast<std::uint8_t>(arcount >> 8);
  header[ARCOUNT_OFFSET + 1] = static_cast<std::uint8_t>(arcount);
  run.update(header);
  run.update(message.subspan(HEADER_OCTETS));
}

void digest_variables(HmacRun& run, const TsigRecord& record) {
  std::array<std::uint8_t, 2 * zones::MAX_NAME_OCTETS + 18> octets;
  zones::WireWriter writer(octets);
  lowered(writer, record.key_name);
  writer.u16(static_cast<std::uint16_t>(zones::Class::ANY));
  writer.u32(0);
  lowered(writer, record.algorithm_name);
  writer.u48(record.time_signed);
  writer.u16(record.fudge);
  writer.u16(record.error);
  writer.u16(static_cast<std::uint16_t>(record.other.size()));
  run.update(writer.written());
  run.update(record.other);
}

void digest_timers(HmacRun& run, const TsigRecord& record) {
  std::array<std::uint8_t, 8> octets;
  zones::WireWriter writer(octets);
  writer.u48(record.time_signed);
  writer.u16(record.fudge);
  run.update(writer.written());
}

std::size_t tsig_octets(const TsigRecord& record) {
  return record.key_name.size() + FIXED_RR_OCTETS + record.algorithm_name.size() +
         FIXED_RDATA_OCTETS + record.mac.size() + record.other.size();
}

std::size_t append_tsig(std::span<std::uint8_t> buffer, std::size_t size,
                        const TsigRecord& record) {
  zones::WireWriter writer(buffer.subspan(size));
  writer.name(record.key_name);
  writer.u16(static_cast<std::uint16_t>(zones::Type::TSIG));
  writer.u16(static_cast<std::uint16_t>(zones::Class::ANY));
  writer.u32(0);
  writer.u16(
      static_cast<std::uint16_t>(tsig_octets(record) - record.key_name.size() - FIXED_RR_OCTETS));
  writer.name(record.algorithm_name);
  writer.u48(record.time_signed);
  writer.u16(record.fudge);
  writer.u16(static_cast<std::uint16_t>(record.mac.size()));
  writer.octets(record.mac);
  writer.u16(record.original_id);
  writer.u16(record.error);
  writer.u16(static_cast<std::uint16_t>(record.other.size()));
  writer.octets(record.other);
  const auto arcount = static_cast<std::uint16_t>(read_u16(buffer, ARCOUNT_OFFSET) + 1);
  buffer[ARCOUNT_OFFSET] = static_cast<std::uint8_t>(arcount >> 8);
  buffer[ARCOUNT_OFFSET + 1] = static_cast<std::uint8_t>(arcount);
  return size + writer.size();
}

}  // namespace keys
