#include "zones/presentation.h"

#include <algorithm>
#include <array>
#include <istream>

namespace zones {
namespace {

// What an octet means to take_plain_line().
enum class Octet : std::uint8_t { PLAIN, BLANK, QUOTE, LINE_END, OTHER };

constexpr std::array<Octet, 256> make_octets() {
  std::array<Octet, 256> octets{};
  octets['\t'] = octets['\r'] = Octet::BLANK;  // a space is plain: it stays as it is
  octets['"'] = Octet::QUOTE;
  octets['\n'] = Octet::LINE_END;
  for (const std::uint8_t other : {'\0', ';', '(', ')', '\\'}) octets[other] = Octet::OTHER;
  return octets;
}

constexpr std::array<Octet, 256> OCTETS = make_octets();

Octet octet_of(char c) { return OCTETS[static_cast<std::uint8_t>(c)]; }

constexpr std::size_t BUFFER_OCTETS = 256 * 1024;
// RDATA of 65,535 octets written as \DDD takes 262,140.
constexpr std::size_t MAX_ENTRY_OCTETS = 1024 * 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

EntryReader::EntryReader(std::string_view text)
    : at_(text.data()), end_(text.data() + text.size()) {}

EntryReader::EntryReader(std::istream& in)
    : in_(&in), buffer_(std::make_unique<char[]>(BUFFER_OCTETS)) {}

bool EntryReader::refill() {
  if (at_ != end_) return true;
  if (in_ == nullptr) return false;
  in_->read(buffer_.get(), BUFFER_OCTETS);
  at_ = buffer_.get();
  end_ = at_ + in_->gcount();
  return at_ != end_;
}

bool EntryReader::fail(std::string error) {
  error_ = std::move(error);
  entry_.clear();
  entry_line_ = line_;
  return false;
}

// Up to the line's end, which stays.
void EntryReader::skip_comment() {
  while (refill() && *at_ != '\n') ++at_;
}

// After an opening quote, to and with the closing one.
bool EntryReader::copy_quoted() {
  while (refill()) {
    const char c = *at_++;
    if (c == '\n' || c == '\0') break;
    entry_ += c;
    if (c == '"') return true;
    if (c == '\\' && refill() && *at_ != '\n' && *at_ != '\0') entry_ += *at_++;
    if (entry_.size() > MAX_ENTRY_OCTETS) return fail("the entry is longer than 1 MiB");
  }
  return fail("a quote is not closed on its line");
}

// Most lines by far: an entry, whole in the buffer, without comment, parenthesis or escape. False,
// and nothing taken, for all others.
bool EntryReader::take_plain_line() {
  const char* const end = at_ + std::min(end_ - at_, static_cast<std::ptrdiff_t>(MAX_ENTRY_OCTETS));
  const char* at = at_;
  bool has_blanks = false;
  for (; at != end && octet_of(*at) != Octet::LINE_END; ++at) {
    const Octet octet = octet_of(*at);
    if (octet == Octet::OTHER) return false;
    if (octet == Octet::BLANK) has_blanks = true;
    if (octet != Octet::QUOTE) continue;
    do {
      if (++at == end || *at == '\n' || *at == '\0' || *at == '\\') return false;
    } while (*at != '"');
  }
  if (at == end) return false;
  entry_.assign(at_, at);
  if (has_blanks) {
    bool quoted = false;
    for (char& c : entry_) {
      quoted = quoted != (c == '"');
      if (!quoted && octet_of(c) == Octet::BLANK) c = ' ';
    }
  }
  at_ = at + 1;
  entry_line_ = line_++;
  return true;
}

bool EntryReader::finish() {
  while (!entry_.empty() && entry_.back() == ' ') {
    // A space that is escaped belongs to the last word.
    if (entry_.size() > 1 && entry_[entry_.size() - 2] == '\\') break;
    entry_.pop_back();
  }
  return !entry_.empty();
}

bool EntryReader::next() {
  if (!error_.empty()) return false;
  entry_.clear();
  bool joined = false;  // inside parentheses
  while (refill()) {
    const char c = *at_;
    if (entry_.empty()) {
      entry_line_ = line_;
      if (take_plain_line()) {
        if (finish()) return true;
        entry_.clear();
        continue;
      }
    }
    if (entry_.size() > MAX_ENTRY_OCTETS) return fail("the entry is longer than 1 MiB");
    switch (c) {
      case '\0':
        return fail("there is an octet 0 in the text");
      case '\n':
        ++at_;
        ++line_;
        if (joined) {
          entry_ += ' ';
        } else if (finish()) {
          return true;
        } else {
          entry_.clear();
        }
        break;
      case ';':
        skip_comment();
        break;
      case '(':
      case ')':
        if (joined == (c == '(')) {
          return fail(joined ? "parentheses within parentheses"
                             : "a closing parenthesis without an opening one");
        }
        joined = !joined;
        [[fallthrough]];
      case ' ':
      case '\t':
      case '\r':
        ++at_;
        entry_ += ' ';
        break;
      case '"':
        ++at_;
        entry_ += c;
        if (!copy_quoted()) return false;
        break;
      case '\\':
        ++at_;
        entry_ += c;
        if (!refill() || *at_ == '\n' || *at_ == '\0')
          return fail("a backslash with nothing after it");
        entry_ += *at_++;
        break;
      default:
        ++at_;
        entry_ += c;
        break;
    }
  }
  if (in_ != nullptr && in_->bad()) return fail("cannot read on");
  if (joined) return fail("a parenthesis is not closed");
  return finish();
}

std::string_view take_word(std::string_view& entry) {
  std::size_t start = 0;
  while (start < entry.size() && entry[start] == ' ') ++start;
  bool quoted = false;
  std::size_t end = start;
  for (; end < entry.size() && (quoted || entry[end] != ' '); ++end) {
    if (entry[end] == '"') quoted = !quoted;
    if (entry[end] == '\\' && end + 1 < entry.size()) ++end;
  }
  const std::string_view word = entry.substr(start, end - start);
  while (end < entry.size() && entry[end] == ' ') ++end;
  entry.remove_prefix(end);
  return word;
}

bool parse_seconds(std::string_view text, std::uint32_t& seconds) {
  if (text.empty() || !is_digit(text.front())) return false;
  std::uint64_t total = 0;
  std::uint64_t number = 0;
  bool has_number = false;
  for (const char c : text) {
    if (is_digit(c)) {
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
      has_number = true;
    } else {
      std::uint64_t unit = 0;
      switch (c | 0x20) {
        case 'w':
          unit = 7 * 86400;
          break;
        case 'd':
          unit = 86400;
          break;
        case 'h':
          unit = 3600;
          break;
        case 'm':
          unit = 60;
          break;
        case 's':
          unit = 1;
          break;
        default:
          return false;
      }
      if (!has_number) return false;
      total += number * unit;
      number = 0;
      has_number = false;
    }
    if (number > 0xffffffffU || total > 0xffffffffU) return false;
  }
  total += number;
  seconds = static_cast<std::uint32_t>(total);
  return total <= 0xffffffffU;
}

}  // namespace zones
