#include "zones/name.h"

#include <algorithm>

namespace zones {
namespace {

constexpr std::array<std::uint8_t, 256> LOWER = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = lower(static_cast<std::uint8_t>(i));
  return table;
}();

/// Length octets are below 'A', so folding every octet of two wire forms compares them as names.
bool equal_folded(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i] && LOWER[a[i]] != LOWER[b[i]]) return false;
  }
  return true;
}

/// Offsets of the labels of a name, the root label excluded.
struct Labels {
  std::array<std::uint8_t, 127> at;
  std::size_t count = 0;
  explicit Labels(NameView name) {
    const std::uint8_t* octets = name.data();
    for (std::size_t i = 0; octets[i] != 0; i += octets[i] + 1U) {
      at[count++] = static_cast<std::uint8_t>(i);
    }
  }
};

std::strong_ordering compare_labels(const std::uint8_t* a, const std::uint8_t* b) {
  const std::size_t common = std::min(a[0], b[0]);
  for (std::size_t i = 1; i <= common; ++i) {
    if (const auto order = LOWER[a[i]] <=> LOWER[b[i]]; order != 0) return order;
  }
  return a[0] <=> b[0];
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// RFC 1035 §5.1: \X, and \DDD up to 255. `at` is at the backslash, and then after the escape.
Result<std::uint8_t, NameError> read_escape(std::string_view text, std::size_t& at) {
  if (at + 1 >= text.size()) return tl::unexpected(NameError::BAD_ESCAPE);
  const char first = text[at + 1];
  if (!is_digit(first)) {
    at += 2;
    return static_cast<std::uint8_t>(first);
  }
  if (at + 3 >= text.size() || !is_digit(text[at + 2]) || !is_digit(text[at + 3])) {
    return tl::unexpected(NameError::BAD_ESCAPE);
  }
  const int value = (first - '0') * 100 + (text[at + 2] - '0') * 10 + (text[at + 3] - '0');
  if (value > 255) return tl::unexpected(NameError::BAD_ESCAPE);
  at += 4;
  return static_cast<std::uint8_t>(value);
}

void append_escaped(std::string& out, std::uint8_t octet) {
  switch (octet) {
    case '.':
    case '\\':
    case '"':
    case '(':
    case ')':
    case ';':
    case '@':
    case '$':
      out += '\\';
      out += static_cast<char>(octet);
      return;
    default:
      break;
  }
  if (octet > 0x20 && octet < 0x7f) {
    out += static_cast<char>(octet);
    return;
  }
  out += '\\';
  out += static_cast<char>('0' + octet / 100);
  out += static_cast<char>('0' + octet / 10 % 10);
  out += static_cast<char>('0' + octet % 10);
}

}  // namespace

const char* to_text(NameError error) {
  switch (error) {
    case NameError::LABEL_TOO_LONG:
      return "a label is longer than 63 octets";
    case NameError::NAME_TOO_LONG:
      return "the name is longer than 255 octets";
    case NameError::EMPTY_LABEL:
      return "a label is empty";
    case NameError::BAD_ESCAPE:
      return "an escape is neither \\DDD up to 255 nor \\X";
    case NameError::TRUNCATED:
      return "the name has no end";
    case NameError::BAD_LABEL_TYPE:
      return "a label's length has its upper bits set";
  }
  return "unknown error";
}

std::size_t NameView::label_count() const {
  std::size_t count = 0;
  for (const std::uint8_t* at = octets_; *at != 0; at += *at + 1) ++count;
  return count;
}

NameView NameView::parent() const {
  if (is_root()) return *this;
  const std::size_t first = octets_[0] + 1U;
  return {octets_ + first, size_ - first};
}

NameView NameView::without(std::size_t labels) const {
  NameView name = *this;
  while (labels-- > 0) name = name.parent();
  return name;
}

bool NameView::is_at_or_below(NameView ancestor) const {
  if (ancestor.size_ > size_) return false;
  const std::uint8_t* suffix = octets_ + (size_ - ancestor.size_);
  const std::uint8_t* at = octets_;
  while (at < suffix) at += *at + 1;  // the suffix must begin at a label
  return at == suffix && equal_folded(suffix, ancestor.octets_, ancestor.size_);
}

std::string NameView::to_text() const {
  if (is_root()) return ".";
  std::string out;
  out.reserve(size_);
  for (const std::uint8_t* at = octets_; *at != 0; at += *at + 1) {
    for (std::size_t i = 1; i <= *at; ++i) append_escaped(out, at[i]);
    out += '.';
  }
  return out;
}

bool operator==(NameView a, NameView b) {
  return a.size_ == b.size_ && equal_folded(a.octets_, b.octets_, a.size_);
}

std::strong_ordering operator<=>(NameView a, NameView b) {
  const Labels left(a);
  const Labels right(b);
  const std::size_t common = std::min(left.count, right.count);
  for (std::size_t i = 1; i <= common; ++i) {
    const auto order =
        compare_labels(a.octets_ + left.at[left.count - i], b.octets_ + right.at[right.count - i]);
    if (order != 0) return order;
  }
  return left.count <=> right.count;
}

Result<Name, NameError> Name::from_wire(std::span<const std::uint8_t> octets) {
  std::size_t size = 0;
  for (;;) {
    if (size >= octets.size()) return tl::unexpected(NameError::TRUNCATED);
    const std::uint8_t label = octets[size];
    if (label > MAX_LABEL_OCTETS) return tl::unexpected(NameError::BAD_LABEL_TYPE);
    size += label + 1U;
    if (size > MAX_NAME_OCTETS) return tl::unexpected(NameError::NAME_TOO_LONG);
    if (label == 0) break;
  }
  return Name(NameView(octets.data(), size));
}

Result<Name, NameError> Name::from_text(std::string_view text, NameView origin) {
  if (text == ".") return Name();
  if (text == "@") return Name(origin);
  if (text.empty()) return tl::unexpected(NameError::EMPTY_LABEL);
  Name name;
  std::size_t label = 0;  // offset of the length octet of the label being read
  std::size_t size = 1;   // octets so far, that length octet included
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '.') {
      if (size - label == 1) return tl::unexpected(NameError::EMPTY_LABEL);
      name.octets_[label] = static_cast<std::uint8_t>(size - label - 1);
      label = size++;
      ++i;
      if (label >= MAX_NAME_OCTETS) return tl::unexpected(NameError::NAME_TOO_LONG);
      continue;
    }
    std::uint8_t octet = 0;
    if (text[i] == '\\') {
      const auto escaped = read_escape(text, i);
      if (!escaped) return tl::unexpected(escaped.error());
      octet = *escaped;
    } else {
      octet = static_cast<std::uint8_t>(text[i++]);
    }
    if (size - label > MAX_LABEL_OCTETS) return tl::unexpected(NameError::LABEL_TOO_LONG);
    if (size >= MAX_NAME_OCTETS) return tl::unexpected(NameError::NAME_TOO_LONG);
    name.octets_[size++] = octet;
  }
  if (size - label == 1) {  // the text ended with a dot
    name.octets_[label] = 0;
    name.size_ = static_cast<std::uint8_t>(size);
    return name;
  }
  name.octets_[label] = static_cast<std::uint8_t>(size - label - 1);
  if (size + origin.size() > MAX_NAME_OCTETS) return tl::unexpected(NameError::NAME_TOO_LONG);
  std::memcpy(name.octets_.data() + size, origin.data(), origin.size());
  name.size_ = static_cast<std::uint8_t>(size + origin.size());
  return name;
}

Result<Name, NameError> Name::join(NameView prefix, NameView suffix) {
  const std::size_t size = prefix.size() - 1 + suffix.size();
  if (size > MAX_NAME_OCTETS) return tl::unexpected(NameError::NAME_TOO_LONG);
  Name name;
  std::memcpy(name.octets_.data(), prefix.data(), prefix.size() - 1);
  std::memcpy(name.octets_.data() + prefix.size() - 1, suffix.data(), suffix.size());
  name.size_ = static_cast<std::uint8_t>(size);
  return name;
}

Name Name::lowered() const {
  Name name;
  name.size_ = size_;
  std::transform(octets_.begin(), octets_.begin() + size_, name.octets_.begin(),
                 [](std::uint8_t octet) { return LOWER[octet]; });
  return name;
}

std::size_t NameHash::operator()(NameView name) const {
  // FNV-1a. Tables keyed by it hold configured zones and keys, not names that strangers choose.
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::uint8_t octet : name.wire()) {
    hash = (hash ^ LOWER[octet]) * 0x100000001b3U;
  }
  return hash;
}

}  // namespace zones
