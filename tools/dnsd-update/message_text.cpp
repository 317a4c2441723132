#include "tools/dnsd-update/message_text.h"

#include <cstdio>
#include <span>
#include <string_view>

#include "keys/secret.h"
#include "keys/tsig.h"
#include "zones/text.h"
#include "zones/update_lease.h"
#include "zones/wire_reader.h"

namespace dnsd_update {
namespace {

using zones::Opcode;
using zones::Record;

constexpr std::size_t TTL_COLUMN = 24;
constexpr std::size_t CLASS_COLUMN = 32;
constexpr std::size_t TYPE_COLUMN = 40;
constexpr std::size_t RDATA_COLUMN = 48;
constexpr std::size_t TAB = 8;

/// A line of columns that are filled up with tabs; a full one is followed by a blank.
class Line {
 public:
  void add(std::string_view text) {
    text_ += text;
    column_ += text.size();
  }
  void go_to(std::size_t column) {
    if (column_ >= column) return add(" ");
    text_.append((column - column_ / TAB * TAB + TAB - 1) / TAB, '\t');
    column_ = column;
  }
  std::string take() { return std::move(text_) + "\n"; }

 private:
  std::string text_;
  std::size_t column_ = 0;
};

std::string opcode_to_text(Opcode opcode) {
  switch (opcode) {
    case Opcode::QUERY:
      return "QUERY";
    case Opcode::IQUERY:
      return "IQUERY";
    case Opcode::STATUS:
      return "STATUS";
    case Opcode::NOTIFY:
      return "NOTIFY";
    case Opcode::UPDATE:
      return "UPDATE";
  }
  return "RESERVED" + std::to_string(static_cast<unsigned>(opcode));
}

std::string header_to_text(const zones::Message& message) {
  const zones::Header& header = message.header;
  const bool is_update = header.opcode == Opcode::UPDATE;
  char id[8];
  std::snprintf(id, sizeof id, "%6u", header.id);
  std::string text = ";; ->>HEADER<<- opcode: " + opcode_to_text(header.opcode) +
                     ", status: " + rcode_to_text(message) + ", id: " + id + "\n;; flags:";
  const struct {
    bool set;
    const char* name;
  } flags[] = {{header.qr, " qr"}, {header.aa, " aa"}, {header.tc, " tc"}, {header.rd, " rd"},
               {header.ra, " ra"}, {header.ad, " ad"}, {header.cd, " cd"}};
  for (const auto& flag : flags) {
    if (flag.set) text += flag.name;
  }
  text += "; " + std::string(is_update ? "ZONE: " : "QUESTION: ") + std::to_string(header.qdcount);
  text += (is_update ? ", PREREQ: " : ", ANSWER: ") + std::to_string(header.ancount);
  text += (is_update ? ", UPDATE: " : ", AUTHORITY: ") + std::to_string(header.nscount);
  return text + ", ADDITIONAL: " + std::to_string(header.arcount) + "\n";
}

std::string record_to_line(const Record& record, const std::string& rdata) {
  Line line;
  line.add(record.owner.to_text());
  line.go_to(TTL_COLUMN);
  line.add(std::to_string(record.ttl));
  line.go_to(CLASS_COLUMN);
  line.add(zones::to_text(record.rrclass));
  line.go_to(TYPE_COLUMN);
  line.add(zones::to_text(record.type));
  line.go_to(RDATA_COLUMN);
  line.add(rdata);
  return line.take();
}

std::string section_to_text(const char* title, const std::vector<Record>& section) {
  if (section.empty()) return {};
  std::string text = std::string(";; ") + title + " SECTION:\n";
  for (const Record& record : section) {
    const std::string rdata =
        record.rdata.empty() ? std::string{} : zones::rdata_to_text(record.type, record.rdata);
    text += record_to_line(record, rdata);
  }
  return text + "\n";
}

std::string question_to_text(const zones::Message& message) {
  if (message.question.empty()) return {};
  std::string text =
      message.header.opcode == Opcode::UPDATE ? ";; ZONE SECTION:\n" : ";; QUESTION SECTION:\n";
  for (const zones::Question& question : message.question) {
    Line line;  // the semicolon does not count
    line.add(question.name.to_text());
    line.go_to(CLASS_COLUMN);
    line.add(zones::to_text(question.rrclass));
    line.go_to(TYPE_COLUMN);
    line.add(zones::to_text(question.type));
    text += ";" + line.take();
  }
  return text + "\n";
}

std::string hexadecimal(std::span<const std::uint8_t> octets) {
  std::string text;
  for (const std::uint8_t octet : octets) {
    char digits[4];
    std::snprintf(digits, sizeof digits, " %02x", octet);
    text += digits;
  }
  return text;
}

/// A peer's words, without what would move a terminal.
std::string printable(std::span<const std::uint8_t> octets) {
  std::string text;
  for (const std::uint8_t octet : octets) {
    text += octet >= 0x20 && octet <= 0x7e ? static_cast<char>(octet) : '.';
  }
  return text;
}

/// "1 hour 30 minutes".
std::string duration(std::uint32_t seconds) {
  const struct {
    std::uint32_t seconds;
    const char* unit;
  } units[] = {{604800, "week"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
  std::string text;
  for (const auto& unit : units) {
    const std::uint32_t count = seconds / unit.seconds;
    seconds %= unit.seconds;
    if (count == 0 && (unit.seconds > 1 || !text.empty())) continue;
    text += (text.empty() ? "" : " ") + std::to_string(count) + " " + unit.unit;
    if (count != 1) text += "s";
  }
  return text;
}

/// As BIND 9.20 has it: of all records, or of all but KEY and of KEY.
std::string lease_to_text(std::span<const std::uint8_t> data) {
  const auto lease = zones::read_update_lease(data);
  if (!lease) return "; UPDATE-LEASE:" + hexadecimal(data);
  std::string text = "; UPDATE-LEASE: " + std::to_string(lease->lease);
  if (lease->key_lease) text += "/" + std::to_string(*lease->key_lease);
  text += " (" + duration(lease->lease);
  if (lease->key_lease) text += "/" + duration(*lease->key_lease);
  return text + ")";
}

std::string extended_error_to_text(std::span<const std::uint8_t> data) {
  if (data.size() < 2) return "; EDE:" + hexadecimal(data);
  const std::string text = printable(data.subspan(2));
  return "; EDE: " + std::to_string(data[0] << 8 | data[1]) +
         (text.empty() ? std::string{} : ": (" + text + ")");
}

std::string edns_to_text(const zones::Edns& edns) {
  std::string text = ";; OPT PSEUDOSECTION:\n; EDNS: version: " + std::to_string(edns.version) +
                     ", flags:" + ((edns.flags & zones::EDNS_DO) != 0 ? " do" : "") +
                     "; udp: " + std::to_string(edns.udp_octets) + "\n";
  for (const zones::EdnsOption& option : edns.options) {
    if (option.code == zones::OptionCode::UPDATE_LEASE) {
      text += lease_to_text(option.data);
    } else if (option.code == zones::OptionCode::EXTENDED_ERROR) {
      text += extended_error_to_text(option.data);
    } else {
      text += "; OPT=" + std::to_string(static_cast<unsigned>(option.code)) + ":" +
              hexadecimal(option.data);
    }
    text += "\n";
  }
  return text;
}

/// RFC 8945 §4.2, field by field.
std::string tsig_to_text(const Record& tsig) {
  zones::WireReader reader(tsig.rdata);
  std::string text = reader.name().to_text();
  text += " " + std::to_string(reader.u48());
  text += " " + std::to_string(reader.u16());
  const std::size_t mac_size = reader.u16();
  const auto mac = reader.octets(mac_size);
  text += " " + std::to_string(mac_size);
  if (!mac.empty()) text += " " + keys::Secret(mac).to_base64();
  text += " " + std::to_string(reader.u16());
  text += " " + tsig_error_to_text(reader.u16());
  const std::size_t other_size = reader.u16();
  text += " " + std::to_string(other_size) + " ";
  if (other_size == 6) {  // the server's time, with BADTIME
    text += std::to_string(reader.u48());
  } else if (other_size > 0) {
    text += "other data";
  }
  return text;
}

std::string signature_to_text(const Record& signature) {
  if (signature.type == zones::Type::TSIG) {
    return ";; TSIG PSEUDOSECTION:\n" + record_to_line(signature, tsig_to_text(signature)) + "\n";
  }
  return ";; SIG0 PSEUDOSECTION:\n" +
         record_to_line(signature, zones::rdata_to_text(signature.type, signature.rdata)) + "\n";
}

}  // namespace

std::string rcode_to_text(const zones::Message& message) {
  const unsigned upper = message.edns ? message.edns->extended_rcode : 0U;
  return zones::to_text(static_cast<zones::Rcode>(upper << 4 | message.header.rcode));
}

std::string tsig_error_to_text(std::uint16_t error) {
  switch (static_cast<keys::TsigError>(error)) {
    case keys::TsigError::BADSIG:
    case keys::TsigError::BADKEY:
    case keys::TsigError::BADTIME:
    case keys::TsigError::BADTRUNC:
      return keys::to_text(static_cast<keys::TsigError>(error));
    case keys::TsigError::FORMERR:
      break;
  }
  return zones::to_text(static_cast<zones::Rcode>(error));
}

std::string reason_to_text(const zones::Message& message) {
  const zones::EdnsOption* option =
      message.edns ? message.edns->find(zones::OptionCode::EXTENDED_ERROR) : nullptr;
  if (option == nullptr || option->data.size() < 2) return {};
  return printable(std::span(option->data).subspan(2));
}

std::string message_to_text(const zones::Message& message) {
  const bool is_update = message.header.opcode == Opcode::UPDATE;
  std::string text = header_to_text(message);
  if (message.edns) text += edns_to_text(*message.edns);
  text += question_to_text(message);
  text += section_to_text(is_update ? "PREREQUISITE" : "ANSWER", message.answer);
  text += section_to_text(is_update ? "UPDATE" : "AUTHORITY", message.authority);
  text += section_to_text("ADDITIONAL", message.additional);
  if (message.signature) text += signature_to_text(*message.signature);
  return text;
}

}  // namespace dnsd_update
