#include "zones/text.h"

#include <ldns/ldns.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

namespace zones {
namespace {

constexpr std::string_view SPACES = " \t\r\n";

struct Free {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
  void operator()(ldns_buffer* buffer) const { ldns_buffer_free(buffer); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string opaque_text(RdataView rdata) {
  constexpr std::string_view DIGITS = "0123456789abcdef";
  std::string text = "\\# " + std::to_string(rdata.size());
  if (!rdata.empty()) text += ' ';
  text.reserve(text.size() + 2 * rdata.size());
  for (const std::uint8_t octet : rdata) {
    text += DIGITS[octet >> 4];
    text += DIGITS[octet & 15];
  }
  return text;
}

// A record with the root as its owner, since ldns knows RDATA only inside one.
std::string ldns_text(Type type, RdataView rdata) {
  std::vector<std::uint8_t> wire(11 + rdata.size());
  const auto type_number = static_cast<std::uint16_t>(type);
  wire[1] = static_cast<std::uint8_t>(type_number >> 8);
  wire[2] = static_cast<std::uint8_t>(type_number);
  wire[4] = 1;
  wire[9] = static_cast<std::uint8_t>(rdata.size() >> 8);
  wire[10] = static_cast<std::uint8_t>(rdata.size());
  std::ranges::copy(rdata, wire.begin() + 11);
  ldns_rr* parsed = nullptr;
  std::size_t at = 0;
  if (ldns_wire2rr(&parsed, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK) return {};
  const Owned<ldns_rr> rr(parsed);
  const Owned<ldns_buffer> buffer(ldns_buffer_new(256));
  if (!buffer || ldns_rr2buffer_str_fmt(buffer.get(), ldns_output_format_nocomments, rr.get()) != LDNS_STATUS_OK) {
    return {};
  }
  // ". TTL IN TYPE rdata\n", with tabs
  std::string_view text(reinterpret_cast<const char*>(ldns_buffer_begin(buffer.get())),
                        ldns_buffer_position(buffer.get()));
  for (int field = 0; field < 4; ++field) {
    const std::size_t tab = text.find('\t');
    if (tab == text.npos) return {};
    text.remove_prefix(tab + 1);
  }
  while (!text.empty() && SPACES.find(text.back()) != text.npos) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace
}  // namespace zones
