#include "zones/rfc.h"

#include <strings.h>

#include <array>

#include "zones/number.h"

namespace zones {
namespace {

struct TypeName {
  Type type;
  std::string_view name;
};

constexpr TypeName TYPE_NAMES[] = {
    {Type::A, "A"},
    {Type::NS, "NS"},
    {Type::MD, "MD"},
    {Type::MF, "MF"},
    {Type::CNAME, "CNAME"},
    {Type::SOA, "SOA"},
    {Type::MB, "MB"},
    {Type::MG, "MG"},
    {Type::MR, "MR"},
    {Type::NULL_, "NULL"},
    {Type::WKS, "WKS"},
    {Type::PTR, "PTR"},
    {Type::HINFO, "HINFO"},
    {Type::MINFO, "MINFO"},
    {Type::MX, "MX"},
    {Type::TXT, "TXT"},
    {Type::RP, "RP"},
    {Type::AFSDB, "AFSDB"},
    {Type::X25, "X25"},
    {Type::ISDN, "ISDN"},
    {Type::RT, "RT"},
    {Type::NSAP, "NSAP"},
    {Type::NSAP_PTR, "NSAP-PTR"},
    {Type::SIG, "SIG"},
    {Type::KEY, "KEY"},
    {Type::PX, "PX"},
    {Type::GPOS, "GPOS"},
    {Type::AAAA, "AAAA"},
    {Type::LOC, "LOC"},
    {Type::NXT, "NXT"},
    {Type::SRV, "SRV"},
    {Type::NAPTR, "NAPTR"},
    {Type::KX, "KX"},
    {Type::CERT, "CERT"},
    {Type::A6, "A6"},
    {Type::DNAME, "DNAME"},
    {Type::OPT, "OPT"},
    {Type::APL, "APL"},
    {Type::DS, "DS"},
    {Type::SSHFP, "SSHFP"},
    {Type::IPSECKEY, "IPSECKEY"},
    {Type::RRSIG, "RRSIG"},
    {Type::NSEC, "NSEC"},
    {Type::DNSKEY, "DNSKEY"},
    {Type::DHCID, "DHCID"},
    {Type::NSEC3, "NSEC3"},
    {Type::NSEC3PARAM, "NSEC3PARAM"},
    {Type::TLSA, "TLSA"},
    {Type::SMIMEA, "SMIMEA"},
    {Type::HIP, "HIP"},
    {Type::CDS, "CDS"},
    {Type::CDNSKEY, "CDNSKEY"},
    {Type::OPENPGPKEY, "OPENPGPKEY"},
    {Type::CSYNC, "CSYNC"},
    {Type::ZONEMD, "ZONEMD"},
    {Type::SVCB, "SVCB"},
    {Type::HTTPS, "HTTPS"},
    {Type::SPF, "SPF"},
    {Type::EUI48, "EUI48"},
    {Type::EUI64, "EUI64"},
    {Type::TKEY, "TKEY"},
    {Type::TSIG, "TSIG"},
    {Type::IXFR, "IXFR"},
    {Type::AXFR, "AXFR"},
    {Type::MAILB, "MAILB"},
    {Type::MAILA, "MAILA"},
    {Type::ANY, "ANY"},
    {Type::URI, "URI"},
    {Type::CAA, "CAA"},
};

struct ClassName {
  Class rrclass;
  std::string_view name;
};

constexpr ClassName CLASS_NAMES[] = {{Class::IN, "IN"},
                                     {Class::CH, "CH"},
                                     {Class::HS, "HS"},
                                     {Class::NONE, "NONE"},
                                     {Class::ANY, "ANY"}};

bool equal_no_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size() || a.empty() || ((a.front() ^ b.front()) & ~0x20) != 0) return false;
  return strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/// RFC 3597 §5: "TYPE" or "CLASS" and a decimal number.
bool number_after(std::string_view prefix, std::string_view text, std::uint16_t& value) {
  if (text.size() <= prefix.size() || !equal_no_case(text.substr(0, prefix.size()), prefix))
    return false;
  return read_number(text.substr(prefix.size()), value);
}

}  // namespace

std::string to_text(Rcode rcode) {
  switch (rcode) {
    case Rcode::NOERROR:
      return "NOERROR";
    case Rcode::FORMERR:
      return "FORMERR";
    case Rcode::SERVFAIL:
      return "SERVFAIL";
    case Rcode::NXDOMAIN:
      return "NXDOMAIN";
    case Rcode::NOTIMP:
      return "NOTIMP";
    case Rcode::REFUSED:
      return "REFUSED";
    case Rcode::YXDOMAIN:
      return "YXDOMAIN";
    case Rcode::YXRRSET:
      return "YXRRSET";
    case Rcode::NXRRSET:
      return "NXRRSET";
    case Rcode::NOTAUTH:
      return "NOTAUTH";
    case Rcode::NOTZONE:
      return "NOTZONE";
    case Rcode::BADVERS:
      return "BADVERS";
    case Rcode::BADCOOKIE:
      return "BADCOOKIE";
  }
  return "RCODE" + std::to_string(static_cast<unsigned>(rcode));
}

std::string to_text(Type type) {
  for (const TypeName& entry : TYPE_NAMES) {
    if (entry.type == type) return std::string(entry.name);
  }
  return "TYPE" + std::to_string(static_cast<unsigned>(type));
}

std::string to_text(Class rrclass) {
  for (const ClassName& entry : CLASS_NAMES) {
    if (entry.rrclass == rrclass) return std::string(entry.name);
  }
  return "CLASS" + std::to_string(static_cast<unsigned>(rrclass));
}

bool type_from_text(std::string_view text, Type& type) {
  for (const TypeName& entry : TYPE_NAMES) {
    if (equal_no_case(entry.name, text)) {
      type = entry.type;
      return true;
    }
  }
  std::uint16_t value = 0;
  if (!number_after("TYPE", text, value)) return false;
  type = static_cast<Type>(value);
  return true;
}

bool class_from_text(std::string_view text, Class& rrclass) {
  for (const ClassName& entry : CLASS_NAMES) {
    if (equal_no_case(entry.name, text)) {
      rrclass = entry.rrclass;
      return true;
    }
  }
  std::uint16_t value = 0;
  if (!number_after("CLASS", text, value)) return false;
  rrclass = static_cast<Class>(value);
  return true;
}

}  // namespace zones
