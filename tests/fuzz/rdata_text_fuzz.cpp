// The first two octets are a type, the rest is text of its RDATA, and RDATA on the wire as well.
#include <algorithm>
#include <cstdlib>

#include "zones/text.h"

// ldns 1.8 forgets a few octets of some texts that it refuses. That its objects are freed here is
// for the unit tests under AddressSanitizer to find.
extern "C" const char* __lsan_default_suppressions() { return "leak:libldns"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto type = static_cast<zones::Type>(data[0] << 8 | data[1]);
  const zones::RdataView wire(data + 2, std::min<std::size_t>(size - 2, 0xffff));
  static const zones::Name origin = zones::Name::from_text("example.org.").value();

  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto rdata = zones::rdata_from_text(type, text, origin);
  if (!rdata && rdata.error().empty()) std::abort();
  if (rdata && !zones::is_valid_rdata(type, *rdata)) std::abort();

  for (const zones::RdataView one : {rdata ? zones::RdataView(*rdata) : zones::RdataView(), wire}) {
    const std::string written = zones::rdata_to_text(type, one);
    if (written.empty() || written.find('\n') != written.npos) std::abort();
    if (zones::is_meta(type) || !zones::is_valid_rdata(type, one)) continue;
    const auto back = zones::rdata_from_text(type, written, origin);
    if (!back || !std::ranges::equal(*back, one)) std::abort();
  }
  return 0;
}
