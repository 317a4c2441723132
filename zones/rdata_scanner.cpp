#include "zones/rdata_scanner.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

namespace zones {
namespace {

constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (unsigned c = 'a'; c <= 'z'; ++c) plain[c] = plain[c - 'a' + 'A'] = true;
  for (unsigned c = '0'; c <= '9'; ++c) plain[c] = true;
  plain['-'] = plain['_'] = plain['*'] = true;
  return plain;
}

// Octets that mean nothing but themselves in a name.
constexpr std::array<bool, 256> PLAIN = make_plain();

class Scanner {
 public:
  Scanner(std::string_view entry, Rdata& out)
      : at_(entry.data()), end_(entry.data() + entry.size()), out_(out) {
    out_.clear();
    skip_spaces();
  }

  bool at_end() const { return at_ == end_; }

  bool u16() {
    unsigned value = 0;
    if (!digits(value, 0xffff) || !ends_word()) return false;
    out_.push_back(static_cast<std::uint8_t>(value >> 8));
    out_.push_back(static_cast<std::uint8_t>(value));
    return true;
  }

  bool ipv4() {
    for (int octet = 0; octet < 4; ++octet) {
      if (octet > 0 && !take('.')) return false;
      const char* const start = at_;
      unsigned value = 0;
      if (!digits(value, 255) || (*start == '0' && at_ - start > 1)) return false;
      out_.push_back(static_cast<std::uint8_t>(value));
    }
    return ends_word();
  }

  bool ipv6() {
    std::array<char, INET6_ADDRSTRLEN> text{};  // ends with a zero
    std::size_t size = 0;
    for (; at_ != end_ && *at_ != ' '; ++at_) {
      if (size + 1 == text.size()) return false;
      text[size++] = *at_;
    }
    out_.resize(16);
    return inet_pton(AF_INET6, text.data(), out_.data()) == 1 && ends_word();
  }

  bool name(NameView origin) {
    std::array<std::uint8_t, MAX_NAME_OCTETS> wire;
    std::size_t label = 0;  // where the length of the label being read goes
    std::size_t size = 1;   // octets so far, that one included
    for (; at_ != end_ && *at_ != ' '; ++at_) {
      const auto octet = static_cast<std::uint8_t>(*at_);
      if (octet == '.') {
        if (size - label == 1) return false;
        wire[label] = static_cast<std::uint8_t>(size - label - 1);
        label = size++;
      } else if (PLAIN[octet] && size - label <= MAX_LABEL_OCTETS) {
        wire[size++] = octet;
      } else {
        return false;
      }
      if (size == wire.size()) return false;
    }
    if (size == 1) return false;
    if (size - label == 1) {  // a final dot
      wire[label] = 0;
      out_.insert(out_.end(), wire.data(), wire.data() + size);
    } else {
      wire[label] = static_cast<std::uint8_t>(size - label - 1);
      if (size + origin.size() > MAX_NAME_OCTETS) return false;
      out_.insert(out_.end(), wire.data(), wire.data() + size);
      out_.insert(out_.end(), origin.data(), origin.data() + origin.size());
    }
    return ends_word();
  }

  // One <character-string> in quotes; none of its octets is an escape.
  bool quoted() {
    if (!take('"')) return false;
    const char* const start = at_;
    while (at_ != end_ && *at_ != '"' && *at_ != '\\' && *at_ >= ' ' && *at_ <= '~') ++at_;
    const auto size = static_cast<std::size_t>(at_ - start);
    if (size > 255 || !take('"')) return false;
    out_.push_back(static_cast<std::uint8_t>(size));
    out_.insert(out_.end(), start, start + size);
    return ends_word();
  }

 private:
  bool digits(unsigned& value, unsigned most) {
    const char* const start = at_;
    for (; at_ != end_ && *at_ >= '0' && *at_ <= '9'; ++at_) {
      value = value * 10 + static_cast<unsigned>(*at_ - '0');
      if (value > most) return false;
    }
    return at_ != start;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void skip_spaces() {
    while (at_ != end_ && *at_ == ' ') ++at_;
  }
  bool ends_word() {
    if (at_ != end_ && *at_ != ' ') return false;
    skip_spaces();
    return true;
  }

  const char* at_;
  const char* end_;
  Rdata& out_;
};

}  // namespace

bool scan_rdata(Type type, std::string_view entry, NameView origin, Rdata& out) {
  Scanner scanner(entry, out);
  bool good = false;
  switch (type) {
    case Type::A:
      good = scanner.ipv4();
      break;
    case Type::AAAA:
      good = scanner.ipv6();
      break;
    case Type::NS:
    case Type::CNAME:
    case Type::DNAME:
    case Type::PTR:
      good = scanner.name(origin);
      break;
    case Type::MX:
      good = scanner.u16() && scanner.name(origin);
      break;
    case Type::SRV:
      good = scanner.u16() && scanner.u16() && scanner.u16() && scanner.name(origin);
      break;
    case Type::TXT:
      do good = scanner.quoted();
      while (good && !scanner.at_end());
      good = good && out.size() <= 0xffff;
      break;
    default:
      break;
  }
  return good && scanner.at_end();
}

}  // namespace zones
