// Presentation format of records, both ways, through ldns (RFC 1035 §5, RFC 3597 §5).
#pragma once

#include <string>
#include <string_view>

#include "zones/message.h"
#include "zones/rdata.h"
#include "zones/result.h"

namespace zones {

/// RDATA as text: `10 5 8001 h1.dyn.example.`; RFC 3597's `\# 4 c0000201` for unknown types.
std::string rdata_to_text(Type type, RdataView rdata);
/// RDATA from text; relative names are completed with `origin`. The error is a sentence for the user.
Result<Rdata, std::string> rdata_from_text(Type type, std::string_view text, NameView origin = {});
/// "owner TTL IN TYPE rdata" on one line, without the newline.
std::string record_to_text(const Record& record);

}  // namespace zones
