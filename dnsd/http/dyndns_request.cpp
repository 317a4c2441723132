#include "dnsd/http/dyndns_request.h"

#include <algorithm>

#include "dnsd/http/form.h"
#include "dnsd/http/message.h"
#include "zones/number.h"

namespace dnsd::http {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Letters, digits, hyphens and underscores, with a dot in it; the final one does not count.
std::optional<zones::Name> host_from_text(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const bool is_plain = std::ranges::all_of(
      text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
  if (!is_plain || text.find('.') == std::string_view::npos) return std::nullopt;
  auto name = zones::Name::from_text(text);
  return name ? std::optional(*name) : std::nullopt;
}

/// "_http._tcp", "http", "sip/udp" (RFC 2782; RFC 6335 §5.1 for what a service may be called).
std::optional<zones::Name> service_from_text(std::string_view text) {
  std::string_view protocol = "tcp";
  if (const std::size_t at = text.find_first_of("./"); at != std::string_view::npos) {
    protocol = text.substr(at + 1);
    text = text.substr(0, at);
  }
  if (text.starts_with('_')) text.remove_prefix(1);
  if (protocol.starts_with('_')) protocol.remove_prefix(1);
  if (!iequals(protocol, "tcp") && !iequals(protocol, "udp")) return std::nullopt;
  constexpr std::size_t MAX_SERVICE_OCTETS = 30;  // some are longer than RFC 6335's 15
  const bool is_plain =
      std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-'; });
  if (!is_plain || text.empty() || text.size() > MAX_SERVICE_OCTETS) return std::nullopt;
  const auto name =
      zones::Name::from_text("_" + std::string(text) + "._" + std::string(protocol) + ".");
  return name ? std::optional(*name) : std::nullopt;
}

class Reader {
 public:
  /// False: the request cannot be carried out.
  bool take(std::string_view name, std::string_view value) {
    bool good = true;
    const auto each = [&](const auto& take_one) {
      split(value, ',', [&](std::string_view one) {
        one = trimmed(one);
        if (!one.empty()) good = good && take_one(one);
      });
      return good;
    };
    if (name == "hostname") {
      return each([&](std::string_view one) {
        request_.hosts.push_back(host_from_text(one));
        return request_.hosts.size() <= MAX_DYNDNS_HOSTS || fail(DynDnsFault::NUMHOST);
      });
    }
    if (name == "myip" || name == "myipv6" || name == "ip") {
      return each([&](std::string_view one) { return take_address(one); });
    }
    if (name == "service") {
      return each([&](std::string_view one) {
        const auto service = service_from_text(one);
        if (!service || services_.size() == MAX_DYNDNS_SERVICES) return false;
        services_.push_back(*service);
        return true;
      });
    }
    if (name == "port") {
      return each([&](std::string_view one) { return take_port(one); });
    }
    if (name == "offline") request_.offline = iequals(value, "yes");
    return true;
  }

  zones::Result<DynDnsRequest, DynDnsFault> finish() {
    if (services_.size() != ports_.size()) return tl::unexpected(DynDnsFault::BADAGENT);
    for (std::size_t i = 0; i < services_.size(); ++i) {
      request_.services.push_back({services_[i], ports_[i]});
    }
    if (request_.hosts.empty()) return tl::unexpected(DynDnsFault::NOTFQDN);
    return std::move(request_);
  }
  DynDnsFault fault() const { return fault_; }

 private:
  bool fail(DynDnsFault fault) {
    fault_ = fault;
    return false;
  }
  bool take_address(std::string_view text) {
    const auto address = keys::address_from_text(text);
    if (!address || is_unspecified(*address)) return false;
    if (std::ranges::find(request_.addresses, *address) != request_.addresses.end()) return true;
    request_.addresses.push_back(*address);
    return request_.addresses.size() <= MAX_DYNDNS_ADDRESSES;
  }
  bool take_port(std::string_view text) {
    const auto port = zones::number_from_text<std::uint16_t>(text);
    if (!port || ports_.size() == MAX_DYNDNS_SERVICES) return false;
    ports_.push_back(*port);
    return true;
  }
  /// What a router sends that has no address yet.
  static bool is_unspecified(const keys::Address& address) {
    const auto octets = std::span(address).subspan(keys::is_ipv4(address) ? 12 : 0);
    return std::ranges::all_of(octets, [](std::uint8_t octet) { return octet == 0; });
  }

  DynDnsRequest request_;
  std::vector<zones::Name> services_;
  std::vector<std::uint16_t> ports_;
  DynDnsFault fault_ = DynDnsFault::BADAGENT;
};

}  // namespace

zones::Result<DynDnsRequest, DynDnsFault> parse_dyndns_request(std::string_view query) {
  Reader reader;
  const bool good = for_each_parameter(query, [&](std::string_view name, std::string_view value) {
    return reader.take(name, value);
  });
  if (!good) return tl::unexpected(reader.fault());
  return reader.finish();
}

}  // namespace dnsd::http
