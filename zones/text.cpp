#include "zones/text.h"

#include <ldns/ldns.h>

#include <algorithm>
#include <memory>

#include "zones/number.h"
#include "zones/presentation.h"
#include "zones/rdata_scanner.h"

namespace zones {
namespace {

struct Free {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
  void operator()(ldns_buffer* buffer) const { ldns_buffer_free(buffer); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// RFC 3597 §5
std::string opaque_text(RdataView rdata) {
  constexpr std::string_view DIGITS = "0123456789abcdef";
  std::string text = "\\# " + std::to_string(rdata.size());
  text.reserve(text.size() + 1 + 2 * rdata.size());
  if (!rdata.empty()) text += ' ';
  for (const std::uint8_t octet : rdata) {
    text += DIGITS[octet >> 4];
    text += DIGITS[octet & 15];
  }
  return text;
}

// What ldns makes of RDATA; empty when it cannot.
std::string ldns_text(Type type, RdataView rdata) {
  // A record of the root, since ldns knows RDATA only inside of records.
  constexpr std::size_t FIXED_OCTETS = 11;
  std::vector<std::uint8_t> wire(FIXED_OCTETS + rdata.size());
  wire[1] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(type) >> 8);
  wire[2] = static_cast<std::uint8_t>(type);
  wire[4] = static_cast<std::uint8_t>(Class::IN);
  wire[9] = static_cast<std::uint8_t>(rdata.size() >> 8);
  wire[10] = static_cast<std::uint8_t>(rdata.size());
  std::ranges::copy(rdata, wire.begin() + FIXED_OCTETS);
  ldns_rr* parsed = nullptr;
  std::size_t at = 0;
  if (ldns_wire2rr(&parsed, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
    return {};
  const Owned<ldns_rr> rr(parsed);
  // ldns does not reckon with the escapes in SvcParams and aborts the program when the buffer is
  // full, so it is made to hold whatever an octet can become.
  constexpr std::size_t MAX_TEXT_PER_OCTET = 8;
  const Owned<ldns_buffer> buffer(ldns_buffer_new(256 + MAX_TEXT_PER_OCTET * rdata.size()));
  if (!buffer || ldns_rr2buffer_str_fmt(buffer.get(), ldns_output_format_nocomments, rr.get()) !=
                     LDNS_STATUS_OK) {
    return {};
  }
  // ". TTL IN TYPE rdata\n", with tabs between.
  std::string_view text(reinterpret_cast<const char*>(ldns_buffer_begin(buffer.get())),
                        ldns_buffer_position(buffer.get()));
  for (int field = 0; field < 4; ++field) {
    const std::size_t tab = text.find('\t');
    if (tab == text.npos) return {};
    text.remove_prefix(tab + 1);
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string one_space(text);
  if (text.find('"') == text.npos) {
    const auto both_spaces = [](char a, char b) { return a == ' ' && b == ' '; };
    one_space.erase(std::unique(one_space.begin(), one_space.end(), both_spaces), one_space.end());
  }
  return one_space;
}

// Types whose text always reads back as the same RDATA: the others are tried each time.
bool is_plain(Type type) {
  switch (type) {
    case Type::A:
    case Type::AAAA:
    case Type::NS:
    case Type::CNAME:
    case Type::DNAME:
    case Type::PTR:
    case Type::MX:
    case Type::SRV:
    case Type::SOA:
      return true;
    default:
      return false;
  }
}

// WKS: services are named by a file of the machine. NXT: ldns writes half of it in a form of its
// own.
bool is_always_opaque(Type type) { return type == Type::WKS || type == Type::NXT; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = c | 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

Result<Rdata, std::string> rdata_from_opaque(std::string_view text) {
  const std::string_view length = take_word(text);
  const auto size = number_from_text<std::uint16_t>(length);
  if (!size) {
    return tl::unexpected(std::string("after \\# comes the number of octets, 0 to 65535"));
  }
  Rdata rdata;
  rdata.reserve(*size);
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = hex_digit(c);
    if (digit < 0)
      return tl::unexpected(
          std::string("after \\# and the number of octets come hexadecimal digits"));
    if (high < 0) {
      high = digit;
    } else {
      rdata.push_back(static_cast<std::uint8_t>(high << 4 | digit));
      high = -1;
    }
    if (rdata.size() > size) break;
  }
  if (high >= 0 || rdata.size() != *size) {
    return tl::unexpected("\\# " + std::to_string(*size) + " wants " + std::to_string(2 * *size) +
                          " hexadecimal digits after it");
  }
  return rdata;
}

bool is_number_up_to(std::string_view word, std::uint64_t most) {
  const auto value = number_from_text<std::uint64_t>(word);
  return value && *value <= most;
}

bool looks_like_number(std::string_view word) {
  return !word.empty() && word.find_first_not_of(
                              "0123456789", word[0] == '-' || word[0] == '+' ? 1 : 0) == word.npos;
}

// ldns takes numbers modulo 2^16, so that port 70000 would become 4464.
std::string number_error(std::string_view word, std::uint64_t most) {
  return "the number " + std::string(word.substr(0, 40)) + " is not between 0 and " +
         std::to_string(most);
}

// Types whose first words are the first fields, each a number or a mnemonic. Those left out write
// them otherwise.
bool has_words_like_fields(Type type) {
  switch (type) {
    case Type::LOC:
    case Type::SIG:
    case Type::RRSIG:
    case Type::HIP:
    case Type::EUI64:
      return false;
    default:
      return true;
  }
}

// The first thing wrong with a number in the text; empty when all are fine.
std::string check_numbers(Type type, std::string_view text) {
  if (!has_words_like_fields(type)) return {};
  for (const Field field : fields(type)) {
    std::uint64_t most = 0;
    switch (field) {
      case Field::U8:
        most = 0xff;
        break;
      case Field::U16:
        most = 0xffff;
        break;
      case Field::U32:
        most = 0xffffffff;
        break;
      case Field::NAME_COMPRESSED:
      case Field::NAME:
      case Field::NAME_KEEP_CASE:
      case Field::STRING:
      case Field::IPV4:
        break;
      case Field::SVC_PARAMS:
        while (!text.empty()) {
          std::string_view word = take_word(text);
          if (!word.starts_with("port=")) continue;
          word.remove_prefix(5);
          if (word.size() > 1 && word.front() == '"' && word.back() == '"')
            word = word.substr(1, word.size() - 2);
          if (!is_number_up_to(word, 0xffff)) return number_error(word, 0xffff);
        }
        return {};
      default:
        return {};
    }
    const std::string_view word = take_word(text);
    std::uint32_t seconds = 0;
    if (most == 0 || word.empty()) continue;
    if (looks_like_number(word) ? !is_number_up_to(word, most)
                                : field == Field::U32 && !parse_seconds(word, seconds)) {
      return number_error(word, most);
    }
  }
  return {};
}

// ldns completes no relative name here.
bool is_relative_gateway(Type type, std::string_view text) {
  if (type != Type::IPSECKEY) return false;
  take_word(text);
  const bool is_name = take_word(text) == "3";  // RFC 4025 §2.3
  take_word(text);
  return is_name && !take_word(text).ends_with('.');
}

std::string wrong(Type type, std::string_view what) {
  return "this is no " + to_text(type) + " record's data: " + std::string(what);
}

Result<Rdata, std::string> rdata_from_ldns(Type type, std::string_view text, NameView origin) {
  // A bit less than what ldns puts into fixed buffers.
  constexpr std::size_t MAX_TEXT_OCTETS = 65000;
  if (text.size() > MAX_TEXT_OCTETS) {
    return tl::unexpected(
        wrong(type, "it is too long; write it as \\# with hexadecimal digits (RFC 3597)"));
  }
  if (is_relative_gateway(type, text)) {
    return tl::unexpected(wrong(type, "the gateway's name must be complete, with a final dot"));
  }
  if (const std::string error = check_numbers(type, text); !error.empty()) {
    return tl::unexpected(wrong(type, error));
  }
  std::string line = ". 0 IN " + to_text(type) + " ";
  line += text;
  ldns_rdf origin_rdf;
  ldns_rdf_set_type(&origin_rdf, LDNS_RDF_TYPE_DNAME);
  ldns_rdf_set_size(&origin_rdf, origin.size());
  ldns_rdf_set_data(&origin_rdf, const_cast<std::uint8_t*>(origin.data()));  // ldns only copies it
  ldns_rr* parsed = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&parsed, line.c_str(), 0, &origin_rdf, nullptr);
  if (status != LDNS_STATUS_OK) return tl::unexpected(wrong(type, ldns_get_errorstr_by_id(status)));
  const Owned<ldns_rr> rr(parsed);
  Rdata rdata;
  for (std::size_t i = 0; i < ldns_rr_rd_count(rr.get()); ++i) {
    const ldns_rdf* const field = ldns_rr_rdf(rr.get(), i);
    const std::uint8_t* const data = ldns_rdf_data(field);
    if (data != nullptr) rdata.insert(rdata.end(), data, data + ldns_rdf_size(field));
  }
  if (rdata.size() > 0xffff) return tl::unexpected(wrong(type, "it takes more than 65,535 octets"));
  if (!is_valid_rdata(type, rdata))
    return tl::unexpected(wrong(type, "a field is missing, too much or out of range"));
  return rdata;
}

}  // namespace

Result<Rdata, std::string> rdata_from_entry(Type type, std::string_view rest, NameView origin) {
  if (is_meta(type)) return tl::unexpected("records of type " + to_text(type) + " have no text");
  std::string_view opaque = rest;
  if (take_word(opaque) != "\\#") return rdata_from_ldns(type, rest, origin);
  Result<Rdata, std::string> rdata = rdata_from_opaque(opaque);
  if (rdata && !is_valid_rdata(type, *rdata)) {
    return tl::unexpected(wrong(type, "the octets after \\# are not well-formed for this type"));
  }
  return rdata;
}

std::string rdata_to_text(Type type, RdataView rdata) {
  if (is_meta(type) || is_always_opaque(type) || !is_valid_rdata(type, rdata))
    return opaque_text(rdata);
  std::string text = ldns_text(type, rdata);
  // ldns leaves a quote in a name as it is.
  if (is_plain(type) && !text.empty() && text.find('"') == text.npos) return text;
  const Result<Rdata, std::string> back = rdata_from_text(type, text);
  if (!back || !std::ranges::equal(*back, rdata)) return opaque_text(rdata);
  return text;
}

Result<Rdata, std::string> rdata_from_text(Type type, std::string_view text, NameView origin) {
  EntryReader reader(text);
  std::string_view entry;
  if (reader.next()) entry = reader.entry();
  Result<Rdata, std::string> rdata;
  if (!reader.error().empty()) {
    rdata = tl::unexpected(wrong(type, reader.error()));
  } else if (!scan_rdata(type, entry, origin, *rdata)) {
    rdata = rdata_from_entry(type, entry, origin);
  }
  if (rdata && (reader.next() || !reader.error().empty())) {
    return tl::unexpected(wrong(type, "there is more than one line"));
  }
  return rdata;
}

std::string record_to_text(const Record& record) {
  std::string text = record.owner.to_text() + ' ' + std::to_string(record.ttl) + ' ' +
                     to_text(record.rrclass) + ' ' + to_text(record.type);
  // Prerequisites and deletions have none (RFC 2136 §2.4, §2.5).
  if (!record.rdata.empty() || record.rrclass == Class::IN)
    text += ' ' + rdata_to_text(record.type, record.rdata);
  return text;
}

}  // namespace zones
