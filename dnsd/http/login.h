// Login: who a request over HTTP is from, by the name of a key and its secret.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "dnsd/http/message.h"
#include "dnsd/source_budget.h"
#include "keys/grant.h"
#include "keys/keyring.h"
#include "zones/name.h"
#include "zones/result.h"

namespace dnsd::http {

constexpr std::size_t MIN_LOGIN_SECRET_OCTETS = 16;

/// The TSIG key whose name is the user (the final dot may be left out) and whose secret, in base64,
/// is the password of this Authorization field (RFC 7617 §2). Empty when there is none; that
/// takes the same time for a key that is known and one that is not. A secret of less than
/// MIN_LOGIN_SECRET_OCTETS lets nobody in: it could be guessed, one request after the other.
std::optional<keys::KeyView> find_login(const keys::Keyring& keyring,
                                        std::string_view authorization);

enum class LoginRefusal : std::uint8_t { NO_TLS, OTHER_SITE, NO_LOGIN, WRONG, TOO_MANY };
/// A sentence's end, for the log.
const char* to_text(LoginRefusal refusal);

struct LoginRules {
  bool plain = false;        // without TLS, too
  bool other_sites = false;  // also what another site's page made a browser send
};

/// Lets requests in. Failed logins have a budget of a few a second for each source address; above
/// it they are TOO_MANY, which clients repeat later, and not WRONG, at which they give up. A login
/// that is right is always taken: behind a carrier-grade NAT a source address is many subscribers,
/// who must not lock one another out. Guessing is prevented by the secrets: find_login() takes none
/// that can be guessed. Any thread.
class LoginGate {
 public:
  static constexpr std::uint32_t FAILURES_PER_SECOND = 5;

  /// The name of the key.
  zones::Result<zones::Name, LoginRefusal> check(const Request& request,
                                                 const keys::Keyring& keyring,
                                                 const LoginRules& rules);

 private:
  SourceBudget failures_{FAILURES_PER_SECOND};
};

/// Where a request came from.
keys::Address source_of(const Request& request);
/// With its port, for the log.
std::string peer_of(const Request& request);

}  // namespace dnsd::http
