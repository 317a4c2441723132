// Names: text and wire, both ways, and compression.
#include "fuzz.h"
#include "zones/name.h"
#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace {

void check_name(const zones::Name& name) {
  fuzz::require(name.size() >= 1 && name.size() <= 255, "a name has 1 to 255 octets");
  const auto from_wire = zones::Name::from_wire(name.wire());
  fuzz::require(from_wire && from_wire->view().identical(name), "wire form comes back");
  const auto from_text = zones::Name::from_text(name.to_text());
  fuzz::require(from_text && from_text->view().identical(name), "text form comes back");
  fuzz::require(name == name.lowered() && (name <=> name.lowered()) == 0, "case does not count");
  fuzz::require(zones::NameHash{}(name) == zones::NameHash{}(name.lowered()), "nor for the hash");
  fuzz::require(name.is_at_or_below(name.parent()), "a name is below its parent");
  fuzz::require(name.view().without(name.label_count()).is_root(),
                "without its labels it is the root");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t first = std::min<std::size_t>(data[0], size - 1);
  const auto origin = zones::Name::from_text(fuzz::text(data + 1, first));
  if (origin) check_name(*origin);
  const auto name = zones::Name::from_text(fuzz::text(data + 1 + first, size - 1 - first),
                                           origin ? origin->view() : zones::NameView{});
  if (name) check_name(*name);
  if (!name) fuzz::require(*zones::to_text(name.error()) != '\0', "an error has a text");
  if (name && origin) {
    const auto joined = zones::Name::join(*name, *origin);
    if (joined) {
      check_name(*joined);
      fuzz::require(joined->is_at_or_below(*origin), "a joined name is below its suffix");
    }
    const auto order = *name <=> *origin;
    fuzz::require((order == 0) == (*name == *origin), "order and equality agree");
    fuzz::require((*origin <=> *name) == (0 <=> order), "order is antisymmetric");
  }

  if (const auto wire = zones::Name::from_wire({data, size})) check_name(*wire);
  // The octets after a header as compressed names, one after the other; then written and read
  // again.
  constexpr std::size_t HEADER_OCTETS = 12;
  if (size <= HEADER_OCTETS) return 0;
  zones::WireReader reader({data, size}, HEADER_OCTETS);
  std::array<std::uint8_t, 4096> buffer{};
  zones::WireWriter writer(buffer);
  writer.octets(std::span(data, HEADER_OCTETS));
  std::vector<zones::Name> names;
  while (!reader.failed() && reader.remaining() > 0 && names.size() < 16) {
    zones::WireReader skipper({data, size}, reader.offset());
    skipper.skip_name();
    const zones::Name read = reader.name();
    if (reader.failed()) break;
    fuzz::require(!skipper.failed() && skipper.offset() == reader.offset(),
                  "skipping goes as far as reading");
    check_name(read);
    writer.compressed_name(read, true);
    names.push_back(read);
  }
  if (writer.overflowed()) return 0;
  zones::WireReader again(writer.written(), HEADER_OCTETS);
  for (const zones::Name& wanted : names) {
    const zones::Name read = again.name();
    fuzz::require(!again.failed() && read.view().identical(wanted), "a compressed name comes back");
  }
  return 0;
}
