// One GET over HTTPS (RFC 9110, RFC 9112), the server's certificate checked. Does not block.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

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

/// What came of it: a status, or `failure` says why there is none.
struct HttpsOutcome {
  unsigned status = 0;
  std::string body;
  std::string failure;
};
using OnHttpsOutcome = std::function<void(const HttpsOutcome& outcome)>;

/// Calls `on_outcome` once, from the context, within half a minute.
/// @return what to call when the outcome is of no interest any more
std::function<void()> run_https_exchange(boost::asio::io_context& context,
                                         const HttpsServer& server, const HttpsRequest& request,
                                         OnHttpsOutcome on_outcome);

}  // namespace pcp_ddns
