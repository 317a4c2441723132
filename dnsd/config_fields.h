// Fields of one TOML table: takes them one by one, says what is wrong with each, and at the end
// which nobody knows. Private to config.cpp and its parts.
#pragma once


#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dnsd/config.h"
#include "dnsd/toml.h"

namespace dnsd {

/// Where problems are gathered. One a file.
class ConfigProblems {
 public:
  explicit ConfigProblems(std::filesystem::path file) : file_(std::move(file)) {}
  void error(std::size_t line, std::string what) {
    errors_.push_back({file_, line, std::move(what)});
  }
  void warning(std::size_t line, std::string what) {
    warnings_.push_back({file_, line, std::move(what)});
  }
  const std::filesystem::path& file() const { return file_; }
  /// Both in the order of lines.
  std::vector<ConfigProblem> take_errors();
  std::vector<ConfigProblem> take_warnings();

 private:
  std::filesystem::path file_;
  std::vector<ConfigProblem> errors_;
  std::vector<ConfigProblem> warnings_;
};

std::size_t line_of(const toml::node& node);
/// "a string", "an integer", "a table", …
std::string type_of(const toml::node& node);

/// One table. A field that is absent leaves the value, which holds the default. Each function
/// returns the field's node when it was there and right, so that checks across fields can name its
/// line.
class ConfigFields {
 public:
  /// @param where  "[tcp]", "[[zone]]", or empty for the top level
  ConfigFields(const toml::table& table, std::string where, ConfigProblems& problems)
      : table_(table), where_(std::move(where)), problems_(problems) {}

  const toml::node* string(std::string_view name, std::string& value);
  const toml::node* boolean(std::string_view name, bool& value);
  const toml::node* integer(std::string_view name, std::uint64_t& value, std::uint64_t min,
                            std::uint64_t max);
  template <class T>
  const toml::node* integer(std::string_view name, T& value, std::uint64_t min, std::uint64_t max) {
    std::uint64_t wide = value;
    const toml::node* node = integer(name, wide, min, max);
    value = static_cast<T>(wide);
    return node;
  }
  /// "500ms", "10s", "5min", "1h".
  const toml::node* duration(std::string_view name, std::chrono::milliseconds& value,
                             std::chrono::milliseconds min, std::chrono::milliseconds max);
  /// A domain name; relative ones count as absolute.
  const toml::node* domain_name(std::string_view name, zones::Name& value);
  /// An array of "address:port", or one of them.
  const toml::node* endpoints(std::string_view name, std::vector<Endpoint>& value);
  /// `[name]`; nullptr when it is absent or no table.
  const toml::table* table(std::string_view name);
  /// `[[name]]`: the tables in it; what is no table is an error.
  std::vector<const toml::table*> tables(std::string_view name);
  /// Says that a required field is not there.
  void missing(std::string_view name, std::string_view why);
  void error(const toml::node* node, std::string_view name, const std::string& what);
  void warning(const toml::node* node, std::string_view name, const std::string& what);
  /// Says which fields nobody took, with what they may have meant.
  void finish();

  std::size_t line() const { return line_of(table_); }
  ConfigProblems& problems() { return problems_; }

 private:
  const toml::node* take(std::string_view name);
  std::string quoted(std::string_view name) const;

  const toml::table& table_;
  const std::string where_;
  ConfigProblems& problems_;
  std::vector<std::string_view> known_;
};

}  // namespace dnsd
