// Self-service: a subscriber logs in with the host's key, sees what it has published and what
// became of it, announces by hand (RFC 7393 §3.1), and gets an agent's configuration.
#pragma once

#include <array>
#include <chrono>
#include <functional>

#include "dnsd/history_reader.h"
#include "dnsd/http/account_page.h"
#include "dnsd/http/handler.h"
#include "dnsd/http/login.h"
#include "dnsd/log.h"
#include "dnsd/source_budget.h"
#include "dnsd/update_writer.h"

namespace dnsd::http {

/// GET and POST /account/, over TLS only; /account leads there. User and password are those of dyndns2: a key's name and
/// its secret. Without a "host" parameter the page is about the host that is called as the key.
///
/// A form must come from the page itself: a browser says so (Sec-Fetch-Site, Origin), and the form has a
/// token that only the page of this key and this run of the server had. What it asks for goes to
/// the writer as every update does; the answer leads back to the page, so that loading it again
/// sends nothing again.
class AccountHandler : public Handler {
 public:
  using Clock = UpdateWriter::Clock;
  static constexpr std::uint32_t PAGES_PER_SECOND = 3;  // of one key; more have no history

  AccountHandler(UpdateWriter& writer, HistoryReader& history, LoginGate& gate, Clock clock);

  /// @param takes  as Routes::add() has it
  void add_to(Routes& routes, const std::function<bool(const Request&)>& takes);
  void handle(const Request& request, const State& state, Responder responder) override;

 private:
  void show(const Request& request, const State& state, const zones::Name& key,
            Responder responder);
  void announce(const Request& request, const State& state, const zones::Name& key,
                Responder responder);
  using Mac = std::array<std::uint8_t, 16>;
  Mac mac_of(const zones::Name& key) const;  // for this run of the server
  std::string form_token(const zones::Name& key) const;

  UpdateWriter& writer_;
  HistoryReader& history_;
  LoginGate& gate_;
  const Clock clock_;
  std::array<std::uint8_t, 32> mac_key_{};
  SourceBudget pages_{PAGES_PER_SECOND};
  LogLimiter log_limiter_;
};

}  // namespace dnsd::http
