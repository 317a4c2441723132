// Server: owns threads, sockets and the store, wires the rest together; ordered start and stop.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "dnsd/config.h"

namespace dnsd {

/// The server cannot start; what() is one line for the operator.
class StartError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Server {
 public:
  /// Opens the store, imports zone files of zones that it lacks, loads it, binds the sockets, gives
  /// up privileges, starts the threads, says that it is ready (log, sd_notify). Blocks as long as
  /// loading takes. Throws StartError, and has then stopped what it had started.
  /// @param before_threads  called after privileges are gone and before the first thread starts;
  /// the
  ///        threads inherit the caller's signal mask
  explicit Server(Config config, const std::function<void()>& before_threads = {});
  /// Stops as stop() does.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// What the sockets are bound to, in the order of `listen`, with the ports that were free for
  /// port 0.
  const std::vector<Endpoint>& endpoints() const;
  /// Applies keys, grants and the log level of `config`; no query is lost and no connection closed.
  /// What needs a restart is named in the log. Returns when the new policy is in force.
  void reload(const Config& config);
  /// Takes no more requests, answers the updates that wait, completes the checkpoint, ends all
  /// threads.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dnsd
