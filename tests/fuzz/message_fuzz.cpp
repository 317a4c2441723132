// A message that parses is the same message after writing and parsing it again, its RDATA to the
// last octet (RFC 3597 §3).

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <vector>

#include "zones/message.h"
#include "zones/reachability.h"
#include "zones/update_lease.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void require_equal(const std::vector<zones::Record>& a, const std::vector<zones::Record>& b) {
  require(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    require(a[i].owner == b[i].owner);
    require(a[i].type == b[i].type);
    require(a[i].rrclass == b[i].rrclass);
    require(a[i].ttl == b[i].ttl);
    require(a[i].rdata == b[i].rdata);
  }
}

void require_equal(const zones::Header& a, const zones::Header& b) {
  require(a.id == b.id && a.qr == b.qr && a.opcode == b.opcode && a.aa == b.aa && a.tc == b.tc);
  require(a.rd == b.rd && a.ra == b.ra && a.z == b.z && a.ad == b.ad && a.cd == b.cd);
  require(a.rcode == b.rcode);
}

void require_equal(const zones::Edns& a, const zones::Edns& b) {
  require(a.udp_octets == b.udp_octets && a.extended_rcode == b.extended_rcode);
  require(a.version == b.version && a.flags == b.flags && a.options.size() == b.options.size());
  for (std::size_t i = 0; i < a.options.size(); ++i) {
    require(a.options[i].code == b.options[i].code && a.options[i].data == b.options[i].data);
  }
}

/// No data is both a request and an answer, and what can be read is written as it was.
void check_reachability(const std::vector<std::uint8_t>& data) {
  const auto request = zones::read_reachability_request(data);
  const auto answer = zones::read_reachability_answer(data);
  require(!request || !answer);
  require(!request || zones::reachability_request_data(*request) == data);
  if (!answer) return;
  std::array<std::uint8_t, zones::MAX_REACHABILITY_ANSWER_OCTETS> out{};
  const std::size_t size = zones::write_reachability_answer(*answer, out);
  require(std::ranges::equal(std::span(out).first(size), data));
}

/// The options that are told apart say the same after being written.
void check_options(const zones::Edns& edns) {
  for (const zones::EdnsOption& option : edns.options) {
    require(edns.find(option.code) != nullptr);
    if (option.code == zones::OptionCode::UPDATE_LEASE) {
      const auto lease = zones::read_update_lease(option.data);
      require(lease.has_value() == (option.data.size() == 4 || option.data.size() == 8));
      require(!lease || zones::update_lease_data(*lease) == option.data);
    }
    if (option.code == zones::OptionCode::REACHABILITY) check_reachability(option.data);
    if (option.code == zones::OptionCode::EXTENDED_ERROR && option.data.size() >= 2) {
      zones::ExtendedError error;
      error.info_code = static_cast<std::uint16_t>(option.data[0] << 8 | option.data[1]);
      error.text.assign(option.data.begin() + 2, option.data.end());
      require(error.option().code == option.code && error.option().data == option.data);
    }
  }
}

void check_rdata(const zones::Record& record) {
  if (record.rdata.empty()) return;  // of an UPDATE's prerequisite or deletion
  require(zones::is_valid_rdata(record.type, record.rdata));
  const auto canonical = zones::canonical_rdata(record.type, record.rdata);
  require(zones::is_valid_rdata(record.type, canonical));
  require(zones::rdata_equal(record.type, record.rdata, canonical));
  require(zones::target_name(record.type, record.rdata).size() <= zones::MAX_NAME_OCTETS);
  zones::for_each_name(record.type, record.rdata, [](zones::NameView name) {
    require(name.size() >= 1 && name.size() <= zones::MAX_NAME_OCTETS);
  });
  if (record.type == zones::Type::SOA) {
    const std::uint32_t serial = zones::read_soa(record.rdata).serial;
    require(zones::read_soa(zones::with_serial(record.rdata, serial + 1)).serial == serial + 1);
  }
}

#ifdef DNSD_PLANTED_BUG
// A reader that trusts a length octet, as none of ours may. Whoever fuzzes must find it.
volatile std::uint32_t planted_sum;
void planted_bug(const std::uint8_t* data, std::size_t size) {
  if (size < 13 || data[5] != 1) return;  // one question
  for (std::size_t i = 0; i < data[12]; ++i) planted_sum = planted_sum + data[13 + i];
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
#ifdef DNSD_PLANTED_BUG
  planted_bug(data, size);
#endif
  const auto first = zones::parse_message({data, size});
  if (!first) {
    require(*zones::to_text(first.error()) != '\0');
    return 0;
  }
  for (const zones::Record& record : first->answer) check_rdata(record);
  if (first->edns) check_options(*first->edns);
  const std::vector<std::uint8_t> wire = zones::to_wire(*first);
  if (wire.empty()) return 0;  // names that came compressed and may not leave so made it too large
  const auto second = zones::parse_message(wire);
  require(second.has_value());
  require_equal(first->header, second->header);
  require(first->question.size() == second->question.size());
  for (std::size_t i = 0; i < first->question.size(); ++i) {
    require(first->question[i].name == second->question[i].name);
    require(first->question[i].type == second->question[i].type);
    require(first->question[i].rrclass == second->question[i].rrclass);
  }
  require_equal(first->answer, second->answer);
  require_equal(first->authority, second->authority);
  require_equal(first->additional, second->additional);
  require(first->edns.has_value() == second->edns.has_value());
  if (first->edns) require_equal(*first->edns, *second->edns);
  // Writing is done with what it made: the second time it makes the same octets.
  require(zones::to_wire(*second) == wire);
  return 0;
}
