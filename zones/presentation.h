// The lexical side of presentation format (RFC 1035 §5.1): entries over several lines, quotes,
// comments.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

#include "zones/rdata.h"
#include "zones/result.h"

namespace zones {

/// Cuts text into entries, one a line; parentheses join lines. What it gives has no comments,
/// parentheses, tabs or line ends outside of quotes. Escapes and quotes are kept.
class EntryReader {
 public:
  explicit EntryReader(std::string_view text);
  explicit EntryReader(std::istream& in);

  /// The next entry that is not blank. False at the end and after an error.
  bool next();
  /// Begins with a space when the line does (RFC 1035 §5.1: the owner stays the same).
  std::string_view entry() const { return entry_; }
  std::uint64_t line() const { return entry_line_; }  // where the entry begins; 1 is the first
  /// Empty as long as all is well; line() is where it went wrong.
  const std::string& error() const { return error_; }

 private:
  bool refill();
  bool fail(std::string error);
  bool take_plain_line();
  void skip_comment();
  bool copy_quoted();
  bool finish();

  std::istream* in_ = nullptr;
  std::unique_ptr<char[]> buffer_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::uint64_t line_ = 1;
  std::uint64_t entry_line_ = 1;
  std::string entry_;
  std::string error_;
};

/// Takes the first word off an entry: up to a space that is neither quoted nor escaped.
std::string_view take_word(std::string_view& entry);

/// Seconds, or numbers with units as in "1h30m" (w, d, h, m, s). False when it is neither or above
/// 2^32-1.
bool parse_seconds(std::string_view text, std::uint32_t& seconds);

/// RDATA from an entry's rest, by ldns. The error is a sentence. scan_rdata() is the fast way for
/// what is simple.
Result<Rdata, std::string> rdata_from_entry(Type type, std::string_view rest, NameView origin);

}  // namespace zones
