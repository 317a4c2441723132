#include "keys/secret.h"

#include <sodium.h>

#include <cstring>
#include <utility>

#include "keys/protected_memory.h"

namespace keys {

Secret::Secret(std::size_t size)
    : octets_(static_cast<std::uint8_t*>(protected_allocate(size))), size_(size) {}

Secret::Secret(std::span<const std::uint8_t> octets) : Secret(octets.size()) {
  if (!octets.empty()) std::memcpy(octets_, octets.data(), octets.size());
}

Secret::~Secret() { protected_free(octets_, size_); }

Secret::Secret(Secret&& other) noexcept
    : octets_(std::exchange(other.octets_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(octets_, other.octets_);
  std::swap(size_, other.size_);
  return *this;
}

std::optional<Secret> Secret::from_base64(std::string_view text) {
  Secret decoded(text.size() / 4 * 3 + 3);  // protected too, and wiped
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(decoded.octets_, decoded.size_, text.data(), text.size(), " \t\r\n", &size,
                        &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size() || size == 0) {
    return std::nullopt;
  }
  return Secret(decoded.octets().first(size));
}

Secret Secret::random(std::size_t octets) {
  Secret secret(octets);
  randombytes_buf(secret.octets_, octets);
  return secret;
}

std::string Secret::to_base64() const {
  std::string text(sodium_base64_encoded_len(size_, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), octets_, size_, sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

bool equal_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::string& text) {
  sodium_memzero(text.data(), text.size());
  text.clear();
}

}  // namespace keys
