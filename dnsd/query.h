// Query: catalogue and question in, answer octets out. Pure, no allocation, no lock (RFC 1034
// §4.3.2).
#pragma once

#include <cstdint>
#include <span>

#include "dnsd/cookies.h"
#include "zones/name.h"
#include "zones/rfc.h"
#include "zones/snapshot.h"

namespace dnsd {

enum class Transport : std::uint8_t { UDP, TCP };

/// The parts of a request that decide its answer, found without allocation. Views point into the
/// request.
struct Request {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;  // the second 16 bits of the header
  zones::Opcode opcode{};
  zones::NameView qname;  // of the first question
  zones::Type qtype{};
  zones::Class qclass{};
  std::size_t question_end = 0;  // offset after the first question; 0 when there is none
  bool has_edns = false;
  std::uint8_t edns_version = 0;
  bool edns_do = false;
  std::uint16_t udp_octets = 512;          // the sender's UDP payload size, at least 512
  std::size_t signature_offset = 0;        // of a TSIG or SIG(0) that is the last record; 0: none
  zones::Type signature_type{};            // TSIG or SIG
  std::span<const std::uint8_t> cookie{};  // COOKIE option, well-formed (RFC 7873 §4); empty: none
  bool whole = false;  // all sections could be read, and nothing stands behind them
};

enum class Parse : std::uint8_t {
  OK,
  DROP,     // shorter than a header, or a response: no answer at all
  FORMERR,  // answer FORMERR; `request` holds what could be read
};
/// Reads header, first question, and (skipping over other records) OPT and the signature. For any
/// opcode.
Parse parse_request(std::span<const std::uint8_t> octets, Request& request);

/// The first question's name without a look at the rest, for Catalogue::prefetch(); the root when
/// it cannot be read. A view into `octets`.
zones::NameView peek_question_name(std::span<const std::uint8_t> octets);

struct AnswerLimits {
  Transport transport = Transport::UDP;
  std::uint16_t own_udp_octets = 1232;      // what our OPT says; UDP answers are never larger
  std::size_t reserve = 0;                  // octets to leave free at the end, for a TSIG
  const Cookies::Octets* cookie = nullptr;  // for our OPT, when the request has one
};

/// What an answer counts under where answers are limited (rate_limit.h), so that names which do not
/// exist, or only by a wildcard, a DNAME or a zone cut, cannot each count for themselves.
struct Imputation {
  std::uint8_t name_octets = 0;  // of the name asked for, its last ones; 0: no zone of ours
  bool by_wildcard = false;
};

/// Writes the answer to a QUERY of class IN (others are answered NOTIMP or REFUSED) into `out`.
/// `request` comes from parse_request() of `octets` with OK. AXFR and IXFR are not answered here
/// (dispatch takes them).
/// @param imputation  if not null, becomes what the answer counts under
/// @return its size; truncated with TC when it does not fit (RFC 2181 §9)
std::size_t answer_query(const zones::Catalogue& catalogue, std::span<const std::uint8_t> octets,
                         const Request& request, const AnswerLimits& limits,
                         std::span<std::uint8_t> out, Imputation* imputation = nullptr);

/// Writes a header-and-question answer with this RCODE, and an OPT when the request had one.
std::size_t answer_error(std::span<const std::uint8_t> octets, const Request& request,
                         zones::Rcode rcode, const AnswerLimits& limits,
                         std::span<std::uint8_t> out);

/// Writes a header-and-question answer with this RCODE and TC: the client is to come again over
/// TCP.
std::size_t answer_truncated(std::span<const std::uint8_t> octets, const Request& request,
                             zones::Rcode rcode, const AnswerLimits& limits,
                             std::span<std::uint8_t> out);

}  // namespace dnsd
