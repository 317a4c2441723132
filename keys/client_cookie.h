// The client's side of DNS cookies (RFC 7873): what it says to one server so that the server knows
// its address for its own.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "zones/message.h"

namespace keys {

/// What passes between this client and one server. Used by one thread.
class ClientCookie {
 public:
  static constexpr std::size_t CLIENT_OCTETS = 8;  // RFC 7873 §4.1

  /// With a random client cookie, for this server alone (RFC 9018 §3).
  ClientCookie();

  /// Adds the option to a request. One without EDNS gets EDNS for it only when the server is known
  /// to have cookies: others need not understand the OPT record.
  /// @return the octets by which that makes the message longer
  std::size_t add_to(zones::Message& request) const;
  /// True for a response without the option, of a server that has given a cookie: over UDP
  /// anybody's, unless it is signed (RFC 7873 §5.3).
  bool is_missing(const zones::Message& response) const;
  /// The server has none any more.
  void forget() { server_.clear(); }
  /// Takes the server cookie of a response.
  /// @return false for one that has another client cookie, or is malformed: it is to be ignored
  /// (RFC 7873 §5.3)
  bool learn(const zones::Message& response);
  /// The server has given one: that it is still good only the server knows.
  bool has_server_cookie() const { return !server_.empty(); }
  /// Opaque; empty: it has given none.
  const std::vector<std::uint8_t>& server_cookie() const { return server_; }

 private:
  std::array<std::uint8_t, CLIENT_OCTETS> client_{};
  std::vector<std::uint8_t> server_;
};

}  // namespace keys
