// Octets of a journal row: with and without a checksum that fits, so that the fuzzer gets behind
// it. What is taken must be written and read back the same.
#include <zlib.h>

#include <cstdlib>
#include <vector>

#include "zones/journal_codec.h"

namespace {

void check(const std::vector<std::uint8_t>& octets) {
  const auto batch = zones::decode_batch(octets);
  if (!batch) return;
  std::vector<std::uint8_t> again;
  zones::encode_batch(*batch, again);
  const auto back = zones::decode_batch(again);
  if (!back) std::abort();
  std::vector<std::uint8_t> third;
  zones::encode_batch(*back, third);
  if (third != again) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> octets(data, data + size);
  check(octets);
  if (size < 4) return 0;
  const std::size_t content = size - 4;
  const auto sum = static_cast<std::uint32_t>(crc32_z(0, octets.data(), content));
  for (std::size_t i = 0; i < 4; ++i)
    octets[content + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
  check(octets);
  return 0;
}
