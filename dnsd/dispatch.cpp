#include "dnsd/dispatch.h"

#include <sodium.h>

#include <optional>
#include <utility>

#include "dnsd/answer_options.h"
#include "dnsd/dispatch_log.h"
#include "dnsd/rate_limit.h"
#include "dnsd/sig0_update.h"
#include "dnsd/transfer_out.h"
#include "dnsd/update_responder.h"
#include "keys/tsig.h"
#include "keys/tsig_record.h"
#include "zones/message.h"
#include "zones/serial.h"

namespace dnsd {
namespace {

using zones::Class;
using zones::Opcode;
using zones::Rcode;
using zones::Type;

constexpr zones::ExtendedErrorView NOT_SIGNED{zones::extended_error::PROHIBITED, "not signed"};
constexpr zones::ExtendedErrorView NO_TRANSFER{zones::extended_error::PROHIBITED,
                                               "no grant lets this key fetch this zone"};
constexpr zones::ExtendedErrorView TOO_MANY_TRANSFERS{zones::extended_error::OTHER,
                                                      "too many transfers at once"};

/// Who signed, as far as the rest of the way needs it.
struct Signer {
  std::optional<keys::TsigExchange> exchange;  // when there was a TSIG
  std::optional<keys::TsigIdentity> identity;  // when it was valid

  std::size_t reserve() const { return exchange ? exchange->max_signature_octets() : 0; }
};

/// Null when answers are not limited: there is no limit, or the receiver is proven to have asked.
ResponseLimiter* limiter_of(const Policy& policy, const Peer& peer, const AnswerOptions& options) {
  return is_source_proven(peer, options) ? nullptr : policy.rate_limit.get();
}

AnswerLimits limits_of(const Policy& policy, const Peer& peer, const AnswerOptions& options,
                       std::size_t reserve) {
  return {.transport = peer.transport,
          .own_udp_octets = policy.udp_octets,
          .reserve = reserve,
          .options = options.octets()};
}

/// Everything one message is handled with.
struct Context {
  const State& state;
  std::span<const std::uint8_t> octets;
  const Request& request;
  bool is_malformed;  // parse_request() said FORMERR; the form of other opcodes is not judged
  const Peer& peer;
  std::span<std::uint8_t> out;
  std::chrono::sys_seconds now;
  const AnswerOptions& options;

  AnswerLimits limits(const Signer& signer) const {
    return limits_of(*state.policy, peer, options, signer.reserve());
  }
};

/// Appends the TSIG, when the request had one that can be answered.
std::size_t sign(Signer& signer, const Context& context, std::size_t size) {
  if (size == 0 || signer.reserve() == 0) return size;
  return signer.exchange->sign(context.out, size, context.now);
}

/// @param reason  for a client that speaks EDNS; null: none
std::size_t error(Signer& signer, const Context& context, Rcode rcode,
                  const zones::ExtendedErrorView* reason = nullptr) {
  const std::size_t size = answer_error(context.octets, context.request, rcode,
                                        context.limits(signer), context.out, reason);
  return sign(signer, context, size);
}

/// A message is known again by key and computed MAC, never by what a client can vary: the MAC on
/// the wire may be truncated (RFC 8945 §5.2.2.1) and a name's case may differ.
std::array<std::uint8_t, 32> digest_of(const keys::TsigIdentity& identity) {
  std::array<std::uint8_t, 32> digest{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  const zones::Name name = zones::Name(identity.key.name).lowered();
  crypto_generichash_update(&state, name.wire().data(), name.size());
  crypto_generichash_update(&state, identity.mac.octets().data(), identity.mac.size());
  crypto_generichash_final(&state, digest.data(), digest.size());
  return digest;
}

/// 0 when there is none. What is malformed otherwise, or of an opcode that is not known, may carry
/// a TSIG all the same, and its answer is signed (RFC 8945 §5.3).
std::size_t tsig_offset_of(const Context& context) {
  const Request& request = context.request;
  if (request.signature_offset != 0) {
    return request.signature_type == Type::TSIG ? request.signature_offset : 0;
  }
  if (request.whole) return 0;
  const auto found = keys::find_tsig(context.octets);
  return found && *found ? (*found)->offset : 0;
}

/// Of a query without a question (RFC 7873 §5.4).
Rcode judge_cookie(const Context& context) {
  if (!context.options.has_cookie()) return Rcode::FORMERR;
  const bool client_alone = context.request.cookie.size() == Cookies::CLIENT_OCTETS;
  return client_alone || context.options.cookie_valid() ? Rcode::NOERROR : Rcode::BADCOOKIE;
}

}  // namespace

struct Dispatcher::Impl {
  Impl(UpdateWriter& writer_in, Clock clock_in, std::size_t max_transfers, const AuthLimits& limits)
      : writer(writer_in),
        clock(std::move(clock_in)),
        slots(max_transfers),
        sig0(writer, log, limits, clock) {}

  UpdateWriter& writer;
  Clock clock;
  TransferSlots slots;
  DispatchLog log;
  DispatchCounters counters;
  Sig0Updates sig0;  // last: its threads use the others

  std::size_t handle(const Context& context, const std::function<SendLater()>& send_later,
                     std::unique_ptr<TransferOut>* transfer, StateReader* reader);
  /// The answer in `out`, if it is within the limit of its kind: its size, less when it is replaced
  /// by one without records, 0 when nothing is sent.
  std::size_t limited(ResponseLimiter& limiter, const Peer& peer,
                      std::span<const std::uint8_t> octets, const Request& request,
                      const AnswerLimits& limits, bool has_cookie, const Imputation& imputation,
                      std::span<std::uint8_t> out, std::size_t size);
  /// The same for what is no answer to a plain query.
  std::size_t limited(const Context& context, std::size_t size) {
    ResponseLimiter* const limiter =
        limiter_of(*context.state.policy, context.peer, context.options);
    if (!limiter) return size;
    const Signer nobody;
    return limited(*limiter, context.peer, context.octets, context.request, context.limits(nobody),
                   context.options.has_cookie(), {}, context.out, size);
  }
  std::size_t handle_signed(const Context& context, std::size_t tsig_offset,
                            const std::function<SendLater()>& send_later,
                            std::unique_ptr<TransferOut>* transfer, StateReader* reader);
  std::size_t by_opcode(const Context& context, Signer& signer,
                        const std::function<SendLater()>& send_later,
                        std::unique_ptr<TransferOut>* transfer, StateReader* reader);
  std::size_t query(const Context& context, Signer& signer, std::unique_ptr<TransferOut>* transfer,
                    StateReader* reader);
  std::size_t update(const Context& context, Signer& signer,
                     const std::function<SendLater()>& send_later);
  std::size_t sig0_update(const Context& context, const std::function<SendLater()>& send_later);
  std::size_t transfer_out(const Context& context, Signer& signer,
                           std::unique_ptr<TransferOut>* transfer, StateReader* reader);
};

std::size_t Dispatcher::Impl::limited(ResponseLimiter& limiter, const Peer& peer,
                                      std::span<const std::uint8_t> octets, const Request& request,
                                      const AnswerLimits& limits, bool has_cookie,
                                      const Imputation& imputation, std::span<std::uint8_t> out,
                                      std::size_t size) {
  if (size < zones::HEADER_OCTETS) return size;
  const auto rcode = static_cast<Rcode>(out[3] & 0x0F);
  const ResponseLimiter::Kind kind = ResponseLimiter::kind_of(rcode, imputation);
  zones::NameView name;
  if (imputation.name_octets != 0) {
    name = {request.qname.data() + request.qname.size() - imputation.name_octets,
            imputation.name_octets};
  }
  const auto verdict = limiter.judge(peer.address, kind, name, ResponseLimiter::coarse_now());
  if (verdict == ResponseLimiter::Verdict::SEND) return size;
  log.rate_limited(limiter, peer, kind, name);
  if (verdict == ResponseLimiter::Verdict::DROP) {
    counters.limited_dropped.add();
    return 0;
  }
  counters.limited_truncated.add();
  // With the cookie that comes along it may ask again over UDP (RFC 7873 §5.2.3).
  if (has_cookie) return answer_error(octets, request, Rcode::BADCOOKIE, limits, out);
  return answer_truncated(octets, request, rcode, limits, out);
}

std::size_t Dispatcher::Impl::handle(const Context& context,
                                     const std::function<SendLater()>& send_later,
                                     std::unique_ptr<TransferOut>* transfer, StateReader* reader) {
  const Request& request = context.request;
  if (const std::size_t offset = tsig_offset_of(context); offset != 0) {
    return handle_signed(context, offset, send_later, transfer, reader);
  }
  Signer nobody;
  if (context.is_malformed) return limited(context, error(nobody, context, Rcode::FORMERR));
  if (request.signature_offset != 0 && request.opcode == Opcode::UPDATE) {
    return limited(context, sig0_update(context, send_later));
  }
  // RFC 2931 §3.2: a SIG(0) is ignored where it is optional.
  return limited(context, by_opcode(context, nobody, send_later, transfer, reader));
}

std::size_t Dispatcher::Impl::handle_signed(const Context& context, std::size_t tsig_offset,
                                            const std::function<SendLater()>& send_later,
                                            std::unique_ptr<TransferOut>* transfer,
                                            StateReader* reader) {
  Signer signer;
  signer.exchange.emplace(context.state.policy->keyring, context.state.policy->tsig);
  auto verified = signer.exchange->verify(context.octets, tsig_offset, context.now);
  if (verified) {
    signer.identity = std::move(*verified);
    if (context.is_malformed) return error(signer, context, Rcode::FORMERR);
    try {
      return by_opcode(context, signer, send_later, transfer, reader);
    } catch (const std::exception& failure) {
      log.failed(context.peer, failure.what());
      return error(signer, context, Rcode::SERVFAIL);
    }
  }
  log.bad_signature(context.state, context.octets, context.request, tsig_offset, context.peer,
                    verified.error());
  if (verified.error() == keys::TsigError::FORMERR) {
    Signer nobody;  // there is nothing sound to answer to
    return limited(context, error(nobody, context, Rcode::FORMERR));
  }
  return limited(context, error(signer, context, Rcode::NOTAUTH));  // RFC 8945 §5.2
}

std::size_t Dispatcher::Impl::by_opcode(const Context& context, Signer& signer,
                                        const std::function<SendLater()>& send_later,
                                        std::unique_ptr<TransferOut>* transfer,
                                        StateReader* reader) {
  const Request& request = context.request;
  // RFC 6891 §6.1.3
  if (request.has_edns && request.edns_version != 0) return error(signer, context, Rcode::BADVERS);
  if (request.opcode == Opcode::QUERY) return query(context, signer, transfer, reader);
  if (request.opcode == Opcode::UPDATE) return update(context, signer, send_later);
  // NOTIFY too: a server without it says so, and the sender is content (RFC 1996 §3.12).
  return error(signer, context, Rcode::NOTIMP, &why::NOT_SUPPORTED);
}

std::size_t Dispatcher::Impl::query(const Context& context, Signer& signer,
                                    std::unique_ptr<TransferOut>* transfer, StateReader* reader) {
  const Request& request = context.request;
  if (request.question_end == 0) return error(signer, context, judge_cookie(context));
  const AnswerLimits limits = context.limits(signer);
  std::size_t size = 0;
  if (request.qclass == Class::CH) {
    size =
        answer_chaos(context.state.policy->identity, context.octets, request, limits, context.out);
  } else if (request.qtype == Type::AXFR || request.qtype == Type::IXFR) {
    return transfer_out(context, signer, transfer, reader);
  } else {
    size = answer_query(context.state.catalogue, context.octets, request, limits, context.out);
  }
  return sign(signer, context, size);
}

std::size_t Dispatcher::Impl::update(const Context& context, Signer& signer,
                                     const std::function<SendLater()>& send_later) {
  auto message = zones::parse_message(context.octets);
  if (!message) {
    log.malformed_update(context.peer, zones::to_text(message.error()));
    return error(signer, context, Rcode::FORMERR);
  }
  const auto served = find_update_zone(context.state.catalogue, message->question);
  if (!served && served.error() == Rcode::FORMERR) {
    log.malformed_update(context.peer, "its zone section is not one SOA");
    return error(signer, context, Rcode::FORMERR);
  }
  const zones::NameView zone = message->question.front().name;
  // Grants come before prerequisites, so that strangers cannot probe a zone; and a stranger learns
  // that a zone is not served by any query.
  if (!signer.identity) {
    log.unsigned_update(context.peer, zone);
    return error(signer, context, Rcode::REFUSED, &NOT_SIGNED);
  }
  const zones::NameView key = signer.identity->key.name;
  if (!served) {
    log.update_not_served(context.peer, zone, key);
    // RFC 2136 §3.1.2
    return error(signer, context, Rcode::NOTAUTH, &why::NOT_AUTHORITATIVE);
  }
  auto responder = std::make_unique<UpdateResponder>(
      UpdateRequest(context.octets, context.request, context.state.policy->udp_octets,
                    context.options),
      signer.exchange, send_later(), clock);
  const keys::ZoneGrants* grants = context.state.policy->grants_of(zone);
  // The writer judges each record; a key without any grant does not come that far.
  if (!grants || !grants->may_update(key)) {
    log.update_not_granted(context.peer, zone, key);
    const zones::ExtendedError reason{zones::extended_error::PROHIBITED,
                                      "no grant lets this key update this zone"};
    responder->reply({.rcode = Rcode::REFUSED, .granted = {}, .reason = reason});
    return 0;
  }

  UpdateJob job;
  job.key = zones::Name(key);
  job.digest = digest_of(*signer.identity);
  job.source = context.peer.address;
  job.source_port = context.peer.port;
  job.source_proven = is_source_proven(context.peer, context.options);
  job.signed_at = signer.identity->signed_at;
  job.message = std::move(*message);
  job.responder = std::move(responder);
  if (!writer.submit(job)) {
    log.queue_full();
    const zones::ExtendedError reason{zones::extended_error::OTHER, "too many updates wait"};
    job.responder->reply({.rcode = Rcode::SERVFAIL, .granted = {}, .reason = reason});
  }
  return 0;
}

std::size_t Dispatcher::Impl::sig0_update(const Context& context,
                                          const std::function<SendLater()>& send_later) {
  Signer nobody;
  if (context.request.has_edns && context.request.edns_version != 0) {
    return error(nobody, context, Rcode::BADVERS);
  }
  const auto answer = sig0.take(context.state, context.octets, context.request, context.peer,
                                context.options, context.now, send_later);
  if (!answer) return 0;
  if (!answer->truncated) {
    return error(nobody, context, answer->rcode, answer->reason ? &*answer->reason : nullptr);
  }
  return answer_truncated(context.octets, context.request, answer->rcode, context.limits(nobody),
                          context.out);
}

std::size_t Dispatcher::Impl::transfer_out(const Context& context, Signer& signer,
                                           std::unique_ptr<TransferOut>* transfer,
                                           StateReader* reader) {
  const Request& request = context.request;
  const bool udp = context.peer.transport == Transport::UDP;
  // RFC 5936 §4.2: there is no AXFR over UDP.
  if (udp && request.qtype == Type::AXFR) return error(signer, context, Rcode::FORMERR);
  const auto zone = context.state.catalogue.zone(request.qname);
  if (request.qclass != Class::IN || !zone) {
    return error(signer, context, Rcode::NOTAUTH, &why::NOT_AUTHORITATIVE);
  }
  const keys::ZoneGrants* grants = context.state.policy->grants_of(request.qname);
  if (!signer.identity || !grants || !grants->may_transfer(signer.identity->key.name)) {
    log.transfer_refused(context.peer, zone->apex(),
                         signer.identity ? &signer.identity->key.name : nullptr);
    return error(signer, context, Rcode::REFUSED, signer.identity ? &NO_TRANSFER : &NOT_SIGNED);
  }
  if (request.qtype == Type::IXFR) {
    const auto message = zones::parse_message(context.octets);
    // RFC 1995 §3: the authority section holds the client's SOA.
    if (!message || message->authority.size() != 1 ||
        message->authority.front().type != Type::SOA) {
      return error(signer, context, Rcode::FORMERR);
    }
    const std::uint32_t client = zones::read_soa(message->authority.front().rdata).serial;
    if (udp || !zones::serial_less(client, zone->serial())) {
      return sign(signer, context,
                  answer_soa(context.octets, request, zone->apex(), zone->soa(),
                             context.limits(signer), context.out));
    }
  }
  auto slot = slots.take();
  auto pin = slot ? reader->pin() : std::nullopt;
  if (!pin) {
    log.too_many_transfers(context.peer, zone->apex());
    return error(signer, context, Rcode::SERVFAIL, &TOO_MANY_TRANSFERS);
  }
  *transfer = std::make_unique<TransferOut>(context.octets, request, std::move(*pin), zone->apex(),
                                            std::move(*slot), signer.exchange, clock,
                                            context.options.octets());
  return 0;
}

Dispatcher::Dispatcher(UpdateWriter& writer, Clock clock, std::size_t max_transfers,
                       const AuthLimits& sig0)
    : impl_(std::make_unique<Impl>(writer, std::move(clock), max_transfers, sig0)) {}

void Dispatcher::stop() { impl_->sig0.stop(); }

const DispatchCounters& Dispatcher::counters() const { return impl_->counters; }

Dispatcher::~Dispatcher() = default;

std::size_t Dispatcher::handle(const State& state, std::span<const std::uint8_t> octets,
                               const Peer& peer, std::span<std::uint8_t> out,
                               const std::function<SendLater()>& send_later,
                               std::unique_ptr<TransferOut>* transfer, StateReader* reader,
                               const zones::Glimpse& glimpse) {
  Request request;
  Parse parsed = parse_request(octets, request);
  if (parsed == Parse::DROP) return 0;
  request.glimpse = glimpse;
  AnswerOptions options;
  if (request.options != 0) {
    options.answer(*state.policy, request, peer, impl_->clock);
    // Clients must not send one (RFC 7828 §3.2.1); over UDP it is ignored (§3.3.1).
    if (request.asks(RequestOption::KEEPALIVE_TIME_OUT) && peer.transport == Transport::TCP) {
      parsed = Parse::FORMERR;
    }
  }
  const AnswerLimits unsigned_limits = limits_of(*state.policy, peer, options, 0);
  if (parsed == Parse::FORMERR && request.opcode == Opcode::UPDATE) {
    impl_->log.malformed_update(peer, "its sections are not whole");
  }
  // The way of nearly all: data, and no signature.
  if (parsed == Parse::OK && request.opcode == Opcode::QUERY && request.signature_offset == 0 &&
      request.qclass == Class::IN && request.qtype != Type::AXFR && request.qtype != Type::IXFR) {
    ResponseLimiter* const limiter = limiter_of(*state.policy, peer, options);
    if (!limiter) return answer_query(state.catalogue, octets, request, unsigned_limits, out);
    Imputation imputation;
    const std::size_t size =
        answer_query(state.catalogue, octets, request, unsigned_limits, out, &imputation);
    return impl_->limited(*limiter, peer, octets, request, unsigned_limits, options.has_cookie(),
                          imputation, out, size);
  }
  try {
    const Context context{.state = state,
                          .octets = octets,
                          .request = request,
                          .is_malformed = parsed == Parse::FORMERR,
                          .peer = peer,
                          .out = out,
                          .now = impl_->clock(),
                          .options = options};
    return impl_->handle(context, send_later, transfer, reader);
  } catch (const std::exception& failure) {
    impl_->log.failed(peer, failure.what());
    return answer_error(octets, request, Rcode::SERVFAIL, unsigned_limits, out);
  }
}

}  // namespace dnsd
