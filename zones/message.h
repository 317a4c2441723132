// Whole messages: header and four sections (RFC 1035 §4), with OPT, TSIG and SIG(0) taken out of
// the additional section. For updates, transfers, tools and tests; queries have a path of their
// own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "zones/edns.h"
#include "zones/name.h"
#include "zones/rdata.h"
#include "zones/result.h"
#include "zones/rfc.h"
#include "zones/wire_reader.h"
#include "zones/wire_writer.h"

namespace zones {

/// RFC 1035 §4.1.1; AD and CD by RFC 4035 §3.1.6 and §3.2.2.
struct Header {
  std::uint16_t id = 0;
  bool qr = false;
  Opcode opcode = Opcode::QUERY;
  bool aa = false;
  bool tc = false;
  bool rd = false;
  bool ra = false;
  bool z = false;
  bool ad = false;
  bool cd = false;
  std::uint8_t rcode = 0;  // the lower four bits
  std::uint16_t qdcount = 0;
  std::uint16_t ancount = 0;
  std::uint16_t nscount = 0;
  std::uint16_t arcount = 0;
};
/// Fails the reader on fewer than 12 octets.
Header read_header(WireReader& reader);
void write_header(WireWriter& writer, const Header& header);

/// Also the zone section of an UPDATE (RFC 2136 §2.3).
struct Question {
  Name name;
  Type type{};
  Class rrclass = Class::IN;
};

struct Record {
  Name owner;
  Type type{};
  Class rrclass = Class::IN;
  std::uint32_t ttl = 0;  // as on the wire; above 2^31-1 counts as 0 (RFC 2181 §8)
  Rdata rdata;
  bool operator==(const Record&) const = default;
};

struct Message {
  Header header;                   // counts are as read; write_message() counts anew
  std::vector<Question> question;  // zone
  std::vector<Record> answer;      // prerequisites
  std::vector<Record> authority;   // updates
  std::vector<Record> additional;  // without OPT and the signature
  std::optional<Edns> edns;
  std::optional<Record> signature;   // TSIG, or SIG with type covered 0
  std::size_t signature_offset = 0;  // where its owner name begins in the octets; 0 without one
};

/// Parses a whole message and checks every record's form. In an UPDATE (RFC 2136 §2.4, §2.5),
/// records of class ANY or NONE may have empty RDATA. @return what is wrong first, in wire order.
Result<Message, WireError> parse_message(std::span<const std::uint8_t> octets);
/// Writes header, sections and OPT, without `signature`; names compressed. Overflow shows in the
/// writer.
void write_message(WireWriter& writer, const Message& message);
/// The same, into octets of its own; at most 65,535, else empty.
std::vector<std::uint8_t> to_wire(const Message& message);
/// One record with the counts left to the caller.
void write_record(WireWriter& writer, const Record& record);

}  // namespace zones
