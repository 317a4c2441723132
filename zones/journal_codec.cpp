#include "zones/journal_codec.h"

#include <zlib.h>

#include <algorithm>
#include <stdexcept>

#include "zones/wire_reader.h"

namespace zones {
namespace {

// Layout, all numbers in network order: version (1), LSN (8), time (8), number of change sets (4),
// those, number of messages (4), those, CRC-32 (4). A record repeats neither its class, which is
// IN, nor the owner of the one before. Version 1 has no details of messages.
constexpr std::uint8_t VERSION = 2;
constexpr std::uint8_t VERSION_WITHOUT_DETAILS = 1;
constexpr std::size_t CHECKSUM_OCTETS = 4;
constexpr std::uint8_t SAME_OWNER = 0;
constexpr std::uint8_t OWN_OWNER = 1;

void put_u8(std::vector<std::uint8_t>& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value));
}
void put_u16(std::vector<std::uint8_t>& out, unsigned value) {
  put_u8(out, value >> 8);
  put_u8(out, value);
}
void put_u32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  put_u16(out, value >> 16);
  put_u16(out, value);
}
void put_u64(std::vector<std::uint8_t>& out, std::uint64_t value) {
  put_u32(out, static_cast<std::uint32_t>(value >> 32));
  put_u32(out, static_cast<std::uint32_t>(value));
}
void put_octets(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> octets) {
  out.insert(out.end(), octets.begin(), octets.end());
}
void put_time(std::vector<std::uint8_t>& out, std::chrono::sys_seconds time) {
  put_u64(out, static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

std::uint32_t checksum(std::span<const std::uint8_t> octets) {
  return static_cast<std::uint32_t>(crc32_z(0, octets.data(), octets.size()));
}

void put_records(std::vector<std::uint8_t>& out, const std::vector<Record>& records) {
  put_u32(out, static_cast<std::uint32_t>(records.size()));
  const Name* owner = nullptr;
  for (const Record& record : records) {
    if (record.rdata.size() > 0xffff) throw std::length_error("RDATA above 65,535 octets");
    if (owner != nullptr && owner->view().identical(record.owner)) {
      put_u8(out, SAME_OWNER);
    } else {
      put_u8(out, OWN_OWNER);
      put_octets(out, record.owner.wire());
    }
    owner = &record.owner;
    put_u16(out, static_cast<std::uint16_t>(record.type));
    put_u32(out, record.ttl);
    put_u16(out, static_cast<std::uint16_t>(record.rdata.size()));
    put_octets(out, record.rdata);
  }
}

std::uint64_t get_u64(WireReader& in) {
  const std::uint64_t high = in.u32();
  return high << 32 | in.u32();
}

std::chrono::sys_seconds get_time(WireReader& in) {
  return std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(get_u64(in))));
}

// Room for `count` elements, but never more than the octets left could hold.
template <class T>
void reserve(std::vector<T>& elements, std::size_t count, std::size_t least_octets,
             const WireReader& in) {
  elements.reserve(std::min(count, in.remaining() / least_octets));
}

// False for content that cannot be; what is cut short shows in the reader.
bool get_records(WireReader& in, std::vector<Record>& records) {
  constexpr std::size_t LEAST_OCTETS = 9;
  const std::size_t count = in.u32();
  reserve(records, count, LEAST_OCTETS, in);
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    Record record;
    const std::uint8_t owner = in.u8();
    if (owner > OWN_OWNER || (owner == SAME_OWNER && records.empty())) return false;
    record.owner = owner == OWN_OWNER ? in.uncompressed_name() : records.back().owner;
    record.type = static_cast<Type>(in.u16());
    record.ttl = in.u32();
    const std::span<const std::uint8_t> rdata = in.octets(in.u16());
    if (in.failed()) return true;
    if (is_meta(record.type) || !is_valid_rdata(record.type, rdata)) return false;
    record.rdata.assign(rdata.begin(), rdata.end());
    records.push_back(std::move(record));
  }
  return true;
}

template <std::size_t N>
void get_array(WireReader& in, std::array<std::uint8_t, N>& out) {
  const std::span<const std::uint8_t> octets = in.octets(N);
  if (!in.failed()) std::ranges::copy(octets, out.begin());
}

bool get_changes(WireReader& in, std::vector<ChangeSet>& changes) {
  constexpr std::size_t LEAST_OCTETS = 17;
  const std::size_t count = in.u32();
  reserve(changes, count, LEAST_OCTETS, in);
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    ChangeSet& change = changes.emplace_back();
    change.apex = in.uncompressed_name();
    change.from_serial = in.u32();
    change.to_serial = in.u32();
    if (!get_records(in, change.removed) || !get_records(in, change.added)) return false;
  }
  return true;
}

void put_details(std::vector<std::uint8_t>& out, const JournalMessage& message) {
  put_u8(out, static_cast<unsigned>(message.signed_by));
  const std::vector<std::uint8_t> granted =
      message.granted ? update_lease_data(*message.granted) : std::vector<std::uint8_t>();
  put_u8(out, static_cast<unsigned>(granted.size()));
  put_octets(out, granted);
  put_octets(out, message.zone.wire());
  put_u32(out, static_cast<std::uint32_t>(message.touched.size()));
  for (const Name& owner : message.touched) put_octets(out, owner.wire());
  put_u32(out, static_cast<std::uint32_t>(message.leases.size()));
  for (const LeaseChange& lease : message.leases) {
    put_octets(out, lease.owner.wire());
    put_u16(out, static_cast<std::uint16_t>(lease.type));
    put_u16(out, static_cast<std::uint16_t>(lease.rdata.size()));
    put_octets(out, lease.rdata);
    put_time(out, lease.expires);
  }
}

bool get_details(WireReader& in, JournalMessage& message) {
  constexpr std::size_t LEAST_LEASE_OCTETS = 13;
  message.signed_by = static_cast<SignedBy>(in.u8());
  if (const std::uint8_t size = in.u8(); size != 0) {
    message.granted = read_update_lease(in.octets(size));
    if (!message.granted) return false;
  }
  message.zone = in.uncompressed_name();
  const std::size_t touched = in.u32();
  reserve(message.touched, touched, 1, in);
  for (std::size_t i = 0; i < touched && !in.failed(); ++i) {
    message.touched.push_back(in.uncompressed_name());
  }
  const std::size_t leases = in.u32();
  reserve(message.leases, leases, LEAST_LEASE_OCTETS, in);
  for (std::size_t i = 0; i < leases && !in.failed(); ++i) {
    LeaseChange& lease = message.leases.emplace_back();
    lease.owner = in.uncompressed_name();
    lease.type = static_cast<Type>(in.u16());
    const std::span<const std::uint8_t> rdata = in.octets(in.u16());
    lease.expires = get_time(in);
    if (in.failed()) return true;
    if (is_meta(lease.type) || !is_valid_rdata(lease.type, rdata)) return false;
    lease.rdata.assign(rdata.begin(), rdata.end());
  }
  return in.failed() || message.signed_by == SignedBy::TSIG || message.signed_by == SignedBy::SIG0;
}

bool get_messages(WireReader& in, std::uint8_t version, std::vector<JournalMessage>& messages) {
  constexpr std::size_t LEAST_OCTETS = 61;
  const std::size_t count = in.u32();
  reserve(messages, count, LEAST_OCTETS, in);
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    JournalMessage& message = messages.emplace_back();
    message.key = in.uncompressed_name();
    get_array(in, message.digest);
    get_array(in, message.source);
    message.source_port = in.u16();
    message.signed_at = get_time(in);
    message.rcode = static_cast<Rcode>(in.u16());
    if (version != VERSION_WITHOUT_DETAILS && !get_details(in, message)) return false;
  }
  return true;
}

}  // namespace

const char* to_text(JournalError error) {
  switch (error) {
    case JournalError::TRUNCATED:
      return "it ends too early";
    case JournalError::BAD_CHECKSUM:
      return "its checksum is wrong";
    case JournalError::UNKNOWN_VERSION:
      return "a newer version of the program wrote it";
    case JournalError::BAD_CONTENT:
      return "its content makes no sense";
  }
  return "unknown error";
}

void encode_batch(const JournalBatch& batch, std::vector<std::uint8_t>& out) {
  const std::size_t start = out.size();
  put_u8(out, VERSION);
  put_u64(out, batch.lsn);
  put_time(out, batch.time);
  put_u32(out, static_cast<std::uint32_t>(batch.changes.size()));
  for (const ChangeSet& change : batch.changes) {
    put_octets(out, change.apex.wire());
    put_u32(out, change.from_serial);
    put_u32(out, change.to_serial);
    put_records(out, change.removed);
    put_records(out, change.added);
  }
  put_u32(out, static_cast<std::uint32_t>(batch.messages.size()));
  for (const JournalMessage& message : batch.messages) {
    put_octets(out, message.key.wire());
    put_octets(out, message.digest);
    put_octets(out, message.source);
    put_u16(out, message.source_port);
    put_time(out, message.signed_at);
    put_u16(out, static_cast<std::uint16_t>(message.rcode));
    put_details(out, message);
  }
  put_u32(out, checksum(std::span(out).subspan(start)));
}

Result<JournalBatch, JournalError> decode_batch(std::span<const std::uint8_t> octets) {
  if (octets.size() < 1 + CHECKSUM_OCTETS) return tl::unexpected(JournalError::TRUNCATED);
  const std::span<const std::uint8_t> content = octets.first(octets.size() - CHECKSUM_OCTETS);
  WireReader tail(octets, content.size());
  if (tail.u32() != checksum(content)) return tl::unexpected(JournalError::BAD_CHECKSUM);
  WireReader in(content);
  const std::uint8_t version = in.u8();
  if (version != VERSION && version != VERSION_WITHOUT_DETAILS) {
    return tl::unexpected(JournalError::UNKNOWN_VERSION);
  }
  JournalBatch batch;
  batch.lsn = get_u64(in);
  batch.time = get_time(in);
  if (!get_changes(in, batch.changes) || !get_messages(in, version, batch.messages)) {
    return tl::unexpected(JournalError::BAD_CONTENT);
  }
  if (in.failed()) {
    return tl::unexpected(in.error() == WireError::TRUNCATED ? JournalError::TRUNCATED
                                                             : JournalError::BAD_CONTENT);
  }
  if (in.remaining() != 0) return tl::unexpected(JournalError::BAD_CONTENT);
  return batch;
}

}  // namespace zones
