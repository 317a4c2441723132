// URLs of services: which schemes become links, and how they are written.
#include <algorithm>
#include <array>

#include "dnsd/http/message.h"
#include "dnsd/http/services.h"
#include "dnsd/http/target.h"

namespace dnsd::http {
namespace {

constexpr std::size_t MAX_URL_OCTETS = 1'024;

enum class Form : std::uint8_t {
  AUTHORITY,     // "ssh://host:port"
  OPAQUE,        // "sip:host:port" (RFC 3261 §19.1)
  NAME_ONLY,     // "xmpp:name": clients look the SRV up themselves (RFC 5122)
  PORT_IN_QUERY  // "ts3server://host?port=9987"
};

struct Link {
  std::string_view service;  // RFC 6335's, after the underscore
  std::string_view scheme;
  Form form = Form::AUTHORITY;
  std::uint16_t own_port = 0;  // of the scheme: not written
};

constexpr Link LINKS[] = {
    {"http", "http", Form::AUTHORITY, 80},
    {"https", "https", Form::AUTHORITY, 443},
    {"webdav", "http", Form::AUTHORITY, 80},
    {"webdavs", "https", Form::AUTHORITY, 443},
    {"caldavs", "https", Form::AUTHORITY, 443},
    {"carddavs", "https", Form::AUTHORITY, 443},
    {"ftp", "ftp"},
    {"ftps", "ftps"},
    {"sftp-ssh", "sftp"},
    {"ssh", "ssh"},
    {"sip", "sip", Form::OPAQUE},
    {"sips", "sips", Form::OPAQUE},
    {"rtsp", "rtsp"},
    {"rtsps", "rtsps"},
    {"xmpp-client", "xmpp", Form::NAME_ONLY},
    {"minecraft", "minecraft"},
    {"mumble", "mumble"},
    {"ts3", "ts3server", Form::PORT_IN_QUERY},
    {"smb", "smb"},
    {"nfs", "nfs"},
    {"rfb", "vnc"},
    {"vnc", "vnc"},
    {"rdp", "rdp"},
    {"telnet", "telnet"},
    {"irc", "irc"},
    {"ircs", "ircs"},
    {"mqtt", "mqtt"},
    {"secure-mqtt", "mqtts"},
    {"imap", "imap"},
    {"imaps", "imaps"},
    {"ldap", "ldap"},
    {"ldaps", "ldaps"},
    {"ipp", "ipp"},
    {"ipps", "ipps"},
    {"git", "git"},
    {"svn", "svn"},
};

const Link* link_of(std::string_view service) {
  const auto* found = std::ranges::find(LINKS, service, &Link::service);
  return found == std::end(LINKS) ? nullptr : found;
}

bool is_known_scheme(std::string_view scheme) {
  return std::ranges::find(LINKS, scheme, &Link::scheme) != std::end(LINKS);
}

/// Nothing that could leave an attribute or a header, whatever follows it.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= MAX_URL_OCTETS &&
         std::ranges::all_of(text, [](char octet) {
           return octet > ' ' && octet < 0x7f &&
                  std::string_view("\"'<>\\^`{|}").find(octet) == std::string_view::npos;
         });
}

/// "host.example" without the final dot; empty when it is none that needs no escapes.
std::string host_text(zones::NameView name) {
  std::string text = name.to_text();
  for (char& octet : text)
    octet = static_cast<char>(zones::lower(static_cast<std::uint8_t>(octet)));
  const auto authority = parse_authority(text);
  if (!authority || authority->port) return {};
  text.resize(authority->host.size());  // which begins where the text does: no name is in brackets
  return text;
}

std::string url_of_record(const Link& link, const Service& service, zones::NameView name) {
  if (link.form == Form::NAME_ONLY) {
    const std::string own = host_text(name);
    return own.empty() ? own : std::string(link.scheme) + ":" + own;
  }
  const std::string host = host_text(service.target);
  if (host.empty()) return {};
  std::string url(link.scheme);
  const std::string port = std::to_string(service.port);
  if (link.form == Form::OPAQUE) return url + ":" + host + ":" + port;
  url += "://" + host;
  if (link.form == Form::PORT_IN_QUERY) return url + "?port=" + port;
  if (service.port != link.own_port) url += ":" + port;
  // DNS-SD's key for where on the server it is (RFC 6763 §6.4's examples; _http._tcp's "path").
  const std::string_view path = service.txt_value("path");
  const bool takes_path = link.scheme == "http" || link.scheme == "https" || link.scheme == "ftp" ||
                          link.scheme == "rtsp" || link.scheme == "smb" || link.scheme == "nfs";
  if (takes_path && path.starts_with('/') && is_plain(path)) return url + std::string(path);
  return link.scheme == "http" || link.scheme == "https" ? url + "/" : url;
}

struct SplitUri {
  std::string scheme;
  std::optional<Authority> authority;
};
SplitUri split(std::string_view uri) {
  SplitUri result;
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos) return result;
  for (const char octet : uri.substr(0, colon)) {
    const bool is_upper = octet >= 'A' && octet <= 'Z';
    result.scheme += is_upper ? static_cast<char>(octet + 32) : octet;
  }
  uri.remove_prefix(colon + 1);
  if (!uri.starts_with("//")) return result;
  uri.remove_prefix(2);
  result.authority = parse_authority(uri.substr(0, uri.find_first_of("/?#")));
  return result;
}

std::uint16_t own_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

}  // namespace

std::string Service::url(zones::NameView name) const {
  if (source == Source::URI) {
    if (!is_plain(uri)) return {};
    const SplitUri parts = split(uri);
    if (!is_known_scheme(parts.scheme)) return {};
    // http://user@host would look like another host; http:host means another thing to each browser.
    const bool has_authority = uri.find("://") == parts.scheme.size();
    const bool is_web = parts.scheme == "http" || parts.scheme == "https";
    if ((has_authority || is_web) && !parts.authority) return {};
    return uri;
  }
  const Link* link = link_of(service);
  if (source == Source::SVCB || !link) return {};
  if (link->scheme == "http" && port == own_port("https")) link = link_of("https");
  return url_of_record(*link, *this, name);
}

std::string_view Service::web_scheme() const {
  if (source == Source::HTTPS) return "https";
  if (source == Source::SVCB) return {};
  if (source == Source::URI) {
    const std::string scheme = split(uri).scheme;
    return scheme == "http" ? "http" : scheme == "https" ? "https" : "";
  }
  if (protocol != "tcp" || !instance.empty()) return {};
  if (service == "https") return "https";
  if (service != "http") return {};
  return port == own_port("https") ? "https" : "http";
}

std::string Origin::to_text(std::string_view behind) const {
  constexpr std::size_t MAX_FRAME_OCTETS = 16;  // "https://[]:65535"
  std::string text;
  text.reserve(MAX_FRAME_OCTETS + host.size() + behind.size());
  text += scheme;
  text += "://";
  const bool is_ipv6 = host.find(':') != std::string::npos;
  if (is_ipv6) text += '[';
  text += host;
  if (is_ipv6) text += ']';
  if (port != own_port(scheme)) {
    text += ':';
    text += std::to_string(port);
  }
  text += behind;
  return text;
}

std::optional<Origin> web_origin(const Service& service) {
  Origin origin;
  origin.scheme = service.web_scheme();
  if (origin.scheme.empty()) return std::nullopt;
  if (service.source != Service::Source::URI) {
    origin.host = host_text(service.target);
    origin.port = service.port;
  } else if (is_plain(service.uri)) {
    const SplitUri parts = split(service.uri);
    if (!parts.authority) return std::nullopt;
    for (const char octet : parts.authority->host) {
      const bool is_upper = octet >= 'A' && octet <= 'Z';
      origin.host += is_upper ? static_cast<char>(octet + 32) : octet;
    }
    origin.port = parts.authority->port.value_or(own_port(origin.scheme));
  }
  if (origin.host.empty() || origin.port == 0) return std::nullopt;
  return origin;
}

bool is_bad_port(std::uint16_t port) {
  static constexpr std::uint16_t BAD[] = {
      1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,   25,   37,
      42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,  109,  110,
      111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,  389,  427,
      465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,  556,  563,
      587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659, 4045, 4190,
      5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};
  return std::ranges::binary_search(BAD, port);
}

}  // namespace dnsd::http
