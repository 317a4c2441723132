#include "zones/edns.h"

#include <algorithm>
#include <iterator>

namespace zones {

EdnsOption ExtendedError::option() const {
  EdnsOption option{.code = OptionCode::EXTENDED_ERROR, .data = {}};
  option.data.reserve(2 + text.size());
  option.data.push_back(static_cast<std::uint8_t>(info_code >> 8));
  option.data.push_back(static_cast<std::uint8_t>(info_code));
  std::ranges::copy(text, std::back_inserter(option.data));
  return option;
}

const EdnsOption* Edns::find(OptionCode code) const {
  const auto found = std::ranges::find(options, code, &EdnsOption::code);
  return found == options.end() ? nullptr : &*found;
}

std::vector<EdnsOption> read_options(WireReader& reader) {
  std::vector<EdnsOption> options;
  while (reader.remaining() > 0) {
    EdnsOption option;
    option.code = static_cast<OptionCode>(reader.u16());
    const auto data = reader.octets(reader.u16());
    option.data.assign(data.begin(), data.end());
    if (!reader.failed()) options.push_back(std::move(option));
  }
  return options;
}

Edns read_edns(WireReader& reader) {
  Edns edns;
  edns.udp_octets = reader.u16();
  edns.extended_rcode = reader.u8();
  edns.version = reader.u8();
  edns.flags = reader.u16();
  const std::size_t rdlength = reader.u16();
  const std::size_t end = reader.narrow(rdlength);
  edns.options = read_options(reader);
  reader.restore_end(end);
  return edns;
}

void write_edns(WireWriter& writer, const Edns& edns) {
  std::size_t rdlength = 0;
  for (const EdnsOption& option : edns.options) rdlength += 4 + option.data.size();
  writer.u8(0);  // the root
  writer.u16(static_cast<std::uint16_t>(Type::OPT));
  writer.u16(edns.udp_octets);
  writer.u8(edns.extended_rcode);
  writer.u8(edns.version);
  writer.u16(edns.flags);
  writer.u16(static_cast<std::uint16_t>(rdlength));
  for (const EdnsOption& option : edns.options) {
    writer.u16(static_cast<std::uint16_t>(option.code));
    writer.u16(static_cast<std::uint16_t>(option.data.size()));
    writer.octets(option.data);
  }
}

}  // namespace zones
