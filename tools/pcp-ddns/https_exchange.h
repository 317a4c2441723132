// One GET over HTTPS (RFC 9110, RFC 9112), the server's certificate checked. Does not block.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "keys/secret.h"

namespace pcp_ddns {

struct HttpsServer {
  std::string host;  // address or name, as the certificate has it
  std::uint16_t port = 443;
  std::filesystem::path ca_file;  // whose certificates are trusted; empty: the system's
};

struct HttpsRequest {
  std::string target;  // "/nic/update?hostname=…"
  std::string user;    // of Basic authentication (RFC 7617)
  std::shared_ptr<const keys::Secret> password;
};

/// What came of it: a status, or `failure` says why there is none. Of a long answer `body` is the
/// beginning; who errs tells so by status and first line.
struct HttpsOutcome {
  unsigned status = 0;
  std::string body{};
  std::optional<std::chrono::seconds> retry_after{};  // RFC 9110 §10.2.3
  std::string failure{};
};
using OnHttpsOutcome = std::function<void(const HttpsOutcome& outcome)>;

/// Of a "Retry-After" field: seconds, or a date (not before `now`). Empty when it is neither.
std::optional<std::chrono::seconds> read_retry_after(std::string_view value,
                                                     std::chrono::sys_seconds now);

/// Calls `on_outcome` once, from the context, within half a minute. A server's addresses are tried
/// in turn, four at most, each for its share of the time for connection and TLS.
/// @return what to call when the outcome is of no interest any more
std::function<void()> run_https_exchange(boost::asio::io_context& context,
                                         const HttpsServer& server, const HttpsRequest& request,
                                         OnHttpsOutcome on_outcome);

}  // namespace pcp_ddns
