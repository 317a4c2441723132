// What the fuzz targets share.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "zones/snapshot.h"
#include "zones/store.h"
#include "zones/zone_file.h"

// ldns 1.8.3 leaks parts of an IPSECKEY whose text it refuses, from where the unwinder does not see
// who called. That our side frees what ldns gives it is for the unit tests to show.
extern "C" __attribute__((used)) inline const char* __lsan_default_suppressions() {  // NOLINT
  return "leak:libldns\n";
}

namespace fuzz {

/// An input broke a promise: libFuzzer reports the abort and keeps the input.
inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Puts names of a zone file into a builder.
class ZoneIntoBuilder : public zones::ZoneWriter {
 public:
  ZoneIntoBuilder(zones::CatalogueBuilder& builder, zones::NameView apex)
      : builder_(builder), apex_(apex) {
    builder_.add_zone(apex_);
  }
  void node(zones::NameView owner, zones::RRsetsView rrsets) override {
    builder_.put(apex_, owner, rrsets);
  }

 private:
  zones::CatalogueBuilder& builder_;
  zones::NameView apex_;
};

}  // namespace fuzz
