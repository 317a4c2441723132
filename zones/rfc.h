// Numbers of the protocol, spelled as the RFCs spell them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace zones {

// RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 6891 §9, RFC 7873 §8. TSIG errors above 15 live in
// keys/tsig.h.
enum class Rcode : std::uint16_t {
  NOERROR = 0,
  FORMERR = 1,
  SERVFAIL = 2,
  NXDOMAIN = 3,
  NOTIMP = 4,
  REFUSED = 5,
  YXDOMAIN = 6,
  YXRRSET = 7,
  NXRRSET = 8,
  NOTAUTH = 9,
  NOTZONE = 10,
  BADVERS = 16,
  BADCOOKIE = 23,
};

// RFC 1035 §4.1.1, RFC 1996 §3, RFC 2136 §2.2. Other values are possible on the wire.
enum class Opcode : std::uint8_t { QUERY = 0, IQUERY = 1, STATUS = 2, NOTIFY = 4, UPDATE = 5 };

/// Bits of the header's second 16 (RFC 1035 §4.1.1; AD and CD by RFC 4035 §3.1.6 and §3.2.2), for
/// what composes or reads a header where it lies.
namespace flag {
constexpr std::uint16_t QR = 0x8000;
constexpr std::uint16_t AA = 0x0400;
constexpr std::uint16_t TC = 0x0200;
constexpr std::uint16_t RD = 0x0100;
constexpr std::uint16_t RA = 0x0080;
constexpr std::uint16_t Z = 0x0040;
constexpr std::uint16_t AD = 0x0020;
constexpr std::uint16_t CD = 0x0010;
}  // namespace flag

// RFC 1035 §3.2.4, RFC 2136 §1.2 and §1.3.
enum class Class : std::uint16_t { IN = 1, CH = 3, HS = 4, NONE = 254, ANY = 255 };

// The types this server treats by name; all others are opaque (RFC 3597).
enum class Type : std::uint16_t {
  A = 1,
  NS = 2,
  MD = 3,
  MF = 4,
  CNAME = 5,
  SOA = 6,
  MB = 7,
  MG = 8,
  MR = 9,
  NULL_ = 10,
  WKS = 11,
  PTR = 12,
  HINFO = 13,
  MINFO = 14,
  MX = 15,
  TXT = 16,
  RP = 17,
  AFSDB = 18,
  X25 = 19,
  ISDN = 20,
  RT = 21,
  NSAP = 22,
  NSAP_PTR = 23,
  SIG = 24,
  KEY = 25,
  PX = 26,
  GPOS = 27,
  AAAA = 28,
  LOC = 29,
  NXT = 30,
  SRV = 33,
  NAPTR = 35,
  KX = 36,
  CERT = 37,
  A6 = 38,
  DNAME = 39,
  OPT = 41,
  APL = 42,
  DS = 43,
  SSHFP = 44,
  IPSECKEY = 45,
  RRSIG = 46,
  NSEC = 47,
  DNSKEY = 48,
  DHCID = 49,
  NSEC3 = 50,
  NSEC3PARAM = 51,
  TLSA = 52,
  SMIMEA = 53,
  HIP = 55,
  CDS = 59,
  CDNSKEY = 60,
  OPENPGPKEY = 61,
  CSYNC = 62,
  ZONEMD = 63,
  SVCB = 64,
  HTTPS = 65,
  SPF = 99,
  EUI48 = 108,
  EUI64 = 109,
  TKEY = 249,
  TSIG = 250,
  IXFR = 251,
  AXFR = 252,
  MAILB = 253,
  MAILA = 254,
  ANY = 255,
  URI = 256,
  CAA = 257,
};

/// QTYPEs and meta types, which are never data in a zone: OPT and 128 to 255 (RFC 6895 §3.1), and
/// 0.
constexpr bool is_meta(Type type) {
  const auto value = static_cast<std::uint16_t>(type);
  return value == 0 || type == Type::OPT || (value >= 128 && value <= 255);
}

constexpr std::size_t MAX_NAME_OCTETS = 255;       // RFC 1035 §2.3.4
constexpr std::size_t MAX_LABEL_OCTETS = 63;       // RFC 1035 §2.3.4
constexpr std::size_t MAX_MESSAGE_OCTETS = 65535;  // RFC 1035 §4.2.2
constexpr std::size_t MIN_UDP_OCTETS = 512;        // RFC 1035 §4.2.1
constexpr std::size_t HEADER_OCTETS = 12;          // RFC 1035 §4.1.1
constexpr std::uint32_t MAX_TTL = 0x7fffffff;      // RFC 2181 §8

/// "NXDOMAIN", or "RCODE17" for one without a name here.
std::string to_text(Rcode rcode);
/// "SRV", or "TYPE65280" (RFC 3597 §5).
std::string to_text(Type type);
/// "IN", or "CLASS32" (RFC 3597 §5).
std::string to_text(Class rrclass);
/// The type of a mnemonic or of TYPEnnn, in any case. False when it is neither.
bool type_from_text(std::string_view text, Type& type);
/// The same for a class; NONE and ANY included.
bool class_from_text(std::string_view text, Class& rrclass);

}  // namespace zones
