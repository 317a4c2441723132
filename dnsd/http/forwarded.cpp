#include "dnsd/http/forwarded.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <vector>

#include "dnsd/http/target.h"
#include "zones/number.h"

namespace dnsd::http {
namespace {

namespace ip = boost::asio::ip;
using Endpoint = ip::tcp::endpoint;

/// What one proxy says: empty parts are not said.
struct Hop {
  std::string_view client{};  // who came to it
  std::string_view scheme{};
  std::string_view host{};
};

/// Each element of the list that the fields of this name are (RFC 9110 §5.6.1).
template <class Take>
void for_each_element(const Request& request, std::string_view name, const Take& take) {
  for (const HeaderField& field : request.fields) {
    if (!iequals(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (const auto one = trimmed(rest.substr(0, end)); !one.empty()) take(one);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

std::string_view last_element(const Request& request, std::string_view name) {
  std::string_view last;
  for_each_element(request, name, [&](std::string_view one) { last = one; });
  return last;
}

std::vector<Hop> x_forwarded_hops(const Request& request) {
  std::vector<Hop> hops;
  for_each_element(request, "X-Forwarded-For",
                   [&](std::string_view one) { hops.push_back({.client = one}); });
  // These have no place in the chain: the peer itself set or passed them.
  const std::string_view scheme = last_element(request, "X-Forwarded-Proto");
  const std::string_view host = last_element(request, "X-Forwarded-Host");
  if (hops.empty() && (!scheme.empty() || !host.empty())) hops.emplace_back();
  for (Hop& hop : hops) hop.scheme = scheme;
  if (!hops.empty()) hops.back().host = host;
  return hops;
}

bool is_token_octet(char octet) {
  return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
         (octet >= '0' && octet <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(octet) != std::string_view::npos;
}

/// RFC 7239 §4: elements with commas between them, pairs with semicolons, each a token and a token
/// or quoted string.
class ForwardedReader {
 public:
  explicit ForwardedReader(std::string_view text) : rest_(text) {}

  bool read(std::vector<Hop>& hops) {
    while (skip_spaces(), !rest_.empty()) {
      if (take(',')) continue;
      hops.emplace_back();
      do {
        skip_spaces();
        if (!rest_.empty() && rest_.front() != ';' && rest_.front() != ',' && !pair(hops.back())) {
          return false;
        }
        skip_spaces();
      } while (take(';'));
      if (!rest_.empty() && !take(',')) return false;
    }
    return true;
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
      rest_.remove_prefix(1);
    }
  }
  bool take(char octet) {
    if (!rest_.starts_with(octet)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// @param more  octets that are none of a token and taken, too
  std::string_view token(std::string_view more = {}) {
    std::size_t size = 0;
    while (size < rest_.size() &&
           (is_token_octet(rest_[size]) || more.find(rest_[size]) != std::string_view::npos)) {
      ++size;
    }
    const std::string_view found = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return found;
  }
  /// What is escaped in it is left so: neither addresses nor hosts need that.
  std::optional<std::string_view> quoted() {
    for (std::size_t at = 0; at < rest_.size(); ++at) {
      if (rest_[at] == '\\') {
        ++at;
      } else if (rest_[at] == '"') {
        const std::string_view found = rest_.substr(0, at);
        rest_.remove_prefix(at + 1);
        return found;
      }
    }
    return std::nullopt;
  }
  bool pair(Hop& hop) {
    const std::string_view name = token();
    if (name.empty() || !take('=')) return false;
    std::optional<std::string_view> value;
    if (take('"')) {
      value = quoted();
    } else if (const auto plain = token(":[]"); !plain.empty()) {  // ports unquoted are usual
      value = plain;
    }
    if (!value) return false;
    std::string_view* const place = iequals(name, "for")     ? &hop.client
                                    : iequals(name, "proto") ? &hop.scheme
                                    : iequals(name, "host")  ? &hop.host
                                                             : nullptr;
    if (!place) return true;
    if (!place->empty()) return false;  // each once (§4)
    *place = *value;
    return true;
  }

  std::string_view rest_;
};

/// RFC 7239 §6: "unknown", or "_" and a name that only the proxy understands.
bool is_hidden(std::string_view node) {
  return node.empty() || iequals(node, "unknown") || node.starts_with('_');
}

/// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"; of a port that
/// is hidden, or none, 0.
std::optional<Endpoint> endpoint_of(std::string_view node) {
  std::string_view host = node;
  std::string_view port;
  const std::size_t colon = node.rfind(':');
  const bool is_bracketed = node.starts_with('[');
  const bool is_bare_v6 = !is_bracketed && colon != node.find(':');
  if (is_bracketed) {
    const std::size_t end = node.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = node.substr(1, end - 1);
    port = node.substr(end + 1);
  } else if (colon != std::string_view::npos && !is_bare_v6) {
    host = node.substr(0, colon);
    port = node.substr(colon);
  }
  std::uint16_t number = 0;
  if (!port.empty()) {
    if (!port.starts_with(':')) return std::nullopt;
    port.remove_prefix(1);
    const auto told = zones::number_from_text<std::uint16_t>(port);
    if (!port.starts_with('_') && !told) return std::nullopt;
    number = told.value_or(0);
  }
  const auto address = parse_address(host);
  if (!address || (is_bracketed && address->is_v4())) return std::nullopt;
  return Endpoint(unmapped(*address), number);
}

bool apply(const Hop& hop, Request& request) {
  if (!hop.scheme.empty() && !iequals(hop.scheme, "https") && !iequals(hop.scheme, "http")) {
    return false;
  }
  // TLS of the way from the proxy says nothing of the way to it.
  request.is_tls = iequals(hop.scheme, "https");
  if (!hop.host.empty()) {
    const auto authority = parse_authority(hop.host);
    if (!authority) return false;
    request.host = authority->host;
    request.host_port = authority->port;
  }
  if (is_hidden(hop.client)) return true;
  const auto client = endpoint_of(hop.client);
  if (!client) return false;
  request.peer = *client;
  return true;
}

}  // namespace

bool apply_forwarded(Request& request, const ProxyConfig& proxies) {
  if (proxies.field == ProxyConfig::Field::NONE || !proxies.trusts(request.peer.address())) {
    return true;
  }
  std::vector<Hop> hops;
  if (proxies.field == ProxyConfig::Field::X_FORWARDED_FOR) {
    hops = x_forwarded_hops(request);
  } else {
    for (const HeaderField& field : request.fields) {
      if (!iequals(field.name, "Forwarded")) continue;
      if (!ForwardedReader(field.value).read(hops)) return false;
    }
  }
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (!proxies.trusts(request.peer.address())) break;
    if (!apply(*hop, request)) return false;
    if (is_hidden(hop->client)) break;
  }
  return true;
}

}  // namespace dnsd::http
