// HTTP: any octets as a stream of requests, in two pieces; and what of it dnsd parses itself: Host,
// target, Accept, what proxies say of the client in fields and in front of all. What is taken stays
// within its limits and can be written into a redirect; and where the stream is cut makes no
// difference.

#include <algorithm>
#include <span>
#include <string>

#include "dnsd/http/accept.h"
#include "dnsd/http/forwarded.h"
#include "dnsd/http/page.h"
#include "dnsd/http/proxy_protocol.h"
#include "dnsd/http/request_parser.h"
#include "dnsd/http/target.h"
#include "fuzz.h"

namespace {

using dnsd::http::Request;
using dnsd::http::RequestParser;
using Status = RequestParser::Status;

bool is_clean(std::string_view text) {
  return std::ranges::none_of(text, [](char octet) { return octet <= ' ' || octet >= 0x7f; });
}

void check_authority(std::string_view text) {
  const auto authority = dnsd::http::parse_authority(text);
  if (!authority) return;
  fuzz::require(!authority->host.empty() && authority->host.size() <= 253, "a host has a size");
  fuzz::require(is_clean(authority->host), "a host is clean");
  fuzz::require(authority->host.find_first_of("/@?#\\\"<>") == std::string_view::npos,
                "nothing in a host ends it");
  const bool is_ipv6 = authority->host.find(':') != std::string_view::npos;
  const std::string host(authority->host);
  const std::string written = is_ipv6 ? "[" + host + "]" : host;
  const auto again = dnsd::http::parse_authority(written);
  fuzz::require(again && again->host == authority->host && !again->port, "a host comes back");
}

void check_target(std::string_view text) {
  const auto target = dnsd::http::parse_target(text);
  if (!target) return;
  fuzz::require(target->target == "*" || target->target.starts_with('/'), "a target is a path");
  fuzz::require(is_clean(target->target), "a target is clean");
  fuzz::require(target->target.starts_with(target->path), "the path comes first");
  const auto again = dnsd::http::parse_target(target->target);
  fuzz::require(again && again->target == target->target && !again->authority,
                "the origin form comes back");
}

using Field = dnsd::http::ProxyConfig::Field;

/// Whom the peer and what it says come to.
void check_forwarded(std::span<const dnsd::http::HeaderField> fields) {
  static const dnsd::http::ProxyConfig TRUSTED = [] {
    dnsd::http::ProxyConfig proxies;
    proxies.trusted.push_back(*keys::AddressRule::from_text("10.0.0.0/8"));
    return proxies;
  }();
  for (const Field field : {Field::X_FORWARDED_FOR, Field::FORWARDED}) {
    dnsd::http::ProxyConfig proxies = TRUSTED;
    proxies.field = field;
    for (const char* peer : {"10.0.0.1", "192.0.2.1"}) {
      Request request{};
      request.host = "asked";
      request.fields = fields;
      request.peer.address(boost::asio::ip::make_address(peer));
      const Request before = request;
      const bool good = dnsd::http::apply_forwarded(request, proxies);
      fuzz::require(is_clean(request.host) && !request.host.empty(), "a forwarded host is a host");
      if (proxies.trusts(before.peer.address())) continue;
      fuzz::require(good && request.peer == before.peer && request.host == before.host &&
                        request.is_tls == before.is_tls,
                    "a stranger is not believed");
    }
  }
}

void check_forwarded(std::string_view text) {
  const dnsd::http::HeaderField fields[] = {
      {"X-Forwarded-For", text}, {"Forwarded", text}, {"X-Forwarded-Host", text}};
  check_forwarded(std::span(fields));
}

void check_proxy_header(std::string_view text, std::size_t cut) {
  using dnsd::http::ProxyHeader;
  ProxyHeader whole;
  std::size_t used = 0;
  const auto status = whole.put(text, used);
  fuzz::require(used <= text.size() && used <= 4'096, "a PROXY header has an end");
  ProxyHeader pieces;
  std::size_t first = 0;
  std::size_t second = 0;
  auto in_pieces = pieces.put(text.substr(0, cut), first);
  if (in_pieces == ProxyHeader::Status::MORE) in_pieces = pieces.put(text.substr(cut), second);
  fuzz::require(in_pieces == status && first + second == used, "and is the same in pieces");
  if (status != ProxyHeader::Status::DONE) return;
  const auto& route = whole.route();
  fuzz::require(route.has_value() == pieces.route().has_value(), "with the same route");
  if (!route) return;
  fuzz::require(route->client == pieces.route()->client && route->server == pieces.route()->server,
                "from there to there");
}

struct Outcome {
  Status status = Status::MORE;
  std::string request;
  std::size_t used = 0;
};

/// The first request of a stream that comes in two pieces.
Outcome read(std::string_view stream, std::size_t cut) {
  dnsd::http::HttpLimits limits;
  limits.max_header_octets = 1'024;
  limits.max_body_octets = 256;
  RequestParser parser(limits);
  Outcome outcome;
  std::string waiting(stream.substr(0, cut));
  for (const std::string_view more : {std::string_view{}, stream.substr(cut)}) {
    waiting += more;
    std::size_t used = 0;
    outcome.status = parser.put(waiting, used);
    fuzz::require(used <= waiting.size(), "no more is used than there is");
    outcome.used += used;
    waiting.erase(0, used);
    if (outcome.status != Status::MORE) break;
  }
  if (outcome.status != Status::DONE) return outcome;
  Request request;
  if (!parser.read_request(request)) return outcome;
  fuzz::require(request.body.size() <= limits.max_body_octets, "a body has a limit");
  fuzz::require(request.target == "*" || request.target.starts_with('/'), "it has a target");
  fuzz::require(request.host.empty() || is_clean(request.host), "its host is clean");
  check_forwarded(request.fields);
  std::size_t octets = 0;
  for (const auto& field : request.fields) octets += field.name.size() + field.value.size();
  fuzz::require(octets <= limits.max_header_octets, "a header has a limit");
  outcome.request = std::string(request.method) + ' ' + std::string(request.host) + ' ' +
                    std::string(request.target) + ' ' + std::string(request.body);
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = fuzz::text(data + 1, size - 1);
  check_authority(text);
  check_target(text);
  check_forwarded(text);
  check_proxy_header(text, std::min<std::size_t>(data[0], text.size()));
  static_cast<void>(dnsd::http::prefers_json(text));
  const std::string clean = dnsd::http::clean_text(text);
  fuzz::require(dnsd::http::clean_text(clean, clean.size()) == clean, "clean text stays");

  const Outcome whole = read(text, text.size());
  const Outcome pieces = read(text, std::min<std::size_t>(data[0], text.size()));
  // That it is no request shows at one octet or another.
  fuzz::require((pieces.status == Status::DONE) == (whole.status == Status::DONE),
                "pieces are read as the whole is");
  if (whole.status == Status::DONE) {
    fuzz::require(pieces.request == whole.request && pieces.used == whole.used,
                  "and give the same request");
  }
  return 0;
}
