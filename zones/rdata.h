// RDATA: one list of fields a type drives reading, checking, canonical form and comparison.
// Types without a list are opaque (RFC 3597).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "zones/name.h"
#include "zones/result.h"
#include "zones/rfc.h"
#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace zones {

/// RDATA in uncompressed wire form, case kept.
using Rdata = std::vector<std::uint8_t>;
using RdataView = std::span<const std::uint8_t>;

enum class Field : std::uint8_t {
  END,              // of the list; the RDATA must end here
  NAME_COMPRESSED,  // a name that may be written compressed: types of RFC 1035 (RFC 3597 §4)
  NAME,  // a name that is read compressed and written in full; lowered in canonical form (RFC 4034
         // §6.2)
  NAME_KEEP_CASE,  // a name that is never compressed and not lowered in canonical form
  U8,
  U16,
  U32,
  U48,
  IPV4,
  IPV6,
  STRING,       // <character-string>
  STRINGS,      // one or more of them, to the end
  SVC_PARAMS,   // RFC 9460 §2.2, to the end: keys ascending, lengths exact, known keys well-formed
  TYPE_BITMAP,  // RFC 4034 §4.1.2, to the end
  REST,         // any octets, to the end
  REST_NOT_EMPTY,
};

/// The fields of a type; ends with END. For an unknown type {REST, END}.
std::span<const Field> fields(Type type);

/// Reads RDATA of `rdlength` octets at the reader's cursor, decompressing names; checks the type's
/// form. Fails the reader with BAD_RDATA (or TRUNCATED, BAD_NAME). On success the cursor is after
/// the RDATA.
void read_rdata(WireReader& reader, Type type, std::size_t rdlength, Rdata& out);
/// True when `rdata` is well-formed for `type` in uncompressed wire form.
bool is_valid_rdata(Type type, RdataView rdata);
/// Writes RDATA without RDLENGTH; compresses names where the type allows (RFC 3597 §4).
void write_rdata(WireWriter& writer, Type type, RdataView rdata);
/// Equal as RFC 2136 §1.1.1 means it: names in known types compared without case. Both must be
/// valid.
bool rdata_equal(Type type, RdataView a, RdataView b);
/// Canonical form (RFC 4034 §6.2, RFC 6840 §5.1): names of the listed types lowered.
Rdata canonical_rdata(Type type, RdataView rdata);
/// Calls `visit` for each name in the RDATA, in order.
void for_each_name(Type type, RdataView rdata, const std::function<void(NameView)>& visit);

/// The name that begins at `at` in valid, uncompressed RDATA.
inline NameView name_at(RdataView rdata, std::size_t at) {
  std::size_t end = at;
  while (rdata[end] != 0) end += 1U + rdata[end];
  return {rdata.data() + at, end + 1 - at};
}

/// The name that leads on to other records: NS, CNAME, DNAME, PTR, MX, SRV, SVCB, HTTPS. Root when
/// there is none.
NameView target_name(Type type, RdataView rdata);

/// The fixed part of SOA RDATA; `rdata` must be valid.
struct Soa {
  NameView mname;
  NameView rname;
  std::uint32_t serial;
  std::uint32_t refresh;
  std::uint32_t retry;
  std::uint32_t expire;
  std::uint32_t minimum;
};
Soa read_soa(RdataView rdata);
/// The RDATA with another serial.
Rdata with_serial(RdataView soa, std::uint32_t serial);

}  // namespace zones
