// Secret octets: in protected memory, wiped on destruction, compared in constant time, never
// printed.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace keys {

/// Not copyable and not printable; share it by std::shared_ptr<const Secret>.
class Secret {
 public:
  explicit Secret(std::span<const std::uint8_t> octets);
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  /// Base64 (RFC 4648 §4), white space ignored. Empty on anything else and on no octets at all.
  static std::optional<Secret> from_base64(std::string_view text);
  static Secret random(std::size_t octets);
  /// For key files and tokens only: the caller wipes the string.
  std::string to_base64() const;
  std::span<const std::uint8_t> octets() const { return {octets_, size_}; }

 private:
  explicit Secret(std::size_t size);
  std::uint8_t* octets_ = nullptr;
  std::size_t size_ = 0;
};

std::ostream& operator<<(std::ostream&, const Secret&) = delete;

/// Equal in time that depends on the sizes only.
bool equal_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);
/// Overwrites a text that held a secret; the compiler does not leave it out.
void wipe(std::string& text);

}  // namespace keys
