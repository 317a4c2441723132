#include "dnsd/identity.h"

#include <algorithm>

#include "dnsd/answer_sections.h"

namespace dnsd {
namespace {

using zones::NameView;
using zones::Rcode;
using zones::Type;

NameView literal(std::string_view wire) {
  return {reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()};
}

// BIND's names, and those that belong to nobody (RFC 4892 §3).
constexpr std::string_view VERSION_BIND("\7version\4bind\0", 14);
constexpr std::string_view VERSION_SERVER("\7version\6server\0", 16);
constexpr std::string_view HOSTNAME_BIND("\10hostname\4bind\0", 15);
constexpr std::string_view ID_SERVER("\2id\6server\0", 11);

/// Empty: not told.
std::span<const std::uint8_t> text_of(const Identity& identity, const Request& request) {
  if (request.qtype != Type::TXT && request.qtype != Type::ANY) return {};
  const auto is = [&](std::string_view name) { return request.qname == literal(name); };
  if (is(VERSION_BIND) || is(VERSION_SERVER)) return identity.version;
  if (is(HOSTNAME_BIND) || is(ID_SERVER)) return identity.name;
  return {};
}

}  // namespace

std::vector<std::uint8_t> txt_rdata(std::string_view text) {
  std::vector<std::uint8_t> rdata(1 + text.size());
  rdata.front() = static_cast<std::uint8_t>(text.size());
  std::ranges::copy(text, rdata.begin() + 1);
  return rdata;
}

std::size_t answer_chaos(const Identity& identity, std::span<const std::uint8_t> octets,
                         const Request& request, const AnswerLimits& limits,
                         std::span<std::uint8_t> out) {
  AnswerSections sections(octets, request, limits, out);
  if (!sections.has_room()) return 0;
  if (request.edns_version != 0) return sections.finish(Rcode::BADVERS, false, false);
  const std::span<const std::uint8_t> text = text_of(identity, request);
  if (text.empty()) return sections.finish(Rcode::REFUSED, false, false, &why::NOT_AUTHORITATIVE);
  const bool fits = sections.put_chaos_txt(text);
  return sections.finish(Rcode::NOERROR, true, !fits);
}

}  // namespace dnsd
