#include "dnsd/http/page_headers.h"

#include <sodium.h>

#include <array>

namespace dnsd::http {

std::string make_nonce() {
  std::array<unsigned char, 16> octets{};
  randombytes_buf(octets.data(), octets.size());
  std::array<char, sodium_base64_ENCODED_LEN(16, sodium_base64_VARIANT_URLSAFE_NO_PADDING)> text{};
  sodium_bin2base64(text.data(), text.size(), octets.data(), octets.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return text.data();
}

void add_page_headers(Response& response, const std::string& nonce, FormAction forms) {
  response.fields.emplace_back("Content-Type", "text/html; charset=utf-8");
  response.fields.emplace_back("Cache-Control", "no-store");
  response.fields.emplace_back("X-Content-Type-Options", "nosniff");
  // A form's Origin would be "null" without any; nothing goes to other sites.
  response.fields.emplace_back("Referrer-Policy",
                               forms == FormAction::SELF ? "same-origin" : "no-referrer");
  response.fields.emplace_back("X-Frame-Options", "DENY");
  response.fields.emplace_back("Content-Security-Policy",
                               "default-src 'none'; style-src 'nonce-" + nonce +
                                   "'; img-src data:; base-uri 'none'; form-action " +
                                   (forms == FormAction::SELF ? "'self'" : "'none'") +
                                   "; frame-ancestors 'none'");
}

}  // namespace dnsd::http
