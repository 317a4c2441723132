// Key files and -y: whatever a file says, it is keys or an error that names its place.
#include "fuzz.h"
#include "keys/key_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  // A K file's name and algorithm are part of its own name.
  for (const char* file : {"keys.conf", "Kh1.dyn.example.+163+12345.private"}) {
    const auto keys = keys::parse_key_file(text, file);
    if (!keys) {
      fuzz::require(!keys.error().to_text().empty(), "an error is told");
      continue;
    }
    fuzz::require(!keys->empty(), "at least one key");
    for (const keys::TsigKey& key : *keys) {
      const auto again = keys::parse_key_file(keys::to_named_conf(key), "again");
      fuzz::require(again && again->size() == 1, "what we write can be read");
      fuzz::require(
          again->front().name == key.name && again->front().algorithm == key.algorithm &&
              keys::equal_constant_time(again->front().secret->octets(), key.secret->octets()),
          "and it is the same key");
    }
  }
  const auto option = keys::parse_key_option(text);
  fuzz::require(option.has_value() || !option.error().empty(), "an error is told");
  return 0;
}
