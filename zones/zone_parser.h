// Zone files record by record (RFC 1035 §5), for those who gather them (zone_file.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "zones/name.h"
#include "zones/presentation.h"
#include "zones/rdata.h"
#include "zones/rfc.h"

namespace zones {

/// Reads entries and keeps what carries over from one to the next: origin, owner, TTL.
class ZoneParser {
 public:
  ZoneParser(EntryReader& entries, const Name& apex)
      : entries_(entries), apex_(apex), origin_(apex) {}

  /// False at the end and for an error.
  bool next();
  const std::string& error() const { return error_; }
  std::uint64_t line() const { return entries_.line(); }

  Name owner;
  Type type{};
  std::uint32_t ttl = 0;
  Rdata rdata;

 private:
  bool fail(std::string error) {
    error_ = std::move(error);
    return false;
  }
  bool directive(std::string_view entry);
  bool record(std::string_view entry);
  bool parse_owner(std::string_view& entry);
  bool choose_ttl(const std::optional<std::uint32_t>& explicit_ttl);

  EntryReader& entries_;
  const Name& apex_;
  Name origin_;
  bool has_owner_ = false;
  std::string owner_word_;  // as written last, and still `owner`
  std::optional<std::uint32_t> default_ttl_;
  std::optional<std::uint32_t> last_ttl_;
  std::string error_;
};

}  // namespace zones
