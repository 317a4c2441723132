#include "zones/zone_parser.h"

#include <algorithm>

#include "zones/rdata_scanner.h"

namespace zones {
namespace {

std::string quoted(std::string_view word) {
  constexpr std::size_t MOST_OCTETS = 60;
  std::string text = "'";
  for (const char c : word.substr(0, MOST_OCTETS)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (word.size() > MOST_OCTETS ? "…'" : "'");
}

}  // namespace

bool ZoneParser::next() {
  while (entries_.next()) {
    const std::string_view entry = entries_.entry();
    if (entry.front() != '$') return record(entry);
    if (!directive(entry)) return false;
  }
  error_ = entries_.error();
  return false;
}

bool ZoneParser::directive(std::string_view entry) {
  std::string_view rest = entry;
  const std::string_view keyword = take_word(rest);
  const std::string_view value = take_word(rest);
  if (keyword == "$ORIGIN") {
    const auto name = Name::from_text(value, origin_);
    if (value.empty() || !rest.empty() || !name) return fail("$ORIGIN wants one name after it");
    origin_ = *name;
    owner_word_.clear();
    return true;
  }
  if (keyword == "$TTL") {
    std::uint32_t seconds = 0;
    if (!rest.empty() || !parse_seconds(value, seconds) || seconds > MAX_TTL) {
      return fail(
          "$TTL wants a time after it, such as 300 or 1h, at most 2147483647 seconds (RFC 2181 "
          "§8)");
    }
    default_ttl_ = seconds;
    return true;
  }
  if (keyword == "$INCLUDE")
    return fail("$INCLUDE is not supported; put the other file's content here");
  return fail(quoted(keyword) + " is not supported; $ORIGIN and $TTL are");
}

bool ZoneParser::parse_owner(std::string_view& entry) {
  if (entry.front() == ' ') {
    return has_owner_ ||
           fail(
               "the first record has no owner: a line that begins with a space goes on with the "
               "owner of the one before");
  }
  const std::string_view word = take_word(entry);
  if (has_owner_ && word == owner_word_) return true;
  const auto name = Name::from_text(word, origin_);
  if (!name) return fail(quoted(word) + " is no name: " + to_text(name.error()));
  if (!name->is_at_or_below(apex_)) {
    return fail(name->to_text() + " is not in the zone " + apex_.to_text());
  }
  owner = *name;
  owner_word_ = word;
  has_owner_ = true;
  return true;
}

bool ZoneParser::choose_ttl(const std::optional<std::uint32_t>& explicit_ttl) {
  if (explicit_ttl) {
    last_ttl_ = explicit_ttl;
  } else if (default_ttl_) {
    last_ttl_ = default_ttl_;
  } else if (!last_ttl_) {
    // RFC 1035 §5.1 has none for the first record; the SOA's MINIMUM was the default before RFC
    // 2308 §4.
    if (type != Type::SOA) return fail("no TTL: put a line such as '$TTL 300' before");
    last_ttl_ = std::min(read_soa(rdata).minimum, MAX_TTL);
  }
  ttl = *last_ttl_;
  return true;
}

bool ZoneParser::record(std::string_view entry) {
  if (!parse_owner(entry)) return false;
  std::optional<std::uint32_t> explicit_ttl;
  bool has_class = false;
  std::string_view word = take_word(entry);
  // TTL and class come in either order (RFC 1035 §5.1).
  for (;; word = take_word(entry)) {
    std::uint32_t seconds = 0;
    Class rrclass{};
    if (!explicit_ttl && !word.empty() && word.front() >= '0' && word.front() <= '9') {
      if (!parse_seconds(word, seconds) || seconds > MAX_TTL) {
        return fail(quoted(word) + " is no TTL; at most 2147483647 seconds (RFC 2181 §8)");
      }
      explicit_ttl = seconds;
    } else if (!has_class && class_from_text(word, rrclass) && rrclass != Class::ANY) {
      if (rrclass != Class::IN)
        return fail("the class is " + to_text(rrclass) + ", and only IN is served");
      has_class = true;
    } else {
      break;
    }
  }
  if (word.empty()) return fail("a record without a type");
  if (!type_from_text(word, type)) return fail(quoted(word) + " is no type of record");
  if (is_meta(type)) return fail(to_text(type) + " is no type of record that a zone can hold");
  if (type == Type::SOA && !(owner == apex_))
    return fail("an SOA record belongs to " + apex_.to_text() + " only");
  if (!scan_rdata(type, entry, origin_, rdata)) {
    Result<Rdata, std::string> parsed = rdata_from_entry(type, entry, origin_);
    if (!parsed) return fail(parsed.error());
    rdata = std::move(*parsed);
  }
  return choose_ttl(explicit_ttl);
}

}  // namespace zones
