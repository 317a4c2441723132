// The answer to an UPDATE, made when the writer has decided: zone section, OPT, signature.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "dnsd/answer_options.h"
#include "dnsd/auth_pool.h"
#include "dnsd/dispatch.h"
#include "dnsd/query.h"
#include "dnsd/update_writer.h"
#include "keys/public_key.h"
#include "keys/tsig.h"

namespace dnsd {

/// What an answer takes over from its request; owns it.
struct UpdateRequest {
  UpdateRequest(std::span<const std::uint8_t> octets, const Request& request,
                std::uint16_t own_udp_octets, const AnswerOptions& its_options);

  std::uint16_t id;
  std::vector<std::uint8_t> zone_section;
  bool has_edns;
  bool edns_do;
  std::uint16_t udp_octets;                // what our OPT says
  std::vector<zones::EdnsOption> options;  // for our OPT
};

/// How an answer is signed by SIG(0).
struct Sig0Signing {
  std::shared_ptr<const keys::PrivateKey> key;
  std::vector<std::uint8_t> request;  // the whole message (RFC 2931 §3.1)
  std::size_t max_octets = 0;         // an answer that would be larger goes unsigned
  AuthPool* pool = nullptr;           // where it is signed
};

class UpdateResponder : public Responder {
 public:
  using Clock = Dispatcher::Clock;
  /// @param exchange  signs the answer; none: it is unsigned
  UpdateResponder(UpdateRequest request, std::optional<keys::TsigExchange> exchange, SendLater send,
                  Clock clock)
      : request_(std::move(request)),
        exchange_(std::move(exchange)),
        send_(std::move(send)),
        clock_(std::move(clock)) {}

  void reply(const UpdateReply& reply) override;
  /// From here on the answer is signed by the server's key. Before the job goes to the writer.
  void sign_by(Sig0Signing signing) { signing_ = std::move(signing); }

 private:
  const UpdateRequest request_;
  std::optional<keys::TsigExchange> exchange_;
  std::optional<Sig0Signing> signing_;
  const SendLater send_;
  const Clock clock_;
};

}  // namespace dnsd
