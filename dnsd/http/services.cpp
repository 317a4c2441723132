#include "dnsd/http/services.h"

#include <algorithm>
#include <tuple>

#include "dnsd/http/message.h"
#include "zones/rrset.h"
#include "zones/wire_reader.h"

namespace dnsd::http {
namespace {

using zones::Name;
using zones::NameView;
using zones::RdataView;
using zones::RRsetsView;
using zones::RRsetView;
using zones::Type;

constexpr std::size_t MAX_SERVICES = 64;
constexpr std::size_t USUAL_SERVICES = 2;
constexpr std::size_t MAX_OWNERS = 256;
constexpr std::size_t MAX_TXT_PAIRS = 16;
constexpr std::uint16_t HTTPS_PORT = 443;
constexpr std::uint16_t SVC_PARAM_PORT = 3;  // RFC 9460 §14.3.2

std::string text_of(std::span<const std::uint8_t> octets) { return {octets.begin(), octets.end()}; }

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& octet : result) {
    if (octet >= 'A' && octet <= 'Z') octet = static_cast<char>(octet + 32);
  }
  return result;
}

/// "_http" without the underscore; empty for what is no such label.
std::string service_label(NameView name) {
  const auto label = name.first_label();
  if (label.size() < 2 || label[0] != '_') return {};
  return lowered(text_of(label.subspan(1)));
}

/// "_http" or "_https".
bool is_web_label(NameView name) {
  const auto label = name.first_label();
  const std::string_view text(reinterpret_cast<const char*>(label.data()), label.size());
  return iequals(text, "_http") || iequals(text, "_https");
}

/// RFC 6763 §6.4: "key=value"; without "=" the key alone counts, without a key nothing does.
void read_txt(RRsetView rrset, Service& service) {
  for (const RdataView rdata : rrset) {
    for (std::size_t at = 0; at < rdata.size();) {
      const std::size_t size = rdata[at];
      const std::string pair = text_of(rdata.subspan(at + 1, size));
      at += 1 + size;
      const std::size_t equals = pair.find('=');
      std::string key = pair.substr(0, equals);
      if (key.empty() || service.txt.size() == MAX_TXT_PAIRS) continue;
      if (std::ranges::any_of(service.txt,
                              [&](const auto& one) { return iequals(one.first, key); }))
        continue;  // the first one counts
      service.txt.emplace_back(std::move(key),
                               equals == std::string::npos ? "" : pair.substr(equals + 1));
    }
  }
}

std::string scheme_of(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  return colon == std::string_view::npos ? std::string() : lowered(uri.substr(0, colon));
}

class Collector {
 public:
  Collector(NameView name, Extent extent, std::vector<Service>& out)
      : name_(name), extent_(extent), out_(out) {}

  /// Records at the name itself.
  void at_name(RRsetsView rrsets) {
    if (const RRsetView https = rrsets.find(Type::HTTPS)) {
      add_bindings(https, Service::Source::HTTPS, "https");
    }
    if (const RRsetView svcb = rrsets.find(Type::SVCB); svcb && extent_ == Extent::ALL) {
      add_bindings(svcb, Service::Source::SVCB, "svcb");
    }
    if (const RRsetView uri = rrsets.find(Type::URI)) add_uris(uri, {});
  }

  /// Records at `_service._protocol.name`, or at an instance in front of that.
  void below(NameView owner, RRsetsView rrsets, const char* protocol) {
    const std::size_t labels = owner.label_count() - name_.label_count();
    if (labels != 2 && labels != 3) return;
    const RRsetView uri = rrsets.find(Type::URI);
    const RRsetView srv = rrsets.find(Type::SRV);
    // An URI may be of the web whatever its service is called.
    if (extent_ == Extent::WEB && !uri && !(srv && labels == 2 && is_web_label(owner))) return;
    Service base;
    base.protocol = protocol;
    base.service = service_label(labels == 2 ? owner : owner.parent());
    if (labels == 3) {
      base.instance = text_of(owner.first_label());
      if (base.instance.starts_with('_')) return;  // a subtype (RFC 6763 §7.1)
    }
    if (base.service.empty()) return;
    if (const RRsetView txt = rrsets.find(Type::TXT); txt && extent_ == Extent::ALL) {
      read_txt(txt, base);
    }
    if (srv) add_servers(srv, base);
    if (uri) add_uris(uri, base);
  }

 private:
  void add(Service&& service) {
    if (extent_ == Extent::WEB && service.web_scheme().empty()) return;
    if (out_.size() < MAX_SERVICES) out_.push_back(std::move(service));
  }

  void add_servers(RRsetView srv, const Service& base) {
    for (const RdataView rdata : srv) {
      zones::WireReader reader(rdata);
      Service service = base;
      service.source = Service::Source::SRV;
      service.rdata = rdata;
      service.ttl = srv.ttl();
      service.priority = reader.u16();
      service.weight = reader.u16();
      service.port = reader.u16();
      service.target = reader.name();
      // RFC 2782: "." as target says that there is no such service.
      if (!reader.failed() && !service.target.is_root() && service.port != 0) {
        add(std::move(service));
      }
    }
  }

  void add_bindings(RRsetView rrset, Service::Source source, const char* what) {
    for (const RdataView rdata : rrset) {
      zones::WireReader reader(rdata);
      Service service;
      service.source = source;
      service.rdata = rdata;
      service.service = what;
      service.ttl = rrset.ttl();
      service.priority = reader.u16();
      service.target = reader.name();
      if (service.priority == 0) continue;                         // AliasMode
      if (service.target.is_root()) service.target = Name(name_);  // RFC 9460 §2.5.2
      service.port = source == Service::Source::HTTPS ? HTTPS_PORT : 0;
      while (!reader.failed() && reader.remaining() > 0) {
        const std::uint16_t key = reader.u16();
        const std::uint16_t size = reader.u16();
        if (key == SVC_PARAM_PORT && size == sizeof(std::uint16_t)) {
          service.port = reader.u16();
        } else {
          reader.skip(size);
        }
      }
      if (!reader.failed() && service.port != 0) add(std::move(service));
    }
  }

  void add_uris(RRsetView rrset, const Service& base) {
    for (const RdataView rdata : rrset) {
      zones::WireReader reader(rdata);
      Service service = base;
      service.source = Service::Source::URI;
      service.rdata = rdata;
      service.ttl = rrset.ttl();
      service.priority = reader.u16();
      service.weight = reader.u16();
      service.uri = text_of(reader.octets(reader.remaining()));
      if (service.service.empty()) service.service = scheme_of(service.uri);
      if (!reader.failed()) add(std::move(service));
    }
  }

  NameView name_;
  Extent extent_;
  std::vector<Service>& out_;
};

void sort(std::vector<Service>& services) {
  const auto is_before = [](const Service& a, const Service& b) {
    return std::tie(a.service, a.protocol, a.instance, a.source, a.priority, b.weight) <
           std::tie(b.service, b.protocol, b.instance, b.source, b.priority, a.weight);
  };
  if (std::ranges::is_sorted(services, is_before)) return;  // mostly: the zone's order is similar
  std::ranges::stable_sort(services, is_before);
}

/// What is published at `_service._tcp` and `_service._udp`. The latter follows mostly upon the
/// former in the zone, so that one walk finds both.
void collect_below(const zones::ZoneSnapshot& zone, NameView name, Collector& collector) {
  static const Name TCP = *Name::from_text("_tcp.");
  static const Name UDP = *Name::from_text("_udp.");
  const auto tcp = Name::join(TCP, name);
  const auto udp = Name::join(UDP, name);
  if (!tcp || !udp) return;
  std::size_t owners = 0;
  bool is_udp_farther = false;
  const auto visit = [&](NameView owner, RRsetsView rrsets) {
    const bool is_tcp = owner.is_below(*tcp);
    if (!is_tcp && !owner.is_at_or_below(*udp)) {
      is_udp_farther = owner.is_below(name) && owner < udp->view();
      return false;
    }
    if (++owners > MAX_OWNERS) return false;
    collector.below(owner, rrsets, is_tcp ? "tcp" : "udp");
    return true;
  };
  zone.for_each_after(*tcp, visit);
  if (is_udp_farther) zone.for_each_after(*udp, visit);
}

/// The same endpoint told twice: of SRV and HTTPS, SRV stays.
void drop_repeated(std::vector<Service>& services) {
  if (std::ranges::find(services, Service::Source::HTTPS, &Service::source) == services.end())
    return;
  std::vector<std::string> told;
  for (const Service& service : services) {
    if (service.source != Service::Source::SRV) continue;
    if (const auto origin = web_origin(service)) told.push_back(origin->to_text());
  }
  std::erase_if(services, [&](const Service& service) {
    if (service.source != Service::Source::HTTPS) return false;
    const auto origin = web_origin(service);
    return origin && std::ranges::find(told, origin->to_text()) != told.end();
  });
}

}  // namespace

std::string_view Service::txt_value(std::string_view key) const {
  for (const auto& [name, value] : txt) {
    if (iequals(name, key)) return value;
  }
  return {};
}

Name Service::owner(NameView name) const {
  if (protocol.empty()) return Name(name);
  std::vector<std::uint8_t> wire;
  const auto add_label = [&](const std::string& label) {
    wire.push_back(static_cast<std::uint8_t>(label.size()));
    wire.insert(wire.end(), label.begin(), label.end());
  };
  if (!instance.empty()) add_label(instance);
  add_label("_" + service);
  add_label("_" + protocol);
  wire.insert(wire.end(), name.wire().begin(), name.wire().end());
  const auto owner = Name::from_wire(wire);
  return owner ? *owner : Name(name);
}

Type Service::type() const {
  switch (source) {
    case Source::SRV:
      return Type::SRV;
    case Source::HTTPS:
      return Type::HTTPS;
    case Source::SVCB:
      return Type::SVCB;
    case Source::URI:
      break;
  }
  return Type::URI;
}

NameServices services_of(const zones::Catalogue& catalogue, NameView name, Extent extent) {
  NameServices result;
  const zones::TreeKey key(name);
  const auto zone = catalogue.enclosing(key);
  if (!zone) return result;
  const zones::Lookup lookup = zone->find(key);
  if (lookup.cut_size != 0) return result;
  if (lookup.kind == zones::Lookup::Kind::ABSENT) {
    result.exists = lookup.wildcard_exists && !lookup.wildcard.empty();
    return result;
  }
  result.exists = true;
  result.services.reserve(USUAL_SERVICES);
  Collector collector(name, extent, result.services);
  collector.at_name(lookup.rrsets);
  collect_below(*zone, name, collector);
  sort(result.services);
  drop_repeated(result.services);
  return result;
}

std::vector<boost::asio::ip::address> addresses_of(const zones::Catalogue& catalogue,
                                                   NameView name) {
  namespace ip = boost::asio::ip;
  std::vector<ip::address> addresses;
  const auto zone = catalogue.enclosing(name);
  if (!zone) return addresses;
  const zones::Lookup lookup = zone->find(name);
  const RRsetsView rrsets =
      lookup.kind == zones::Lookup::Kind::ABSENT ? lookup.wildcard : lookup.rrsets;
  const auto add = [&]<class Address>(Type type, Address) {
    const RRsetView rrset = rrsets.find(type);
    if (!rrset) return;
    for (const RdataView rdata : rrset) {
      typename Address::bytes_type octets{};
      std::copy_n(rdata.begin(), octets.size(), octets.begin());
      addresses.emplace_back(Address(octets));
    }
  };
  add(Type::A, ip::address_v4());
  add(Type::AAAA, ip::address_v6());
  return addresses;
}

}  // namespace dnsd::http
