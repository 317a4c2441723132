// Any octets as a request over a zone with one of everything: the answer parses, echoes ID and
// question, and keeps to its limit; and what parse_message() takes, parse_request() takes as well,
// but for a cookie of impossible length.

#include <algorithm>
#include <cstdlib>
#include <span>
#include <vector>

#include "../dnsd/zone_text.h"
#include "dnsd/cookies.h"
#include "dnsd/identity.h"
#include "dnsd/query.h"
#include "zones/message.h"

namespace {

using dnsd::Parse;

void require(bool condition) {
  if (!condition) std::abort();
}

zones::Catalogue catalogue() {
  static zones::CatalogueBuilder builder;
  static const zones::Catalogue frozen = [] {
    dnsd::test::add_zone(builder, "e.", R"(
@        60 SOA   ns host 1 2 3 4 5
@        60 NS    ns
@        60 MX    10 a
ns       60 A     192.0.2.53
a        60 A     192.0.2.1
a        60 AAAA  2001:db8::1
a        60 TXT   "one" "two"
s.t.a    60 SRV   0 5 8001 a
s.t.a    60 SRV   0 5 8002 a.f
h        60 HTTPS 0 g
g        60 HTTPS 1 . port=8443
g        60 A     192.0.2.4
u        60 URI   10 1 "http://a.e:8001/"
x        60 TYPE65280 \# 4 03777777
p        60 PTR   a
c        60 CNAME a
cc       60 CNAME c
l        60 CNAME m
m        60 CNAME l
n        60 CNAME nothing
o        60 CNAME a.f
*.w      60 A     192.0.2.8
*.w      60 MX    5 a
*.v      60 CNAME a.w
y.*.z    60 A     192.0.2.8
d        60 DNAME i.d
b        60 DNAME .
k        60 DNAME 0123456789012345678901234567890123456789.0123456789012345678901234567890123456789.0123456789012345678901234567890123456789.0123456789012345678901234567890123456789.e.
q        60 NS    ns.q
q        60 NS    ns.r
q        60 DS    12345 13 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
ns.q     60 AAAA  2001:db8::2
r        60 NS    ns.r
ns.r     60 A     192.0.2.5
)");
    dnsd::test::add_zone(builder, "f.", R"(
@ 60 SOA   ns.e. host 1 2 3 4 5
@ 60 NS    ns.e.
a 60 AAAA  2001:db8::3
@ 60 DNAME e.
)");
    return builder.freeze();
  }();
  return frozen;
}

const dnsd::Identity IDENTITY{{},
                              dnsd::txt_rdata("dnsd"),
                              dnsd::txt_rdata(std::string(dnsd::Identity::MAX_TEXT_OCTETS, 'n'))};

// What stands in OPT when the limits have options: NSID, and a keepalive.
constexpr std::uint8_t OPTIONS[] = {0, 3, 0, 3, 'n', 's', '1', 0, 11, 0, 2, 0, 100};

void check_options(const zones::Message& message, const dnsd::Request& request) {
  using dnsd::RequestOption;
  bool nsid = false;
  bool keepalive = false;
  bool time_out = false;
  for (const zones::EdnsOption& option : message.edns->options) {
    nsid = nsid || option.code == zones::OptionCode::NSID;
    if (option.code != zones::OptionCode::TCP_KEEPALIVE) continue;
    (option.data.empty() ? keepalive : time_out) = true;
  }
  require(request.asks(RequestOption::NSID) == nsid);
  require(request.asks(RequestOption::KEEPALIVE) == keepalive);
  require(request.asks(RequestOption::KEEPALIVE_TIME_OUT) == time_out);
  const zones::EdnsOption* const reachability = message.edns->find(zones::OptionCode::REACHABILITY);
  require(request.asks(RequestOption::REACHABILITY) == (reachability != nullptr));
  require(!reachability || std::ranges::equal(request.reachability, reachability->data));
  require(request.asks(RequestOption::COOKIE) ==
          (message.edns->find(zones::OptionCode::COOKIE) != nullptr));
}

void check_against_message(std::span<const std::uint8_t> octets, Parse parse,
                           const dnsd::Request& request) {
  const auto message = zones::parse_message(octets);
  if (!message || message->header.qr || message->question.size() != 1) return;
  // What other versions of EDNS put into RDATA is not judged.
  const bool has_options = message->edns && message->edns->version == 0;
  const zones::EdnsOption* cookie =
      has_options ? message->edns->find(zones::OptionCode::COOKIE) : nullptr;
  if (cookie != nullptr && !dnsd::Cookies::is_well_formed(cookie->data)) {
    require(!request.whole);  // RFC 7873 §5.2.2
    return;
  }
  require(parse == Parse::OK);
  require(request.question_end != 0);
  require(message->question[0].name.view().identical(request.qname));
  require(message->edns.has_value() == request.has_edns);
  require(message->signature_offset == request.signature_offset);
  if (has_options) check_options(*message, request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > zones::MAX_MESSAGE_OCTETS) return 0;
  // The first octet chooses the limits, the rest is the request.
  const std::span<const std::uint8_t> octets(data + 1, size - 1);
  const dnsd::AnswerLimits limits{
      .transport = (data[0] & 1) != 0 ? dnsd::Transport::TCP : dnsd::Transport::UDP,
      .own_udp_octets = static_cast<std::uint16_t>((data[0] & 2) != 0 ? 4096 : 1232),
      .reserve = std::size_t{data[0]} >> 3,
      .options = (data[0] & 4) != 0 ? std::span<const std::uint8_t>(OPTIONS)
                                    : std::span<const std::uint8_t>()};
  dnsd::Request request;
  const Parse parse = dnsd::parse_request(octets, request);
  check_against_message(octets, parse, request);
  if (parse == Parse::DROP) return 0;

  const bool query = parse == Parse::OK && request.opcode == zones::Opcode::QUERY;
  const std::size_t room =
      limits.transport == dnsd::Transport::TCP ? zones::MAX_MESSAGE_OCTETS : limits.own_udp_octets;
  std::vector<std::uint8_t> out(room);
  if (query && request.question_end == 0) require(request.asks(dnsd::RequestOption::COOKIE));
  if (query && request.qclass == zones::Class::CH) {
    out.resize(dnsd::answer_chaos(IDENTITY, octets, request, limits, out));
  } else if (query) {
    out.resize(dnsd::answer_query(catalogue(), octets, request, limits, out));
  } else {
    out.resize(dnsd::answer_error(octets, request, zones::Rcode::FORMERR, limits, out));
  }
  const auto answer = zones::parse_message(out);
  require(answer.has_value());
  require(answer->header.qr && answer->header.id == request.id);
  require(answer->header.opcode == request.opcode);
  require(answer->edns.has_value() == request.has_edns);
  if (answer->edns) {
    const zones::EdnsOption* nsid = answer->edns->find(zones::OptionCode::NSID);
    require((nsid != nullptr) == !limits.options.empty());
    require(answer->edns->version == 0 && (answer->edns->flags & ~zones::EDNS_DO) == 0);
  }
  require(answer->question.size() == (request.question_end != 0 ? 1 : 0));
  if (request.question_end != 0) {
    const auto question = octets.subspan(12, request.question_end - 12);
    require(std::equal(question.begin(), question.end(), out.begin() + 12));
  }
  if (limits.transport == dnsd::Transport::UDP) {
    require(out.size() <= std::max<std::size_t>(512, request.udp_octets));
  }
  return 0;
}
