// Fields of one TOML table: takes them one by one, says what is wrong with each, and at the end
// which nobody knows.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/toml.h"
#include "keys/toml_problems.h"
#include "zones/name.h"

namespace keys {

std::size_t line_of(const toml::node& node);
/// "a string", "an integer", "a table", …
std::string type_of(const toml::node& node);
/// A text of the file as it may be printed: it must not be able to forge lines.
std::string printable(std::string_view text, std::size_t max_octets = 60);

/// One table. A field that is absent leaves the value, which holds the default. Each function
/// returns the field's node when it was there and right, so that checks across fields can name its
/// line.
class TomlFields {
 public:
  /// @param where  "[tcp]", "[[zone]]", or empty for the top level
  TomlFields(const toml::table& table, std::string where, TomlProblems& problems)
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
  /// An array of strings, or one of them; `take_one` gets each with its node and says itself what
  /// is wrong with it. An empty array is an error.
  const toml::node* strings(
      std::string_view name,
      const std::function<void(const toml::node& node, const std::string& text)>& take_one);
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

  bool has(std::string_view name) const { return table_.contains(name); }
  /// The field as it is in the file; nullptr when it is absent.
  const toml::node* node(std::string_view name) const { return table_.get(name); }
  std::size_t line() const { return line_of(table_); }
  TomlProblems& problems() { return problems_; }

 protected:
  /// The field's node, which is known from here on; nullptr when it is absent.
  const toml::node* take(std::string_view name);

 private:
  std::string quoted(std::string_view name) const;

  const toml::table& table_;
  const std::string where_;
  TomlProblems& problems_;
  std::vector<std::string_view> known_;
};

}  // namespace keys
