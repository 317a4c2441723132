#include "dnsd/http/login.h"

#include <sodium.h>

#include <chrono>
#include <string>

#include "dnsd/endpoint.h"
#include "dnsd/http/target.h"
#include "keys/secret.h"

namespace dnsd::http {
namespace {

constexpr std::size_t MAX_LOGIN_OCTETS = 2'048;  // in base64

/// Text that held a login.
struct LoginText {
  ~LoginText() { keys::wipe(text); }
  std::string text;
};

bool decode_base64(std::string_view text, std::string& decoded) {
  if (text.empty() || text.size() > MAX_LOGIN_OCTETS) return false;
  decoded.resize(text.size());
  std::size_t size = 0;
  const char* end = nullptr;
  const bool good = sodium_base642bin(reinterpret_cast<unsigned char*>(decoded.data()),
                                      decoded.size(), text.data(), text.size(), nullptr, &size,
                                      &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
                    end == text.data() + text.size();
  if (!good) return false;
  decoded.resize(size);
  return true;
}

/// True when a URL, as a browser gives that of the page that sends a request, is of the host and
/// port that the request went to.
bool is_of_same_origin(std::string_view url, const Request& request) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return false;  // "null"
  const std::uint16_t usual_port = iequals(url.substr(0, scheme_end), "https") ? 443 : 80;
  url.remove_prefix(scheme_end + 3);
  const auto page = parse_authority(url.substr(0, url.find_first_of("/?#")));
  return page && iequals(page->host, request.host) &&
         page->port.value_or(usual_port) == request.host_port.value_or(request.is_tls ? 443 : 80);
}

/// A page of another site must not act with a login that the browser remembers. Browsers that do
/// not say so themselves may name the page; clients that are none send nothing of the kind.
bool is_from_other_site(const Request& request) {
  if (const auto site = request.field("Sec-Fetch-Site")) {
    return !iequals(*site, "none") && !iequals(*site, "same-origin");
  }
  for (const char* name : {"Origin", "Referer"}) {
    if (const auto page = request.field(name)) return !is_of_same_origin(*page, request);
  }
  return false;
}

}  // namespace

std::optional<keys::KeyView> find_login(const keys::Keyring& keyring,
                                        std::string_view authorization) {
  constexpr std::string_view SCHEME = "Basic ";
  constexpr std::size_t DECOY_OCTETS = 32;
  static const keys::Secret DECOY = keys::Secret::random(DECOY_OCTETS);
  if (authorization.size() < SCHEME.size() ||
      !iequals(authorization.substr(0, SCHEME.size()), SCHEME)) {
    return std::nullopt;
  }
  LoginText login;
  if (!decode_base64(trimmed(authorization.substr(SCHEME.size())), login.text)) return std::nullopt;
  const std::size_t colon = login.text.find(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  const std::string_view user = std::string_view(login.text).substr(0, colon);
  const std::string_view password = std::string_view(login.text).substr(colon + 1);
  const auto name = zones::Name::from_text(user);
  const auto key = name ? keyring.find(*name) : std::nullopt;
  const auto secret = keys::Secret::from_base64(password);
  const std::span<const std::uint8_t> wanted = key ? key->secret : DECOY.octets();
  const bool is_right = keys::equal_constant_time(
      secret ? secret->octets() : std::span<const std::uint8_t>{}, wanted);
  return is_right && wanted.size() >= MIN_LOGIN_SECRET_OCTETS ? key : std::nullopt;
}

const char* to_text(LoginRefusal refusal) {
  switch (refusal) {
    case LoginRefusal::NO_TLS:
      return "it came without TLS; its password was readable on the way";
    case LoginRefusal::OTHER_SITE:
      return "a page of another site made a browser send it";
    case LoginRefusal::NO_LOGIN:
      return "no login";
    case LoginRefusal::WRONG:
      return "user and password are not a key's name and its secret in base64, of 16 octets or "
             "more";
    case LoginRefusal::TOO_MANY:
      return "too many logins fail from there";
  }
  return "";
}

zones::Result<zones::Name, LoginRefusal> LoginGate::check(const Request& request,
                                                          const keys::Keyring& keyring,
                                                          const LoginRules& rules) {
  if (!request.is_tls && !rules.plain) return tl::unexpected(LoginRefusal::NO_TLS);
  if (!rules.other_sites && is_from_other_site(request)) {
    return tl::unexpected(LoginRefusal::OTHER_SITE);
  }
  const auto authorization = request.field("Authorization");
  if (!authorization) return tl::unexpected(LoginRefusal::NO_LOGIN);
  if (const auto key = find_login(keyring, *authorization)) return zones::Name(key->name);
  const bool within = failures_.of(source_of(request)).take(std::chrono::steady_clock::now());
  return tl::unexpected(within ? LoginRefusal::WRONG : LoginRefusal::TOO_MANY);
}

keys::Address source_of(const Request& request) { return mapped_octets(request.peer.address()); }

std::string peer_of(const Request& request) {
  const bool has_port = request.peer.port() != 0;  // a trusted proxy may tell the address only
  if (!has_port) return request.peer.address().to_string();
  return dnsd::to_text(Endpoint(request.peer.address(), request.peer.port()));
}

}  // namespace dnsd::http
