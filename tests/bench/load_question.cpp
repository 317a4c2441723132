#include "load_question.h"

#include <cstring>

namespace load {
namespace {

enum Type : std::uint16_t { A = 1, TXT = 16, SRV = 33 };

}  // namespace

Questions::Questions(const Options& options) : options_(options) { zone_.name(options.zone); }

void Questions::make(std::uint16_t id, Question& question) {
  const std::uint32_t kind = random_.below(3);
  const bool exists = random_.below(100) >= options_.nxdomain_percent;
  Packet& query = question.query;
  query.clear();
  query.u16(id);
  query.u16(0);
  query.u16(1);
  query.u16(0);
  query.u32(0);
  if (kind == 2) {
    // "_http._tcp" before the host; what does not exist is a host in every case.
    static constexpr char SERVICE[] = "\5_http\4_tcp";
    query.octets().insert(query.octets().end(), SERVICE, SERVICE + sizeof SERVICE - 1);
  }
  query.u8(1 + HOST_DIGITS);
  query.u8(exists ? 'h' : 'x');
  const std::size_t digits_at = query.size();
  query.octets().resize(query.size() + HOST_DIGITS);
  write_digits(query.octets().data() + digits_at, random_.below(options_.hosts));
  query.octets().insert(query.octets().end(), zone_.octets().begin(), zone_.octets().end());
  query.u16(kind == 0 ? A : kind == 1 ? TXT : SRV);
  query.u16(1);
  question.want_rcode = exists ? 0 : 3;
}

const char* Questions::fault_of(std::span<const std::uint8_t> answer,
                                const Question& question) const {
  const std::vector<std::uint8_t>& query = question.query.octets();
  if (options_.echo) {
    if (answer.size() != query.size()) return "not an echo";
  } else {
    if ((answer[2] & 0x80) == 0) return "QR is clear";
    if ((answer[2] & 0x02) != 0) return "TC is set";
    if ((answer[3] & 0x0F) != question.want_rcode) return "RCODE";
    if (u16_at(answer, 4) != 1) return "QDCOUNT";
    if (question.want_rcode == 0 ? u16_at(answer, 6) == 0 : u16_at(answer, 8) == 0) {
      return "no record in the section where one belongs";
    }
  }
  if (answer.size() < query.size() ||
      std::memcmp(query.data() + 12, answer.data() + 12, query.size() - 12) != 0) {
    return "another question";
  }
  return nullptr;
}

}  // namespace load
