// A message as text, in the form of nsupdate's and dig's.
#pragma once

#include <string>

#include "zones/message.h"

namespace dnsd_update {

/// Header, sections and pseudo-sections, each line ended. The counts are the header's, as they were
/// read: all zero in a message that was never sent.
std::string message_to_text(const zones::Message& message);

/// "BADSIG" for an error field of a TSIG (RFC 8945 §3); an RCODE's name or number for the rest.
std::string tsig_error_to_text(std::uint16_t error);

/// What the server says beside the RCODE (RFC 8914), printable; empty for nothing.
std::string reason_to_text(const zones::Message& message);

/// "REFUSED", of the RCODE with its upper bits from OPT (RFC 6891 §6.1.3).
std::string rcode_to_text(const zones::Message& message);

}  // namespace dnsd_update
