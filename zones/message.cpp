#include "zones/message.h"

namespace zones {
namespace {

Question read_question(WireReader& reader) {
  Question question;
  question.name = reader.name();
  question.type = static_cast<Type>(reader.u16());
  question.rrclass = static_cast<Class>(reader.u16());
  return question;
}

/// Class ANY and NONE with empty RDATA: prerequisites and deletions (RFC 2136 §2.4, §2.5).
bool may_be_empty(const Record& record) {
  return record.rrclass == Class::ANY || record.rrclass == Class::NONE;
}

/// The part of a record after its TYPE.
void read_rest(WireReader& reader, bool is_update, Record& record) {
  record.rrclass = static_cast<Class>(reader.u16());
  record.ttl = reader.u32();
  const std::size_t rdlength = reader.u16();
  if (rdlength == 0 && is_update && may_be_empty(record)) return;
  read_rdata(reader, record.type, rdlength, record.rdata);
}

bool is_sig0(const Record& record) {
  return record.type == Type::SIG && record.rdata.size() >= 2 && record.rdata[0] == 0 &&
         record.rdata[1] == 0;
}

void read_section(WireReader& reader, std::size_t count, bool is_update,
                  std::vector<Record>& section) {
  for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
    Record record;
    record.owner = reader.name();
    record.type = static_cast<Type>(reader.u16());
    if (record.type == Type::OPT) return reader.fail(WireError::BAD_OPT);
    if (record.type == Type::TSIG) return reader.fail(WireError::BAD_TSIG);
    read_rest(reader, is_update, record);
    if (is_sig0(record)) return reader.fail(WireError::BAD_TSIG);
    if (!reader.failed()) section.push_back(std::move(record));
  }
}

void read_additional(WireReader& reader, Message& message) {
  const bool is_update = message.header.opcode == Opcode::UPDATE;
  for (std::size_t i = 0; i < message.header.arcount && !reader.failed(); ++i) {
    Record record;
    const std::size_t start = reader.offset();
    record.owner = reader.name();
    record.type = static_cast<Type>(reader.u16());
    if (record.type == Type::OPT) {
      if (message.edns || !record.owner.is_root()) return reader.fail(WireError::BAD_OPT);
      message.edns = read_edns(reader);
      continue;
    }
    read_rest(reader, is_update, record);
    if (reader.failed()) return;
    if (record.type != Type::TSIG && !is_sig0(record)) {
      message.additional.push_back(std::move(record));
      continue;
    }
    if (i + 1U != message.header.arcount) return reader.fail(WireError::BAD_TSIG);
    message.signature = std::move(record);
    message.signature_offset = start;
  }
}

}  // namespace

Header read_header(WireReader& reader) {
  Header header;
  header.id = reader.u16();
  const std::uint16_t flags = reader.u16();
  header.qr = (flags & flag::QR) != 0;
  header.opcode = static_cast<Opcode>(flags >> 11 & 0xf);
  header.aa = (flags & flag::AA) != 0;
  header.tc = (flags & flag::TC) != 0;
  header.rd = (flags & flag::RD) != 0;
  header.ra = (flags & flag::RA) != 0;
  header.z = (flags & flag::Z) != 0;
  header.ad = (flags & flag::AD) != 0;
  header.cd = (flags & flag::CD) != 0;
  header.rcode = flags & 0xf;
  header.qdcount = reader.u16();
  header.ancount = reader.u16();
  header.nscount = reader.u16();
  header.arcount = reader.u16();
  return header;
}

void write_header(WireWriter& writer, const Header& header) {
  unsigned flags = static_cast<unsigned>(header.opcode) << 11 | (header.rcode & 0xfU);
  if (header.qr) flags |= flag::QR;
  if (header.aa) flags |= flag::AA;
  if (header.tc) flags |= flag::TC;
  if (header.rd) flags |= flag::RD;
  if (header.ra) flags |= flag::RA;
  if (header.z) flags |= flag::Z;
  if (header.ad) flags |= flag::AD;
  if (header.cd) flags |= flag::CD;
  writer.u16(header.id);
  writer.u16(static_cast<std::uint16_t>(flags));
  writer.u16(header.qdcount);
  writer.u16(header.ancount);
  writer.u16(header.nscount);
  writer.u16(header.arcount);
}

Result<Message, WireError> parse_message(std::span<const std::uint8_t> octets) {
  if (octets.size() > MAX_MESSAGE_OCTETS) return tl::unexpected(WireError::TRAILING_OCTETS);
  WireReader reader(octets);
  Message message;
  message.header = read_header(reader);
  for (std::size_t i = 0; i < message.header.qdcount && !reader.failed(); ++i) {
    message.question.push_back(read_question(reader));
  }
  const bool is_update = message.header.opcode == Opcode::UPDATE;
  read_section(reader, message.header.ancount, is_update, message.answer);
  read_section(reader, message.header.nscount, is_update, message.authority);
  read_additional(reader, message);
  if (reader.failed()) return tl::unexpected(reader.error());
  if (reader.remaining() > 0) return tl::unexpected(WireError::TRAILING_OCTETS);
  return message;
}

void write_record(WireWriter& writer, const Record& record) {
  writer.compressed_name(record.owner, true);
  writer.u16(static_cast<std::uint16_t>(record.type));
  writer.u16(static_cast<std::uint16_t>(record.rrclass));
  writer.u32(record.ttl);
  const std::size_t rdlength_at = writer.size();
  writer.u16(0);
  if (record.rdata.empty()) return;
  write_rdata(writer, record.type, record.rdata);
  if (writer.overflowed()) return;
  writer.patch_u16(rdlength_at, static_cast<std::uint16_t>(writer.size() - rdlength_at - 2));
}

void write_message(WireWriter& writer, const Message& message) {
  Header header = message.header;
  header.qdcount = static_cast<std::uint16_t>(message.question.size());
  header.ancount = static_cast<std::uint16_t>(message.answer.size());
  header.nscount = static_cast<std::uint16_t>(message.authority.size());
  header.arcount = static_cast<std::uint16_t>(message.additional.size() + (message.edns ? 1 : 0));
  write_header(writer, header);
  for (const Question& question : message.question) {
    writer.compressed_name(question.name, true);
    writer.u16(static_cast<std::uint16_t>(question.type));
    writer.u16(static_cast<std::uint16_t>(question.rrclass));
  }
  for (const Record& record : message.answer) write_record(writer, record);
  for (const Record& record : message.authority) write_record(writer, record);
  for (const Record& record : message.additional) write_record(writer, record);
  if (message.edns) write_edns(writer, *message.edns);
}

std::vector<std::uint8_t> to_wire(const Message& message) {
  std::vector<std::uint8_t> buffer(MAX_MESSAGE_OCTETS);
  WireWriter writer(buffer);
  write_message(writer, message);
  if (writer.overflowed()) return {};
  buffer.resize(writer.size());
  return buffer;
}

}  // namespace zones
