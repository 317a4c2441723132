// DNS cookies: a server cookie that comes back proves that the sender is where it says (RFC 7873),
// in the form that servers of several makers agree on (RFC 9018).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zones/result.h"

namespace dnsd {

/// Makes and checks server cookies. Immutable; any thread, no lock, no allocation.
class Cookies {
 public:
  static constexpr std::size_t CLIENT_OCTETS = 8;
  static constexpr std::size_t OCTETS = 24;  // RFC 9018 §4: client cookie, server cookie
  static constexpr std::uint32_t MAX_AGE_SECONDS = 3600;    // RFC 9018 §4.3
  static constexpr std::uint32_t MAX_FUTURE_SECONDS = 300;  // RFC 9018 §4.3
  static constexpr std::uint32_t RENEW_SECONDS = 1800;      // RFC 9018 §4.3
  static constexpr std::size_t MAX_SECRETS = 3;  // RFC 9018 §5: the old, the current, the next

  using Secret = std::array<std::uint8_t, 16>;
  using Octets = std::array<std::uint8_t, OCTETS>;
  using Address = std::array<std::uint8_t, 16>;  // IPv6, or IPv4 mapped into it

  /// @param secrets  the first makes cookies, all of them are accepted; at least one
  explicit Cookies(std::vector<Secret> secrets) : secrets_(std::move(secrets)) {}
  ~Cookies();
  Cookies(const Cookies&) = delete;
  Cookies& operator=(const Cookies&) = delete;

  static Secret random_secret();
  /// Lines of 32 hexadecimal digits, at most MAX_SECRETS of them; lines that begin with # are
  /// comments. The error is a sentence that shows none of them.
  static zones::Result<std::vector<Secret>, std::string> secrets_from_text(std::string_view text);

  /// True for the length that RFC 7873 §5.2 has: a client cookie, alone or with a server cookie of
  /// 8 to 32 octets.
  static bool is_well_formed(std::span<const std::uint8_t> option) {
    return option.size() == CLIENT_OCTETS || (option.size() >= 16 && option.size() <= 40);
  }

  struct Answer {
    bool valid = false;  // the request's server cookie is ours, its address is not forged
    Octets octets{};     // what the answer's option holds: the same, or one made now
  };
  /// @param option  the request's, well-formed
  /// @param now  UTC seconds modulo 2^32
  Answer answer(std::span<const std::uint8_t> option, const Address& source,
                std::uint32_t now) const;

 private:
  std::vector<Secret> secrets_;
};

}  // namespace dnsd
