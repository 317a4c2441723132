#include "zones/name_key.h"

#include <array>

namespace zones {

void append_name_key(NameView name, NameView apex, std::string& out) {
  constexpr std::uint8_t ESCAPE = 1;
  std::array<std::uint8_t, MAX_NAME_OCTETS / 2> starts;  // of the labels below the apex
  std::size_t count = 0;
  const std::uint8_t* const wire = name.data();
  const std::size_t end = name.size() - apex.size();
  for (std::size_t at = 0; at < end; at += 1U + wire[at]) {
    starts[count++] = static_cast<std::uint8_t>(at);
  }
  while (count > 0) {
    const std::uint8_t* label = wire + starts[--count];
    for (std::size_t i = 1; i <= label[0]; ++i) {
      const std::uint8_t octet = lower(label[i]);
      if (octet <= ESCAPE) {
        out.push_back(static_cast<char>(ESCAPE));
        out.push_back(static_cast<char>(octet + 1));
      } else {
        out.push_back(static_cast<char>(octet));
      }
    }
    out.push_back('\0');
  }
}

std::string name_key(NameView name, NameView apex) {
  std::string key;
  append_name_key(name, apex, key);
  return key;
}

}  // namespace zones
