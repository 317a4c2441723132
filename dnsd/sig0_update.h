// UPDATEs signed by SIG(0): all that can be told without a public-key operation, then through the
// pool to the writer (RFC 2931, RFC 3007).
#pragma once

#include <optional>
#include <span>

#include "dnsd/answer_options.h"
#include "dnsd/auth_pool.h"
#include "dnsd/dispatch.h"
#include "dnsd/dispatch_log.h"
#include "dnsd/query.h"
#include "dnsd/update_writer.h"

namespace dnsd {

/// What is answered at once, unsigned.
struct Sig0Answer {
  zones::Rcode rcode{};
  /// Come again over TCP. With SERVFAIL: BIND's nsupdate does not look at TC, and NOERROR would
  /// tell it that the update is stored.
  bool truncated = false;
  std::optional<zones::ExtendedErrorView> reason{};  // its text is a literal
};

class Sig0Updates {
 public:
  Sig0Updates(UpdateWriter& writer, DispatchLog& log, const AuthLimits& limits,
              Dispatcher::Clock clock);
  ~Sig0Updates();

  /// Takes an UPDATE whose last record is a SIG(0). Checked in this order, each before what costs
  /// more: form and times of the SIG, zone, a candidate key of that name, algorithm and key tag, a
  /// grant to that name, the sender's budget and room in the queue, form of the message; the
  /// signature itself is checked by the pool, and the writer looks for key and grant again. RFC
  /// 2931 §3.2 has a signature fail where one is needed: then it is as if there were none, so all
  /// failures but of form are REFUSED (RFC 2136 §3.3, RFC 3007 §2).
  ///
  /// @param options  of the answer; whether the request's cookie is good
  /// @return the answer when there is one at once; nothing: it comes later
  std::optional<Sig0Answer> take(const State& state, std::span<const std::uint8_t> octets,
                                 const Request& request, const Peer& peer,
                                 const AnswerOptions& options, std::chrono::sys_seconds now,
                                 const std::function<SendLater()>& send_later);
  /// Checks what waits, and takes no more.
  void stop() { pool_.stop(); }

 private:
  UpdateWriter& writer_;
  DispatchLog& log_;
  const Dispatcher::Clock clock_;
  AuthPool pool_;
};

}  // namespace dnsd
