// RRsets: a mutable one for those who change zones, and the packed form in which snapshots and rows
// keep them.
#pragma once

#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "zones/rdata.h"
#include "zones/rfc.h"

namespace zones {

/// Records of one owner and type; one TTL for all (RFC 2181 §5.2), no two equal (RFC 2181 §5).
struct RRset {
  Type type{};
  std::uint32_t ttl = 0;
  std::vector<Rdata> rdatas;

  /// The index of an equal RDATA (rdata_equal), or -1.
  std::ptrdiff_t index_of(RdataView rdata) const;
};

/// One RRset in packed form, in network order: TYPE (2), count (2), TTL (4), octets that follow
/// (2), then for each record RDLENGTH (2) and RDATA. An RRset above 65,535 octets could not be
/// answered and is not kept.
class RRsetView {
 public:
  static constexpr std::size_t HEADER_OCTETS = 10;

  RRsetView() = default;  // "no such RRset"
  explicit RRsetView(const std::uint8_t* packed) : packed_(packed) {}

  explicit operator bool() const { return packed_ != nullptr; }
  Type type() const { return static_cast<Type>(u16(0)); }
  std::uint16_t count() const { return u16(2); }
  std::uint32_t ttl() const { return std::uint32_t{u16(4)} << 16 | u16(6); }
  /// RDLENGTH and RDATA of every record, one after the other.
  std::span<const std::uint8_t> rdatas() const { return {packed_ + HEADER_OCTETS, u16(8)}; }
  std::size_t packed_size() const { return HEADER_OCTETS + u16(8); }
  const std::uint8_t* packed() const { return packed_; }
  /// The first record's RDATA; there is always one.
  RdataView first() const { return *begin(); }
  bool contains(RdataView rdata) const;

  class Iterator {
   public:
    using value_type = RdataView;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(const std::uint8_t* at) : at_(at) {}
    RdataView operator*() const {
      return {at_ + 2, static_cast<std::size_t>(at_[0] << 8 | at_[1])};
    }
    Iterator& operator++() {
      at_ += 2 + (at_[0] << 8 | at_[1]);
      return *this;
    }
    bool operator==(const Iterator& other) const = default;

   private:
    const std::uint8_t* at_;
  };
  Iterator begin() const { return Iterator(packed_ + HEADER_OCTETS); }
  Iterator end() const { return Iterator(packed_ + HEADER_OCTETS + u16(8)); }

 private:
  std::uint16_t u16(std::size_t at) const {
    return static_cast<std::uint16_t>(packed_[at] << 8 | packed_[at + 1]);
  }
  const std::uint8_t* packed_ = nullptr;
};

/// All RRsets of one name, packed one after the other, types ascending.
class RRsetsView {
 public:
  RRsetsView() = default;
  explicit RRsetsView(std::span<const std::uint8_t> packed) : packed_(packed) {}

  bool empty() const { return packed_.empty(); }
  std::span<const std::uint8_t> packed() const { return packed_; }
  RRsetView find(Type type) const;
  std::size_t record_count() const;

  class Iterator {
   public:
    using value_type = RRsetView;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(const std::uint8_t* at) : at_(at) {}
    RRsetView operator*() const { return RRsetView(at_); }
    Iterator& operator++() {
      at_ += RRsetView(at_).packed_size();
      return *this;
    }
    bool operator==(const Iterator& other) const = default;

   private:
    const std::uint8_t* at_;
  };
  Iterator begin() const { return Iterator(packed_.data()); }
  Iterator end() const { return Iterator(packed_.data() + packed_.size()); }

 private:
  std::span<const std::uint8_t> packed_;
};

/// Appends an RRset in packed form. False, and nothing appended, when it is empty or above 65,535
/// octets.
bool pack(const RRset& rrset, std::vector<std::uint8_t>& out);
/// RRsets packed in ascending order of type; false when one does not fit.
bool pack(std::span<const RRset> rrsets, std::vector<std::uint8_t>& out);
RRset unpack(RRsetView view);
std::vector<RRset> unpack(RRsetsView view);
/// True when the octets are whole packed RRsets, types ascending, counts and lengths exact, and
/// every RDATA valid for its type. For rows that come from a disk.
bool is_valid_packed(std::span<const std::uint8_t> packed);

}  // namespace zones
