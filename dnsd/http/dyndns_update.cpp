#include "dnsd/http/dyndns_update.h"

#include <algorithm>
#include <iterator>

namespace dnsd::http {
namespace {

using zones::Class;
using zones::Name;
using zones::Rcode;
using zones::Rdata;
using zones::Record;
using zones::Type;

Record empty_record(const Name& owner, Type type, Class rrclass) {
  return {.owner = owner, .type = type, .rrclass = rrclass, .ttl = 0, .rdata = {}};
}

class Composer {
 public:
  explicit Composer(zones::NameView apex) {
    message_.header.opcode = zones::Opcode::UPDATE;
    message_.question.push_back({Name(apex), Type::SOA, Class::IN});
  }

  void require_no_cname(const Name& owner) {
    message_.answer.push_back(empty_record(owner, Type::CNAME, Class::NONE));
  }
  void remove(const Name& owner, Type type) {
    message_.authority.push_back(empty_record(owner, type, Class::ANY));
  }
  void add(const Name& owner, Type type, Rdata rdata) {
    message_.authority.push_back({.owner = owner,
                                  .type = type,
                                  .rrclass = Class::IN,
                                  .ttl = DYNDNS_TTL,
                                  .rdata = std::move(rdata)});
  }
  zones::Message take() { return std::move(message_); }

 private:
  zones::Message message_;
};

Rdata address_rdata(const keys::Address& address) {
  return Rdata(address.begin() + (keys::is_ipv4(address) ? 12 : 0), address.end());
}

Rdata srv_rdata(std::uint16_t port, const Name& target) {
  Rdata rdata;
  for (const std::uint16_t number : {std::uint16_t{0}, std::uint16_t{0}, port}) {
    rdata.push_back(static_cast<std::uint8_t>(number >> 8));
    rdata.push_back(static_cast<std::uint8_t>(number & 0xff));
  }
  rdata.insert(rdata.end(), target.wire().begin(), target.wire().end());
  return rdata;
}

Rdata endpoint_rdata(const keys::Address& address, std::uint16_t port) {
  const std::string host = keys::to_text(address);
  std::string text =
      "endpoint=" + (keys::is_ipv4(address) ? host : "[" + host + "]") + ":" + std::to_string(port);
  text.insert(text.begin(), static_cast<char>(text.size()));  // of a character-string
  return Rdata(text.begin(), text.end());
}

void set_addresses(Composer& composer, const Name& host, const DynDnsRequest& request,
                   std::span<const keys::Address> addresses) {
  for (const bool ipv4 : {true, false}) {
    const Type type = ipv4 ? Type::A : Type::AAAA;
    const auto is_of_family = [&](const keys::Address& one) { return keys::is_ipv4(one) == ipv4; };
    if (!request.offline && std::ranges::none_of(addresses, is_of_family)) continue;
    composer.remove(host, type);
    if (request.offline) continue;
    for (const keys::Address& address : addresses) {
      if (is_of_family(address)) composer.add(host, type, address_rdata(address));
    }
  }
}

}  // namespace

zones::Message dyndns_update(zones::NameView apex, const Name& host, const DynDnsRequest& request,
                             std::span<const keys::Address> addresses) {
  Composer composer(apex);
  composer.require_no_cname(host);
  set_addresses(composer, host, request, addresses);
  for (const DynDnsRequest::Service& service : request.services) {
    const auto owner = Name::join(service.name.view(), host.view());
    if (!owner) return {};
    composer.require_no_cname(*owner);
    composer.remove(*owner, Type::SRV);
    composer.remove(*owner, Type::TXT);
    if (request.offline || service.port == 0) continue;
    composer.add(*owner, Type::SRV, srv_rdata(service.port, host));
    for (const keys::Address& address : addresses) {
      composer.add(*owner, Type::TXT, endpoint_rdata(address, service.port));
    }
  }
  return composer.take();
}

std::string_view to_text(DynDnsWord word) {
  switch (word) {
    case DynDnsWord::GOOD:
      return "good";
    case DynDnsWord::NOCHG:
      return "nochg";
    case DynDnsWord::BADAUTH:
      return "badauth";
    case DynDnsWord::NOTFQDN:
      return "notfqdn";
    case DynDnsWord::NOHOST:
      return "nohost";
    case DynDnsWord::NUMHOST:
      return "numhost";
    case DynDnsWord::ABUSE:
      return "abuse";
    case DynDnsWord::BADAGENT:
      return "badagent";
    case DynDnsWord::DNSERR:
      return "dnserr";
    case DynDnsWord::E911:
      break;
  }
  return "911";
}

DynDnsWord to_word(DynDnsFault fault) {
  switch (fault) {
    case DynDnsFault::NOTFQDN:
      return DynDnsWord::NOTFQDN;
    case DynDnsFault::NUMHOST:
      return DynDnsWord::NUMHOST;
    case DynDnsFault::BADAGENT:
      break;
  }
  return DynDnsWord::BADAGENT;
}

DynDnsWord to_word(const UpdateReply& reply, bool may_change_host) {
  switch (reply.rcode) {
    case Rcode::NOERROR:
      return reply.changed ? DynDnsWord::GOOD : DynDnsWord::NOCHG;
    case Rcode::REFUSED:
      if (reply.above_rate) return DynDnsWord::ABUSE;
      return may_change_host ? DynDnsWord::DNSERR : DynDnsWord::NOHOST;
    case Rcode::NOTAUTH:
      // The zone is gone; or, with BADTIME, the server cannot yet tell what it has done already.
      return reply.bad_time ? DynDnsWord::E911 : DynDnsWord::NOHOST;
    case Rcode::SERVFAIL:
      return DynDnsWord::E911;
    case Rcode::FORMERR:
    case Rcode::NXDOMAIN:
    case Rcode::NOTIMP:
    case Rcode::YXDOMAIN:
    case Rcode::YXRRSET:  // a CNAME
    case Rcode::NXRRSET:
    case Rcode::NOTZONE:
    case Rcode::BADVERS:
    case Rcode::BADCOOKIE:
      break;
  }
  return DynDnsWord::DNSERR;
}

std::string dyndns_line(DynDnsWord word, std::span<const keys::Address> addresses) {
  std::string line(to_text(word));
  if (word != DynDnsWord::GOOD && word != DynDnsWord::NOCHG) return line;
  char before = ' ';  // one word for clients that split at spaces
  for (const keys::Address& address : addresses) {
    line += before + keys::to_text(address);
    before = ',';
  }
  return line;
}

}  // namespace dnsd::http
