// Rows of the SQLite store as octets: their checksums, and the value of a name's row.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/store.h"

namespace zones {

/// A row of table `zone`.
struct ZoneRow {
  std::int64_t id = 0;
  std::string apex;          // wire form
  Lsn since = 0;             // newest LSN when it was created
  std::uint64_t names = 0;   // rows of table `name`
  std::uint64_t digest = 0;  // sum of their checksums, modulo 2^64

  NameView apex_view() const {
    return {reinterpret_cast<const std::uint8_t*>(apex.data()), apex.size()};
  }
  std::uint32_t checksum() const;
};

/// A row of table `store`.
struct StoreRow {
  std::string identity;
  Lsn applied = 0;
  std::uint64_t attempts = 0;
  std::uint32_t checksum() const;
};

/// Over zone, key, value and leases, so that a row under a wrong key is known.
std::uint32_t name_row_checksum(std::int64_t zone, std::string_view key,
                                std::span<const std::uint8_t> value,
                                std::span<const std::uint8_t> leases);

/// The value of a name's row: octets of its owner below the apex (1), those, packed RRsets.
void encode_name_row(NameView owner, NameView apex, RRsetsView rrsets,
                     std::vector<std::uint8_t>& out);

struct NameRow {
  Name owner;
  RRsetsView rrsets;
};
/// False when it is no such value or its content is not well-formed.
bool decode_name_row(std::span<const std::uint8_t> value, NameView apex, NameRow& out);

/// The leases of a name's row: for each the record (4) and the end in seconds since 1970 (8).
void encode_leases(std::span<const RecordLease> leases, std::vector<std::uint8_t>& out);
/// False when they are not whole, not ascending, or of records that the name does not have.
bool decode_leases(std::span<const std::uint8_t> octets, std::size_t records,
                   std::vector<RecordLease>& out);

}  // namespace zones
