// What is wrong, or odd, in a configuration file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace keys {

/// Something wrong (or odd, for a warning) at a place of a file.
struct TomlProblem {
  std::filesystem::path file;
  std::size_t line = 0;  // 0: the file as a whole
  std::string what;      // a sentence that says what would be right
  /// "dnsd.toml:12: unknown field 'lisen': did you mean 'listen'?"
  std::string to_text() const;
};

/// Where problems are gathered. One a file.
class TomlProblems {
 public:
  explicit TomlProblems(std::filesystem::path file) : file_(std::move(file)) {}
  void error(std::size_t line, std::string what) {
    errors_.push_back({file_, line, std::move(what)});
  }
  void warning(std::size_t line, std::string what) {
    warnings_.push_back({file_, line, std::move(what)});
  }
  const std::filesystem::path& file() const { return file_; }
  /// Both in the order of lines.
  std::vector<TomlProblem> take_errors();
  std::vector<TomlProblem> take_warnings();

 private:
  std::filesystem::path file_;
  std::vector<TomlProblem> errors_;
  std::vector<TomlProblem> warnings_;
};

}  // namespace keys
