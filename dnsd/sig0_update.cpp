#include "dnsd/sig0_update.h"

#include <algorithm>
#include <utility>

#include "dnsd/first_come.h"
#include "dnsd/signers.h"
#include "dnsd/update_responder.h"
#include "keys/sig0.h"
#include "zones/message.h"
#include "zones/wire_reader.h"

namespace dnsd {
namespace {

using zones::Class;
using zones::Rcode;
using zones::Type;

/// For the log, of a SIG that was refused; the root when it cannot be read.
zones::Name claimed_signer(std::span<const std::uint8_t> octets, std::size_t sig_offset) {
  constexpr std::size_t TYPE_TO_RDLENGTH = 10;
  constexpr std::size_t TYPE_COVERED_TO_KEY_TAG = 18;  // RFC 2535 §4.1
  zones::WireReader reader(octets, sig_offset);
  reader.skip_name();
  reader.skip(TYPE_TO_RDLENGTH + TYPE_COVERED_TO_KEY_TAG);
  const zones::Name signer = reader.uncompressed_name();
  return reader.failed() ? zones::Name() : signer;
}

Sig0Answer refused(const char* text) {
  return {Rcode::REFUSED, false, zones::ExtendedErrorView{zones::extended_error::PROHIBITED, text}};
}

const char* why_no_key(const Policy& policy, zones::NameView signer) {
  if (policy.keyring.find(signer)) {
    return "the configuration has a TSIG key of that name, so KEY records there do not count";
  }
  return "no KEY record of that name, nor [[key]] with public-key, has this algorithm and key tag";
}

/// Takes the result of a check to the writer, or the refusal to the client.
class Waiter : public AuthWaiter {
 public:
  /// @param signing  of the answer, when the signature is good and the server has a key
  Waiter(UpdateWriter& writer, DispatchLog& log, const Peer& peer, UpdateJob job,
         std::unique_ptr<UpdateResponder> responder, Sig0Signing signing)
      : writer_(writer),
        log_(log),
        peer_(peer),
        job_(std::move(job)),
        responder_(responder.get()),
        signing_(std::move(signing)) {
    job_.responder = std::move(responder);
  }

  void accepted(Sig0Identity identity) override {
    if (signing_.key) responder_->sign_by(std::move(signing_));
    job_.public_key = std::move(identity.key);
    job_.digest = identity.digest;
    job_.signed_at = identity.signed_at;
    if (writer_.submit(job_)) return;
    log_.queue_full();
    answer(Rcode::SERVFAIL);
  }

  void refused(keys::Sig0Error error) override {
    log_.sig0_refused(peer_, zone(), job_.key, keys::to_text(error));
    answer(Rcode::REFUSED, keys::to_text(error));
  }

  void failed(const char* what) override {
    log_.failed(peer_, what);
    answer(Rcode::SERVFAIL);
  }

 private:
  zones::NameView zone() const { return job_.message.question.front().name; }
  void answer(Rcode rcode, const char* why = nullptr) {
    UpdateReply reply{.rcode = rcode, .granted = {}, .reason = {}};
    if (why != nullptr) reply.reason = {zones::extended_error::PROHIBITED, why};
    job_.responder->reply(reply);
  }

  UpdateWriter& writer_;
  DispatchLog& log_;
  const Peer peer_;
  UpdateJob job_;
  UpdateResponder* responder_;  // of the job
  Sig0Signing signing_;
};

}  // namespace

Sig0Updates::Sig0Updates(UpdateWriter& writer, DispatchLog& log, const AuthLimits& limits,
                         Dispatcher::Clock clock)
    : writer_(writer), log_(log), clock_(std::move(clock)), pool_(limits, clock_) {}

Sig0Updates::~Sig0Updates() = default;

std::optional<Sig0Answer> Sig0Updates::take(const State& state,
                                            std::span<const std::uint8_t> octets,
                                            const Request& request, const Peer& peer,
                                            const AnswerOptions& options,
                                            std::chrono::sys_seconds now,
                                            const std::function<SendLater()>& send_later) {
  const auto sig = keys::read_sig0(octets, request.signature_offset, now);
  if (!sig) {
    log_.sig0_refused(peer, request.qname, claimed_signer(octets, request.signature_offset),
                      keys::to_text(sig.error()));
    if (sig.error() == keys::Sig0Error::FORMERR) return Sig0Answer{Rcode::FORMERR};
    return refused(keys::to_text(sig.error()));
  }
  if (request.qtype != Type::SOA) {  // RFC 2136 §3.1.1
    log_.malformed_update(peer, "its zone section is not one SOA");
    return Sig0Answer{Rcode::FORMERR};
  }
  const zones::NameView signer = sig->signer;
  const auto zone = state.catalogue.zone(request.qname);
  if (request.qclass != Class::IN || !zone) {
    log_.update_not_served(peer, request.qname, signer);
    return Sig0Answer{Rcode::NOTAUTH, false, why::NOT_AUTHORITATIVE};  // RFC 2136 §3.1.2
  }
  const Policy& policy = *state.policy;
  AuthJob job;
  job.candidates = candidate_keys(state.catalogue, policy, signer, sig->algorithm, sig->key_tag);
  const bool claims = job.candidates.empty() && may_be_claimed(*zone, policy, signer);
  if (job.candidates.empty() && !claims) {
    log_.sig0_refused(peer, request.qname, signer, why_no_key(policy, signer));
    return refused("no such key");
  }
  const keys::ZoneGrants* grants = policy.grants_of(request.qname);
  const bool may_update = is_first_come(state.catalogue, policy, signer)
                              ? may_be_held(*zone, policy, signer)
                              : grants != nullptr && grants->may_update(signer);
  if (!may_update) {
    log_.update_not_granted(peer, request.qname, signer);
    return refused("no grant lets this key update this zone");
  }

  const bool tcp = peer.transport == Transport::TCP;
  job.source_proven = is_source_proven(peer, options);
  const auto busy = [&](AuthPool::Admission why) {
    log_.sig0_busy(peer, job.source_proven, why);
    if (job.source_proven) return Sig0Answer{Rcode::SERVFAIL};
    // Who speaks cookies comes again with the one that is in this answer (RFC 7873 §5.2.3).
    if (options.has_cookie()) return Sig0Answer{Rcode::BADCOOKIE};
    return Sig0Answer{Rcode::SERVFAIL, true};
  };
  const AuthPool::Admission admission = pool_.admit(peer.address, job.source_proven);
  if (admission != AuthPool::Admission::ADMITTED) return busy(admission);
  auto message = zones::parse_message(octets);
  if (!message) {
    log_.malformed_update(peer, zones::to_text(message.error()));
    return Sig0Answer{Rcode::FORMERR};
  }
  if (claims) {
    job.candidates = claiming_keys(*message, signer, sig->algorithm, sig->key_tag);
    if (job.candidates.empty()) {
      log_.sig0_refused(peer, request.qname, signer,
                        "the name is free, but the update brings no KEY record that could have "
                        "signed it");
      return refused("no such key");
    }
  }

  UpdateJob update;
  update.key = zones::Name(signer);
  update.signed_by = zones::SignedBy::SIG0;
  update.source = peer.address;
  update.source_port = peer.port;
  update.source_proven = job.source_proven;
  update.message = std::move(*message);
  Sig0Signing signing;
  if (policy.server_key) {
    signing.key = policy.server_key;
    signing.request.assign(octets.begin(), octets.end());
    signing.max_octets = tcp ? zones::MAX_MESSAGE_OCTETS
                             : std::min<std::size_t>(
                                   request.udp_octets,
                                   std::max<std::size_t>(policy.udp_octets, zones::MIN_UDP_OCTETS));
    signing.pool = &pool_;
  }
  auto responder =
      std::make_unique<UpdateResponder>(UpdateRequest(octets, request, policy.udp_octets, options),
                                        std::nullopt, send_later(), clock_);
  Responder* const if_full = responder.get();
  job.octets.assign(octets.begin(), octets.end());
  job.signature_offset = request.signature_offset;
  job.source = peer.address;
  job.waiter = std::make_unique<Waiter>(writer_, log_, peer, std::move(update),
                                        std::move(responder), std::move(signing));
  if (pool_.submit(job)) return std::nullopt;
  const Sig0Answer answer = busy(AuthPool::Admission::BUSY);
  if (!tcp) return answer;
  // A connection counts the answers that it still owes.
  if_full->reply({.rcode = answer.rcode, .granted = {}, .reason = {}});
  return std::nullopt;
}

}  // namespace dnsd
