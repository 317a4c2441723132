#include "keys/toml_file.h"

#include <algorithm>
#include <string>
#include <vector>

namespace keys {
namespace {

/// A parser's message may quote the line it is about, and that line may hold a secret.
std::string syntax_error(const toml::parse_error& error, std::string_view text) {
  std::size_t line = error.source().begin.line;
  std::string_view rest = text;
  for (; line > 1 && !rest.empty(); --line) {
    const std::size_t end = rest.find('\n');
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  if (rest.substr(0, rest.find('\n')).find("secret") != std::string_view::npos) {
    return "this is not TOML: a secret is written in double quotes, as secret = \"…\"";
  }
  std::string what(error.description());
  std::ranges::replace_if(
      what, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return "this is not TOML: " + what;
}

/// Where the parser gave up by an assertion, which has no place: the first line with which it does.
std::size_t asserting_line(std::string_view text) {
  std::vector<std::size_t> ends;  // of lines
  for (std::size_t at = text.find('\n'); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    ends.push_back(at + 1);
  }
  ends.push_back(text.size());
  const auto asserts = [&](std::size_t end) {
    try {
      static_cast<void>(toml::parse(text.substr(0, end)));
    } catch (const TomlAssertion&) {
      return true;
    } catch (const toml::parse_error&) {
      return false;
    }
    return false;
  };
  const auto first =
      std::ranges::partition_point(ends, [&](std::size_t end) { return !asserts(end); });
  return static_cast<std::size_t>(first - ends.begin()) + 1;
}

}  // namespace

void read_toml(std::string_view text, TomlProblems& problems,
               const std::function<void(const toml::table& top)>& read) {
  try {
    const toml::table table = toml::parse(text);
    read(table);
  } catch (const toml::parse_error& error) {
    problems.error(error.source().begin.line, syntax_error(error, text));
  } catch (const TomlAssertion&) {
    problems.error(asserting_line(text), "this is not TOML");
  }
}

}  // namespace keys
