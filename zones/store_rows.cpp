#include "zones/store_rows.h"

#include <algorithm>
#include <array>

#include "zones/crc32.h"
#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace zones {
namespace {

constexpr std::size_t LEASE_OCTETS = 12;

// CRC-32 of several values, one after the other.
class Checksum {
 public:
  Checksum& number(std::uint64_t value) {
    std::array<std::uint8_t, 8> octets;
    for (std::uint8_t& octet : octets) {
      octet = static_cast<std::uint8_t>(value);
      value >>= 8;
    }
    return add(octets.data(), octets.size());
  }
  Checksum& octets(std::span<const std::uint8_t> octets) {
    return add(octets.data(), octets.size());
  }
  Checksum& octets(std::string_view octets) {
    return add(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
  }
  std::uint32_t value() const { return value_; }

 private:
  Checksum& add(const std::uint8_t* data, std::size_t size) {
    value_ = crc32(value_, {data, size});
    return *this;
  }
  std::uint32_t value_ = 0;
};

}  // namespace

std::uint32_t ZoneRow::checksum() const {
  return Checksum()
      .number(static_cast<std::uint64_t>(id))
      .octets(apex)
      .number(since)
      .number(names)
      .number(digest)
      .value();
}

std::uint32_t StoreRow::checksum() const {
  return Checksum().octets(identity).number(applied).number(attempts).value();
}

std::uint32_t name_row_checksum(std::int64_t zone, std::string_view key,
                                std::span<const std::uint8_t> value,
                                std::span<const std::uint8_t> leases) {
  return Checksum()
      .number(static_cast<std::uint64_t>(zone))
      .octets(key)
      .octets(value)
      .octets(leases)
      .value();
}

void encode_name_row(NameView owner, NameView apex, RRsetsView rrsets,
                     std::vector<std::uint8_t>& out) {
  const std::size_t below = owner.size() - apex.size();
  out.push_back(static_cast<std::uint8_t>(below));
  out.insert(out.end(), owner.data(), owner.data() + below);
  out.insert(out.end(), rrsets.packed().begin(), rrsets.packed().end());
}

bool decode_name_row(std::span<const std::uint8_t> value, NameView apex, NameRow& out) {
  if (value.empty() || value.size() <= 1U + value[0]) return false;
  const std::size_t below = value[0];
  const std::size_t size = below + apex.size();
  if (size > MAX_NAME_OCTETS) return false;
  for (std::size_t at = 0; at < below; at += 1U + value[1 + at]) {
    const std::size_t label = value[1 + at];
    if (label == 0 || label > MAX_LABEL_OCTETS || at + 1 + label > below) return false;
  }
  std::array<std::uint8_t, MAX_NAME_OCTETS> wire;
  std::copy_n(value.data() + 1, below, wire.data());
  std::copy_n(apex.data(), apex.size(), wire.data() + below);
  out.owner = Name(NameView(wire.data(), size));
  out.rrsets = RRsetsView(value.subspan(1 + below));
  return is_valid_packed(out.rrsets.packed());
}

void encode_leases(std::span<const RecordLease> leases, std::vector<std::uint8_t>& out) {
  const std::size_t start = out.size();
  out.resize(start + leases.size() * LEASE_OCTETS);
  WireWriter writer(std::span<std::uint8_t>(out).subspan(start));
  for (const RecordLease& lease : leases) {
    const auto expires = static_cast<std::uint64_t>(lease.expires.time_since_epoch().count());
    writer.u32(lease.record);
    writer.u32(static_cast<std::uint32_t>(expires >> 32));
    writer.u32(static_cast<std::uint32_t>(expires));
  }
}

bool decode_leases(std::span<const std::uint8_t> octets, std::size_t records,
                   std::vector<RecordLease>& out) {
  out.clear();
  if (octets.size() % LEASE_OCTETS != 0) return false;
  WireReader reader(octets);
  while (reader.remaining() > 0) {
    const std::uint32_t record = reader.u32();
    const std::uint64_t high = reader.u32();
    const auto expires = static_cast<std::int64_t>(high << 32 | reader.u32());
    if (record >= records || (!out.empty() && record <= out.back().record)) return false;
    out.push_back({record, std::chrono::sys_seconds(std::chrono::seconds(expires))});
  }
  return true;
}

}  // namespace zones
