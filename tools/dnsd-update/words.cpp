#include "tools/dnsd-update/words.h"

#include <strings.h>

#include <algorithm>
#include <utility>

#include "zones/text.h"

namespace dnsd_update {
namespace {

constexpr std::string_view BLANKS = " \t\r\n";

/// `TXT v=DKIM1; k=rsa` has two strings.
std::string escape_zone_file_signs(std::string_view text) {
  std::string result;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (!quoted && std::string_view(";()").find(text[i]) != std::string_view::npos) result += '\\';
    result += text[i];
    if (text[i] == '\\' && i + 1 < text.size()) result += text[++i];
  }
  return result;
}

}  // namespace

std::string_view Words::next() {
  skip_blanks();
  const std::size_t size = std::min(text_.find_first_of(BLANKS), text_.size());
  const std::string_view word = text_.substr(0, size);
  text_.remove_prefix(size);
  return word;
}

std::string_view Words::rest() {
  skip_blanks();
  const std::size_t last = text_.find_last_not_of(BLANKS);
  return last == std::string_view::npos ? std::string_view{} : text_.substr(0, last + 1);
}

void Words::skip_blanks() {
  text_.remove_prefix(std::min(text_.find_first_not_of(BLANKS), text_.size()));
}

bool is(std::string_view word, std::string_view expected) {
  return word.size() == expected.size() &&
         strncasecmp(word.data(), expected.data(), word.size()) == 0;
}

bool is_any_of(std::string_view word, std::initializer_list<std::string_view> expected) {
  return std::ranges::any_of(expected, [word](std::string_view one) { return is(word, one); });
}

std::string quoted(std::string_view word) { return "'" + std::string(word) + "'"; }

std::optional<std::string> read_rdata(zones::Record& record, std::string_view text) {
  if (zones::is_meta(record.type)) {
    return "invalid rdata format: " + zones::to_text(record.type) + " is not a type of records";
  }
  auto rdata = zones::rdata_from_text(record.type, escape_zone_file_signs(text));
  if (!rdata) return "invalid rdata format: " + rdata.error();
  record.rdata = std::move(*rdata);
  return std::nullopt;
}

}  // namespace dnsd_update
