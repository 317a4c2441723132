#include "keys/toml_fields.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace keys {
namespace {

/// Edits that turn one word into the other; `_` counts as `-`, and case not at all.
std::size_t distance(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) {
    const auto plain = [](char c) {
      return c == '_' ? '-' : static_cast<char>(zones::lower(static_cast<std::uint8_t>(c)));
    };
    return plain(x) == plain(y);
  };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string join(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

std::string to_text(std::chrono::milliseconds time) {
  if (time.count() % 3'600'000 == 0) return std::to_string(time.count() / 3'600'000) + "h";
  if (time.count() % 60'000 == 0) return std::to_string(time.count() / 60'000) + "min";
  if (time.count() % 1'000 == 0) return std::to_string(time.count() / 1'000) + "s";
  return std::to_string(time.count()) + "ms";
}

bool duration_from_text(std::string_view text, std::chrono::milliseconds& value) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  constexpr Unit UNITS[] = {{"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}};
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return false;
  const std::string_view unit(at, static_cast<std::size_t>(end - at));
  for (const Unit& known : UNITS) {
    if (unit != known.name) continue;
    value = std::chrono::milliseconds(number * known.milliseconds);
    return true;
  }
  return false;
}

std::vector<TomlProblem> sorted(std::vector<TomlProblem> problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const TomlProblem& a, const TomlProblem& b) { return a.line < b.line; });
  return problems;
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_octets) {
  std::string shown;
  for (const char c : text.substr(0, max_octets)) {
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return text.size() > max_octets ? shown + "…" : shown;
}

std::string TomlProblem::to_text() const {
  std::string text = file.string();
  if (line != 0) text += ":" + std::to_string(line);
  return text + ": " + what;
}

std::vector<TomlProblem> TomlProblems::take_errors() { return sorted(std::move(errors_)); }
std::vector<TomlProblem> TomlProblems::take_warnings() { return sorted(std::move(warnings_)); }

std::size_t line_of(const toml::node& node) { return node.source().begin.line; }

std::string type_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none:
      return "nothing";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a floating-point number";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time";
    case toml::node_type::date_time:
      return "a date and time";
  }
  return "something else";
}

std::string TomlFields::quoted(std::string_view name) const {
  std::string text = "'" + printable(name) + "'";
  if (!where_.empty()) text += " in " + where_;
  return text;
}

const toml::node* TomlFields::take(std::string_view name) {
  known_.push_back(name);
  return table_.get(name);
}

const toml::node* TomlFields::string(std::string_view name, std::string& value) {
  const toml::node* node = take(name);
  if (!node) return nullptr;
  if (const auto* text = node->as_string()) {
    value = text->get();
    return node;
  }
  error(node, name, "must be a string in double quotes, not " + type_of(*node));
  return nullptr;
}

const toml::node* TomlFields::boolean(std::string_view name, bool& value) {
  const toml::node* node = take(name);
  if (!node) return nullptr;
  if (const auto* boolean = node->as_boolean()) {
    value = boolean->get();
    return node;
  }
  error(node, name, "must be true or false, not " + type_of(*node));
  return nullptr;
}

const toml::node* TomlFields::integer(std::string_view name, std::uint64_t& value,
                                      std::uint64_t min, std::uint64_t max) {
  const toml::node* node = take(name);
  if (!node) return nullptr;
  const std::string want =
      "must be an integer from " + std::to_string(min) + " to " + std::to_string(max) + ", not ";
  const auto* integer = node->as_integer();
  if (!integer) {
    error(node, name, want + type_of(*node));
    return nullptr;
  }
  const std::int64_t number = integer->get();
  if (number < 0 || static_cast<std::uint64_t>(number) < min ||
      static_cast<std::uint64_t>(number) > max) {
    error(node, name, want + std::to_string(number));
    return nullptr;
  }
  value = static_cast<std::uint64_t>(number);
  return node;
}

const toml::node* TomlFields::duration(std::string_view name, std::chrono::milliseconds& value,
                                       std::chrono::milliseconds min,
                                       std::chrono::milliseconds max) {
  const toml::node* node = take(name);
  if (!node) return nullptr;
  const std::string want = "must be a time from \"" + to_text(min) + "\" to \"" + to_text(max) +
                           "\", a number with ms, s, min or h, not ";
  const auto* text = node->as_string();
  if (!text) {
    error(node, name, want + type_of(*node));
    return nullptr;
  }
  std::chrono::milliseconds time{};
  if (!duration_from_text(text->get(), time) || time < min || time > max) {
    error(node, name, want + "\"" + printable(text->get()) + "\"");
    return nullptr;
  }
  value = time;
  return node;
}

const toml::node* TomlFields::domain_name(std::string_view name, zones::Name& value) {
  std::string text;
  const toml::node* node = string(name, text);
  if (!node) return nullptr;
  const auto parsed = zones::Name::from_text(text);
  if (!parsed) {
    error(node, name,
          "is no domain name: \"" + printable(text) + "\": " + zones::to_text(parsed.error()));
    return nullptr;
  }
  if (text.empty()) {
    error(node, name, "is empty; the root zone is \".\"");
    return nullptr;
  }
  value = *parsed;
  return node;
}

const toml::node* TomlFields::strings(
    std::string_view name,
    const std::function<void(const toml::node& node, const std::string& text)>& take_one) {
  const toml::node* node = take(name);
  if (!node) return nullptr;
  bool right = true;
  const auto one = [&](const toml::node& element) {
    if (const auto* text = element.as_string()) return take_one(element, text->get());
    right = false;
    error(&element, name, "must be a list of strings in double quotes, not " + type_of(element));
  };
  if (const auto* array = node->as_array()) {
    for (const toml::node& element : *array) one(element);
    if (array->empty()) {
      right = false;
      error(node, name, "is empty: leave it out, or name at least one");
    }
  } else {
    one(*node);
  }
  return right ? node : nullptr;
}

const toml::table* TomlFields::table(std::string_view name) {
  const toml::node* node = take(name);
  if (!node) return nullptr;
  if (const auto* inner = node->as_table()) return inner;
  error(node, name, "must be a table, written [" + std::string(name) + "], not " + type_of(*node));
  return nullptr;
}

std::vector<const toml::table*> TomlFields::tables(std::string_view name) {
  std::vector<const toml::table*> found;
  const toml::node* node = take(name);
  if (!node) return found;
  const auto wrong = [&](const toml::node& what) {
    const std::string prefix = where_ == "[[zone]]" ? "zone." : "";
    error(&what, name,
          "must be a list of tables, each written [[" + prefix + std::string(name) + "]], not " +
              type_of(what));
  };
  const auto* array = node->as_array();
  if (!array) {
    wrong(*node);
    return found;
  }
  for (const toml::node& element : *array) {
    if (const auto* inner = element.as_table()) {
      found.push_back(inner);
    } else {
      wrong(element);
    }
  }
  return found;
}

void TomlFields::missing(std::string_view name, std::string_view why) {
  problems_.error(line(), quoted(name) + " is missing: " + std::string(why));
}

void TomlFields::error(const toml::node* node, std::string_view name, const std::string& what) {
  problems_.error(node ? line_of(*node) : line(), quoted(name) + " " + what);
}

void TomlFields::warning(const toml::node* node, std::string_view name, const std::string& what) {
  problems_.warning(node ? line_of(*node) : line(), quoted(name) + " " + what);
}

void TomlFields::finish() {
  constexpr std::size_t CLOSE = 2;  // edits
  for (const auto& [key, node] : table_) {
    const std::string_view name = key.str();
    if (std::ranges::find(known_, name) != known_.end()) continue;
    std::string_view nearest;
    std::size_t edits = CLOSE + 1;
    for (const std::string_view known : known_) {
      // A word that changes whole is no slip of the pen.
      const std::size_t apart = distance(name, known);
      if (apart < edits && apart < known.size() / 2 + 1) {
        edits = apart;
        nearest = known;
      }
    }
    const std::string what = "unknown field " + quoted(name);
    // The key knows its own place; a table's node would name the line of its header.
    const std::size_t line = key.source().begin.line != 0 ? key.source().begin.line : line_of(node);
    if (!nearest.empty()) {
      problems_.error(line, what + ": did you mean '" + std::string(nearest) + "'?");
    } else {
      problems_.error(line, what + "; known here: " + join(known_));
    }
  }
}

}  // namespace keys
