// A line of a script, word by word, and what several commands read of it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "zones/message.h"

namespace dnsd_update {

/// A line's words, separated by blanks; nothing is quoted but in RDATA, which is taken by rest().
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  /// Empty at the end of the line.
  std::string_view next();
  /// The same without taking it.
  std::string_view peek() const { return Words(text_).next(); }
  /// To the end of the line, without blanks around it.
  std::string_view rest();

 private:
  void skip_blanks();
  std::string_view text_;
};

/// Equal, whatever the case.
bool is(std::string_view word, std::string_view expected);
bool is_any_of(std::string_view word, std::initializer_list<std::string_view> expected);
std::string quoted(std::string_view word);

/// Reads RDATA of the record's type into it; in a script semicolons begin no comment there, and
/// parentheses join no lines. @return a sentence when it cannot
std::optional<std::string> read_rdata(zones::Record& record, std::string_view text);

}  // namespace dnsd_update
