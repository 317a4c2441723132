// Query: catalogue and question in, answer octets out. Pure, no allocation, no lock (RFC 1034
// §4.3.2).
#pragma once

#include <cstdint>
#include <span>

#include "zones/edns.h"
#include "zones/name.h"
#include "zones/rfc.h"
#include "zones/snapshot.h"

namespace dnsd {

enum class Transport : std::uint8_t { UDP, TCP };

/// Options of a request that its answer may have something to say to; bits of Request::options.
enum class RequestOption : std::uint8_t {
  COOKIE = 1,
  NSID = 2,                // RFC 5001 §2.1
  KEEPALIVE = 4,           // RFC 7828 §3.2.1
  KEEPALIVE_TIME_OUT = 8,  // … with a time-out, which is for servers to say
  REACHABILITY = 16,       // zones/reachability.h
};

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
  std::span<const std::uint8_t> reachability{};  // data of the REACHABILITY option, as it came
  std::uint8_t options = 0;                      // RequestOption, or-ed
  bool whole = false;        // all sections could be read, and nothing stands behind them
  zones::Glimpse glimpse{};  // of `qname`, from those who prefetched it

  bool asks(RequestOption option) const {
    return (options & static_cast<std::uint8_t>(option)) != 0;
  }
};

enum class Parse : std::uint8_t {
  OK,
  DROP,     // shorter than a header, or a response: no answer at all
  FORMERR,  // answer FORMERR; `request` holds what could be read
};
/// Reads header, first question, and (skipping over other records) OPT and the signature. For any
/// opcode. OK without a question is a query for a cookie alone (RFC 7873 §5.4), or of an opcode
/// that is not known.
Parse parse_request(std::span<const std::uint8_t> octets, Request& request);

/// The first question's name without a look at the rest, for Catalogue::prefetch(); the root when
/// it cannot be read. A view into `octets`.
zones::NameView peek_question_name(std::span<const std::uint8_t> octets);

struct AnswerLimits {
  Transport transport = Transport::UDP;
  std::uint16_t own_udp_octets = 1232;      // what our OPT says; UDP answers are never larger
  std::size_t reserve = 0;                  // octets to leave free at the end, for a TSIG
  std::span<const std::uint8_t> options{};  // for our OPT, when the request has one
};

/// What an answer counts under where answers are limited (rate_limit.h), so that names which do not
/// exist, or only by a wildcard, a DNAME or a zone cut, cannot each count for themselves.
struct Imputation {
  std::uint8_t name_octets = 0;  // of the name asked for, its last ones; 0: no zone of ours
  bool by_wildcard = false;
};

/// Extended errors (RFC 8914) that answers give to whoever speaks EDNS. Their texts say no more
/// than the RCODE does.
namespace why {
inline constexpr zones::ExtendedErrorView NOT_AUTHORITATIVE{
    zones::extended_error::NOT_AUTHORITATIVE};
inline constexpr zones::ExtendedErrorView NOT_SUPPORTED{zones::extended_error::NOT_SUPPORTED};
inline constexpr zones::ExtendedErrorView ZONE_NOT_WHOLE{zones::extended_error::INVALID_DATA};
}  // namespace why

/// Writes the answer to a QUERY of class IN (others are answered REFUSED) into `out`.
/// `request` comes from parse_request() of `octets` with OK. AXFR and IXFR are not answered here
/// (dispatch takes them).
/// @param imputation  if not null, becomes what the answer counts under
/// @return its size; truncated with TC when it does not fit (RFC 2181 §9)
std::size_t answer_query(const zones::Catalogue& catalogue, std::span<const std::uint8_t> octets,
                         const Request& request, const AnswerLimits& limits,
                         std::span<std::uint8_t> out, Imputation* imputation = nullptr);

/// Writes a header-and-question answer with this RCODE, and an OPT when the request had one.
/// @param reason  null: the RCODE says it all
std::size_t answer_error(std::span<const std::uint8_t> octets, const Request& request,
                         zones::Rcode rcode, const AnswerLimits& limits,
                         std::span<std::uint8_t> out,
                         const zones::ExtendedErrorView* reason = nullptr);

/// Writes a header-and-question answer with this RCODE and TC: the client is to come again over
/// TCP.
std::size_t answer_truncated(std::span<const std::uint8_t> octets, const Request& request,
                             zones::Rcode rcode, const AnswerLimits& limits,
                             std::span<std::uint8_t> out);

}  // namespace dnsd
