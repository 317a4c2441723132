#include "keys/claims.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <cstring>

#include "zones/number.h"
#include "zones/wire_reader.h"

namespace keys {
namespace {

using zones::RdataView;
using zones::Type;

// RFC 9460 §14.3.2.
constexpr std::uint16_t PORT = 3;
constexpr std::uint16_t IPV4HINT = 4;
constexpr std::uint16_t IPV6HINT = 6;

constexpr std::uint16_t HTTPS_PORT = 443;

struct SchemePort {
  std::string_view scheme;
  std::uint16_t port;
};
// Where a visitor goes when the URI names no port.
constexpr SchemePort SCHEME_PORTS[] = {
    {"http", 80},   {"https", 443},       {"ws", 80},        {"wss", 443},   {"ftp", 21},
    {"ssh", 22},    {"sftp", 22},         {"sip", 5060},     {"sips", 5061}, {"rtsp", 554},
    {"xmpp", 5222}, {"ldap", 389},        {"ldaps", 636},    {"irc", 6667},  {"ircs", 6697},
    {"mqtt", 1883}, {"minecraft", 25565}, {"mumble", 64738},
};

Address from_ipv4(RdataView octets) {
  Address address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::copy_n(octets.begin(), 4, address.begin() + 12);
  return address;
}

Address from_ipv6(RdataView octets) {
  Address address;
  std::copy_n(octets.begin(), 16, address.begin());
  return address;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(zones::lower(static_cast<std::uint8_t>(c)));
  return out;
}

/// "_8443._https.name": the port that the owner's first label tells (RFC 9460 §2.3).
std::optional<std::uint16_t> port_of_owner(zones::NameView owner) {
  const auto label = owner.first_label();
  if (label.size() < 2 || label[0] != '_') return std::nullopt;
  const char* begin = reinterpret_cast<const char*>(label.data()) + 1;
  return zones::number_from_text<std::uint16_t>({begin, label.size() - 1});
}

void claim_service_binding(zones::NameView owner, Type type, RdataView rdata, Claims& claims) {
  zones::WireReader reader(rdata);
  const bool alias_mode = reader.u16() == 0;
  const zones::Name target = reader.uncompressed_name();
  if (!target.is_root()) {
    claims.targets.push_back(target);
  } else if (!alias_mode) {
    claims.targets.emplace_back(owner);
  }
  bool has_port = false;
  while (reader.remaining() > 0) {
    const std::uint16_t key = reader.u16();
    const RdataView value = reader.octets(reader.u16());
    if (key == PORT && value.size() == 2) {
      claims.ports.push_back(static_cast<std::uint16_t>(value[0] << 8 | value[1]));
      has_port = true;
    }
    for (std::size_t i = 0; key == IPV4HINT && i + 4 <= value.size(); i += 4) {
      claims.addresses.push_back(from_ipv4(value.subspan(i)));
    }
    for (std::size_t i = 0; key == IPV6HINT && i + 16 <= value.size(); i += 16) {
      claims.addresses.push_back(from_ipv6(value.subspan(i)));
    }
  }
  if (alias_mode || has_port) return;
  if (const auto port = port_of_owner(owner)) {
    claims.ports.push_back(*port);
  } else if (type == Type::HTTPS) {
    claims.ports.push_back(HTTPS_PORT);
  } else {
    claims.unclear = "the SVCB record names no port";
  }
}

/// Browsers take a last label of digits, or 0x and hex digits, for a number of an IPv4 address (URL
/// Standard §3.5).
bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string last = lowered(host.substr(host.rfind('.') + 1));
  if (last.empty()) return true;
  if (last.starts_with("0x"))
    return last.find_first_not_of("0123456789abcdef", 2) == std::string::npos;
  return last.find_first_not_of("0123456789") == std::string::npos;
}

void claim_host(std::string host, Claims& claims) {
  if (const auto address = address_from_text(host)) {
    claims.addresses.push_back(*address);
    return;
  }
  if (host.empty() || ends_in_number(host) || host.find('\\') != std::string::npos) {
    claims.unclear = "the host of the URI is neither a name nor an address";
    return;
  }
  if (!host.ends_with('.')) host += '.';
  if (const auto name = zones::Name::from_text(host)) {
    claims.targets.push_back(*name);
  } else {
    claims.unclear = "the host of the URI is no domain name";
  }
}

void claim_uri(RdataView target, Claims& claims) {
  std::string text(target.begin(), target.end());
  const std::string scheme = lowered(text.substr(0, text.find(':')));
  // sip:user@host:port;parameters has its authority where others have a path (RFC 3261 §19.1.1).
  if (scheme == "sip" || scheme == "sips") {
    const std::size_t end = text.find_first_of(";?", scheme.size() + 1);
    text = scheme + "://" +
           text.substr(scheme.size() + 1, end == std::string::npos ? end : end - scheme.size() - 1);
  }
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || !parsed->has_authority()) {
    claims.unclear = "the URI has no authority that could be judged";
    return;
  }
  switch (parsed->host_type()) {
    case boost::urls::host_type::ipv4:
    case boost::urls::host_type::ipv6:
      claim_host(parsed->host_address(), claims);
      break;
    case boost::urls::host_type::name:
      claim_host(parsed->host_name(), claims);
      break;
    case boost::urls::host_type::none:
    case boost::urls::host_type::ipvfuture:
      claims.unclear = "the host of the URI is neither a name nor an address";
      break;
  }
  if (parsed->has_port() && !parsed->port().empty()) {
    // Boost's own conversion wraps around.
    const auto port = zones::number_from_text<std::uint16_t>(parsed->port()).value_or(0);
    if (port == 0) claims.unclear = "the port of the URI is no port";
    claims.ports.push_back(port);
    return;
  }
  const auto* known =
      std::ranges::find(SCHEME_PORTS, std::string_view(scheme), &SchemePort::scheme);
  if (known == std::end(SCHEME_PORTS)) {
    claims.unclear = "the URI names no port, and that of '" + scheme + "' is not known";
  } else {
    claims.ports.push_back(known->port);
  }
}

/// RFC 1035 §3.4.2: address, protocol, and a bit for each port.
void claim_well_known_services(RdataView rdata, Claims& claims) {
  constexpr std::size_t BITS_AT = 5;
  claims.addresses.push_back(from_ipv4(rdata));
  for (std::size_t bit = 0; bit < std::min<std::size_t>((rdata.size() - BITS_AT) * 8, 65'536);
       ++bit) {
    if ((rdata[BITS_AT + bit / 8] >> (7 - bit % 8) & 1) != 0) {
      claims.ports.push_back(static_cast<std::uint16_t>(bit));
    }
  }
}

void claim_names(Type type, RdataView rdata, Claims& claims) {
  zones::for_each_name(type, rdata, [&claims](zones::NameView name) {
    if (!name.is_root()) claims.targets.emplace_back(name);
  });
}

/// RFC 3403 §4.1: order, preference, flags, services, regexp, replacement.
void claim_naptr(RdataView rdata, Claims& claims) {
  std::size_t at = 4;
  at += 1U + rdata[at];
  at += 1U + rdata[at];
  if (rdata[at] != 0) claims.unclear = "the regular expression of a NAPTR record can lead anywhere";
  claim_names(Type::NAPTR, rdata, claims);
}

/// RFC 6672 §2.3: every name below the owner becomes one below the target.
void claim_subtree(RdataView rdata, Claims& claims) {
  static const zones::Name wildcard = zones::Name::from_text("*.").value();
  const auto below = zones::Name::join(wildcard, zones::name_at(rdata, 0));
  if (below) {
    claims.targets.push_back(*below);
  } else {
    claims.unclear = "the target of the DNAME record is too long";
  }
}

}  // namespace

const char* why_unclear(Type type) {
  switch (type) {
    case Type::NS:
      return "NS records hand the name to a server that may answer with any address";
    case Type::A6:
      return "A6 records hide addresses; publish AAAA";
    case Type::NSAP:
    case Type::IPSECKEY:
    case Type::HIP:
      return "records of this type hide addresses in a form that is not read here";
    default:
      break;
  }
  // ATMA, ILNP's (RFC 6742), AMTRELAY (RFC 8777) and many more.
  if (zones::to_text(type).starts_with("TYPE")) {
    return "what records of a type that is not known here lead to cannot be told";
  }
  return nullptr;
}

Claims claims_of(zones::NameView owner, Type type, RdataView rdata) {
  Claims claims;
  if (const char* why = why_unclear(type)) {
    claims.unclear = why;
    return claims;
  }
  switch (type) {
    case Type::A:
      claims.addresses.push_back(from_ipv4(rdata));
      break;
    case Type::AAAA:
      claims.addresses.push_back(from_ipv6(rdata));
      break;
    case Type::WKS:
      claim_well_known_services(rdata, claims);
      break;
    case Type::SVCB:
    case Type::HTTPS:
      claim_service_binding(owner, type, rdata, claims);
      break;
    case Type::URI:
      claim_uri(rdata.subspan(4), claims);
      break;
    case Type::NAPTR:
      claim_naptr(rdata, claims);
      break;
    case Type::DNAME:
      claim_subtree(rdata, claims);
      break;
    case Type::SRV:
      claim_names(type, rdata, claims);
      if (!zones::target_name(type, rdata).is_root()) {
        claims.ports.push_back(static_cast<std::uint16_t>(rdata[4] << 8 | rdata[5]));
      }
      break;
    default:
      claim_names(type, rdata, claims);
      break;
  }
  return claims;
}

}  // namespace keys
