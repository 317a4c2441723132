#include "dnsd/config_identity.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dnsd {
namespace {

using Octets = std::vector<std::uint8_t>;

/// "0x6e7331" is hexadecimal, as Knot and BIND's tools write it; all else is text. Empty: neither.
std::optional<Octets> nsid_octets(std::string_view text) {
  if (!text.starts_with("0x")) return Octets(text.begin(), text.end());
  text.remove_prefix(2);
  if (text.size() % 2 != 0) return std::nullopt;
  Octets octets;
  for (; !text.empty(); text.remove_prefix(2)) {
    std::uint8_t octet = 0;
    const char* const end = text.data() + 2;
    const auto [at, error] = std::from_chars(text.data(), end, octet, 16);
    if (error != std::errc{} || at != end) return std::nullopt;
    octets.push_back(octet);
  }
  return octets;
}

void read_nsid(ConfigFields& fields, Octets& nsid) {
  std::string text;
  const toml::node* node = fields.string("nsid", text);
  if (!node) return;
  const auto octets = nsid_octets(text);
  if (!octets) {
    fields.error(node, "nsid", "begins with 0x, but no whole hexadecimal octets follow");
  } else if (octets->empty() || octets->size() > Identity::MAX_NSID_OCTETS) {
    fields.error(node, "nsid",
                 "must have 1 to " + std::to_string(Identity::MAX_NSID_OCTETS) +
                     " octets; without the field none is given");
  } else {
    nsid = *octets;
  }
}

void read_text(ConfigFields& fields, std::string_view name, Octets& rdata) {
  std::string text;
  const toml::node* node = fields.string(name, text);
  if (!node) return;
  if (text.empty() || text.size() > Identity::MAX_TEXT_OCTETS) {
    fields.error(node, name,
                 "must have 1 to " + std::to_string(Identity::MAX_TEXT_OCTETS) +
                     " octets; without the field the answer is REFUSED");
    return;
  }
  rdata = txt_rdata(text);
}

}  // namespace

void read_identity(ConfigFields& top, Identity& identity) {
  const toml::table* table = top.table("identity");
  if (!table) return;
  ConfigFields fields(*table, "[identity]", top.problems());
  read_nsid(fields, identity.nsid);
  read_text(fields, "version", identity.version);
  read_text(fields, "name", identity.name);
  fields.finish();
}

}  // namespace dnsd
