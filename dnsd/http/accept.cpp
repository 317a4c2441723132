#include "dnsd/http/accept.h"

#include <algorithm>

#include "dnsd/http/message.h"

namespace dnsd::http {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// Cuts off what stands before `mark`.
std::string_view take(std::string_view& text, char mark) {
  const std::size_t end = std::min(text.find(mark), text.size());
  const std::string_view part = trim(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

/// RFC 9110 §12.4.2, in thousandths; 0 for what is none.
int weight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
  int value = text[0] == '1' ? 1000 : 0;
  if (text.size() < 2 || text[1] != '.') return value;
  int unit = 100;
  for (const char digit : text.substr(2, 3)) {
    if (digit < '0' || digit > '9') return 0;
    value += (digit - '0') * unit;
    unit /= 10;
  }
  return std::min(value, 1000);
}

/// The weight of a type by its own name; -1 when it is not named.
int weight_of(std::string_view accept, std::string_view type) {
  int best = -1;
  while (!accept.empty()) {
    std::string_view range = take(accept, ',');
    if (!iequals(take(range, ';'), type)) continue;
    int value = 1000;
    while (!range.empty()) {
      const std::string_view parameter = take(range, ';');
      if (parameter.size() > 2 && (parameter[0] == 'q' || parameter[0] == 'Q') &&
          parameter[1] == '=') {
        value = weight(parameter.substr(2));
      }
    }
    best = std::max(best, value);
  }
  return best;
}

}  // namespace

bool prefers_json(std::string_view accept) {
  const int json = weight_of(accept, "application/json");
  return json > 0 && json > weight_of(accept, "text/html");
}

bool names_html(std::string_view accept) { return weight_of(accept, "text/html") > 0; }

}  // namespace dnsd::http
