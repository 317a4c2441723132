// Domain names: uncompressed wire form, case kept, compared without case (RFC 1035 §3.1, RFC 4343).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "zones/result.h"
#include "zones/rfc.h"

namespace zones {

enum class NameError {
  LABEL_TOO_LONG = 1,  // above 63 octets
  NAME_TOO_LONG,       // above 255 octets
  EMPTY_LABEL,         // "a..b"
  BAD_ESCAPE,          // "\2", "\300"
  TRUNCATED,           // the octets end before the root label
  BAD_LABEL_TYPE,      // a compression pointer, or the reserved bits 01 and 10
};
const char* to_text(NameError error);

/// Octets A-Z become a-z, all others stay (RFC 4343 §3).
constexpr std::uint8_t lower(std::uint8_t octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<std::uint8_t>(octet + 32) : octet;
}

/// A valid name in somebody else's memory: wire form from the first label to the root label.
/// Cheap to copy; valid as long as those octets are. Whoever makes one vouches for the octets.
class NameView {
 public:
  constexpr NameView() = default;  // the root
  constexpr NameView(const std::uint8_t* octets, std::size_t size) : octets_(octets), size_(size) {}

  std::span<const std::uint8_t> wire() const { return {octets_, size_}; }
  const std::uint8_t* data() const { return octets_; }
  std::size_t size() const { return size_; }  // 1 to 255
  bool is_root() const { return size_ == 1; }
  bool is_wildcard() const { return size_ > 2 && octets_[0] == 1 && octets_[1] == '*'; }
  /// Labels without the root label: 0 for the root, 3 for "www.example.org.".
  std::size_t label_count() const;
  /// The first label without its length octet; empty for the root.
  std::span<const std::uint8_t> first_label() const { return {octets_ + 1, octets_[0]}; }
  /// The name without its first label. The root's parent is the root.
  NameView parent() const;
  /// The name without its first `labels` labels; at most label_count().
  NameView without(std::size_t labels) const;
  /// True for the ancestor itself as well.
  bool is_at_or_below(NameView ancestor) const;
  bool is_below(NameView ancestor) const {
    return size_ > ancestor.size_ && is_at_or_below(ancestor);
  }
  /// Presentation format with the final dot (RFC 1035 §5.1); octets that need it are escaped.
  std::string to_text() const;
  /// Equal to the last octet (case is not, RFC 4343 §4 wants it kept).
  bool identical(NameView other) const {
    return size_ == other.size_ && std::memcmp(octets_, other.octets_, size_) == 0;
  }

  friend bool operator==(NameView a, NameView b);
  /// Canonical order (RFC 4034 §6.1).
  friend std::strong_ordering operator<=>(NameView a, NameView b);

 private:
  static constexpr std::uint8_t ROOT[1] = {0};
  const std::uint8_t* octets_ = ROOT;
  std::size_t size_ = 1;
};

/// A name with octets of its own; no allocation.
class Name {
 public:
  Name() = default;  // the root
  explicit Name(NameView view) : size_(static_cast<std::uint8_t>(view.size())) {
    std::memcpy(octets_.data(), view.data(), size_);
  }
  Name(const Name& other) : Name(other.view()) {}
  Name& operator=(const Name& other) {
    size_ = other.size_;
    std::memmove(octets_.data(), other.octets_.data(), size_);
    return *this;
  }

  /// An uncompressed name at the start of `octets`; what follows it is ignored.
  static Result<Name, NameError> from_wire(std::span<const std::uint8_t> octets);
  /// Presentation format (RFC 1035 §5.1). A name without a final dot is relative to `origin`; "@"
  /// is the origin.
  static Result<Name, NameError> from_text(std::string_view text, NameView origin = {});
  /// `prefix` without its root label, followed by `suffix`: `*` + `example.org.`.
  static Result<Name, NameError> join(NameView prefix, NameView suffix);

  NameView view() const { return {octets_.data(), size_}; }
  operator NameView() const { return view(); }  // NOLINT: a Name is a NameView with memory

  std::span<const std::uint8_t> wire() const { return view().wire(); }
  std::size_t size() const { return size_; }
  bool is_root() const { return size_ == 1; }
  bool is_wildcard() const { return view().is_wildcard(); }
  std::size_t label_count() const { return view().label_count(); }
  std::span<const std::uint8_t> first_label() const { return view().first_label(); }
  Name parent() const { return Name(view().parent()); }
  bool is_at_or_below(NameView ancestor) const { return view().is_at_or_below(ancestor); }
  bool is_below(NameView ancestor) const { return view().is_below(ancestor); }
  std::string to_text() const { return view().to_text(); }
  /// The same name with A-Z lowered (RFC 4034 §6.2).
  Name lowered() const;

  friend bool operator==(const Name& a, const Name& b) { return a.view() == b.view(); }
  friend std::strong_ordering operator<=>(const Name& a, const Name& b) {
    return a.view() <=> b.view();
  }

 private:
  friend class WireReader;  // decompresses straight into the octets
  std::uint8_t size_ = 1;
  std::array<std::uint8_t, MAX_NAME_OCTETS> octets_{};
};

/// Hash and equality without case, for unordered containers; lookups by NameView need no copy.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(NameView name) const;
};
struct NameEqual {
  using is_transparent = void;
  bool operator()(NameView a, NameView b) const { return a == b; }
};

}  // namespace zones
