#include "tools/dnsd-update/service.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <cctype>
#include <optional>
#include <utility>

#include "tools/common/host_name.h"
#include "tools/dnsd-update/check_names.h"
#include "zones/host_text.h"
#include "zones/number.h"
#include "zones/text.h"

namespace dnsd_update {
namespace {

using zones::Class;
using zones::Name;
using zones::Record;
using zones::Type;
using Fault = std::optional<std::string>;  // a sentence

constexpr std::size_t MAX_SERVICE_OCTETS = 62;  // a label less its underscore

/// What a line says, as far as it has been read.
struct Service {
  bool removes = false;
  Name host;
  Name owner;  // _http._tcp.h1.dyn.example.
  std::vector<Record> addresses;
  std::uint32_t port = 0;
  std::uint32_t priority = 0;
  std::uint32_t weight = 0;
  std::string uri;  // a whole one, or a scheme; "uri" alone where it is to be deleted
  std::string alpn;
  bool has_uri = false;
  bool has_https = false;
  bool has_address = false;  // where they are to be deleted
  std::optional<Record> txt;
};

Record record(const Name& owner, Type type) {
  return {.owner = owner, .type = type, .rrclass = Class::IN, .ttl = 0, .rdata = {}};
}

/// "http" or "_http" → "_http". Empty when it is no label of letters, digits and inner hyphens.
std::string underscored(std::string_view word) {
  if (word.starts_with('_')) word.remove_prefix(1);
  const bool fits =
      !word.empty() && word.size() <= MAX_SERVICE_OCTETS && word.front() != '-' &&
      word.back() != '-' &&
      std::ranges::all_of(word, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
  return fits ? "_" + std::string(word) : std::string{};
}

Fault read_names(Words& words, Service& service) {
  const std::string_view name = words.next();
  if (name.empty()) return "could not read service name: service NAME SERVICE PROTO …";
  auto host = Name::from_text(name);
  if (!host) return "invalid owner name: " + std::string(zones::to_text(host.error()));
  service.host = *host;
  const std::string_view word = words.next();
  const std::string label = underscored(word);
  if (label.empty()) {
    return "could not read service " + quoted(word) + ": letters, digits and hyphens, such as http";
  }
  const std::string_view protocol = words.next();
  if (!is_any_of(protocol, {"tcp", "udp", "sctp", "dccp", "_tcp", "_udp", "_sctp", "_dccp"})) {
    return "protocol " + quoted(protocol) + " is not tcp, udp, sctp or dccp";
  }
  const auto owner =
      Name::from_text(label + "." + underscored(protocol) + "." + service.host.to_text());
  if (!owner) return "invalid service name: " + std::string(zones::to_text(owner.error()));
  service.owner = *owner;
  return std::nullopt;
}

Fault read_number(Words& words, std::string_view what, std::uint32_t least, std::uint32_t& value) {
  const std::string_view word = words.next();
  const auto number = zones::number_from_text<std::uint32_t>(word);
  if (!number) return std::string(what) + " " + quoted(word) + ": not a valid number";
  if (*number < least || *number > 65535) {
    return std::string(what) + " " + quoted(word) + " is out of range (" + std::to_string(least) +
           " to 65535)";
  }
  value = *number;
  return std::nullopt;
}

Fault read_addresses(Words& words, Service& service) {
  std::string_view list = words.next();
  if (list.empty()) return "could not read address";
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    Record address =
        record(service.host, one.find(':') == std::string_view::npos ? Type::A : Type::AAAA);
    if (read_rdata(address, one)) return "address " + quoted(one) + ": not an IP address";
    const auto same = [&address](const Record& other) {
      return other.type == address.type && other.rdata == address.rdata;
    };
    if (std::ranges::none_of(service.addresses, same)) {
      service.addresses.push_back(std::move(address));
    }
  }
  if (service.addresses.empty()) return "could not read address";
  return std::nullopt;
}

/// Of the registry's identifiers, which have no signs of zone files (RFC 7301 §6, RFC 9460 §7.1).
bool is_alpn_list(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-._/,").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

Fault read_options(Words& words, Service& service) {
  for (;;) {
    const std::string_view option = words.peek();
    if (!is_any_of(option, {"priority", "weight", "uri", "https", "alpn"})) return std::nullopt;
    words.next();
    Fault fault;
    if (is(option, "priority")) fault = read_number(words, "priority", 0, service.priority);
    if (is(option, "weight")) fault = read_number(words, "weight", 0, service.weight);
    if (is(option, "https")) service.has_https = true;
    if (is(option, "uri")) {
      service.has_uri = true;
      service.uri = words.next();
      if (service.uri.empty()) fault = "could not read uri: a scheme, such as http, or a whole URI";
    }
    if (is(option, "alpn")) {
      service.alpn = words.next();
      if (!is_alpn_list(service.alpn)) fault = "could not read alpn: identifiers, such as h2,h3";
    }
    if (fault) return fault;
  }
}

/// The strings of TXT RDATA, which is valid.
std::vector<std::string_view> strings(const Record& txt) {
  std::vector<std::string_view> all;
  const auto* data = reinterpret_cast<const char*>(txt.rdata.data());
  for (std::size_t at = 0; at < txt.rdata.size(); at += 1U + txt.rdata[at]) {
    all.emplace_back(data + at + 1, txt.rdata[at]);
  }
  return all;
}

/// RFC 6763 §6.4.
Fault judge_txt(const Record& txt) {
  std::vector<std::string_view> keys;
  for (const std::string_view string : strings(txt)) {
    const std::string_view key = string.substr(0, string.find('='));
    if (key.empty()) return "TXT " + quoted(string) + " has no key: KEY=VALUE";
    if (!std::ranges::all_of(key, [](char c) { return c >= 0x20 && c <= 0x7e; })) {
      return "TXT " + quoted(string) + ": a key is of printable ASCII";
    }
    if (std::ranges::any_of(keys, [key](std::string_view other) { return is(key, other); })) {
      return "TXT key " + quoted(key) + " is given twice";
    }
    keys.push_back(key);
  }
  return std::nullopt;
}

Fault read_txt(Words& words, Service& service) {
  const std::string_view text = words.rest();
  if (text.empty()) return std::nullopt;
  service.txt = record(service.owner, Type::TXT);
  if (auto what = read_rdata(*service.txt, text)) return what;
  return judge_txt(*service.txt);
}

/// Of "path=/here", "/here"; else "/".
std::string path_of(const Service& service) {
  if (service.txt) {
    for (const std::string_view string : strings(*service.txt)) {
      if (is(string.substr(0, 5), "path=") && string.substr(5).starts_with('/')) {
        return std::string(string.substr(5));
      }
    }
  }
  return "/";
}

Fault complete_uri(Service& service) {
  if (!service.has_uri) return std::nullopt;
  if (service.uri.find(':') == std::string::npos) {
    if (!tools::is_host_name(service.host)) {
      return "uri: " + service.host.to_text() + " is no host name; write the whole URI";
    }
    const std::string host = zones::host_text(service.host);
    service.uri += "://" + host + ":" + std::to_string(service.port) + path_of(service);
  }
  if (!boost::urls::parse_uri(service.uri)) return "uri " + quoted(service.uri) + ": not a URI";
  return std::nullopt;
}

Fault read_added(Words& words, Service& service) {
  if (auto fault = read_addresses(words, service)) return fault;
  if (auto fault = read_number(words, "port", 1, service.port)) return fault;
  if (auto fault = read_options(words, service)) return fault;
  if (!service.alpn.empty() && !service.has_https) return "alpn belongs to https";
  if (auto fault = read_txt(words, service)) return fault;
  return complete_uri(service);
}

Fault read_removed(Words& words, Service& service) {
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    if (is(word, "address")) {
      service.has_address = true;
    } else if (is(word, "uri")) {
      service.has_uri = true;
    } else if (is(word, "https")) {
      service.has_https = true;
    } else {
      return "service delete: " + quoted(word) + " is not address, uri or https";
    }
  }
  return std::nullopt;
}

/// RFC 2136 §2.5.2, in the order in which they are made.
std::vector<Record> deletions(const Service& service) {
  std::vector<Record> all;
  const auto erase = [&all](const Name& owner, Type type) {
    const auto same = [&](const Record& other) {
      return other.owner == owner && other.type == type;
    };
    if (std::ranges::any_of(all, same)) return;
    all.push_back(record(owner, type));
    all.back().rrclass = Class::ANY;
  };
  for (const Record& address : service.addresses) erase(service.host, address.type);
  if (service.has_address) erase(service.host, Type::A);
  if (service.has_address) erase(service.host, Type::AAAA);
  if (service.has_https) erase(service.host, Type::HTTPS);
  erase(service.owner, Type::SRV);
  erase(service.owner, Type::TXT);
  if (service.has_uri) erase(service.owner, Type::URI);
  return all;
}

zones::Result<std::vector<Record>, std::string> additions(const Service& service) {
  std::vector<Record> all = service.addresses;
  Fault fault;
  const auto add = [&](const Name& owner, Type type, const std::string& text) {
    all.push_back(record(owner, type));
    auto rdata = zones::rdata_from_text(type, text);
    if (rdata) {
      all.back().rdata = std::move(*rdata);
    } else if (!fault) {
      fault = zones::to_text(type) + " " + text + ": " + rdata.error();
    }
  };
  const std::string order =
      std::to_string(service.priority) + " " + std::to_string(service.weight) + " ";
  if (service.has_https) {
    add(service.host, Type::HTTPS,
        "1 ." + (service.alpn.empty() ? std::string{} : " alpn=" + service.alpn) +
            " port=" + std::to_string(service.port));
  }
  add(service.owner, Type::SRV,
      order + std::to_string(service.port) + " " + service.host.to_text());
  if (service.txt) all.push_back(*service.txt);
  if (service.has_uri) add(service.owner, Type::URI, order + "\"" + service.uri + "\"");
  if (fault) return tl::unexpected(std::move(*fault));
  return all;
}

/// Two services of one host share its addresses: what an earlier line has replaced already stays.
/// @return a sentence when this line would take away what an earlier one of the message adds
Fault leave_out_addresses_of_before(std::span<const Record> before, Service& service) {
  for (const Type family : {Type::A, Type::AAAA}) {
    const auto in_rrset = [&](const Record& other) {
      return other.owner == service.host && other.type == family;
    };
    std::vector<zones::Rdata> earlier;
    std::vector<zones::Rdata> now;
    for (const Record& other : before) {
      if (in_rrset(other) && other.rrclass == Class::IN) earlier.push_back(other.rdata);
    }
    for (const Record& address : service.addresses) {
      if (address.type == family) now.push_back(address.rdata);
    }
    if (earlier.empty() || now.empty()) continue;
    if (!std::ranges::is_permutation(earlier, now)) {
      return service.host.to_text() + " has other addresses earlier in this message: services at " +
             "another address need a name of their own";
    }
    std::erase_if(service.addresses, in_rrset);
  }
  return std::nullopt;
}

}  // namespace

zones::Result<std::vector<Record>, std::string> service_updates(Words& words,
                                                                const ServiceContext& context) {
  if (context.rrclass != Class::IN) return tl::unexpected(std::string("service needs class IN"));
  Service service;
  service.removes = is_any_of(words.peek(), {"delete", "del"});
  if (service.removes) words.next();
  Fault fault = read_names(words, service);
  if (!fault) fault = service.removes ? read_removed(words, service) : read_added(words, service);
  if (!fault) fault = leave_out_addresses_of_before(context.before, service);
  if (fault) return tl::unexpected(std::move(*fault));

  std::vector<Record> updates = deletions(service);
  for (const Record& deletion : updates) {
    const auto added = [&deletion](const Record& other) {
      return other.owner == deletion.owner && other.type == deletion.type &&
             other.rrclass == Class::IN;
    };
    if (std::ranges::any_of(context.before, added)) {
      return tl::unexpected(deletion.owner.to_text() + " " + zones::to_text(deletion.type) +
                            " is added earlier in this message, and would be deleted again");
    }
  }
  if (service.removes) return updates;
  auto added = additions(service);
  if (!added) return tl::unexpected(added.error());
  for (Record& one : *added) {
    one.ttl = context.ttl;
    if (context.check_names) {
      if (auto what = check_names(one)) return tl::unexpected(std::move(*what));
    }
    updates.push_back(std::move(one));
  }
  return updates;
}

}  // namespace dnsd_update
