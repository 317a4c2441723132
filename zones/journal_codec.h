// A journal batch as octets, and back: what a row of the journal holds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "zones/result.h"
#include "zones/store.h"

namespace zones {

enum class JournalError {
  TRUNCATED = 1,    // ends too early
  BAD_CHECKSUM,     // octets have changed
  UNKNOWN_VERSION,  // written by a newer program
  BAD_CONTENT,  // a name or RDATA that no program of ours would have written, or octets left over
};
const char* to_text(JournalError error);

/// Appends the batch to `out`. The last four octets are a CRC-32 of those before.
void encode_batch(const JournalBatch& batch, std::vector<std::uint8_t>& out);
/// Checks the checksum, every name and every RDATA; work and memory are bounded by the size of
/// `octets`.
Result<JournalBatch, JournalError> decode_batch(std::span<const std::uint8_t> octets);

}  // namespace zones
