#include "keys/key_file_parsers.h"

#include <algorithm>
#include <utility>

namespace keys {
namespace {

constexpr std::string_view WHITE_SPACE = " \t\r\n\f\v";

/// Words, quoted strings and the signs { } ; of named.conf, without its three kinds of comments.
class NamedConfLexer {
 public:
  explicit NamedConfLexer(std::string_view text) : text_(text) {}

  struct Token {
    enum class Kind : std::uint8_t { END, WORD, STRING, SIGN, UNTERMINATED } kind = Kind::END;
    std::string_view text;  // a string without its quotes
    bool is(char sign) const { return kind == Kind::SIGN && text[0] == sign; }
    bool is_value() const { return kind == Kind::WORD || kind == Kind::STRING; }
  };

  Token next() {
    if (!skip_blanks()) return {Token::Kind::UNTERMINATED, "/*"};
    if (offset_ == text_.size()) return {};
    const std::size_t start = offset_;
    if (is_sign(text_[offset_])) return {Token::Kind::SIGN, text_.substr(offset_++, 1)};
    if (text_[offset_] == '"') return quoted();
    while (offset_ < text_.size() && !is_sign(text_[offset_]) && text_[offset_] != '"' &&
           WHITE_SPACE.find(text_[offset_]) == std::string_view::npos && !at_comment()) {
      ++offset_;
    }
    return {Token::Kind::WORD, text_.substr(start, offset_ - start)};
  }

  /// Counts on from the last call, since a file may hold a hundred thousand keys.
  std::size_t line() {
    const auto passed = text_.substr(counted_, offset_ - counted_);
    line_ += static_cast<std::size_t>(std::ranges::count(passed, '\n'));
    counted_ = offset_;
    return line_;
  }

 private:
  static bool is_sign(char octet) { return octet == '{' || octet == '}' || octet == ';'; }
  bool starts(std::string_view what) const { return text_.substr(offset_).starts_with(what); }
  bool at_comment() const { return starts("#") || starts("//") || starts("/*"); }

  Token quoted() {
    const std::size_t start = ++offset_;
    for (; offset_ < text_.size() && text_[offset_] != '\n'; ++offset_) {
      if (text_[offset_] == '\\') {
        ++offset_;
      } else if (text_[offset_] == '"') {
        return {Token::Kind::STRING, text_.substr(start, offset_++ - start)};
      }
    }
    offset_ = std::min(offset_, text_.size());
    return {Token::Kind::UNTERMINATED, "\""};
  }

  /// False when a comment does not end.
  bool skip_blanks() {
    while (offset_ < text_.size()) {
      if (WHITE_SPACE.find(text_[offset_]) != std::string_view::npos) {
        ++offset_;
      } else if (starts("#") || starts("//")) {
        offset_ = std::min(text_.find('\n', offset_), text_.size());
      } else if (starts("/*")) {
        const std::size_t end = text_.find("*/", offset_ + 2);
        if (end == std::string_view::npos) return false;
        offset_ = end + 2;
      } else {
        break;
      }
    }
    return true;
  }

  std::string_view text_;
  std::size_t offset_ = 0;
  std::size_t counted_ = 0;
  std::size_t line_ = 1;
};

class NamedConfParser {
 public:
  NamedConfParser(std::string_view text, const std::string& file) : lexer_(text), file_(file) {}

  KeysOrError parse() {
    std::vector<TsigKey> keys;
    advance();
    while (token_.kind != Kind::END) {
      KeyText key;
      const std::size_t line = lexer_.line();
      if (!statement(key)) return tl::unexpected(error_);
      auto made = make_key(key);
      if (!made) return tl::unexpected(KeyFileError{file_, line, made.error()});
      keys.push_back(std::move(*made));
    }
    return keys;
  }

 private:
  using Kind = NamedConfLexer::Token::Kind;

  void advance() { token_ = lexer_.next(); }
  /// Sets the error, and is false.
  bool wrong(std::string message) {
    if (token_.kind == Kind::UNTERMINATED) {
      message =
          token_.text == "/*" ? "the comment has no \"*/\"" : "the string has no closing '\"'";
    }
    error_ = {file_, lexer_.line(), std::move(message)};
    return false;
  }
  bool take(char sign, const char* where) {
    if (!token_.is(sign)) return wrong(std::string("expected '") + sign + "' " + where);
    advance();
    return true;
  }

  /// key "name" { algorithm x; secret "y"; };
  bool statement(KeyText& key) {
    if (token_.kind != Kind::WORD || !same_word(token_.text, "key")) {
      return wrong(
          "expected a statement: key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };");
    }
    advance();
    if (!token_.is_value()) return wrong("expected the key's name after \"key\"");
    key.name = unquoted(token_.text);
    advance();
    if (!take('{', "after the key's name")) return false;
    while (!token_.is('}')) {
      if (!clause(key)) return false;
    }
    advance();
    return take(';', "after the key's '}'");
  }

  bool clause(KeyText& key) {
    const bool is_algorithm = token_.kind == Kind::WORD && same_word(token_.text, "algorithm");
    if (!is_algorithm && (token_.kind != Kind::WORD || !same_word(token_.text, "secret"))) {
      return wrong("expected \"algorithm\", \"secret\" or '}' in the key");
    }
    auto& value = is_algorithm ? key.algorithm : key.secret;
    if (value) return wrong(is_algorithm ? "a second algorithm" : "a second secret");
    advance();
    if (!token_.is_value()) {
      return wrong(is_algorithm ? "expected the algorithm, such as hmac-sha256"
                                : "expected the secret, base64 in quotes");
    }
    value = token_.text;
    advance();
    return take(';', is_algorithm ? "after the algorithm" : "after the secret");
  }

  /// BIND takes a backslash away before a quote only; others belong to the domain name.
  static std::string unquoted(std::string_view text) {
    std::string name;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') continue;
      if (text[i] == '\\' && i + 1 < text.size()) name += text[i++];
      name += text[i];
    }
    return name;
  }

  NamedConfLexer lexer_;
  std::string file_;
  NamedConfLexer::Token token_;
  KeyFileError error_;
};

}  // namespace

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(WHITE_SPACE);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(WHITE_SPACE) - first + 1);
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return zones::lower(static_cast<std::uint8_t>(x)) == zones::lower(static_cast<std::uint8_t>(y));
  });
}

KeysOrError parse_named_conf_keys(std::string_view text, const std::string& file) {
  return NamedConfParser(text, file).parse();
}

// The part of Knot's YAML that keymgr -t writes and people type: one section, a list of flat maps.
KeysOrError parse_knot_conf_keys(std::string_view text, const std::string& file) {
  std::vector<TsigKey> keys;
  std::optional<KeyText> key;
  std::size_t line_number = 0, key_line = 0;
  const auto wrong = [&file](std::size_t line, std::string message) {
    return tl::unexpected(KeyFileError{file, line, std::move(message)});
  };
  const auto finish = [&]() -> std::optional<std::string> {
    if (!key) return std::nullopt;
    auto made = make_key(*key);
    if (!made) return made.error();
    keys.push_back(std::move(*made));
    return std::nullopt;
  };

  bool in_section = false;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view raw = take_line(rest);
    ++line_number;
    std::string_view line = trimmed(raw);
    if (line.empty() || line.starts_with('#')) continue;
    if (!in_section || (raw.front() != ' ' && raw.front() != '\t' && raw.front() != '-')) {
      if (in_section || line != "key:") return wrong(line_number, "expected one section \"key:\"");
      in_section = true;
      continue;
    }
    const bool new_key = line.starts_with("-");
    if (new_key) line = trimmed(line.substr(1));
    const std::size_t colon = line.find(':');
    const std::string_view field = trimmed(line.substr(0, colon));
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : trimmed(line.substr(colon + 1));
    value = trimmed(value.substr(0, value.find(" #")));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (new_key) {
      if (auto message = finish()) return wrong(key_line, *message);
      key.emplace();
      key_line = line_number;
    }
    if (new_key != (field == "id") || !key) {
      return wrong(line_number, "expected a key to begin with \"- id: NAME\"");
    }
    if (value.empty()) return wrong(line_number, "expected \"FIELD: VALUE\"");
    if (field == "id") {
      key->name = value;
    } else if (field == "algorithm" && !key->algorithm) {
      key->algorithm = value;
    } else if (field == "secret" && !key->secret) {
      key->secret = value;
    } else {
      return wrong(line_number,
                   "expected \"algorithm: hmac-sha256\" and \"secret: BASE64\", once each");
    }
  }
  if (auto message = finish()) return wrong(key_line, *message);
  return keys;
}

}  // namespace keys
