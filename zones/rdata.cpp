#include "zones/rdata.h"

#include <algorithm>
#include <cstring>

namespace zones {
namespace {

using enum Field;

constexpr Field OPAQUE[] = {REST, END};
constexpr Field ADDRESS4[] = {IPV4, END};
constexpr Field ADDRESS6[] = {IPV6, END};
constexpr Field ONE_NAME_COMPRESSED[] = {NAME_COMPRESSED, END};
constexpr Field TWO_NAMES_COMPRESSED[] = {NAME_COMPRESSED, NAME_COMPRESSED, END};
constexpr Field ONE_NAME[] = {NAME, END};
constexpr Field TWO_NAMES[] = {NAME, NAME, END};
constexpr Field SOA_FIELDS[] = {NAME_COMPRESSED, NAME_COMPRESSED, U32, U32, U32, U32, U32, END};
constexpr Field WKS_FIELDS[] = {IPV4, U8, REST, END};
constexpr Field TWO_STRINGS[] = {STRING, STRING, END};
constexpr Field THREE_STRINGS[] = {STRING, STRING, STRING, END};
constexpr Field ONE_STRING[] = {STRING, END};
constexpr Field TEXTS[] = {STRINGS, END};
constexpr Field MX_FIELDS[] = {U16, NAME_COMPRESSED, END};
constexpr Field PREFERENCE_NAME[] = {U16, NAME, END};
constexpr Field PX_FIELDS[] = {U16, NAME, NAME, END};
constexpr Field SIGNATURE[] = {U16, U8, U8, U32, U32, U32, U16, NAME, REST, END};
constexpr Field KEY_FIELDS[] = {U16, U8, U8, REST, END};
constexpr Field LOC_FIELDS[] = {U8, U8, U8, U8, U32, U32, U32, END};
constexpr Field NXT_FIELDS[] = {NAME, REST, END};
constexpr Field SRV_FIELDS[] = {U16, U16, U16, NAME, END};
constexpr Field NAPTR_FIELDS[] = {U16, U16, STRING, STRING, STRING, NAME, END};
constexpr Field CERT_FIELDS[] = {U16, U16, U8, REST, END};
constexpr Field DIGEST[] = {U16, U8, U8, REST_NOT_EMPTY, END};
constexpr Field SSHFP_FIELDS[] = {U8, U8, REST_NOT_EMPTY, END};
constexpr Field NSEC_FIELDS[] = {NAME_KEEP_CASE, TYPE_BITMAP, END};
constexpr Field NOT_EMPTY[] = {REST_NOT_EMPTY, END};
constexpr Field NSEC3_FIELDS[] = {U8, U8, U16, STRING, STRING, TYPE_BITMAP, END};
constexpr Field NSEC3PARAM_FIELDS[] = {U8, U8, U16, STRING, END};
constexpr Field TLSA_FIELDS[] = {U8, U8, U8, REST_NOT_EMPTY, END};
constexpr Field CSYNC_FIELDS[] = {U32, U16, TYPE_BITMAP, END};
constexpr Field ZONEMD_FIELDS[] = {U32, U8, U8, REST_NOT_EMPTY, END};
constexpr Field SVCB_FIELDS[] = {U16, NAME_KEEP_CASE, SVC_PARAMS, END};
constexpr Field EUI48_FIELDS[] = {U48, END};
constexpr Field EUI64_FIELDS[] = {U32, U32, END};
constexpr Field URI_FIELDS[] = {U16, U16, REST_NOT_EMPTY, END};
constexpr Field CAA_FIELDS[] = {U8, STRING, REST, END};

constexpr bool is_name(Field field) {
  return field == NAME || field == NAME_COMPRESSED || field == NAME_KEEP_CASE;
}

/// RFC 9460 §2.2, §7, §8: what a key's value must look like; unknown keys take anything.
bool is_valid_param(std::uint16_t key, RdataView value) {
  switch (key) {
    case 0: {  // mandatory: ascending keys, itself not among them
      if (value.empty() || value.size() % 2 != 0) return false;
      int last = 0;
      for (std::size_t i = 0; i < value.size(); i += 2) {
        const int named = value[i] << 8 | value[i + 1];
        if (named <= last) return false;
        last = named;
      }
      return true;
    }
    case 1: {  // alpn: one or more strings, none empty
      std::size_t at = 0;
      while (at < value.size()) {
        if (value[at] == 0) return false;
        at += value[at] + 1U;
      }
      return !value.empty() && at == value.size();
    }
    case 2:
      return value.empty();  // no-default-alpn
    case 3:
      return value.size() == 2;  // port
    case 4:
      return !value.empty() && value.size() % 4 == 0;  // ipv4hint
    case 6:
      return !value.empty() && value.size() % 16 == 0;  // ipv6hint
    default:
      return true;
  }
}

bool is_valid_params(RdataView params) {
  WireReader reader(params);
  int last = -1;
  while (reader.remaining() > 0) {
    const std::uint16_t key = reader.u16();
    const RdataView value = reader.octets(reader.u16());
    if (reader.failed() || key <= last || !is_valid_param(key, value)) return false;
    last = key;
  }
  return !reader.failed();
}

/// RFC 4034 §4.1.2: blocks ascending, 1 to 32 octets each, no trailing zero octet.
bool is_valid_bitmap(RdataView bitmap) {
  int last = -1;
  std::size_t at = 0;
  while (at < bitmap.size()) {
    if (bitmap.size() - at < 3) return false;
    const int window = bitmap[at];
    const std::size_t size = bitmap[at + 1];
    if (window <= last || size == 0 || size > 32 || bitmap.size() - at - 2 < size) return false;
    if (bitmap[at + 1 + size] == 0) return false;
    last = window;
    at += 2 + size;
  }
  return true;
}

/// Steps over one field that is no name; fails the reader where it does not fit.
void skip_field(WireReader& reader, Field field) {
  switch (field) {
    case U8:
      reader.skip(1);
      break;
    case U16:
      reader.skip(2);
      break;
    case U32:
    case IPV4:
      reader.skip(4);
      break;
    case U48:
      reader.skip(6);
      break;
    case IPV6:
      reader.skip(16);
      break;
    case STRING:
      reader.skip(reader.u8());
      break;
    case STRINGS:
      do {
        reader.skip(reader.u8());
      } while (reader.remaining() > 0);
      break;
    case SVC_PARAMS:
      if (!is_valid_params(reader.octets(reader.remaining()))) reader.fail(WireError::BAD_RDATA);
      break;
    case TYPE_BITMAP:
      if (!is_valid_bitmap(reader.octets(reader.remaining()))) reader.fail(WireError::BAD_RDATA);
      break;
    case REST:
      reader.skip(reader.remaining());
      break;
    case REST_NOT_EMPTY:
      if (reader.remaining() == 0) reader.fail(WireError::BAD_RDATA);
      reader.skip(reader.remaining());
      break;
    case END:
    case NAME_COMPRESSED:
    case NAME:
    case NAME_KEEP_CASE:
      break;
  }
}

/// Calls visit(field, its octets) for uncompressed RDATA. @return false where it is malformed
template <class Visit>
bool scan(Type type, RdataView rdata, Visit visit) {
  WireReader reader(rdata);
  for (const Field* field = fields(type).data(); *field != END; ++field) {
    const std::size_t start = reader.offset();
    if (is_name(*field)) {
      static_cast<void>(reader.uncompressed_name());
    } else {
      skip_field(reader, *field);
    }
    if (reader.failed()) return false;
    visit(*field, rdata.subspan(start, reader.offset() - start));
  }
  return reader.remaining() == 0;
}

NameView view(RdataView octets) { return {octets.data(), octets.size()}; }

}  // namespace

std::span<const Field> fields(Type type) {
  switch (type) {
    case Type::A:
      return ADDRESS4;
    case Type::NS:
    case Type::MD:
    case Type::MF:
    case Type::CNAME:
    case Type::MB:
    case Type::MG:
    case Type::MR:
    case Type::PTR:
      return ONE_NAME_COMPRESSED;
    case Type::SOA:
      return SOA_FIELDS;
    case Type::WKS:
      return WKS_FIELDS;
    case Type::HINFO:
      return TWO_STRINGS;
    case Type::MINFO:
      return TWO_NAMES_COMPRESSED;
    case Type::MX:
      return MX_FIELDS;
    case Type::TXT:
    case Type::SPF:
    case Type::ISDN:
      return TEXTS;
    case Type::RP:
      return TWO_NAMES;
    case Type::AFSDB:
    case Type::RT:
    case Type::KX:
      return PREFERENCE_NAME;
    case Type::X25:
      return ONE_STRING;
    case Type::NSAP_PTR:
    case Type::DNAME:
      return ONE_NAME;
    case Type::SIG:
    case Type::RRSIG:
      return SIGNATURE;
    case Type::KEY:
    case Type::DNSKEY:
    case Type::CDNSKEY:
      return KEY_FIELDS;
    case Type::PX:
      return PX_FIELDS;
    case Type::GPOS:
      return THREE_STRINGS;
    case Type::AAAA:
      return ADDRESS6;
    case Type::LOC:
      return LOC_FIELDS;
    case Type::NXT:
      return NXT_FIELDS;
    case Type::SRV:
      return SRV_FIELDS;
    case Type::NAPTR:
      return NAPTR_FIELDS;
    case Type::CERT:
      return CERT_FIELDS;
    case Type::DS:
    case Type::CDS:
      return DIGEST;
    case Type::SSHFP:
      return SSHFP_FIELDS;
    case Type::NSEC:
      return NSEC_FIELDS;
    case Type::DHCID:
    case Type::OPENPGPKEY:
    case Type::NSAP:
      return NOT_EMPTY;
    case Type::NSEC3:
      return NSEC3_FIELDS;
    case Type::NSEC3PARAM:
      return NSEC3PARAM_FIELDS;
    case Type::TLSA:
    case Type::SMIMEA:
      return TLSA_FIELDS;
    case Type::CSYNC:
      return CSYNC_FIELDS;
    case Type::ZONEMD:
      return ZONEMD_FIELDS;
    case Type::SVCB:
    case Type::HTTPS:
      return SVCB_FIELDS;
    case Type::EUI48:
      return EUI48_FIELDS;
    case Type::EUI64:
      return EUI64_FIELDS;
    case Type::URI:
      return URI_FIELDS;
    case Type::CAA:
      return CAA_FIELDS;
    default:
      return OPAQUE;
  }
}

void read_rdata(WireReader& reader, Type type, std::size_t rdlength, Rdata& out) {
  out.clear();
  const std::size_t end = reader.narrow(rdlength);
  if (reader.failed()) return;
  out.reserve(rdlength);
  const std::size_t rdata_end = reader.offset() + rdlength;
  for (const Field* field = fields(type).data(); *field != END && !reader.failed(); ++field) {
    if (is_name(*field)) {
      const Name name = *field == NAME_KEEP_CASE ? reader.uncompressed_name() : reader.name();
      out.insert(out.end(), name.wire().begin(), name.wire().end());
      continue;
    }
    const std::size_t start = reader.offset();
    skip_field(reader, *field);
    if (reader.failed()) break;
    const auto octets = reader.message().subspan(start, reader.offset() - start);
    out.insert(out.end(), octets.begin(), octets.end());
  }
  reader.restore_end(end);
  // Names may have grown by decompression; what a row keeps has 16 bits for its length.
  if (!reader.failed() && (reader.offset() != rdata_end || out.size() > MAX_MESSAGE_OCTETS)) {
    reader.fail(WireError::BAD_RDATA);
  }
}

bool is_valid_rdata(Type type, RdataView rdata) {
  return rdata.size() <= MAX_MESSAGE_OCTETS && scan(type, rdata, [](Field, RdataView) {});
}

void write_rdata(WireWriter& writer, Type type, RdataView rdata) {
  if (fields(type).front() == REST) return writer.octets(rdata);
  const bool valid = scan(type, rdata, [&writer](Field field, RdataView octets) {
    if (field == NAME_COMPRESSED) {
      writer.compressed_name(view(octets), true);
    } else {
      writer.octets(octets);
    }
  });
  static_cast<void>(valid);  // the caller's RDATA was checked when it was read
}

bool rdata_equal(Type type, RdataView a, RdataView b) {
  if (a.size() != b.size()) return false;
  if (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0) return true;
  bool equal = true;
  const bool valid = scan(type, a, [&](Field field, RdataView octets) {
    const RdataView other =
        b.subspan(static_cast<std::size_t>(octets.data() - a.data()), octets.size());
    const bool fold = field == NAME || field == NAME_COMPRESSED;
    equal = equal && std::equal(octets.begin(), octets.end(), other.begin(),
                                [fold](std::uint8_t x, std::uint8_t y) {
                                  return x == y || (fold && lower(x) == lower(y));
                                });
  });
  return valid && equal;
}

Rdata canonical_rdata(Type type, RdataView rdata) {
  Rdata out;
  out.reserve(rdata.size());
  const bool valid = scan(type, rdata, [&out](Field field, RdataView octets) {
    const bool fold = field == NAME || field == NAME_COMPRESSED;
    for (const std::uint8_t octet : octets) out.push_back(fold ? lower(octet) : octet);
  });
  if (!valid) out.assign(rdata.begin(), rdata.end());
  return out;
}

void for_each_name(Type type, RdataView rdata, const std::function<void(NameView)>& visit) {
  const bool valid = scan(type, rdata, [&visit](Field field, RdataView octets) {
    if (is_name(field)) visit(view(octets));
  });
  static_cast<void>(valid);
}

NameView target_name(Type type, RdataView rdata) {
  std::size_t before = 0;
  switch (type) {
    case Type::NS:
    case Type::CNAME:
    case Type::DNAME:
    case Type::PTR:
      break;
    case Type::MX:
    case Type::SVCB:
    case Type::HTTPS:
      before = 2;
      break;
    case Type::SRV:
      before = 6;
      break;
    default:
      return {};
  }
  return name_at(rdata, before);
}

Soa read_soa(RdataView rdata) {
  Soa soa{};
  soa.mname = name_at(rdata, 0);
  soa.rname = name_at(rdata, soa.mname.size());
  WireReader reader(rdata, soa.mname.size() + soa.rname.size());
  soa.serial = reader.u32();
  soa.refresh = reader.u32();
  soa.retry = reader.u32();
  soa.expire = reader.u32();
  soa.minimum = reader.u32();
  return soa;
}

Rdata with_serial(RdataView soa, std::uint32_t serial) {
  Rdata out(soa.begin(), soa.end());
  WireWriter writer{std::span<std::uint8_t>(out).subspan(out.size() - 20, 4)};
  writer.u32(serial);
  return out;
}

}  // namespace zones
