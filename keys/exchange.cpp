#include "keys/exchange.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "keys/sig0.h"

namespace keys {
namespace {

using std::chrono::sys_seconds;
using Verdict = TsigClient::Verdict;

bool same_question(const zones::Question& a, const zones::Question& b) {
  return a.name == b.name && a.type == b.type && a.rrclass == b.rrclass;
}

/// The question comes back, except that an UPDATE's zone section may be left out (RFC 2136 §3.8),
/// and that a server may not have been able to read it.
bool question_fits(const zones::Message& response, const std::vector<zones::Question>& asked) {
  if (response.question.empty()) {
    return response.header.opcode == zones::Opcode::UPDATE || response.header.rcode != 0;
  }
  return std::ranges::equal(response.question, asked, same_question);
}

std::string seconds_text(std::chrono::milliseconds time) {
  std::string text = std::to_string(time.count() / 1000);
  if (const auto rest = time.count() % 1000; rest != 0) {
    text += "." + std::to_string(1000 + rest).substr(1);
  }
  return text + " s";
}

}  // namespace

struct Exchange::Impl {
  enum class Phase : std::uint8_t { SEND, WAIT, DONE, FAILED };
  /// A request that may still be answered.
  struct Try {
    std::uint16_t id = 0;
    zones::Opcode opcode{};
    std::vector<zones::Question> question;
    std::optional<TsigClient> tsig;
  };

  MakeRequest make;
  Signer signer;
  ExchangeOptions options;
  std::shared_ptr<ClientCookie> cookie;
  Phase phase = Phase::SEND;
  bool tcp = false;
  bool refused = false;    // the last datagram, by the network
  bool badcookie = false;  // was an answer
  int udp_sent = 0;
  std::optional<Time> deadline;
  Time until{};
  std::vector<Try> tries;
  std::vector<std::uint8_t> octets;
  zones::Message response;
  std::uint16_t tsig_error = 0;
  std::optional<sys_seconds> server_time;
  std::string doubt;  // why an answer was not believed
  std::string failure;

  Step next(Time now, sys_seconds wall_clock);
  Step send(Time now, sys_seconds wall_clock);
  bool sign(Try& attempt, sys_seconds wall_clock);
  void try_is_over();
  void fail(std::string reason);
  void received(std::span<const std::uint8_t> message, sys_seconds wall_clock);
  bool believed(Try& answered, std::span<const std::uint8_t> message, sys_seconds wall_clock);
  void not_the_answer(std::string reason);
  void use_tcp();
  bool is_badcookie(const zones::Message& message) const;
};

Exchange::Exchange(MakeRequest make, Signer signer, ExchangeOptions options,
                   std::shared_ptr<ClientCookie> cookie)
    : impl_(std::make_unique<Impl>()) {
  impl_->make = std::move(make);
  impl_->signer = std::move(signer);
  impl_->options = options;
  impl_->cookie = std::move(cookie);
  impl_->tcp = options.tcp_only;
}
Exchange::~Exchange() = default;
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;

Exchange::Step Exchange::next(Time now, sys_seconds wall_clock) {
  return impl_->next(now, wall_clock);
}

Exchange::Step Exchange::Impl::next(Time now, sys_seconds wall_clock) {
  if (!deadline) deadline = now + options.total_timeout;
  if ((phase == Phase::SEND || phase == Phase::WAIT) && now >= *deadline) {
    fail("no answer within " + seconds_text(options.total_timeout));
  }
  if (phase == Phase::WAIT && now >= until) try_is_over();
  switch (phase) {
    case Phase::SEND:
      return send(now, wall_clock);
    case Phase::WAIT:
      return {Action::WAIT, {}, until};
    case Phase::DONE:
      return {Action::DONE, {}, {}};
    case Phase::FAILED:
      break;
  }
  return {Action::FAILED, {}, {}};
}

Exchange::Step Exchange::Impl::send(Time now, sys_seconds wall_clock) {
  zones::Message request = make();
  request.header.id = static_cast<std::uint16_t>(randombytes_uniform(0x10000));
  Try attempt{request.header.id, request.header.opcode, request.question, {}};
  const std::size_t cookie_octets = cookie ? cookie->add_to(request) : 0;
  octets = zones::to_wire(request);
  if (octets.empty() || !sign(attempt, wall_clock)) {
    fail("the request does not fit into 65,535 octets");
    return {Action::FAILED, {}, {}};
  }
  if (octets.size() > zones::MIN_UDP_OCTETS + cookie_octets) tcp = true;
  if (tcp) tries.clear();
  tries.push_back(std::move(attempt));
  phase = Phase::WAIT;
  refused = false;
  if (tcp) {
    until = *deadline;
    return {Action::SEND_TCP, octets, {}};
  }
  ++udp_sent;
  until = std::min(now + options.try_timeout, *deadline);
  return {Action::SEND_UDP, octets, {}};
}

/// False when it grows too long by that.
bool Exchange::Impl::sign(Try& attempt, sys_seconds wall_clock) {
  if (const auto* shared = std::get_if<TsigKey>(&signer)) {
    return attempt.tsig.emplace(*shared).sign(octets, wall_clock);
  }
  if (const auto* own = std::get_if<PrivateKey>(&signer)) sign_sig0(octets, *own, wall_clock);
  return octets.size() <= zones::MAX_MESSAGE_OCTETS;
}

void Exchange::Impl::try_is_over() {
  if (!doubt.empty()) {
    use_tcp();
  } else if (udp_sent < options.udp_tries) {
    phase = Phase::SEND;
  } else if (refused) {
    fail("the network refused the datagram: no server listens there");
  } else {
    fail("no answer to " + std::to_string(udp_sent) + (udp_sent == 1 ? " datagram" : " datagrams"));
  }
}

void Exchange::Impl::use_tcp() {
  tcp = true;
  phase = Phase::SEND;
}

void Exchange::Impl::fail(std::string reason) {
  phase = Phase::FAILED;
  failure = std::move(reason);
  if (!doubt.empty() && failure != doubt) {
    failure += " (an answer before could not be believed: " + doubt + ")";
  }
}

void Exchange::received(std::span<const std::uint8_t> octets, Time now, sys_seconds wall_clock) {
  // What comes after the time is over is not waited for any more, though next() may not have said
  // so yet.
  if (impl_->phase == Impl::Phase::WAIT && now < *impl_->deadline)
    impl_->received(octets, wall_clock);
}

void Exchange::Impl::received(std::span<const std::uint8_t> message, sys_seconds wall_clock) {
  zones::WireReader reader(message);
  const zones::Header header = zones::read_header(reader);
  if (reader.failed() || !header.qr) return;
  const auto answered = std::ranges::find_if(tries, [&header](const Try& attempt) {
    return attempt.id == header.id && attempt.opcode == header.opcode;
  });
  if (answered == tries.end()) return;

  auto parsed = zones::parse_message(message);
  if (!parsed) {
    // A server may cut a truncated answer anywhere.
    if (header.tc && !tcp && !answered->tsig) return use_tcp();
    if (tcp)
      not_the_answer(std::string("the answer is malformed: ") + zones::to_text(parsed.error()));
    return;
  }
  if (!question_fits(*parsed, answered->question)) return;
  if (answered->tsig && !believed(*answered, message, wall_clock)) return;
  if (header.tc && !tcp) return use_tcp();
  // A signature says more than a cookie.
  if (cookie && !answered->tsig && cookie->is_missing(*parsed)) {
    if (!tcp) return not_the_answer("the answer has no cookie, but those before had");
    cookie->forget();
  }
  if (cookie && !cookie->learn(*parsed) && !answered->tsig) {
    if (tcp) not_the_answer("the answer has another cookie");
    return;
  }
  if (is_badcookie(*parsed)) {
    if (std::exchange(badcookie, true) || udp_sent >= options.udp_tries) return use_tcp();
    phase = Phase::SEND;
    return;
  }
  response = std::move(*parsed);
  doubt.clear();
  phase = Phase::DONE;
}

bool Exchange::Impl::believed(Try& answered, std::span<const std::uint8_t> message,
                              sys_seconds wall_clock) {
  const Verdict verdict = answered.tsig->verify(message, wall_clock, tsig_error, server_time);
  const TsigKey& key = std::get<TsigKey>(signer);
  switch (verdict) {
    case Verdict::VALID:
    case Verdict::SERVER_ERROR:
      return true;
    case Verdict::UNSIGNED_ERROR:
      if (tsig_error == static_cast<std::uint16_t>(TsigError::BADKEY)) {
        not_the_answer("the server reports BADKEY: it has no key " + key.name.to_text() +
                       " of algorithm " + to_text(key.algorithm));
      } else if (tsig_error == static_cast<std::uint16_t>(TsigError::BADSIG)) {
        not_the_answer("the server reports BADSIG: its key " + key.name.to_text() +
                       " has another secret");
      } else if (tsig_error == static_cast<std::uint16_t>(TsigError::BADTIME)) {
        not_the_answer("the server reports BADTIME: check the clocks");
      } else {
        not_the_answer("the server reports TSIG error " + std::to_string(tsig_error));
      }
      return false;
    case Verdict::UNSIGNED:
      not_the_answer("the answer is not signed (RCODE " +
                     zones::to_text(static_cast<zones::Rcode>(message[3] & 0x0f)) + ")");
      return false;
    case Verdict::BAD_TIME:
      not_the_answer("the answer was signed at another time: check the clocks");
      return false;
    case Verdict::BAD_SIGNATURE:
    case Verdict::FORMERR:
    case Verdict::PENDING:
      break;
  }
  not_the_answer("the answer's signature does not match");
  return false;
}

/// Of a server that will not believe the address otherwise. Over TCP it is as good as any error.
bool Exchange::Impl::is_badcookie(const zones::Message& message) const {
  constexpr auto BADCOOKIE = static_cast<unsigned>(zones::Rcode::BADCOOKIE);
  return cookie && !tcp && message.edns &&
         (message.edns->extended_rcode << 4U | message.header.rcode) == BADCOOKIE;
}

void Exchange::Impl::not_the_answer(std::string reason) {
  doubt = std::move(reason);
  // RFC 8945 §5.3.1: a connection on which verification failed is closed. Over UDP the answer may
  // still come (§5.4).
  if (tcp) fail(doubt);
}

void Exchange::transport_failed(Time now) {
  if (impl_->phase != Impl::Phase::WAIT) return;
  if (impl_->tcp) {
    impl_->fail("the TCP connection failed or ended without an answer");
    return;
  }
  impl_->refused = true;
  impl_->until = std::min(impl_->until, now + REFUSED_PAUSE);
}

const zones::Message& Exchange::response() const { return impl_->response; }
std::uint16_t Exchange::tsig_error() const { return impl_->tsig_error; }
std::optional<sys_seconds> Exchange::server_time() const { return impl_->server_time; }
const std::string& Exchange::failure() const { return impl_->failure; }

}  // namespace keys
