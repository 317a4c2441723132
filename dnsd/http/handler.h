// Handlers: what answers requests; and the paths by which one is found.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "dnsd/http/message.h"
#include "dnsd/state.h"

namespace dnsd::http {

/// The right to answer one request, once, now or later and from any thread; after the client is
/// gone nothing happens. When it is destroyed without an answer, the client gets a 500; when it is
/// kept for longer than `answer-timeout`, a 503.
class Responder {
 public:
  using Send = std::function<void(Response&&)>;  // called at most once

  explicit Responder(Send send) : send_(std::move(send)) {}
  Responder(Responder&& other) noexcept : send_(std::exchange(other.send_, nullptr)) {}
  Responder& operator=(Responder&& other) = delete;
  ~Responder() {
    if (send_) send(Response::text(500, "no answer\n"));
  }
  void send(Response response) {
    if (Send taken = std::exchange(send_, nullptr)) taken(std::move(response));
  }

 private:
  Send send_;
};

/// Answers requests; called by the HTTP threads, by several at a time when there are several. It
/// must not block: what takes time is handed to another thread together with the responder.
/// @note  the listener must be stopped before the handler is destroyed
class Handler {
 public:
  virtual ~Handler() = default;
  /// @param state  the newest published state, valid during the call only
  virtual void handle(const Request& request, const State& state, Responder responder) = 0;
};

/// Which handler a path belongs to. Filled before the listener starts, constant from then on.
class Routes {
 public:
  /// `path` exactly as it is in the target, without query: "/nic/update".
  /// @param takes  when given, requests it says no to go on to the fallback: on the portal's
  ///               addresses a path also belongs to each name that is redirected
  void add(std::string path, Handler& handler, std::function<bool(const Request&)> takes = {}) {
    by_path_.insert_or_assign(std::move(path), Route{&handler, std::move(takes)});
  }
  /// For all other paths; without one they get a 404.
  void set_fallback(Handler& handler) { fallback_ = &handler; }

  Handler* find(const Request& request) const {
    const auto found = by_path_.find(request.path);
    if (found == by_path_.end()) return fallback_;
    if (found->second.takes && !found->second.takes(request)) return fallback_;
    return found->second.handler;
  }

 private:
  struct Route {
    Handler* handler;
    std::function<bool(const Request&)> takes;
  };
  std::map<std::string, Route, std::less<>> by_path_;
  Handler* fallback_ = nullptr;
};

}  // namespace dnsd::http
